from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.readers.parallel_text import looks_like, read_parallel_files
from unrolled.data.readers.tables import read_table, table_layout
from unrolled.data.records import Notes, Reading, Source
from unrolled.errors import UserError
from unrolled.tasks.reads import wish_of


def pairs(source: Source) -> list[tuple[str, str]]:
    source_name, target_name = (field.name for field in source.fields)
    return [(record.values[source_name], record.values[target_name]) for record in source]


def test_a_tsv_like_tatoeba(tmp_path: Path) -> None:
    path = tmp_path / "eng-deu.tsv"
    path.write_text('1\t2\nGo.\tGeh.\nHi "you.\tHallo!\nHi.\tGrüß Gott!\n\tNichts\n')
    notes = Notes()
    source = read_table([path], Reading(), notes)
    assert pairs(source) == [("Go.", "Geh."), ('Hi "you.', "Hallo!"), ("Hi.", "Grüß Gott!")]
    assert notes.counts == {
        "first lines taken as a header and not as a pair (1, 2)": 1,
        "rows left out, since their text is empty": 1,
    }
    assert pairs(read_table([path], Reading(target="1", wish=wish_of("translate")), Notes()))[0] == ("Geh.", "Go.")


def test_repeated_words_are_pairs_when_the_task_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("yes\tja\nyes\tjawohl doch\nyes\tdoch\nno\tnein\n")
    assert table_layout(path, Reading()) == "labelled-text"
    assert table_layout(path, Reading(wish=wish_of("translate"))) == "parallel-text"


def test_two_files_line_by_line(tmp_path: Path) -> None:
    english, german = tmp_path / "train.en", tmp_path / "train.de"
    english.write_bytes(b"\xef\xbb\xbfGo.\r\nHi.\r\n\r\nBye.")
    german.write_text("Geh.\n Grüß Gott! \nNichts\nTschüs.\n")
    assert looks_like([english, german])
    notes = Notes()
    source = read_parallel_files([english, german], Reading(), notes)
    assert pairs(source) == [("Go.", "Geh."), ("Hi.", "Grüß Gott!"), ("Bye.", "Tschüs.")]
    assert notes.counts == {"pairs left out, since one side is empty": 1}
    assert source.record(2).origin == f"{english}, line 4"


LINES = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0\ufeff"), min_size=1).map(str.strip))


@given(lines=LINES.filter(any))
def test_lines_are_what_python_reads(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    folder = tmp_path_factory.mktemp("pairs")
    for name in ("a.x", "a.y"):
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    source = read_parallel_files([folder / "a.x", folder / "a.y"], Reading(), Notes())
    assert pairs(source) == [(line, line) for line in lines if line]


def test_another_number_of_lines_is_refused_with_both(tmp_path: Path) -> None:
    (tmp_path / "a.en").write_text("1\n2\n3\n")
    (tmp_path / "a.de").write_text("1\n2\n")
    with pytest.raises(UserError, match=r"a\.en has 3 lines and .*a\.de has 2"):
        read_parallel_files([tmp_path / "a.en", tmp_path / "a.de"], Reading(), Notes())


def test_other_encodings_and_empty_files(tmp_path: Path) -> None:
    (tmp_path / "a.en").write_text("good\nbad\n")
    (tmp_path / "a.de").write_bytes("gut\nböse\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"a\.de, line 2: byte 0xf6 is not UTF-8"):
        read_parallel_files([tmp_path / "a.en", tmp_path / "a.de"], Reading(), Notes())
    (tmp_path / "a.de").write_text("")
    with pytest.raises(UserError, match=r"a\.de is empty"):
        read_parallel_files([tmp_path / "a.en", tmp_path / "a.de"], Reading(), Notes())
    with pytest.raises(UserError, match="needs two files"):
        read_parallel_files([tmp_path / "a.en"], Reading(), Notes())


def test_a_header_of_two_files_is_said_and_no_pair(tmp_path: Path) -> None:
    english, german = tmp_path / "a.en", tmp_path / "a.de"
    english.write_text("English\nGo on.\n\nHi.\n")
    german.write_text("german\nGeh weiter.\nNichts\nHallo.\n")
    notes = Notes()
    source = read_parallel_files([english, german], Reading(), notes)
    assert pairs(source) == [("Go on.", "Geh weiter."), ("Hi.", "Hallo.")]
    assert source.record(0).origin == f"{english}, line 2"
    assert notes.counts == {
        "first lines taken as a header and not as a pair (English, german)": 1,
        "pairs left out, since one side is empty": 1,
    }
    for first in (("English", "Englisch"), ("he", "er"), ("1", "eins"), ("no", "nein")):
        english.write_text(f"{first[0]}\nGo\nHi.\n")
        german.write_text(f"{first[1]}\nGeh\nHallo.\n")
        notes = Notes()
        assert pairs(read_parallel_files([english, german], Reading(), notes))[0] == first
        assert notes.counts == {}


def test_a_table_says_its_header(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("english\tgerman\nGo on.\tGeh weiter.\nHi.\tHallo.\n")
    notes = Notes()
    assert len(read_table([path], Reading(), notes)) == 2
    assert notes.counts == {"first lines taken as a header and not as a pair (english, german)": 1}
    path = tmp_path / "a.csv"  # without a header, whatever a .csv file usually has
    path.write_text("the fox sees,lo vulo vidit\na king loves,un reko amat\na fox loves,un vulo amat\n")
    notes = Notes()
    assert len(read_table([path], Reading(), notes)) == 3
    assert notes.counts == {}
