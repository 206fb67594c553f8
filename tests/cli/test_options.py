"""Arguments and config files become values, and every mistake in them one sentence that helps."""

import contextlib
import io
import re
import typing
from argparse import Namespace
from dataclasses import asdict, fields
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.cli import errors, options
from unrolled.cli.main import build_parser
from unrolled.cli.parser import Parser
from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.training.config import TrainConfig

FAMILIES = typing.get_args(typing.get_type_hints(ModelConfig)["family"])


def evaluate_options(parser: Parser) -> None:
    """Options like those of a verb that takes a run: all kinds of types without a config file."""
    parser.add_argument("model", metavar="RUN", help="run")
    parser.add_argument("files", nargs="+", metavar="FILE", help="texts")
    parser.add_argument("--stride", type=int | None, help="steps")
    parser.add_argument("--temperature", type=float, default=1.0, help="of sampling")


def train(*arguments: str) -> Namespace:
    parser = build_parser("train", options.add_train_options)
    return options.parse(parser, list(arguments))


def evaluate(*arguments: str) -> Namespace:
    parser = build_parser("evaluate", evaluate_options)
    return options.parse(parser, list(arguments))


def sentence(*arguments: str, of=train) -> str:
    with pytest.raises(UserError) as refused:
        of(*arguments)
    return str(refused.value)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Writes run.yaml into an empty working folder."""
    monkeypatch.chdir(tmp_path)
    return lambda text: Path("run.yaml").write_text(text, encoding="utf-8")


def test_without_options_everything_stands_at_its_default() -> None:
    values = train("a.txt", "b.txt")
    assert values.files == ["a.txt", "b.txt"]
    assert (values.data, values.model, values.train) == (DataConfig(), ModelConfig(), TrainConfig())
    assert (values.run, values.task, values.json, values.debug) == (None, "auto", False, False)


def test_options_are_the_fields_of_the_dataclasses() -> None:
    values = train(
        *("a.txt", "--model.family", "gru", "--train.max_time=10m", "--data.vocabulary", "char"),
        *("--train.precision", "32", "--train.learning_rate", "1e-3", "--train.clip_norm", "null", "--run", "r"),
        *("--model.positions", "none", "--model.variational", "true", "--json"),
    )
    assert values.model == ModelConfig(family="gru", positions="none", variational=True)
    assert values.train == TrainConfig(max_time="10m", precision="32", learning_rate=0.001, clip_norm=None)
    assert values.data == DataConfig(vocabulary="char")
    assert (values.run, values.json) == ("r", True)


@pytest.mark.parametrize(
    ("arguments", "valid"),
    [
        (["--data.valid", "v.txt"], ["v.txt"]),
        (["--data.valid=v.txt"], ["v.txt"]),
        (["--data.valid", "v.txt", "--data.valid", "w.txt"], ["v.txt", "w.txt"]),
        (["--data.valid", "[v.txt, w.txt]"], ["v.txt", "w.txt"]),
        (["--data.valid", "a: b, c.txt"], ["a: b, c.txt"]),
        (["--data.valid", "2024"], ["2024"]),
    ],
)
def test_a_list_can_be_given_one_by_one(arguments: list[str], valid: list[str]) -> None:
    assert train("a.txt", *arguments).data.valid == valid


@pytest.mark.parametrize(
    ("arguments", "inputs"),
    [
        (["--inputs", "a", "--data.inputs", "b"], ["a", "b"]),
        (["--inputs", "a", "--inputs", "[b, c]"], ["b", "c"]),
        (["--inputs+=a", "--inputs+=[b, c]"], ["a", "b", "c"]),
        (["--inputs", "[]"], []),
        (["--inputs", "-x"], ["-x"]),
        (["--inputs=-x=y"], ["-x=y"]),
        (["--inputs", "null"], ["null"]),
        (["--inputs", ""], [""]),
    ],
)
def test_a_list_goes_on_or_is_given_whole(arguments: list[str], inputs: list[str]) -> None:
    assert train("a.txt", *arguments).data.inputs == inputs


def test_a_list_of_a_config_file_goes_on(config) -> None:
    config("files: [a.txt]\ndata: {valid: [v.txt]}\n")
    assert train("--config", "run.yaml", "--data.valid+=w.txt").data.valid == ["v.txt", "w.txt"]
    assert train("--config", "run.yaml", "--data.valid=w.txt").data.valid == ["w.txt"]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("model.width", "0x10", 16),
        ("model.width", "1_000", 1000),
        ("model.width", "~", None),
        ("model.width", "-4", -4),
        ("train.learning_rate", "-1e-3", -0.001),
        ("train.learning_rate", ".5", 0.5),
        ("train.learning_rate", ".inf", float("inf")),
        ("train.learning_rate", "1", 1.0),
        ("train.max_time", "-5m", "-5m"),
        ("data.carry", "No", False),
        ("data.carry", "on", True),
        ("model.tie_weights", "null", None),
        ("data.target", "null", None),
        ("data.target", "2024", "2024"),
        ("data.target", " yes ", " yes "),
        ("data.quantiles", "null", "null"),
        ("data.label_separator", "=", "="),
    ],
)
def test_what_a_text_means(config, name: str, text: str, value: object) -> None:
    group, field = name.split(".")
    for arguments in ([f"--{name}", text], [f"--{name}={text}"]):
        parsed = getattr(getattr(train("a.txt", *arguments), group), field)
        assert (parsed, type(parsed)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        (
            "model: {width: '32', qk_norm: off, tie_weights: 'Yes'}",
            {"width": 32, "qk_norm": False, "tie_weights": True},
        ),
        ("model.width: 3", {"width": 3}),
        ("model: &all {width: 3}", {"width": 3}),
        ("model: {width: null, dropout: 0, layers: }", {"dropout": 0.0}),
    ],
)
def test_what_a_config_file_means(config, text: str, changed: dict) -> None:
    config(text)
    assert train("a.txt", "--config", "run.yaml").model == ModelConfig(**changed)
    config("data: {target: 'null', labels: null, time: 2024-01-01}")
    assert train("a.txt", "--config", "run.yaml").data == DataConfig(target="null", time="2024-01-01")


def test_short_flags_take_their_value_in_every_way() -> None:
    def add_arguments(parser: Parser) -> None:
        parser.add_argument("model", metavar="RUN", help="run")
        parser.add_argument("-n", "--samples", type=int, default=1, help="how many")

    parser = build_parser("generate", add_arguments)
    for arguments in (["-n", "3"], ["-n3"], ["-n=3"], ["--samples=3"]):
        assert options.parse(parser, ["r", *arguments]).samples == 3
        assert options.parse(parser, [*arguments, "r"]).samples == 3


def test_words_between_options() -> None:
    values = evaluate("r", "--stride", "3", "a", "b", "--json")
    assert (values.model, values.files, values.stride, values.json) == ("r", ["a", "b"], 3, True)
    assert train("--task", "tag", "--", "-x").files == ["-x"]
    assert train("a", "-5", "-", "--", "-h").files == ["a", "-5", "-", "-h"]


def test_a_file_may_be_named_like_an_option() -> None:
    assert train("--", "--data.valid").files == ["--data.valid"]


def test_a_positional_argument_with_a_default_may_be_left_out() -> None:
    def add_arguments(parser: Parser) -> None:
        parser.add_argument("model", metavar="RUN", help="run")
        parser.add_argument("files", nargs="*", default=[], metavar="FILE", help="texts")

    parser = build_parser("evaluate", add_arguments)
    assert options.parse(parser, ["r"]).files == []
    assert options.parse(parser, ["r", "a", "b"]).files == ["a", "b"]
    assert options.usage(parser) == "unrolled evaluate RUN [FILE...] [options]"


def test_a_config_file_and_options_over_it(config) -> None:
    config(
        "files: [a.txt]\nmodel:\n  family: lstm\n  width: 64\ntrain: {learning_rate: 1e-3}\ndata: {valid: [v.txt]}\n"
    )
    values = train("--config", "run.yaml", "--model.width", "32")
    assert values.files == ["a.txt"]
    assert values.model == ModelConfig(family="lstm", width=32)
    assert values.train == TrainConfig(learning_rate=0.001)
    assert values.data == DataConfig(valid=["v.txt"])
    values = train("b.txt", "--config=run.yaml", "--data.valid", "w.txt")
    assert (values.files, values.data.valid) == (["b.txt"], ["w.txt"])
    assert train("--model.width", "32", "--config", "run.yaml").model.width == 32, "the command line holds in any order"


def test_a_file_for_one_group(config) -> None:
    config("family: lstm\nwidth: 64\n")
    assert train("a.txt", "--model", "run.yaml").model == ModelConfig(family="lstm", width=64)


def test_print_config_gives_a_config_that_means_the_same(config, capsys: pytest.CaptureFixture) -> None:
    given = ["a.txt", "--model.family", "gru", "--train.precision", "32", "--train.max_time", "90", "--data.valid", "v"]
    with pytest.raises(SystemExit):
        train(*given, "--print_config")
    config(capsys.readouterr().out)
    again, first = train("--config", "run.yaml"), train(*given)
    assert (again.files, again.data, again.model, again.train) == (first.files, first.data, first.model, first.train)


def test_print_config_may_leave_out_what_says_nothing(capsys: pytest.CaptureFixture) -> None:
    for skip, printed in (
        ("skip_default", {"files": ["a.txt"], "model": {"width": 3}}),
        ("skip_default,skip_unset", {"files": ["a.txt"], "model": {"width": 3}}),
    ):
        with pytest.raises(SystemExit):
            train("a.txt", "--model.width", "3", f"--print_config={skip}")
        assert yaml.safe_load(capsys.readouterr().out) == printed
    with pytest.raises(SystemExit):
        train("--print_config=skip_unset")
    printed = yaml.safe_load(capsys.readouterr().out)
    assert printed["files"] == []
    assert printed["train"] == {name: value for name, value in asdict(TrainConfig()).items() if value is not None}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("a --model.widht 3", "unknown option --model.widht; did you mean --model.width?"),
        ("a --modle.width 3", "unknown option --modle.width; did you mean --model.width?"),
        ("a --model.wid=3", "unknown option --model.wid; did you mean --model.width?"),
        ("a --seed 3", "unknown option --seed; did you mean --train.seed?"),
        ("a --zzz", "unknown option --zzz; unrolled train --help-all lists all"),
        (
            "a --model.family lsmt",
            f'unknown family "lsmt" for --model.family; did you mean "lstm"? ({", ".join(FAMILIES)})',
        ),
        ("a --train.precision 33", 'unknown precision "33" for --train.precision; choose one of auto, 32, bf16'),
        (
            "a --task langauge",
            f'unknown task "langauge" for --task; did you mean "language"? ({", ".join(["auto", *options.TASKS])})',
        ),
        ("a --model.width abc", '--model.width expects a whole number or null, found "abc"'),
        ("a --model.layers 1.5", '--model.layers expects a whole number or null, found "1.5"'),
        ("a --data.min_count x", '--data.min_count expects a whole number, found "x"'),
        ("a --data.valid_fraction x", '--data.valid_fraction expects a number, found "x"'),
        ("a --data.carry maybe", '--data.carry expects true or false, found "maybe"'),
        ("a --model.width", "--model.width needs a value: a whole number or null"),
        ("a --data.valid", "--data.valid needs a value: a list such as [a, b]"),
        ("a --config", "--config needs a value: text"),
        ("a --model.family", "--model.family needs a value: " + " or ".join(f'"{name}"' for name in FAMILIES)),
        ("a --run x b", 'unexpected argument "b"; write unrolled train FILE... [options]'),
        ("--run x", "no FILE given; write unrolled train FILE... [options]"),
        ("a --run x -- b", 'unexpected argument "b"; write unrolled train FILE... [options]'),
        ("a --run -x", "--run needs a value: text or null"),
        ("a --json=false", '--json takes no value, found "false"'),
        ("a --train.seed+ 3", "unknown option --train.seed+; did you mean --train.seed?"),
        ("a --model.width 1e3", '--model.width expects a whole number or null, found "1e3"'),
        ("a --train.learning_rate nan", '--train.learning_rate expects a number or null, found "nan"'),
        ("a --data.carry null", '--data.carry expects true or false, found "null"'),
        ("a --inputs [a,1]", '--inputs expects a list such as [a, b], found "1"'),
        ("a --inputs [a", '--inputs expects a list such as [a, b], found "[a"'),
        (
            "a --print_config=all",
            '--print_config takes skip_default and skip_unset with a comma between, found "all"',
        ),
        ("a --config nope.yaml", "there is no config file nope.yaml; unrolled init FILE writes one"),
        ("a --model nope.yaml", "there is no config file nope.yaml; unrolled init FILE writes one"),
    ],
)
def test_mistakes_on_the_command_line(arguments: str, expected: str) -> None:
    assert sentence(*arguments.split()) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", "no RUN given; write unrolled evaluate RUN FILE... [options]"),
        ("r", "no FILE given; write unrolled evaluate RUN FILE... [options]"),
        ("r a --temperature hot", '--temperature expects a number, found "hot"'),
        ("r a --stride 1.5", '--stride expects a whole number or null, found "1.5"'),
        ("r a --temprature 1", "unknown option --temprature; did you mean --temperature?"),
        ("r a --config x.yaml", "unknown option --config; unrolled evaluate --help lists all"),
    ],
)
def test_mistakes_with_a_verb_without_config(arguments: str, expected: str) -> None:
    assert sentence(*arguments.split(), of=evaluate) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model:\n  widht: 3\n", "run.yaml, line 2: unknown option model.widht; did you mean model.width?"),
        ("width: 3\n", "run.yaml, line 1: unknown option width; did you mean model.width?"),
        ("zzz: 3\n", "run.yaml, line 1: unknown option zzz; unrolled train --help-all lists all"),
        ("\nmodel:\n  width: abc\n", 'run.yaml, line 3: model.width expects a whole number or null, found "abc"'),
        (
            "model:\n  family: lsmt\n",
            f'run.yaml, line 2: unknown family "lsmt" for model.family; did you mean "lstm"? ({", ".join(FAMILIES)})',
        ),
        ("train:\n  precision: 32\n", 'run.yaml, line 2: train.precision must be text; write "32" in quotes'),
        ("train: {max_time: 90}\n", 'run.yaml, line 1: train.max_time must be text; write "90" in quotes'),
        ("train: {max_time: 1:30}\n", 'run.yaml, line 1: train.max_time must be text; write "1:30" in quotes'),
        ("data:\n  target: yes\n", 'run.yaml, line 2: data.target must be text; write "yes" in quotes'),
        ("data: {target: [a]}\n", "run.yaml, line 1: data.target expects text or null, found a list"),
        (
            "model: {width: {a: 3}}\n",
            "run.yaml, line 1: model.width expects a whole number or null, found options below it",
        ),
        ("data: {carry: null}\n", 'run.yaml, line 1: data.carry expects true or false, found "null"'),
        ("data: {quantiles: null}\n", 'run.yaml, line 1: data.quantiles expects text, found "null"'),
        ("? [a]\n: b\n", 'run.yaml, line 1: expected a line such as "name: value"'),
        ("run: !!python/object:os.system {}\n", "run.yaml, line 1: run expects text or null, found options below it"),
        ("config: a.yaml\n", "run.yaml, line 1: unknown option config; unrolled train --help-all lists all"),
        ("model:\ntrain:\n", "run.yaml, line 1: model needs options below it; add some or remove the line"),
        (
            "model:\n  width: 3\n  width: 4\n",
            "run.yaml, line 3: model.width stands in line 2 already; remove one of the two",
        ),
        ("files: a.txt\n", "run.yaml, line 1: files expects a list of texts such as [a, b]"),
        ("data:\n  valid: [2024]\n", "run.yaml, line 2: data.valid expects a list of texts such as [a, b]"),
        ("files: [a.txt\nmodel: 3\n", "run.yaml, line 2, column 6: this is not YAML: expected ',' or ']', but got ':'"),
        ("", 'run.yaml: expected lines such as "name: value", found none'),
        ("[1, 2]\n", 'run.yaml: expected lines such as "name: value", found none'),
    ],
)
def test_mistakes_in_a_config_file(config, text: str, expected: str) -> None:
    config(text)
    assert sentence("a.txt", "--config", "run.yaml") == expected


def test_mistakes_in_the_file_of_a_group(config) -> None:
    config("widht: 3\n")
    assert sentence("a", "--model", "run.yaml") == (
        "run.yaml, line 1: unknown option model.widht; did you mean model.width?"
    )
    config("width: 3\nfamily: lsmt\n")
    assert sentence("a", "--model=run.yaml").startswith('run.yaml, line 2: unknown family "lsmt" for model.family')


def test_a_config_that_is_no_text(config, tmp_path: Path) -> None:
    Path("run.yaml").write_bytes(b"\xff\xfe\x00")
    assert sentence("a", "--config", "run.yaml") == (
        "run.yaml: this is not a YAML text file in UTF-8; unrolled init FILE writes one"
    )
    assert sentence("a", "--config", str(tmp_path)) == f"cannot read the config file {tmp_path}: is a directory"


def test_a_good_config_is_not_blamed_for_a_mistake_beside_it(config) -> None:
    config("model:\n  width: 3\n")
    assert sentence("a", "--config", "run.yaml", "--model.width", "x").startswith("--model.width expects")


@pytest.mark.parametrize("kind", [DataConfig, ModelConfig, TrainConfig])
def test_every_field_of_a_config_is_an_option_with_help(kind: type) -> None:
    group = kind.__name__.removesuffix("Config").lower()
    parser = build_parser("train", options.add_train_options)
    known = {option.name: option for option in parser.options}
    for field in fields(kind):
        option = known[f"{group}.{field.name}"]
        short = group == "data" and field.name in options.SHORT
        assert option.flags == (f"--{group}.{field.name}", *([f"--{field.name}"] if short else []))
        assert len(option.help) > 5
        assert option.default == getattr(kind(), field.name)


@settings(max_examples=30)
@given(
    width=st.none() | st.integers(1, 10**6),
    family=st.sampled_from(["auto", "rnn", "lstm", "gru", "transformer"]),
    dropout=st.none() | st.floats(0, 1),
    tie=st.sampled_from([None, True, False]),
    resume=st.none() | st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1),
)
def test_values_survive_a_config_file(tmp_path_factory, width, family, dropout, tie, resume) -> None:
    path = tmp_path_factory.mktemp("config") / "run.yaml"
    model = {"width": width, "family": family, "dropout": dropout, "tie_weights": tie}
    path.write_text(yaml.safe_dump({"model": model, "train": {"resume": resume}}, allow_unicode=True), encoding="utf-8")
    values = train("a.txt", "--config", str(path))
    assert values.model == ModelConfig(**model)
    assert values.train.resume == resume


WORDS = ["a.txt", "--", "-", "-x", "-5", "--run", "--json", "--json=1", "--model", "--model=", "--config", "--inputs"]
WORDS += [
    "--inputs+=[a",
    "--inputs",
    "[a, [b]]",
    "[" * 3000,
    "--model.width",
    "1e3",
    "--model.width=",
    "null",
    "--task",
]
WORDS += [
    "--print_config",
    "--zzz=",
    "=",
    "--=",
    "-=",
    "a b",
    "--a b",
    "[2024-01-01]",
    "--train.precision",
    "\udc80",
    "",
]


TYPED = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=5)


def outcome(*words: str) -> str:
    """What comes of arguments: "read", "exit", or the sentence of a refusal. Any other exception is a bug."""
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            train(*words)
        except UserError as error:
            return f"refused: {error}"
        except SystemExit as end:
            return f"exit {end.code}"
    return "read"


@given(st.lists(st.sampled_from(WORDS) | TYPED, max_size=6))
def test_whatever_is_typed_has_a_meaning_or_a_sentence(words: list[str]) -> None:
    assert re.match(r"read$|exit 0$|refused: .", outcome(*words))


PIECES = [
    "model:",
    " width: ",
    "3",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "\n",
    " ",
    "- ",
    "null",
    "? ",
    ": ",
    "<<: ",
    "!!int ",
    "'",
]
PIECES += ["files: ", "data", "valid", "x", "|", "\t", "\x00", "---\n", "a.txt", "# ", "10m", "train", "max_time"]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_whatever_a_config_file_holds_has_a_meaning_or_a_sentence(tmp_path_factory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.yaml"
    path.write_text(text, encoding="utf-8")
    assert re.match(rf"read$|refused: ({re.escape(str(path))}[:,] |the )", outcome("a.txt", "--config", str(path)))


@given(st.sampled_from(["train", "generate", "evaluate", "--model.width"]), st.data())
def test_one_dropped_letter_still_finds_the_word(word: str, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(word) - 1))
    known = ["train", "generate", "evaluate", "demo", "check", "--model.width", "--data.context"]
    assert errors.nearest(word[:position] + word[position + 1 :], known) == word
