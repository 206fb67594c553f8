"""`unrolled init` writes a config that says everything and changes nothing."""

import copy
import importlib
import itertools
import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from unrolled.cli import options
from unrolled.cli.main import build_parser, main
from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.training.applicable import Situation, check_applicable
from unrolled.training.config import TrainConfig

FAMILIES = ["rnn", "lstm", "gru", "transformer", "convolution", "inception", "feedforward"]


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
    plain = options.parse(parser, [str(poems), "--task", "language"])
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
    assert json.loads(out) == {"config": "texts/mine.yaml", "task": "language"}
    assert err == "wrote texts/mine.yaml; train with: unrolled train --config texts/mine.yaml\n"


def test_a_config_is_never_overwritten(poems: Path, capsys: pytest.CaptureFixture) -> None:
    Path("poems.yaml").write_text("mine")
    assert refusal(capsys, str(poems)) == (
        "poems.yaml exists and is never overwritten; choose another name with --output"
    )
    assert Path("poems.yaml").read_text() == "mine"


def test_a_file_or_folder_that_is_not_there(poems: Path, capsys: pytest.CaptureFixture) -> None:
    assert refusal(capsys, "nope.txt") == "there is no file nope.txt; give a file or a folder of data"
    assert refusal(capsys, str(poems), "-o", "q/x.yaml") == "there is no folder q to write x.yaml to; create it first"
    assert sorted(path.name for path in Path().iterdir()) == ["texts"]


TABLE = "a,b,who,kind\n" + "".join(f"{n}.5,{n % 3}.25,p{n // 3},{('x', 'y')[n % 2]}\n" for n in range(30))


def test_what_is_in_a_table_is_said_and_written(capsys: pytest.CaptureFixture) -> None:
    Path("table.csv").write_text(TABLE)
    assert main(["init", "table.csv", "--target", "kind", "--group", "who", "--inputs", "a", "--inputs", "b"]) == 0
    assert capsys.readouterr().out == (
        "classify: features -> kind; 30 records\nwrote table.yaml; train with: unrolled train --config table.yaml\n"
    )
    text = Path("table.yaml").read_text()
    assert "# classify: features -> kind; 30 records\n# input features: numeric per record (a, b)\n" in text
    config = yaml.safe_load(text)
    assert config["task"] == "classify"
    changed = {name: value for name, value in config["data"].items() if value != asdict(DataConfig())[name]}
    assert changed == {"target": "kind", "group": "who", "inputs": ["a", "b"]}
    assert (config["model"], config["train"]) == (asdict(ModelConfig()), asdict(TrainConfig()))


@pytest.mark.parametrize("family", ["auto", "gru"])
def test_what_does_something_stands_first(family: str) -> None:
    Path("table.csv").write_text(TABLE)
    given = ["--target", "kind", "--inputs", "a", "--inputs", "b", "--model.family", family]
    assert main(["init", "table.csv", *given]) == 0
    with_family = "" if family == "auto" else " with family gru"
    groups = re.split(r"^(?=\w)", Path("table.yaml").read_text(), flags=re.MULTILINE)
    for group, config in (("data", DataConfig), ("model", ModelConfig), ("train", TrainConfig)):
        text = next(part for part in groups if part.startswith(f"{group}:"))
        above, _, below = text.partition(f"  # Without effect for classify from numbers{with_family}:\n")
        first, last = (re.findall(r"^  (\w+):", part, re.MULTILINE) for part in (above, below))
        assert sorted([*first, *last]) == sorted(asdict(config()))
        refused = [name for name in asdict(config()) if is_refused(group, config, name, family)]
        # Some are refused for what only training knows: what the labels are, and whether the model carries its state.
        assert sorted({*refused} - {"label_separator", "feed", "carry", "context"}) == sorted(last)


def is_refused(group: str, config: type, name: str, family: str) -> bool:
    """Whether training would not take another value of a setting, with this family or with any."""
    default = getattr(config(), name)
    other = ["x"] if isinstance(default, list) else not default if isinstance(default, bool) else 17
    given = {"data": DataConfig(), "model": ModelConfig(), "train": TrainConfig()}
    changed = copy.copy(given[group])
    setattr(changed, name, other)  # past the run-time type checks of the tests
    outcomes = []
    for tried in FAMILIES if family == "auto" else [family]:
        here = Situation("classify", tried, frozenset(["numeric"]), "categorical", data=DataConfig())
        try:
            check_applicable(here, *{**given, group: changed}.values())  # type: ignore[arg-type]
            outcomes.append(False)
        except UserError:
            outcomes.append(True)
    return all(outcomes)


