"""Which reader gets which files."""

from pathlib import Path

import pytest

from unrolled.data.readers import suffixes
from unrolled.data.readers.registry import READERS, find_reader, is_plain_text, open_source, suffix_of
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError

TABLE = "a,b,label\n" + "".join(f"{n}.5,{n % 3}.25,{'xy'[n % 2]}\n" for n in range(6))


def write(folder: Path, *names: str, text: str = TABLE) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("names", "module"),
    [
        (("a.oga", "b.opus", "c.aiff", "d.aif", "e.au"), "audio"),
        (("a.m4v",), "video"),
        (("a.GIF",), "video"),
        (("a.mpg", "b.wmv"), "video"),
        (("a.iob2",), "conll"),
        (("x.fa.gz",), "fasta"),
        (("x.csv", "README.md", ".hidden.wav"), "tables"),
        (("1.wav", "2.wav", "labels.csv"), "audio"),
        ((".git/a.wav", ".git/b.wav", "x.csv"), "tables"),
    ],
)
def test_a_folder_of_files_of_a_kind(names: tuple[str, ...], module: str, tmp_path: Path) -> None:
    reader = find_reader([write(tmp_path, *names)], Reading())
    assert reader is not None
    assert reader[0] == module


def test_every_suffix_of_a_reader_is_known() -> None:
    kinds = {
        *(suffixes.AUDIO, suffixes.VIDEO, suffixes.EDF, suffixes.WFDB, suffixes.ARRAYS, suffixes.TABLES),
        *(suffixes.FASTA, suffixes.CONLL, suffixes.TS, suffixes.TSF, suffixes.ARFF),
    }
    assert set(READERS) == {suffix for kind in kinds for suffix in kind} == set(suffixes.EVERY)
    assert len({READERS[kind[0]] for kind in kinds}) == len(kinds)
    assert [suffix_of(Path(name)) for name in ("a.FA.GZ", "b.c.CSV", "c", "d.gz")] == [".fa", ".csv", "", ".gz"]


def test_plain_text_and_what_nothing_knows(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", text="Some prose.\n")
    assert is_plain_text([tmp_path / "a.txt"])
    assert is_plain_text([tmp_path])
    with pytest.raises(UserError, match=r"cannot tell what .*a\.txt holds"):
        open_source([tmp_path / "a.txt"], Reading(), Notes())


def test_a_folder_with_one_table_stands_for_the_table(tmp_path: Path) -> None:
    write(tmp_path, "inside/table.csv")
    write(tmp_path, "README.md", "LICENSE", text="About it.\n")
    notes = Notes()
    source = open_source([tmp_path], Reading(), notes)
    assert len(source) == 6
    assert source.record(2).origin == f"{tmp_path}/inside/table.csv, row 3"
    assert notes.counts == {"files of another kind, left out": 2}
    write(tmp_path, "other.csv")
    with pytest.raises(UserError, match=r"one at a time, and 2 were given: .*other\.csv, .*table\.csv; name one"):
        open_source([tmp_path], Reading(), Notes())


def test_a_folder_with_a_file_of_genes_for_each_class(tmp_path: Path) -> None:
    for name in ("phage.fasta", "plasmid.fa"):
        write(tmp_path, name, text=">a\nACGT\n>b\nGGT\n")
    source = open_source([tmp_path], Reading(), Notes())
    assert source.labels("label") == ["phage", "phage", "plasmid", "plasmid"]


def test_files_of_several_kinds(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "b.fa")
    with pytest.raises(UserError, match=r"several kinds \(\.csv, \.fa\)"):
        find_reader([tmp_path / "a.csv", tmp_path / "b.fa"], Reading())


def test_texts_beside_recordings_are_no_labelled_text(tmp_path: Path) -> None:
    names = [f"{label}/{n}" for label in ("cat", "dog") for n in range(3)]
    write(tmp_path, *(f"{name}.txt" for name in names))
    assert find_reader([tmp_path], Reading()) == ("labelled_text", "read_text_folders")
    write(tmp_path, *(f"{name}.wav" for name in names))
    assert find_reader([tmp_path], Reading()) == ("audio", "read_audio")
