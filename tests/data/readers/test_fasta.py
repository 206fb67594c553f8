import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.readers.fasta import FastaSource, read_fasta
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError


def read(folder: Path, text: str, reading: Reading | None = None, notes: Notes | None = None) -> FastaSource:
    path = folder / "toy.fasta"
    path.write_text(text)
    return read_fasta([path], reading or Reading(), notes or Notes())


@given(
    sequences=st.lists(st.text("ACGTacgtN", min_size=1, max_size=30), min_size=1, max_size=5),
    width=st.integers(1, 12),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_wrapped_sequences_are_joined(
    tmp_path_factory: pytest.TempPathFactory, sequences: list[str], width: int, end: str
) -> None:
    path = tmp_path_factory.mktemp("fasta") / "toy.fa"
    lines = []
    for number, sequence in enumerate(sequences):
        lines += [f">s{number}", *(sequence[start : start + width] for start in range(0, len(sequence), width)), ""]
    path.write_bytes(end.join(lines).encode())
    source = read_fasta([path], Reading(), Notes())
    assert [record.values["sequence"] for record in source] == [sequence.upper() for sequence in sequences]


def test_compressed_files_and_origins(tmp_path: Path) -> None:
    path = tmp_path / "toy.fa.gz"
    path.write_bytes(gzip.compress(b">a\nAC\nGT\n>b\nTT\n"))
    records = list(read_fasta([path], Reading(), Notes()))
    assert [record.values["sequence"] for record in records] == ["ACGT", "TT"]
    assert records[1].origin == f"{path}, line 4"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UserError, match=r"toy\.fa\.gz cannot be decompressed after line"):
        read_fasta([path], Reading(), Notes())


@pytest.mark.parametrize(
    ("headers", "target", "labels"),
    [
        (["a EI", "b IE", "c EI"], None, ["EI", "IE", "EI"]),
        (["a|EI", "b|IE", "c|EI"], None, ["EI", "IE", "EI"]),
        (["a len=4 label=x", "b len=5 label=y", "c label=x"], None, ["x", "y", "x"]),
        (["a kind=x", 'b kind="y z"', "c kind=x"], "kind", ["x", "y z", "x"]),
        (["a one", "b two", "c three"], None, None),  # all different: a description, not a class
        (["a x", "b", "c x"], None, None),
        (["a x", "b x", "c x"], None, None),
    ],
)
def test_labels_in_headers(tmp_path: Path, headers: list[str], target: str | None, labels: list[str] | None) -> None:
    source = read(tmp_path, "".join(f">{header}\nACGT\n" for header in headers), Reading(target=target))
    name = target or "label"
    assert source.labels(name) == labels
    assert [record.values.get(name) for record in source] == (labels or [None] * 3)


def test_labels_from_a_pattern_a_table_and_file_names(tmp_path: Path) -> None:
    text = ">s1 cat\nAC\n>s2 dog\nGT\n>s3 x9\nTT\n"
    notes = Notes()
    source = read(tmp_path, text, Reading(labels=r"(?P<group>s\d) (?P<label>[a-z]+)$"), notes)
    assert (source.labels("label"), source.groups("group")) == (["cat", "dog"], ["s1", "s2"])
    assert notes.counts == {"sequences whose headers do not match the pattern, left out": 1}

    table = tmp_path / "labels.csv"
    table.write_text("id,label\ns3,x\ns1,y\ns9,z\n")
    notes = Notes()
    source = read(tmp_path, text, Reading(labels=str(table)), notes)
    assert source.labels("label") == ["y", "x"]
    assert [record.values["sequence"] for record in source] == ["AC", "TT"]
    assert list(notes.counts.values()) == [1, 1]

    paths = [tmp_path / "donor.fa", tmp_path / "acceptor.fa"]
    for path in paths:
        path.write_text(">1\nAC\n>2\nGT\n")
    assert read_fasta(paths, Reading(), Notes()).labels("label") == ["donor", "donor", "acceptor", "acceptor"]


def test_strange_letters_are_kept_and_counted(tmp_path: Path) -> None:
    notes = Notes()
    source = read(tmp_path, f">a\n{'ACGT' * 12} TRY!E\n", notes=notes)
    assert source.record(0).values["sequence"].endswith("TRY!E")
    assert notes.counts == {"characters that are no codes of nucleotides (! E), kept": 2}
    notes = Notes()
    read(tmp_path, ">a\nMKWVTFISLLFLFSSAYS*\n", notes=notes)
    assert not notes.counts


def test_fastq_has_a_quality_per_letter(tmp_path: Path) -> None:
    source = read(tmp_path, "@r1 x\nacgt\n+\n!5I~\n@r2 y\nAC\n+r2\n@@\n@r3 x\nA\n+\n+\n")
    first, second, third = source
    assert (first.values["sequence"], second.values["sequence"]) == ("ACGT", "AC")
    np.testing.assert_array_equal(first.values["quality"], np.array([[0], [20], [40], [93]], dtype=np.float32))
    np.testing.assert_array_equal(second.values["quality"], np.array([[31], [31]], dtype=np.float32))
    assert third.values["label"] == "x"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"is empty"),
        ("\n\n", r"is empty"),
        ("ACGT\n>a\nAC\n", r"line 1: found 'ACGT' before the first header"),
        (">a\nAC\n>b\n>c\nGT\n", r"line 3: the record '>b' has no sequence \(length 0\)"),
        (">a\nAC\n>b\n", r"line 3: the record '>b' has no sequence"),
        ("@a\nAC\n+\nII\n@b\nAC\n", r"line 5: the last record is cut short"),
        ("@a\nAC\n+\nI\n", r"line 4: the quality has 1 characters, the sequence 2"),
        ("@a\nAC\nII\n@b\n", r"line 3: found 'II', expected the line \+"),
        ("@a\nAC\n+\nII\nAC\n", r"line 5: found 'AC', expected a header that begins with @"),
        ("@a\n\n+\n\n", r"line 1: the record '@a' has no sequence"),
        (">a label=x\nA\n>b\nC\n", r"line 3: the header has no label="),
    ],
)
def test_what_does_not_fit_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(tmp_path, text)


def test_readings_that_cannot_work(tmp_path: Path) -> None:
    text = ">a kind=x\nAC\n"
    with pytest.raises(UserError, match=r"line 1: the header has no kin=; it has kind"):
        read(tmp_path, text, Reading(target="kin"))
    with pytest.raises(UserError, match="no header matches"):
        read(tmp_path, text, Reading(labels=r"(?P<label>zzz)"))
    with pytest.raises(UserError, match="--group who needs"):
        read(tmp_path, text, Reading(group="who"))
    table = tmp_path / "labels.csv"
    table.write_text("id,label\nq,1\n")
    with pytest.raises(UserError, match="lists none of the sequences, for example not 'a'"):
        read(tmp_path, text, Reading(labels=str(table)))
    (tmp_path / "q.fq").write_text("@a\nA\n+\nI\n")
    with pytest.raises(UserError, match="mix FASTA and FASTQ"):
        read_fasta([tmp_path / "toy.fasta", tmp_path / "q.fq"], Reading(), Notes())
    (tmp_path / "latin.fa").write_bytes(b">a\nAC\n>\xe4\nAC\n")
    with pytest.raises(UserError, match=r"line 3: byte 0xe4 is not UTF-8"):
        read_fasta([tmp_path / "latin.fa"], Reading(), Notes())
