from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.readers.conll import looks_like, read_conll
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError

WORDS = st.text("abcäO#-@.", min_size=1, max_size=5)
SENTENCES = st.lists(st.lists(st.tuples(WORDS, st.sampled_from(["O", "B-x", "I-x"])), min_size=1), min_size=1)


@given(sentences=SENTENCES, blank=st.sampled_from(["\n", "\n\n", "\t\n", " \r\n"]), end=st.booleans())
def test_sentences_come_back(
    tmp_path_factory: pytest.TempPathFactory, sentences: list[list[tuple[str, str]]], blank: str, end: bool
) -> None:
    path = tmp_path_factory.mktemp("conll") / "a.conll"
    parts = ["".join(f"{token}\t{tag}\n" for token, tag in sentence) for sentence in sentences]
    text = blank.join(parts)
    path.write_text(text if end else text.rstrip("\n"), encoding="utf-8", newline="")
    source = read_conll([path], Reading(), Notes())
    read = [list(zip(r.values["tokens"], r.values["tags"], strict=True)) for r in source]
    assert read == sentences


def test_comments_and_columns_between(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("-DOCSTART- -X- O\n\n# sent 1\nEU NNP B-ORG\n# note\nrejects VBZ O\n\n\n#\tNN\tO\n")
    notes = Notes()
    with pytest.raises(UserError, match="columns"):
        read_conll([_write(tmp_path / "b.conll", "a O\n# x\nb\tc\tO\n")], Reading(), Notes())
    source = read_conll([path], Reading(), notes)
    assert [record.values["tokens"] for record in source] == [["EU", "rejects"], ["#"]]
    assert [record.values["tags"] for record in source] == [["B-ORG", "O"], ["O"]]
    assert notes.counts == {"comment lines left out": 3}
    assert source.record(0).origin == f"{path}, line 3"


def test_the_content_tells_where_the_name_does_not(tmp_path: Path) -> None:
    path = _write(tmp_path / "emerging.test.annotated", "a\tO\nb\tB-x\n\nc\tO\n")
    assert looks_like(path, Reading())
    assert not looks_like(_write(tmp_path / "b.txt", "Some prose.\n\nMore of it, longer.\n"), Reading())
    assert not looks_like(_write(tmp_path / "c.tsv", "9\tO\n8\tO\n"), Reading())


def test_several_files_are_one_source(tmp_path: Path) -> None:
    paths = [_write(tmp_path / name, text) for name, text in (("a.conll", "a\tO\n"), ("b.conll", "b\tO\n\nc\tO\n"))]
    assert [record.values["tokens"] for record in read_conll(paths, Reading(), Notes())] == [["a"], ["b"], ["c"]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"a\.conll is empty"),
        (b"\n\n", r"has no tokens"),
        (b"a\tO\nb\n", r"line 2 has 1 column, expected 2 as in the first"),
        (b"a\tO\nb\tX\tO\n", r"line 2 has 3 columns"),
        (b"a\nb\n", r"line 1 has 1 column, expected a token and its tag"),
        (b"a\tO\n\xff\tO\n", r"line 2: byte 0xff is not UTF-8"),
    ],
)
def test_damaged_files(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.conll"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_conll([path], Reading(), Notes())


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
