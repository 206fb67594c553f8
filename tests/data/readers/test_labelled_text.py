from pathlib import Path

import pytest

from unrolled.data.readers.labelled_text import looks_like, read_text_folders
from unrolled.data.readers.tables import read_table, table_layout
from unrolled.data.records import Notes, Reading, Source
from unrolled.errors import UserError


def read(folder: Path, name: str, text: str, notes: Notes | None = None, **reading: object) -> Source:
    path = folder / name
    path.write_text(text)
    assert table_layout(path, Reading(**reading)) == "labelled-text"  # type: ignore[arg-type]
    return read_table([path], Reading(**reading), Notes() if notes is None else notes)  # type: ignore[arg-type]


def pairs(source: Source) -> list[tuple[str, object]]:
    text = next(field.name for field in source.fields if field.kind == "text")
    label = next(field.name for field in source.fields if field.kind == "categorical")
    return [(record.values[text], record.values[label]) for record in source]


EXPRESSIONS = [("( [MAX 2 9 ] )", "9"), ("( [MIN 2 9 ] )", "2"), ('( "quoted )', "2"), ("( 9 )", "9")]


@pytest.mark.parametrize("label_first", [True, False])
def test_either_order_without_a_header(tmp_path: Path, label_first: bool) -> None:
    lines = [f"{label}\t{text}" if label_first else f"{text}\t{label}" for text, label in EXPRESSIONS]
    source = read(tmp_path, "a.tsv", "\n".join(lines) + "\n")
    assert [field.name for field in source.fields] == ["text", "label"]
    assert pairs(source) == EXPRESSIONS
    assert source.labels("label") == [label for _, label in EXPRESSIONS]
    assert source.target_guess == "label"  # type: ignore[attr-defined]


def test_a_csv_with_a_header_and_quotes(tmp_path: Path) -> None:
    source = read(tmp_path, "a.csv", 'review,sentiment\n"good, very",pos\n"two\nlines",neg\nwell,pos\n')
    assert pairs(source) == [("good, very", "pos"), ("two\nlines", "neg"), ("well", "pos")]


def test_several_labels(tmp_path: Path) -> None:
    source = read(tmp_path, "a.csv", "text,label\na b,x|y\nc d,y\n")
    assert pairs(source) == [("a b", ("x", "y")), ("c d", ("y",))]


def test_empty_text_is_left_out_and_a_missing_label_unknown(tmp_path: Path) -> None:
    notes = Notes()
    source = read(tmp_path, "a.csv", "text,label\na b,x\n,y\nc d,\n", notes)
    assert pairs(source) == [("a b", "x"), ("c d", None)]
    assert source.record(1).origin.endswith("row 3")
    assert notes.counts == {"rows left out, since their text is empty": 1, "rows without a label": 1}


def test_a_line_with_too_many_fields(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("pos\tgood one\nneg\tbad\tone\n")
    with pytest.raises(UserError, match=r"a\.tsv, line 2 has 3 fields, expected 2"):
        table_layout(path, Reading())


def folders(root: Path) -> Path:
    files = {"pos/1.txt": "good", "pos/2.txt": "fine", "neg/1.txt": "bad", "neg/empty.txt": "", "neg/x.png": "x"}
    for name, text in {**files, "README": "stray", ".git/a.txt": "hidden"}.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    return root


def test_a_folder_per_class(tmp_path: Path) -> None:
    notes = Notes()
    root = folders(tmp_path)
    assert looks_like(root, Reading())
    source = read_text_folders([root], Reading(), notes)
    assert pairs(source) == [("bad", "neg"), ("good", "pos"), ("fine", "pos")]
    assert source.labels("label") == ["neg", "pos", "pos"]
    assert source.record(0).origin == str(root / "neg" / "1.txt")
    assert notes.counts == {
        "files left out, since they lie outside the folders of classes": 1,
        "files left out, since they are empty or no text": 2,
    }


def test_a_folder_without_classes(tmp_path: Path) -> None:
    assert not looks_like(tmp_path, Reading())
    with pytest.raises(UserError, match="no folders with"):
        read_text_folders([tmp_path], Reading(), Notes())


def test_a_binary_file_among_the_texts(tmp_path: Path) -> None:
    root = folders(tmp_path)
    (root / "pos" / "3.txt").write_bytes(b"a\0b")
    with pytest.raises(UserError, match=r"3\.txt is not text"):
        read_text_folders([root], Reading(), Notes())