def test_the_config_trains_as_the_flags_do(capsys: pytest.CaptureFixture) -> None:
    Path("table.csv").write_text(TABLE)
    quick = ["--train.max_steps", "2", "--model.width", "8", "--model.layers", "1", "--json"]
    results = []
    assert main(["init", "table.csv", "--target", "kind"]) == 0
    capsys.readouterr()
    for number, arguments in enumerate((["--config", "table.yaml"], ["table.csv", "--target", "kind"])):
        assert main(["train", *arguments, *quick, "--run", f"run{number}"]) == 0
        results.append(json.loads(capsys.readouterr().out)["valid"])
    assert results[0] == results[1]


def test_a_table_that_may_be_several_things_is_not_guessed(capsys: pytest.CaptureFixture) -> None:
    Path("numbers.csv").write_text("a,b,c\n" + "".join(f"{n}.5,{n % 3}.25,7.5\n" for n in range(9)))
    assert "choose with --task forecast" in refusal(capsys, "numbers.csv")
    assert not Path("numbers.yaml").exists()
    assert "did you mean 'b'?" in refusal(capsys, "numbers.csv", "--target", "bb")


def test_init_takes_what_train_takes(capsys: pytest.CaptureFixture) -> None:
    train = build_parser("train", options.add_train_options)
    init = build_parser("init", importlib.import_module("unrolled.cli.init").add_arguments)
    of_train, of_init = ({option.name: option for option in parser.options} for parser in (train, init))
    assert of_init.keys() - of_train.keys() == {"output"}
    assert of_train.keys() <= of_init.keys()
    assert all(of_init[name].flags == of_train[name].flags for name in of_train)


GIVEN = ["--task", "classify", "--run", "r", "--target", "kind", "--group", "who", "--data.scaling", "robust"]
GIVEN += ["--data.test", "other.csv", "--data.valid_fraction", "0.2", "--model.family", "gru", "--model.width", "8"]
GIVEN += ["--train.max_steps", "2", "--train.learning_rate", "0.01", "--model.members", "1"]


def test_what_is_given_is_written_and_read_by_train() -> None:
    for name in ("table.csv", "other.csv"):
        Path(name).write_text(TABLE)
    assert main(["init", "table.csv", *GIVEN, "-o", "c.yaml"]) == 0
    parser = build_parser("train", options.add_train_options)
    written = options.parse(parser, ["--config", "c.yaml"])
    given = options.parse(parser, ["table.csv", *GIVEN])
    assert written == given
    assert main(["train", "--config", "c.yaml"]) == 0
    assert json.loads(Path("r/split.json").read_text())["test"] == list(range(30))


def test_a_config_to_begin_from_and_settings_that_cannot_be(capsys: pytest.CaptureFixture) -> None:
    Path("table.csv").write_text(TABLE)
    Path("base.yaml").write_text("files: [table.csv]\ndata:\n  target: kind\nmodel:\n  width: 8\n")
    assert main(["init", "--config", "base.yaml", "--model.layers", "2", "-o", "c.yaml"]) == 0
    config = yaml.safe_load(Path("c.yaml").read_text())
    assert (config["files"], config["data"]["target"]) == (["table.csv"], "kind")
    assert (config["model"]["width"], config["model"]["layers"]) == (8, 2)
    capsys.readouterr()
    assert "width" in refusal(capsys, "table.csv", "--model.width", "0")
    assert not Path("table.yaml").exists()


def test_several_files(capsys: pytest.CaptureFixture) -> None:
    for name, lines in {"a.de": "eins hier\nzwei da\n", "a.en": "one here\ntwo there\n"}.items():
        Path(name).write_text(lines)
    assert main(["init", "a.de", "a.en"]) == 0
    assert capsys.readouterr().out.startswith("translate: source -> target; 2 records\n")
    assert yaml.safe_load(Path("a.yaml").read_text())["files"] == ["a.de", "a.en"]
    assert "there is no file b.en" in refusal(capsys, "a.de", "b.en")


@pytest.mark.parametrize("content", [b"", b" \n\n", b"caf\xe9 noir\n", bytes(range(256)), "text".encode("utf-16-le")])
def test_what_is_no_text_is_refused_as_train_does(content: bytes, capsys: pytest.CaptureFixture) -> None:
    Path("a").write_bytes(content)
    Path("empty").mkdir()
    for name in ("a", "empty"):
        sentence = refusal(capsys, name)
        assert main(["train", name]) == 2
        assert capsys.readouterr().err.removeprefix("unrolled: ").strip() == sentence
    assert not list(Path().glob("*.yaml"))


def test_several_texts_are_said(capsys: pytest.CaptureFixture) -> None:
    Path("w").mkdir()
    for name in ("wiki.train.tokens", "wiki.valid.tokens", "other.txt"):
        Path("w", name).write_text("some words of it\n" * 20)
    sentence = "split by file name: 1 train, 1 valid, 1 left out"
    assert main(["init", "w"]) == 0
    assert capsys.readouterr().out.startswith(f"text: 2 files; {sentence}\n")
    assert main(["train", "w", "--train.max_steps", "1", "--model.width", "8", "--run", "r"]) == 0
    assert sentence in capsys.readouterr().err
