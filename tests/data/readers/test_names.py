import re
from pathlib import Path

import pytest

from unrolled.data.readers.names import LabelledFiles, label_files
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError

WAV = (".wav",)


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return root


def labelled(root: Path, reading: Reading | None = None, notes: Notes | None = None) -> LabelledFiles:
    return label_files([root], WAV, reading or Reading(), notes or Notes())


def pairs(files: LabelledFiles) -> list[tuple[str, str]]:
    assert files.labels is not None
    return [(path.name, label) for path, label in zip(files.paths, files.labels, strict=True)]


def test_a_folder_per_class_with_strays(tmp_path: Path) -> None:
    touch(tmp_path, "cat/a.wav", "cat/a.txt", "dog/b.WAV", "dog/deep/c.wav", "stray.wav", "cat/list.pdf", "cat/.hidden")
    notes = Notes()
    files = labelled(tmp_path, notes=notes)
    assert pairs(files) == [("a.wav", "cat"), ("b.WAV", "dog"), ("c.wav", "dog")]
    assert (files.name, files.groups, files.rule) == ("label", None, "folders")
    assert notes.counts == {"files of another kind, left out": 1, "files beside the class folders, left out": 1}


def test_names_are_guessed_and_the_guess_can_be_repeated(tmp_path: Path) -> None:
    names = [f"{digit}_{speaker}_{take}.wav" for digit in range(3) for speaker in "xy" for take in range(6)]
    files = labelled(touch(tmp_path, *names))
    assert [label for _, label in pairs(files)] == [path.name[0] for path in files.paths]
    assert "field 1 of the file names (3 different), a guess; field 2 would do too (2)" in files.how
    again = labelled(tmp_path, Reading(labels=files.rule))
    assert (again.paths, again.labels) == (files.paths, files.labels)


def test_the_guess_passes_over_fields_that_are_constant_or_differ_everywhere(tmp_path: Path) -> None:
    names = [f"rec-{number}-{kind}.wav" for number, kind in enumerate("abcab" * 3)]
    files = labelled(touch(tmp_path, *names))
    assert [label for _, label in pairs(files)] == [path.stem[-1] for path in files.paths]
    again = labelled(tmp_path, Reading(labels=files.rule))
    assert again.labels == files.labels


def test_a_rule_of_training_holds_for_one_class_and_one_file(tmp_path: Path) -> None:
    touch(tmp_path, "only/a.wav", "only/b.wav")
    assert pairs(labelled(tmp_path)) == [("a.wav", "only"), ("b.wav", "only")]
    files = labelled(tmp_path / "only")
    assert files.labels is None
    assert "give --data.labels" in files.how


def test_a_pattern_with_a_group(tmp_path: Path) -> None:
    touch(tmp_path, "7_anna_1.wav", "8_bert_2.wav", "notes.wav")
    notes = Notes()
    reading = Reading(labels=r"(?P<digit>\d)_(?P<who>\w+)_.*", target="digit", group="who")
    files = labelled(tmp_path, reading, notes)
    assert (files.name, files.labels, files.groups) == ("digit", ["7", "8"], ["anna", "bert"])
    assert notes.counts == {"files whose names do not match the pattern, left out": 1}


def test_a_pattern_with_a_slash_sees_the_path(tmp_path: Path) -> None:
    touch(tmp_path, "s1/x/a.wav", "s2/y/b.wav")
    files = labelled(tmp_path, Reading(labels=r"(?P<group>\w+)/(?P<label>\w+)/"))
    assert (files.labels, files.groups) == (["x", "y"], ["s1", "s2"])


@pytest.mark.parametrize(
    ("labels", "target", "message"),
    [
        (r"(\d+)_.*", None, r"has no group named 'label'; write \(\?P<label>\.\.\.\)"),
        (r"(?P<digit>\d+)_.*", "digits", "no group named 'digits'; did you mean 'digit'?"),
        (r"(?P<label>", None, "neither a .csv file nor a regular expression"),
        (r"(?P<label>z+)", None, "no file matches the pattern"),
        ("folders", None, "has no folders with .wav files"),
    ],
)
def test_patterns_that_cannot_work(tmp_path: Path, labels: str, target: str | None, message: str) -> None:
    touch(tmp_path, "1_a.wav")
    with pytest.raises(UserError, match=re.escape(message) if "\\" not in message else message):
        labelled(tmp_path, Reading(labels=labels, target=target))


