from pathlib import Path

import pytest

from unrolled.data.readers.labelled_text import looks_like, read_text_folders
from unrolled.data.readers.registry import find_reader, open_source
from unrolled.data.readers.tables import read_table, table_layout
from unrolled.data.records import Notes, Reading, Source
from unrolled.errors import UserError
from unrolled.tasks.reads import wish_of


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
    assert looks_like(root)
    source = read_text_folders([root], Reading(), notes)
    assert pairs(source) == [("bad", "neg"), ("good", "pos"), ("fine", "pos")]
    assert source.labels("label") == ["neg", "pos", "pos"]
    assert source.record(0).origin == str(root / "neg" / "1.txt")
    assert notes.counts == {
        "files left out, since they lie outside the folders of classes": 1,
        "files left out, since they are empty or no text": 2,
    }


def test_a_folder_without_classes(tmp_path: Path) -> None:
    assert not looks_like(tmp_path)
    with pytest.raises(UserError, match="no folders with"):
        read_text_folders([tmp_path], Reading(), Notes())


def test_a_binary_file_among_the_texts(tmp_path: Path) -> None:
    root = folders(tmp_path)
    (root / "pos" / "3.txt").write_bytes(b"a\0b")
    with pytest.raises(UserError, match=r"3\.txt is not text"):
        read_text_folders([root], Reading(), Notes())


def test_several_labels_with_another_separator(tmp_path: Path) -> None:
    text = "text,topics\na b,news;sport\nc d,sport\ne f, \ng h,news; sport ;news\n"
    notes = Notes()
    source = read(tmp_path, "a.csv", text, notes, target="topics", label_separator=";")
    assert [record.values["topics"] for record in source] == [("news", "sport"), ("sport",), None, ("news", "sport")]
    assert notes.counts == {"rows without a label": 1}
    assert notes.hints == []
    plain = read(tmp_path, "a.csv", text, target="topics")
    assert plain.record(0).values["topics"] == "news;sport"


def test_a_hint_where_cells_look_like_several_labels(tmp_path: Path) -> None:
    topics = ["news", "sport;news", "music", "music;sport", "news;music", "sport"] * 4
    text = "text,topics\n" + "".join(f"words {number},{cell}\n" for number, cell in enumerate(topics))
    notes = Notes()
    read(tmp_path, "a.csv", text, notes, target="topics")
    assert notes.hints == ["if 'sport;news' is several labels of topics, say so with --data.label_separator ';'"]
    assert notes.lines()[0] == notes.hints[0]
    notes = Notes()
    cities = [f'"{city}, {land}"' for city, land in zip("ABCDEF" * 4, "UVWXYZ" * 4, strict=True)]
    read(
        tmp_path, "b.csv", "text,label\n" + "".join(f"w {n},{cell}\n" for n, cell in enumerate(cities)), notes,
        target="label",
    )  # fmt: skip
    assert notes.hints == []


def test_labels_of_a_row_each_are_labels_and_no_translation(tmp_path: Path) -> None:
    names = [f"news|topic{number}" for number in range(30)]
    text = "text,labels\n" + "".join(f"words of {number},{cell}\n" for number, cell in enumerate(names))
    source = read(tmp_path, "a.csv", text)
    assert source.record(3).values["labels"] == ("news", "topic3")


def test_texts_without_labels(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    for name, text in (("b.txt", "second"), ("a.md", "first"), ("inner/c.text", "third"), ("README.md", "about")):
        (tmp_path / name).write_text(text)
    for name in ("empty.txt", "notes.doc", ".hidden.txt"):
        (tmp_path / name).write_text(" " if name == "empty.txt" else "x")
    unlabelled, notes = Reading(wish=wish_of("classify"), unlabelled=True), Notes()
    source = open_source([tmp_path], unlabelled, notes)
    assert [field.name for field in source.fields] == ["text"]
    assert [record.values["text"] for record in source] == ["first", "second", "third"]
    assert notes.lines() == ["files left out, since they are empty or about the others: 2"]
    single = open_source([tmp_path / "b.txt", tmp_path / "README.md"], unlabelled, Notes())
    assert [record.values for record in single] == [{"text": "second"}, {"text": "about"}]
    with pytest.raises(UserError, match="has no text to say something about"):
        open_source([tmp_path / "empty.txt"], unlabelled, Notes())
    for other in (Reading(wish=wish_of("classify")), Reading(wish=wish_of("tag"), unlabelled=True)):
        assert find_reader([tmp_path], other) is None, "to learn from, and for other tasks, they are no records"
