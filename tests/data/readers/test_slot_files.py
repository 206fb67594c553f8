"""Folders of `seq.in`, `seq.out` and `label`, as of ATIS and SNIPS."""

import json
from pathlib import Path

import pytest

from unrolled.cli.main import main
from unrolled.data.config import DataConfig
from unrolled.data.readers.registry import find_reader, is_plain_text, open_source
from unrolled.data.records import Notes, Reading, Source
from unrolled.data.splits.part_names import find_parts
from unrolled.errors import UserError
from unrolled.tasks.infer_schema import infer_schema
from unrolled.tasks.reads import wish_of

LINES = [
    ("show flights to new york", "O O O B-city I-city", "flight"),
    ("fares to denver", "O O B-city", "fare"),
    ("flights please", "O O", "flight"),
]


def write(folder: Path, lines: list[tuple[str, str, str]] = LINES, files: str = "seq.in seq.out label") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for column, name in enumerate(("seq.in", "seq.out", "label")):
        if name in files.split():
            (folder / name).write_text("".join(line[column] + "\n" for line in lines))
    return folder


def opened(folder: Path, **reading: object) -> Source:
    return open_source([folder], Reading(**reading), Notes())  # type: ignore[arg-type]


def test_a_tag_for_each_word_unless_the_intent_is_asked_for(tmp_path: Path) -> None:
    folder = write(tmp_path / "train")
    source = opened(folder)
    assert [record.values for record in source][1] == {
        "tokens": ["fares", "to", "denver"],
        "tags": ["O", "O", "B-city"],
    }
    assert source.record(2).origin.endswith("seq.in, line 3")
    assert infer_schema(source, task=None, target=None, inputs=[]).task == "tag"
    for reading, name in (
        ({"target": "label"}, "label"),
        ({"target": "intent"}, "intent"),
        ({"wish": wish_of("classify")}, "label"),
    ):
        source = opened(folder, **reading)
        assert [field.name for field in source.fields] == ["tokens", name]
        assert source.labels(name) == ["flight", "fare", "flight"]
        assert infer_schema(source, task=None, target=None, inputs=[]).task == "classify"
    source = open_source([folder / "seq.in", folder / "label"], Reading(), Notes())
    assert source.labels("label") == ["flight", "fare", "flight"]
    assert opened(write(tmp_path / "two", files="seq.in label")).labels("label") == ["flight", "fare", "flight"]
    assert [field.name for field in opened(write(tmp_path / "one", files="seq.in"), unlabelled=True).fields] == [
        "tokens"
    ]


def test_blank_lines_and_unknown_intents(tmp_path: Path) -> None:
    notes = Notes()
    folder = write(tmp_path, [*LINES[:1], ("", "", ""), ("flights", "O", "")])
    source = open_source([folder], Reading(target="label"), notes)
    assert [record.values["label"] for record in source] == ["flight", None]
    assert notes.counts == {"blank lines left out": 1, "lines without a label": 1}


def test_it_is_neither_a_text_nor_a_translation(tmp_path: Path) -> None:
    for part in ("train", "valid", "test"):
        write(tmp_path / "atis" / part)
    folder = tmp_path / "atis"
    for paths in ([folder], [folder / "train"], [folder / "train" / "seq.in", folder / "train" / "seq.out"]):
        assert find_reader(paths, Reading()) == ("slot_files", "read_slots")
        assert not is_plain_text(paths)


def test_parts_are_the_folders_beside(tmp_path: Path) -> None:
    for part in ("train", "dev", "test", "other"):
        write(tmp_path / part)
    folders = {"train": [tmp_path / "train"], "valid": [tmp_path / "dev"], "test": [tmp_path / "test"]}
    assert find_parts([tmp_path], DataConfig()).parts == folders
    assert find_parts([tmp_path / "train"], DataConfig()).parts == folders
    parts = find_parts([tmp_path / "train" / "seq.in", tmp_path / "train" / "label"], DataConfig())
    assert parts.parts["valid"] == [tmp_path / "dev" / "seq.in", tmp_path / "dev" / "label"]
    assert parts.note.endswith("test found beside it")
    assert find_parts([tmp_path / "dev"], DataConfig()).parts == {"train": [tmp_path / "dev"]}


BAD = {
    "a line too few": (
        ("seq.out", "O O O B-city I-city\nO O B-city\n"),
        {},
        r"seq\.out ends after line 2, and .*seq\.in goes",
    ),
    "a line too many": (
        ("label", "a\nb\nc\nd\n"),
        {"target": "label"},
        r"seq\.in ends after line 3, and .*label goes on",
    ),
    "a tag too few": (
        ("seq.out", "O O O B-city I-city\nO O\nO O\n"),
        {},
        r"seq\.out, line 2 has 2 tags, and seq\.in has 3 words there; give one for each",
    ),
    "no such target": (("x", ""), {"target": "slots"}, r"has no 'slots' to learn; it has tags and label"),
    "nothing": (("seq.in", "\n\n\n"), {}, r"seq\.out|seq\.in has no words|white space"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    (file, text), reading, sentence = BAD[name]
    folder = write(tmp_path)
    (folder / file).write_text(text)
    with pytest.raises(UserError, match=sentence):
        opened(folder, **reading)


def test_targets_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"neither seq\.out nor label beside it; there is nothing to learn"):
        opened(write(tmp_path / "a", files="seq.in"))
    with pytest.raises(UserError, match=r"has no label beside seq\.in; it has tags"):
        opened(write(tmp_path / "b", files="seq.in seq.out"), target="intent")
    with pytest.raises(UserError, match=r"has no seq\.out beside seq\.in; it has label"):
        opened(write(tmp_path / "c", files="seq.in label"), target="tags")


@pytest.mark.parametrize("options", [[], ["--target", "intent"]])
def test_from_files_to_predictions(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    for part in ("train", "valid", "test"):
        write(Path("atis") / part, LINES * 8)
    assert main(["init", "atis", *options]) == 0
    task, target = ("classify", "intent") if options else ("tag", "tags")
    assert capsys.readouterr().out.startswith(f"{task}: tokens -> {target}; 24 records; split by file name\n")
    quick = ["--train.max_steps", "2", "--model.width", "8", "--model.layers", "1"]
    assert main(["train", "atis", *options, *quick, "--run", "r"]) == 0
    assert "24 train, 24 valid, 24 test records" in capsys.readouterr().err
    new = write(Path("new"), files="seq.in")
    assert main(["predict", "r", str(new)]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 3
    assert options or [len(row["tag"]) for row in rows] == [5, 3, 2]
    assert main(["evaluate", "r", "atis/test"]) == 0
    assert main(["evaluate", "r"]) == 0
