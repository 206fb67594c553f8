"""The options that several verbs have, and how arguments and config files become their values."""

import re
from argparse import Namespace
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from unrolled.cli import errors
from unrolled.cli.config_files import NOT_SETTINGS, config_text, is_text_node, read_config
from unrolled.cli.help import help_text
from unrolled.cli.parser import Option, Parser, all_listed, groups, positional, usage
from unrolled.cli.values import value_of
from unrolled.data.config import DataConfig
from unrolled.data.given import given_path
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.tasks.task import TASKS
from unrolled.training.config import TrainConfig

SHORT = ("target", "inputs", "id", "time", "group", "labels")
"""Options of `data` that have a flag without `data.` in front too: who has data to learn from needs these first."""


CONFIGS = {"data": DataConfig, "model": ModelConfig, "train": TrainConfig}


PATHS = (
    *("files", "file", "model", "run", "folder", "output", "labels", "load_state", "save_state"),
    *("data.valid", "data.test", "data.labels", "data.cache", "model.embedding", "train.resume"),
)
"""Options of any verb that name files or folders, perhaps among other things."""


_VALUE = re.compile(r"-(\.?\d.*)?")
"""An argument that begins with "-" and is no flag: a number, or "-" alone."""


def add_train_options(parser: Parser) -> None:
    """The options of `train`, which `init` writes to a file."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="files or folders to train on")
    parser.add_argument(
        "--run", type=str | None, metavar="DIR", help="folder to write the run to; null makes a new one below runs/"
    )
    parser.add_argument(
        "--task",
        choices=("auto", *TASKS),
        default="auto",
        help="what to learn; auto takes what the files suggest and says so",
    )
    parser.add_argument("--config", is_config=True, metavar="FILE", help="YAML file with options")
    parser.add_argument(
        "--print_config",
        switch=True,
        common=False,
        help="print the options as a config file, with all other arguments applied, and exit; "
        "--print_config=skip_default leaves out what is at its default, --print_config=skip_unset what is null",
    )
    for group, config in CONFIGS.items():
        parser.add_settings(group, config, SHORT if group == "data" else ())


def add_common_options(parser: Parser) -> None:
    """The options that every verb has."""
    parser.add_argument("--json", switch=True, help="print the result as one JSON object on stdout, all else on stderr")
    parser.add_argument("--debug", switch=True, help="show where an error comes from")
    parser.add_argument("-h", "--help", switch=True, help="show this help and exit")
    if not all(option.common for option in parser.options):
        parser.add_argument("--help-all", switch=True, help="the same with every option, by task and family")


class Given(NamedTuple):
    """What stands for an option among the arguments."""

    option: Option
    text: str
    """"" for a switch"""
    adds: bool = False
    """a list that goes on: `--data.valid+=b`"""


def parse(parser: Parser, arguments: list[str]) -> Namespace:
    """The values of all options, config dataclasses made. Raises `UserError` with one sentence on any mistake."""
    given, words = _split(parser, arguments)
    asked = {entry.option.name: entry.text for entry in given if entry.option.switch}
    if "help" in asked or "help_all" in asked:
        print(help_text(parser, everything="help_all" in asked))
        raise SystemExit(0)
    values = {option.name: option.default for option in parser.options if not option.is_config}
    # Files first: what the command line says itself holds, wherever it stands.
    for entry in given:
        if entry.option.is_config:
            group = entry.option.name if entry.option.name in groups(parser) else ""
            values |= read_config(parser, given_path(entry.text, entry.option.shown), group)
    values |= _values(given, values) | _assign(parser, words)
    if "print_config" in asked:
        print(config_text(parser, values, _skipped(asked["print_config"])), end="")
        raise SystemExit(0)
    for option in positional(parser):
        if option.required and not values[option.name]:
            raise UserError(f"no {option.metavar} given; write {usage(parser)}")
    _check_paths(parser, values)
    return _grouped(parser, values)


def _split(parser: Parser, arguments: list[str]) -> tuple[list[Given], list[list[str]]]:
    """What is given for each option, and the other words: those that stand side by side in one list."""
    given: list[Given] = []
    words: list[list[str]] = [[]]
    waiting = deque(arguments)
    while waiting:
        argument = waiting.popleft()
        if argument == "--":
            words[-1] += waiting
            break
        if _is_flag(argument):
            given.append(_given(parser, argument, waiting))
            words.append([])
        else:
            words[-1].append(argument)
    return given, words


def _is_flag(argument: str) -> bool:
    return argument.startswith("-") and " " not in argument.split("=")[0] and not _VALUE.fullmatch(argument)


def _given(parser: Parser, argument: str, waiting: deque[str]) -> Given:
    """The option that an argument names, with its value, which may be the next argument."""
    flags = {flag: option for option in parser.options for flag in option.flags}
    flag, equals, value = argument.partition("=")
    if flag not in flags and not flag.startswith("--") and flag[:2] in flags:  # such as -n3
        flag, equals, value = flag[:2], "=", flag[2:] + equals + value
    option = flags.get(flag) or flags.get(flag.removesuffix("+"))
    adds = option is not None and flag not in flags
    if option is None or (adds and not option.repeats):
        raise UserError(errors.unknown_option(flag, list(flags), all_listed(parser)))
    if option.switch:
        if equals and option.name != "print_config":
            raise UserError(f'{flag} takes no value, found "{value}"')
        return Given(option, value)
    if equals:
        return Given(option, value, adds)
    # A list and a config file take what comes next, whatever it looks like.
    if not waiting or (_is_flag(waiting[0]) and not (option.repeats or option.is_config)):
        raise UserError(f"{option.shown} needs a value: {option.expected}")
    return Given(option, waiting.popleft(), adds)


def _values(given: list[Given], before: dict[str, Any]) -> dict[str, Any]:
    """The values of the options given on the command line, by name."""
    values: dict[str, Any] = {}
    for option, text, adds in given:
        if option.switch:
            values[option.name] = True
        elif option.repeats:
            items = _items(option, text)
            kept = values.get(option.name, before[option.name] if adds else [])
            values[option.name] = items if text.startswith("[") and not adds else [*kept, *items]
        elif not option.is_config:
            try:
                values[option.name] = value_of(text, option.type)
            except ValueError as error:
                raise UserError(errors.bad_value(option.shown, text, option.choices, option.expected)) from error
    return values


def _items(option: Option, text: str) -> list[str]:
    """`a` or `[a, b]`"""
    if not text.startswith("["):
        return [text]
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        node = None
    items = node.value if isinstance(node, yaml.SequenceNode) else []
    wrong = next((item for item in items if not is_text_node(item)), None)
    if not isinstance(node, yaml.SequenceNode) or wrong is not None:
        shown = wrong.value if isinstance(wrong, yaml.ScalarNode) else text
        raise UserError(errors.bad_value(option.shown, shown, (), option.expected))
    return [item.value for item in items]


def _assign(parser: Parser, words: list[list[str]]) -> dict[str, Any]:
    """The words for the positional arguments. One that takes several takes those that stand side by side."""
    values: dict[str, Any] = {}
    waiting = deque(positional(parser))
    for side_by_side in map(deque, words):
        while side_by_side:
            if not waiting:
                raise UserError(f'unexpected argument "{side_by_side[0]}"; write {usage(parser)}')
            option = waiting.popleft()
            if option.repeats:
                values[option.name] = list(side_by_side)
                side_by_side.clear()
            else:
                values[option.name] = side_by_side.popleft()
    return values


def _skipped(text: str) -> list[str]:
    skipped = text.split(",") if text else []
    for word in skipped:
        if word not in ("skip_default", "skip_unset"):
            raise UserError(f'--print_config takes skip_default and skip_unset with a comma between, found "{word}"')
    return skipped


def _check_paths(parser: Parser, values: dict[str, Any]) -> None:
    """Raise `UserError` for an option that names a file and is empty, or names a pipe or a device."""
    for option in parser.options:
        value = values.get(option.name) if option.name in PATHS else None
        for path in value if isinstance(value, list) else [value]:
            if path is not None:
                given_path(path, option.shown)


def _grouped(parser: Parser, values: dict[str, Any]) -> Namespace:
    """The values, those of a group as its config dataclass."""
    single = {name: value for name, value in values.items() if "." not in name and name not in NOT_SETTINGS}
    return Namespace(**single, **{group: CONFIGS[group](**dict(_below(group, values))) for group in groups(parser)})


def _below(group: str, values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if name.startswith(f"{group}."):
            yield name.removeprefix(f"{group}."), value
