"""Config files: YAML whose lines are the options of a verb, read with the line of every mistake, and written."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from unrolled.cli import errors
from unrolled.cli.parser import Option, Parser, all_listed, groups
from unrolled.cli.values import accepts_null, is_text, value_of
from unrolled.errors import UserError

NOT_SETTINGS = ("help", "help_all", "config", "print_config")
"""Options that a config file cannot hold."""
_NULL = "tag:yaml.org,2002:null"
_TEXT = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp")


def read_config(parser: Parser, path: Path, group: str = "") -> dict[str, Any]:
    """The options of a config file, of all options or of one group, by name.

    Raises `UserError` with file and line if it is missing, not YAML, or has options or values that cannot be.
    """
    try:
        tree = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        location = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UserError(f"{path}{location}: this is not YAML: {error.problem}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path}: this is not a YAML text file in UTF-8; unrolled init FILE writes one") from error
    except RecursionError as error:
        raise UserError(f"{path}: its lists and groups stand too deep inside each other for a config file") from error
    except FileNotFoundError as error:
        raise UserError(f"there is no config file {path}; unrolled init FILE writes one") from error
    except OSError as error:
        raise UserError(f"cannot read the config file {path}: {(error.strerror or str(error)).lower()}") from error
    if not isinstance(tree, yaml.MappingNode):
        raise UserError(f'{path}: expected lines such as "name: value", found none')
    values: dict[str, Any] = {}
    _read_group(parser, path, tree, f"{group}." if group else "", values, {})
    return values


def _read_group(
    parser: Parser, path: Path, tree: yaml.MappingNode, prefix: str, values: dict[str, Any], lines: dict[str, int]
) -> None:
    known = {option.name: option for option in parser.options if option.name not in NOT_SETTINGS}
    for key, node in tree.value:
        line = key.start_mark.line + 1
        location = f"{path}, line {line}"
        if not isinstance(key, yaml.ScalarNode):
            raise UserError(f'{location}: expected a line such as "name: value"')
        name = f"{prefix}{key.value}"
        if name not in known:
            sentence = errors.unknown_option(name, list(known), all_listed(parser))
            raise UserError(f"{location}: {sentence}")
        if name in lines:
            raise UserError(f"{location}: {name} stands in line {lines[name]} already; remove one of the two")
        lines[name] = line
        if name not in groups(parser):
            values[name] = _value(known[name], node, location)
        elif isinstance(node, yaml.MappingNode):
            _read_group(parser, path, node, f"{name}.", values, lines)
        else:
            raise UserError(f"{location}: {name} needs options below it; add some or remove the line")


def _value(option: Option, node: yaml.Node, location: str) -> Any:
    name = option.name
    if option.repeats:
        if not isinstance(node, yaml.SequenceNode) or not all(map(is_text_node, node.value)):
            raise UserError(f"{location}: {name} expects a list of texts such as [a, b]")
        return [item.value for item in node.value]
    if not isinstance(node, yaml.ScalarNode):
        kind = "a list" if isinstance(node, yaml.SequenceNode) else "options below it"
        raise UserError(f"{location}: {name} expects {option.expected}, found {kind}")
    text: str = "null" if node.tag == _NULL else node.value
    allowed = text in option.choices or not option.choices
    if is_text(option.type) and allowed and is_text_node(node):
        return text
    if is_text(option.type) and allowed and node.tag != _NULL:
        raise UserError(f'{location}: {name} must be text; write "{text}" in quotes')
    try:
        if is_text(option.type) and node.tag == _NULL and not accepts_null(option.type):
            raise ValueError("null is a text only in quotes")
        return value_of(text, option.type)
    except ValueError as error:
        raise UserError(f"{location}: {errors.bad_value(name, text, option.choices, option.expected)}") from error


def is_text_node(node: yaml.Node) -> bool:
    """Whether YAML takes it for text, or for a date, which is one."""
    return node.tag in _TEXT


def config_text(parser: Parser, values: dict[str, Any], skip: Collection[str] = ()) -> str:
    """A config file with all options, or without those that are at their default or unset: "skip_default"..."""
    tree: dict[str, Any] = {}
    for option in parser.options:
        value = values.get(option.name)
        at_default = "skip_default" in skip and value == option.default
        if option.name in (*NOT_SETTINGS, *groups(parser)) or at_default or ("skip_unset" in skip and value is None):
            continue
        group, _, name = option.name.rpartition(".")
        (tree.setdefault(group, {}) if group else tree)[name] = value
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)
