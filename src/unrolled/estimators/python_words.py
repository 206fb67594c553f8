"""What the engine says of its options, in the words of Python: `--train.max_steps 5` is `max_steps=5` there."""

import contextlib
import functools
import re
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any, Literal, ParamSpec, TypeVar

from unrolled.errors import UserError
from unrolled.training.applicable import CONFIGS

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

CLASSES = {
    "language": "LanguageModel",
    "classify": "SequenceClassifier",
    "regress": "SequenceRegressor",
    "tag": "SequenceTagger",
    "forecast": "Forecaster",
    "translate": "Translator",
    "transcribe": "Transcriber",
    "describe": "SequenceDescriber",
}
"""A task is chosen by the class."""
_OPTION = re.compile(
    r"""--(?:data\.|model\.|train\.)?(?P<name>[a-z_]+)(?![\w.-])
    (?:[ ](?P<value>'[^']*' | "[^"]*" | [^\s'";,()]+(?:,[^\s'";,()]+)*(?<![.:])))?""",
    re.VERBOSE,
)
_PLAIN_WORDS = {
    *("a", "an", "and", "another", "are", "as", "at", "by", "does", "for", "from", "gives", "has", "have", "holds"),
    *("if", "in", "is", "it", "leave", "needs", "no", "of", "on", "or", "out", "so", "that", "the", "there", "to"),
    *("where", "which", "with"),
}
"""words that follow an option in a sentence, and are no value of it"""
_COMMAND = re.compile(r"unrolled [a-z]+ [^;]*")
_CONSTANTS = {"true": "True", "false": "False", "null": "None"}


def in_python(sentence: str) -> str:
    """A sentence of the engine with the options that it names as a Python program writes them.

    Whole commands (`unrolled train ...`) stay as they are.
    """
    parts, end = [], 0
    for command in _COMMAND.finditer(sentence):
        parts += [_translated(sentence[end : command.start()]), command[0]]
        end = command.end()
    return "".join([*parts, _translated(sentence[end:])])


def speaks_python(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """The function, with the sentences of the `UserError`s that it raises in the words of Python."""

    @functools.wraps(function)
    def wrapped(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with _in_python_words():
            return function(*args, **kwargs)

    return wrapped


@contextlib.contextmanager
def _in_python_words() -> Iterator[None]:
    try:
        yield
    except UserError as error:
        error.args = (in_python(str(error)),)
        raise


def _translated(text: str) -> str:
    if "--" not in text:
        return text
    text = _OPTION.sub(_option, text)
    return re.sub(r"\btrue or false\b", "True or False", text)


def _option(match: re.Match[str]) -> str:
    name, value = match["name"], match["value"]
    if name == "task":
        return _task(value)
    if name != "run" and name not in _settings():
        return match[0]
    if value is None:
        return name
    written = _written(name, value)
    return f"{name} {value}" if written is None else f"{name}={written}"


def _task(value: str | None) -> str:
    if value is None:
        return "estimator"
    names = [CLASSES[task] for task in value.split("|") if task in CLASSES]
    return " or ".join(names) if names else f"estimator {value}"


def _written(name: str, value: str) -> str | None:
    """A value as Python writes it; None if it is no value, but the next word of the sentence."""
    hint = _settings().get(name, str)
    if value in _CONSTANTS:
        return _CONSTANTS[value]
    if value.isupper():  # stands for what the reader chooses
        return value
    if value[0] in "'\"":
        return value
    choices = _choices(hint)
    if choices:
        return f'"{value}"' if value in choices else None
    if re.fullmatch(r"-?\d+(\.\d*)?(e-?\d+)?", value) and not _is(hint, str, list):
        return value
    if not _is(hint, str, list) or value in _PLAIN_WORDS:
        return None
    listed = ", ".join(f'"{part}"' for part in value.split(","))
    return f"[{listed}]" if _is(hint, list) else f'"{value}"'


@functools.cache
def _settings() -> dict[str, Any]:
    return {
        field.name: typing.get_type_hints(config)[field.name] for config in CONFIGS.values() for field in fields(config)
    }


def _parts(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if typing.get_origin(hint) in (types.UnionType, typing.Union) else (hint,)


def _choices(hint: Any) -> tuple[str, ...]:
    return tuple(
        choice for part in _parts(hint) if typing.get_origin(part) is Literal for choice in typing.get_args(part)
    )


def _is(hint: Any, *kinds: type) -> bool:
    return any((typing.get_origin(part) or part) in kinds for part in _parts(hint))
