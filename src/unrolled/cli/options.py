"""The options of a verb: what there is, and how arguments and config files become values."""

import inspect
import json
import types
import typing
from argparse import SUPPRESS, Action, ArgumentError
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml
from jsonargparse import ArgumentParser, Namespace, set_parsing_settings

from unrolled.cli import errors
from unrolled.data.config import DataConfig
from unrolled.data.given import given_path
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.training.config import TrainConfig

# The sentence under each field of a config dataclass is its help.
set_parsing_settings(docstring_parse_attribute_docstrings=True)


NOT_SETTINGS = ("help", "config", "print_config")
"""Options that a config file cannot hold."""


SHORT = ("target", "inputs", "id", "time", "group", "labels")
"""Options of `data` that have a flag without `data.` in front too: who has data to learn from needs these first."""


TASKS = ["auto", "language", "classify", "regress", "tag", "forecast", "translate", "transcribe", "describe"]


PATHS = (
    *("files", "file", "model", "run", "folder", "output", "labels", "load_state", "save_state"),
    *("data.valid", "data.test", "data.labels", "data.cache", "model.embedding", "train.resume"),
)
"""Options of any verb that name files or folders, perhaps among other things."""


class KeepConfigured(Action):
    """For positional arguments that a config file may give instead: none on the command line leaves those alone."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        if values or namespace.get(self.dest) is None:
            setattr(namespace, self.dest, values)


class Option(NamedTuple):
    """One option of a verb, as help, `init` and error messages show it."""

    name: str
    """path in a config file, such as `model.width`"""
    flags: tuple[str, ...]
    """spellings on the command line; none for a positional argument"""
    word: str
    """how a positional argument stands in the usage line, such as `FILE...`"""
    help: str
    choices: tuple[str, ...]
    expected: str
    """what a value looks like, such as "a whole number or null" """
    default: Any
    group: str
    """title of the group it stands in"""
    repeats: bool
    """takes several values"""


def add_train_options(parser: ArgumentParser) -> None:
    """The options of `train`, which `init` writes to a file."""
    parser.add_argument("files", nargs="*", action=KeepConfigured, metavar="FILE", help="files or folders to train on")
    parser.add_argument("--config", action="config", metavar="FILE", help="YAML file with options")
    parser.add_argument(
        "--run", type=str | None, metavar="DIR", help="folder to write the run to; null makes a new one below runs/"
    )
    parser.add_argument(
        "--task",
        choices=TASKS,
        default="auto",
        help="what to learn; auto takes what the files suggest and says so",
    )
    parser.add_argument("--data", type=DataConfig, default=DataConfig())
    parser.add_argument("--model", type=ModelConfig, default=ModelConfig())
    parser.add_argument("--train", type=TrainConfig, default=TrainConfig())
    add_short_flags(parser)


def add_short_flags(parser: ArgumentParser) -> None:
    """`--target` for `--data.target` and so on."""
    for action in parser._actions:
        for flag in [
            flag for flag in action.option_strings if flag.rstrip("+") in {f"--data.{name}" for name in SHORT}
        ]:
            short = flag.replace("--data.", "--")
            action.option_strings = [*action.option_strings, short]
            parser._option_string_actions[short] = action


def add_common_options(parser: ArgumentParser) -> None:
    """The options that every verb has."""
    parser.add_argument(
        "--json", action="store_true", help="print the result as one JSON object on stdout, all else on stderr"
    )
    parser.add_argument("--debug", action="store_true", help="show where an error comes from")


def usage(parser: ArgumentParser) -> str:
    """The usage line: the positional arguments, and that there are options."""
    words = [option.word if _is_required(option) else f"[{option.word}]" for option in _positional(parser)]
    return " ".join([parser.prog, *words, "[options]"])


def _positional(parser: ArgumentParser) -> list[Option]:
    return [option for option in options_of(parser) if not option.flags]


def _is_required(option: Option) -> bool:
    """A positional argument that has a default, such as an empty list, may be left out."""
    return option.default is None


def options_of(parser: ArgumentParser) -> list[Option]:
    """All options of a parser in the order of its help."""
    return [_option(action, group.title or "") for group, action in _actions(parser)]


def _actions(parser: ArgumentParser) -> Iterator[tuple[Any, Action]]:
    for group in parser._action_groups:
        for action in group._group_actions:
            yield group, action


def _option(action: Action, group: str) -> Option:
    hint = getattr(action, "_typehint", None)  # jsonargparse keeps the type of an option here
    choices = _choices(hint) or tuple(map(str, action.choices or ()))
    repeats = action.nargs in ("*", "+") or typing.get_origin(hint) is list
    return Option(
        name=action.dest,
        word=str(action.metavar or action.dest.upper()) + ("..." if repeats else ""),
        flags=tuple(flag for flag in action.option_strings if not flag.endswith("+")),
        help=inspect.cleandoc(action.help or "").replace("\n", " "),
        choices=choices,
        expected=" or ".join(f'"{choice}"' for choice in choices) or _expected(hint),
        default=None if action.default == SUPPRESS else action.default,
        group=group,
        repeats=repeats,
    )


def _choices(hint: Any) -> tuple[str, ...]:
    if typing.get_origin(hint) is Literal:
        return typing.get_args(hint)
    return tuple(choice for part in _members(hint) for choice in _choices(part))


def _members(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if typing.get_origin(hint) in (types.UnionType, typing.Union) else ()


def _expected(hint: Any) -> str:
    """A type in plain words."""
    if _members(hint):
        return " or ".join(_expected(part) for part in _members(hint))
    if typing.get_origin(hint) is list:
        return "a list such as [a, b]"
    names = {int: "a whole number", float: "a number", bool: "true or false", types.NoneType: "null"}
    return names.get(hint, "text")


def parse(parser: ArgumentParser, arguments: list[str]) -> Namespace:
    """The values of all options, config dataclasses made. Raises `UserError` with one sentence on any mistake."""
    files, others = _split_configs(parser, arguments)
    lines = [check_config(parser, file.path, file.group) for file in files]
    try:
        # Files first: what the command line says itself holds, wherever it stands.
        parsed = parser.parse_args([*(f"{file.flag}={file.path}" for file in files), *_join_lists(parser, others)])
    except ArgumentError as error:
        for file, known in zip(files, lines, strict=True):
            _explain_config(parser, file, known)
        raise _explain(parser, str(error)) from error
    for option in _positional(parser):
        if _is_required(option) and not parsed.get(option.name):
            raise _absent(parser, option.name)
    _check_paths(parser, parsed)
    return parser.instantiate(parsed)


def _check_paths(parser: ArgumentParser, parsed: Namespace) -> None:
    """Raise `UserError` for an option that names a file and is empty, or names a pipe or a device."""
    for option in options_of(parser):
        if option.name not in PATHS or option.name in groups(parser):
            continue
        value = parsed.get(option.name)
        for place in value if isinstance(value, list) else [value]:
            if isinstance(place, str):
                given_path(place, option.flags[-1] if option.flags else option.word.removesuffix("..."))


def check_config(parser: ArgumentParser, path: Path, group: str = "") -> dict[str, int]:
    """The line of every option in a config file, of all options or of one group.

    Raises `UserError` with file and line if it is missing, not YAML, or has options that do not exist.
    """
    try:
        tree = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UserError(f"{path}{place}: this is not YAML: {error.problem}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path}: this is not a YAML text file in UTF-8; unrolled init FILE writes one") from error
    except RecursionError as error:
        raise UserError(f"{path}: its lists and groups stand too deep inside each other for a config file") from error
    except FileNotFoundError as error:
        raise UserError(f"there is no config file {path}; unrolled init FILE writes one") from error
    except OSError as error:
        raise UserError(f"cannot read the config file {path}: {(error.strerror or str(error)).lower()}") from error
    lines: dict[str, int] = {}
    if not isinstance(tree, yaml.MappingNode):
        raise UserError(f'{path}: expected lines such as "name: value", found none')
    _check_names(parser, path, tree, f"{group}." if group else "", lines)
    return lines


def _check_names(
    parser: ArgumentParser, path: Path, tree: yaml.MappingNode, prefix: str, lines: dict[str, int]
) -> None:
    known = {option.name: option for option in options_of(parser) if option.name not in NOT_SETTINGS}
    for key, value in tree.value:
        name, line = f"{prefix}{key.value}", key.start_mark.line + 1
        place = f"{path}, line {line}"
        if name not in known:
            sentence = errors.unknown_option(name, list(known), f"{parser.prog} --help lists all")
            raise UserError(f"{place}: {sentence}")
        if name in lines:
            raise UserError(f"{place}: {name} stands in line {lines[name]} already; remove one of the two")
        lines[name] = line
        if name in groups(parser):
            if not isinstance(value, yaml.MappingNode):
                raise UserError(f"{place}: {name} needs options below it; add some or remove the line")
            _check_names(parser, path, value, f"{name}.", lines)
        elif known[name].repeats:
            items = value.value if isinstance(value, yaml.SequenceNode) else [value]
            if items == [value] or any(item.tag != "tag:yaml.org,2002:str" for item in items):
                raise UserError(f"{place}: {name} expects a list of texts such as [a, b]")


def groups(parser: ArgumentParser) -> list[str]:
    """The names that have options below them, such as `model`."""
    return list(dict.fromkeys(option.name.split(".")[0] for option in options_of(parser) if "." in option.name))


class ConfigFile(NamedTuple):
    """A config file among the arguments."""

    flag: str
    path: Path
    group: str
    """what its options are for; "" for all"""


def _split_configs(parser: ArgumentParser, arguments: list[str]) -> tuple[list[ConfigFile], list[str]]:
    """The config files among the arguments, and all other arguments."""
    flags = {"--config": ""} if any(option.name == "config" for option in options_of(parser)) else {}
    flags |= {f"--{group}": group for group in groups(parser)}
    files: list[ConfigFile] = []
    others: list[str] = []
    remaining = iter(arguments)
    for argument in remaining:
        if argument == "--":
            return files, [*others, argument, *remaining]
        flag, equals, value = argument.partition("=")
        path = value if equals else next(remaining, None) if flag in flags else None
        if flag in flags and path is not None:
            files.append(ConfigFile(flag, given_path(path, flag), flags[flag]))
        else:
            others.append(argument)
    return files, others


def _join_lists(parser: ArgumentParser, arguments: list[str]) -> list[str]:
    """`--data.valid a --data.valid b` in the spelling of jsonargparse, which wants lists in brackets."""
    flags = {flag for option in options_of(parser) if option.repeats for flag in option.flags}
    joined: list[str] = []
    seen: set[str] = set()
    for argument in arguments:
        flag, equals, value = argument.partition("=")
        if joined and joined[-1] in flags:
            flag, value = joined.pop(), argument
        elif flag not in flags or not equals:
            joined.append(argument)
            continue
        if value.startswith("["):
            joined.append(f"{flag}={value}")
        else:
            joined.append(f"{flag}+={value}" if flag in seen else f"{flag}={json.dumps([value])}")
        seen.add(flag)
    return joined


def _explain(parser: ArgumentParser, message: str) -> UserError:
    """The sentence for what jsonargparse complains about."""
    options = options_of(parser)
    absent = errors.missing_arguments(message)
    if absent is not None:
        return _absent(parser, absent)
    flag = errors.missing_value(message)
    if flag is not None:
        expected = next((option.expected for option in options if flag in option.flags), "text")
        return UserError(f"{flag} needs a value: {expected}")
    word = errors.left_over(message)
    if word is not None and word.startswith("-"):
        known = [flag for option in options for flag in option.flags]
        return UserError(errors.unknown_option(word.split("=")[0], known, f"{parser.prog} --help lists all"))
    if word is not None:
        return UserError(f'unexpected argument "{word}"; write {usage(parser)}')
    failure = errors.parse_failure(message)
    option = next((option for option in options if failure and option.name == failure[0]), None)
    if failure is None or option is None:
        return errors.one_sentence(message)
    shown = option.flags[-1] if option.flags else option.name
    return UserError(_bad_value(option, shown, failure[1]))


def _absent(parser: ArgumentParser, name: str) -> UserError:
    word = next(option.word for option in _positional(parser) if option.name == name)
    return UserError(f"no {word.removesuffix('...')} given; write {usage(parser)}")


def _explain_config(parser: ArgumentParser, file: ConfigFile, lines: dict[str, int]) -> None:
    """Raise `UserError` if it is a value in this config file that cannot be."""
    try:
        parser.parse_args([f"{file.flag}={file.path}"])
    except ArgumentError as error:
        failure = errors.parse_failure(str(error))
        for option in options_of(parser):
            if failure and option.name == failure[0] and option.name in lines:
                sentence = _bad_value(option, option.name, failure[1], in_file=True)
                raise UserError(f"{file.path}, line {lines[option.name]}: {sentence}") from error


def _bad_value(option: Option, shown: str, value: str, *, in_file: bool = False) -> str:
    if in_file and (value in option.choices or option.expected.startswith("text")):
        return f'{shown} must be text; write "{value}" in quotes'
    if option.choices:
        return errors.bad_choice(shown, value, option.choices)
    return f'{shown} expects {option.expected}, found "{value}"'
