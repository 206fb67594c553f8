"""What strangers wrote: JSON and YAML of bounded size and depth, values of the types that a class declares, and one
sentence for whatever is wrong with a file."""

import contextlib
import json
import re
import types
import typing
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml

from unrolled.errors import UserError

DEEPEST = 100
"""Levels of lists and objects inside each other; what Unrolled writes has fewer than 20."""
LARGEST = 1 << 28
"""Bytes of a file that is read as a whole."""
_MOST_VALUES = 1_000_000
"""Values of a YAML text, counted as often as they are referred to: a few lines can stand for billions."""
Made = TypeVar("Made")

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read_text(path: Path) -> str:
    """A whole text file. Raises `OSError`, and `ValueError` if it is not UTF-8 or larger than `LARGEST`."""
    size = path.stat().st_size
    if size > LARGEST:
        raise ValueError(f"{size / 1e6:,.0f} MB are more than such a file can hold")
    return path.read_text(encoding="utf-8")


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text. Raises `ValueError` if it is none, too deep, or has half a character (a surrogate)."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError(_too_deep()) from None
    text = text if isinstance(text, str) else text.decode("utf-8", "replace")
    _check(value, characters=_SURROGATE.search(text) is not None)
    return value


def parse_yaml(text: str) -> Any:
    """The value of a YAML text. Raises `ValueError` if it is none, too deep, or stands for too much by its
    references."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    except RecursionError:
        raise ValueError(_too_deep()) from None
    _check(value, most=_MOST_VALUES)
    return value


@contextlib.contextmanager
def sound(what: str, advice: str) -> Iterator[None]:
    """Whatever the content of a file makes the code within raise becomes a `UserError`: `what` and the reason, such as
    "the vocabulary v.json is damaged: it lacks 'kind'"."""
    try:
        yield
    except (UserError, MemoryError):
        raise
    except Exception as error:  # the types and values in the file are anyone's, and so is what they break
        raise UserError(f"{what}: {reason(error)}; {advice}") from error


def typed(made: Made) -> Made:
    """A dataclass or `NamedTuple` made of untrusted values, once every field, also of those inside, is of the type
    that its class declares. Raises `ValueError` with the first that is not."""
    for name, hint in typing.get_type_hints(type(made)).items():
        if typing.get_origin(hint) is not typing.ClassVar:
            value = getattr(made, name)
            if not fits(value, hint):
                raise ValueError(f"{name} is {short(value)}, expected {getattr(hint, '__name__', None) or hint}")
    return made


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of an annotated type; a float may be a whole number, and no number is a truth value."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return True
    if origin in (types.UnionType, typing.Union):
        return any(fits(value, member) for member in inner)
    if origin is Literal:
        return any(type(value) is type(choice) and value == choice for choice in inner)
    if origin is tuple and isinstance(value, tuple):
        if inner[-1] is Ellipsis:
            return all(fits(element, inner[0]) for element in value)
        return len(value) == len(inner) and all(map(fits, value, inner))
    if origin is list and isinstance(value, list):
        return all(fits(element, inner[0]) for element in value)
    if origin is dict and isinstance(value, dict):
        return all(fits(key, inner[0]) and fits(element, inner[1]) for key, element in value.items())
    if origin is not None:
        return False
    if hint is None or hint is type(None):
        return value is None
    if hint in (int, float):
        return not isinstance(value, bool) and isinstance(value, int if hint is int else (int, float))
    if not isinstance(value, hint):
        return False
    if is_dataclass(value) or hasattr(value, "_fields"):
        typed(value)
    return True


def short(value: Any) -> str:
    """What was found, in a sentence."""
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:60]}..."


def reason(error: Exception) -> str:
    """What an error says, in one line of bounded length."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, KeyError):
        return f"it lacks {str(error)[:200]}"
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= 200 else f"{words[:200]}..."


def _check(value: Any, *, most: int | None = None, characters: bool = False) -> None:
    """Level by level, so that no depth is too deep for this check itself."""
    level, depth, count = [value], 0, 0
    while level:
        count += len(level)
        if most is not None and count > most:
            raise ValueError(f"its references stand for more than {most:,} values")
        if characters:
            for element in level:
                if isinstance(element, str) and not _is_whole(element):
                    raise ValueError(f"{element[:60]!a} has half a character (a surrogate)")
        below: list[Any] = []
        for element in level:
            if isinstance(element, dict):
                below += [*element, *element.values()] if characters else element.values()
            elif isinstance(element, list):
                below += element
        level, depth = below, depth + 1
        if depth > DEEPEST + 1:
            raise ValueError(_too_deep())


def _is_whole(text: str) -> bool:
    """Whether every character of it can be written."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _too_deep() -> str:
    return f"its lists and objects stand more than {DEEPEST} deep inside each other"
