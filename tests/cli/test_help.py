"""The short help shows what most people need, the long one everything, by what it is for."""

import importlib
import re
import shlex

import pytest

from unrolled.cli import options
from unrolled.cli.main import build_parser, main
from unrolled.cli.parser import groups


def help_of(capsys: pytest.CaptureFixture, *arguments: str) -> str:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    assert end.value.code == 0
    return capsys.readouterr().out


def flags_of(page: str) -> list[str]:
    """The flags that a page explains, one for each option."""
    return re.findall(r"^  (?:-\w, )?(--[\w.-]+)", page, re.MULTILINE)


@pytest.mark.parametrize("verb", ["train", "init"])
def test_the_short_help_is_short(verb: str, capsys: pytest.CaptureFixture) -> None:
    page = help_of(capsys, verb, "--help")
    every_verb = {"--json", "--debug", "--help", "--help-all"}
    shown = [flag for flag in flags_of(page) if flag not in every_verb]
    assert {"--task", "--target", "--model.family", "--train.max_time", "--train.resume", "--config"} <= set(shown)
    assert 13 <= len(shown) <= 18
    assert len(page.splitlines()) < 60
    assert re.search(rf"^For example: unrolled {verb} \S", page, re.MULTILINE)
    hidden = int(re.search(rf"unrolled {verb} --help-all shows (\d+) more", page)[1])
    assert len(flags_of(help_of(capsys, verb, "--help-all"))) == len(flags_of(page)) + hidden


def test_the_long_help_has_every_option_once_below_what_it_is_for(capsys: pytest.CaptureFixture) -> None:
    page = help_of(capsys, "train", "--help-all")
    parser = build_parser("train", options.add_train_options)
    every = [next(flag for flag in option.flags if flag.startswith("--")) for option in parser.options if option.flags]
    assert sorted(flags_of(page)) == sorted(every)
    below = {title: flags_of(part) for title, part in re.findall(r"^(\w.*):\n((?:  .*\n?)+)", page, re.MULTILINE)}
    assert "--model.heads" in below["model: family transformer"]
    assert "--data.horizon" in below["data: forecast"]
    assert "--data.mels" in below["data: inputs of signals"]
    assert "--train.max_steps" in below["train"]
    assert {title.split(":")[0] for title in below} == {"options", *groups(parser)}


def test_an_example_can_be_parsed() -> None:
    for verb in ("train", "init", "evaluate", "predict", "generate"):
        parser = build_parser(verb, importlib.import_module(f"unrolled.cli.{verb}").add_arguments)
        program, name, *arguments = shlex.split(parser.example)
        assert (program, name) == ("unrolled", verb)
        options.parse(parser, arguments)


def test_help_comes_before_what_is_wrong_beside_it(capsys: pytest.CaptureFixture) -> None:
    assert "usage: unrolled train FILE..." in help_of(capsys, "train", "--model.width", "x", "--help")
    assert main(["train", "--", "--help"]) == 2
