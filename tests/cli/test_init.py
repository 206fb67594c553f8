"""`unrolled init` writes a config that says everything and changes nothing."""

import itertools
import json
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from unrolled.cli import options
from unrolled.cli.main import build_parser, main
from unrolled.data.config import DataConfig
from unrolled.models.config import ModelConfig
from unrolled.training.config import TrainConfig


@pytest.fixture(autouse=True)
def poems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts").mkdir()
    path = Path("texts/poems.txt")
    path.write_text("roses are red")
    return path


def refusal(capsys: pytest.CaptureFixture, *arguments: str) -> str:
    assert main(["init", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err.removeprefix("unrolled: ").strip()


def test_train_accepts_the_config_unchanged(poems: Path) -> None:
    assert main(["init", str(poems)]) == 0
    parser = build_parser("train", options.add_train_options)
    from_config = options.parse(parser, ["--config", "poems.yaml"])
    plain = options.parse(parser, [str(poems)])
    from_config.config = None
    assert from_config == plain


def test_every_option_stands_there_with_its_default_and_a_comment(poems: Path) -> None:
    main(["init", str(poems)])
    text = Path("poems.yaml").read_text()
    assert yaml.safe_load(text) == {
        "files": [str(poems)],
        "run": None,
        "task": "language",
        "data": asdict(DataConfig()),
        "model": asdict(ModelConfig()),
        "train": asdict(TrainConfig()),
    }
    lines = text.splitlines()
    for before, line in itertools.pairwise(lines):
        if line and not line.lstrip().startswith("#"):
            assert before.lstrip().startswith("# "), f"no comment above {line}"
    assert "  # attention heads (transformer)\n  heads: null\n" in text
    assert "rnn, lstm, gru, transformer" in text
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("name", ["ä ö.txt", "a: b #c.txt", "- x.txt", "2024", "yes", "[a]", "it's.txt", '"q".txt'])
def test_odd_file_names_survive(name: str) -> None:
    Path(name).write_text("text")
    assert main(["init", "-o", "odd.yaml", "--", name]) == 0
    assert yaml.safe_load(Path("odd.yaml").read_text(encoding="utf-8"))["files"] == [name]


def test_the_result_as_json(poems: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["init", str(poems), "--output", "texts/mine.yaml", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {"config": "texts/mine.yaml"}
    assert err == "wrote texts/mine.yaml; train with: unrolled train --config texts/mine.yaml\n"


def test_a_config_is_never_overwritten(poems: Path, capsys: pytest.CaptureFixture) -> None:
    Path("poems.yaml").write_text("mine")
    assert refusal(capsys, str(poems)) == (
        "poems.yaml exists and is never overwritten; choose another name with --output"
    )
    assert Path("poems.yaml").read_text() == "mine"


def test_a_file_or_folder_that_is_not_there(poems: Path, capsys: pytest.CaptureFixture) -> None:
    assert refusal(capsys, "nope.txt") == "there is no file nope.txt; give a text file or a folder of them"
    assert refusal(capsys, str(poems), "-o", "q/x.yaml") == "there is no folder q to write x.yaml to; create it first"
    assert sorted(path.name for path in Path().iterdir()) == ["texts"]
