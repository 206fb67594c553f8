"""What a text on the command line or in a config file means, by the type of its option."""

import types
import typing
from typing import Any, Literal

from unrolled.settings import choices_of, parts_of

NULL = ("null", "Null", "NULL", "~")
TRUE, FALSE = ("true", "yes", "on"), ("false", "no", "off")
"""As YAML 1.1 spells them, in any case."""
_IN_WORDS = {int: "a whole number", float: "a number", bool: "true or false", types.NoneType: "null", str: "text"}


def is_list(kind: Any) -> bool:
    return any(typing.get_origin(part) is list for part in parts_of(kind))


def accepts_null(kind: Any) -> bool:
    return types.NoneType in parts_of(kind)


def is_text(kind: Any) -> bool:
    """Whether its values are text, freely or out of several."""
    return any(part is str or typing.get_origin(part) is Literal for part in parts_of(kind))


def kind_in_words(kind: Any) -> str:
    """A type in plain words, such as "a whole number or null"."""
    choices = [f'"{choice}"' for choice in choices_of(kind)]
    if is_list(kind):
        return "a list such as [a, b]"
    return " or ".join([*choices, *(_IN_WORDS[part] for part in parts_of(kind) if part in _IN_WORDS)])


def value_of(text: str, kind: Any) -> Any:
    """The value of a type that is no list. Raises `ValueError` if the text means none."""
    parts = parts_of(kind)
    if accepts_null(kind) and text.strip() in NULL:
        return None
    if str in parts or text in choices_of(kind):
        return text
    word = text.strip().lower()
    if bool in parts and word in TRUE + FALSE:
        return word in TRUE
    if int in parts:
        return int(word, 16) if word.startswith("0x") else int(word)
    if float in parts and word.lstrip("+-") not in ("nan", "inf", "infinity"):
        return float(word.replace(".nan", "nan").replace(".inf", "inf"))
    raise ValueError(f"{text!r} is no {kind}")