def test_groups_need_a_table_or_a_pattern(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.wav", "b/2.wav")
    with pytest.raises(UserError, match="--group speaker needs a table or a pattern"):
        labelled(tmp_path, Reading(group="speaker"))


def write_table(folder: Path, text: str, name: str = "labels.csv") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def test_a_table_names_files_in_any_usual_way(tmp_path: Path) -> None:
    root = touch(tmp_path / "clips", "a.wav", "b.wav", "sub/c.wav", "d.wav")
    table = write_table(
        tmp_path, "path,class,speaker\nclips/a.wav,x,s1\nb,y,s2\n./sub/c.wav,x,s1\nsub/c.wav,x,s1\nd.wav,,s1\n"
    )
    notes = Notes()
    files = labelled(root, Reading(labels=table, group="speaker"), notes)
    assert pairs(files) == [("a.wav", "x"), ("b.wav", "y"), ("c.wav", "x")]
    assert (files.name, files.groups, files.rule) == ("class", ["s1", "s2", "s1"], table)
    assert notes.counts == {
        "rows of labels.csv without a label, left out": 1,
        "files that labels.csv does not list, left out": 1,
    }


def test_a_table_can_be_the_data(tmp_path: Path) -> None:
    touch(tmp_path, "x/a.wav", "x/b.wav", "x/c.wav")
    table = write_table(tmp_path, "file;mood\nx/b.wav;calm\nx/a.wav;wild\nx/a.wav;wild\n")
    notes = Notes()
    files = label_files([Path(table)], WAV, Reading(), notes)
    assert pairs(files) == [("a.wav", "wild"), ("b.wav", "calm")]
    assert files.name == "mood"
    assert notes.counts == {"repeated rows of labels.csv, left out": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,label\na.wav,x\nab.wav,y\n", r"line 3: the file ab\.wav does not exist; did you mean a\.wav\?"),
        ("path,label\na.wav,x,1\n", r"line 2: found 3 fields, expected 2"),
        ("path,label\na.wav,x\na.wav,y\n", r"lines 2 and 3: a\.wav is there twice, as 'x' and as 'y'"),
        ("path,label\na.wav,x\na,y\n", r"line 3: .*a\.wav has another label above"),
        ("path,label\n,x\n", r"line 2: the column 'path' is empty"),
        ("path,label\na.wav,\n", r"labels\.csv has no row with a label"),
        ("path,label\n", r"labels\.csv has no row with a label"),
        ("path,label\nlabels.csv,x\n", r"line 2: labels\.csv is of another kind, expected \.wav"),
        ("one,two,three\n1,2,3\n", r"has the columns one, two, three, and none is known to hold files"),
        ("path,one,two\na.wav,2,3\n", r"none is known to hold labels .*--target"),
        ("", r"labels\.csv is empty"),
    ],
)
def test_tables_that_cannot_work(tmp_path: Path, text: str, message: str) -> None:
    table = write_table(touch(tmp_path, "a.wav"), text)
    with pytest.raises(UserError, match=message):
        labelled(tmp_path, Reading(labels=table))


def test_a_column_that_does_not_exist(tmp_path: Path) -> None:
    table = write_table(touch(tmp_path, "a.wav"), "path,Label,patient_id\na.wav,x,1\n")
    with pytest.raises(UserError, match=r"no column 'lable'; did you mean 'Label'\?"):
        labelled(tmp_path, Reading(labels=table, target="lable"))
    with pytest.raises(UserError, match=r"no column 'patient'; did you mean 'patient_id'\?"):
        labelled(tmp_path, Reading(labels=table, group="patient"))
    with pytest.raises(UserError, match=r"gone\.csv does not exist"):
        labelled(tmp_path, Reading(labels=str(tmp_path / "gone.csv")))


def test_paths_without_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no \.wav files"):
        labelled(tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        labelled(tmp_path / "gone")
    touch(tmp_path, "a.pdf")
    with pytest.raises(UserError, match=r"ends in '\.pdf', expected one of \.wav"):
        labelled(tmp_path / "a.pdf")
