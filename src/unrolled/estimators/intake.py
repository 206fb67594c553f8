"""Data from Python programs: what cannot be used is refused in a sentence, before anything is trained or answered."""

import numbers
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.data.given import refuse_overlong
from unrolled.errors import UserError
from unrolled.untrusted import sound

RECORDS = (
    "give an array [n, time, features], a list of arrays, of texts or of lists of words, a frame, a data set, or a path"
)
SERIES = "give a series as an array [time] or [time, channels], several as a list of those, a frame, or a path"
TEXTS = "give a list of texts"
TARGETS = "give one entry for each record of X"


def taken_in(what: str, advice: str) -> AbstractContextManager[None]:
    """Whatever data makes the code within raise becomes a `UserError`: its types are anyone's."""
    return sound(f"{what} cannot be used", advice)


def check_data(data: Any, name: str, advice: str) -> None:
    """Raises `UserError` for what holds no entries, or none that can be: nothing, numbers, bytes, arrays without an
    axis or of objects that are no data, and what is missing throughout."""
    if data is None:
        raise UserError(f"{name} is missing; {advice}")
    if isinstance(data, str | Path):
        refuse_overlong(str(data))
        return
    from unrolled.data.readers.frames import is_frame

    unusable = (bytes, bytearray, memoryview, numbers.Number, set, frozenset, type)
    if isinstance(data, unusable) or callable(data) or not (hasattr(data, "__len__") or is_frame(data)):
        raise UserError(f"{name} is a {type(data).__name__}; {advice}")
    if isinstance(data, np.ndarray):
        if not data.ndim:
            raise UserError(f"{name} is an array of a single value; {advice}")
        if data.dtype.kind in "cMmV":
            raise UserError(f"{name} is an array of {data.dtype}; {advice}")
    half = _half_character(data)
    if half is not None:
        raise UserError(
            f"{name} holds half a character (a surrogate) in {half[:40]!a}; replace it, for example by "
            'text.encode("utf-8", "replace").decode()'
        )
    if nothing_known(data):
        raise UserError(f"{name} holds no value: everything in it is missing; {advice}")


def _half_character(data: Any) -> str | None:
    """The first text within lists and arrays that has half a character, which no file can hold."""
    if isinstance(data, str):
        try:
            data.encode("utf-8")
        except UnicodeEncodeError:
            return data
        return None
    if isinstance(data, list | tuple) or (isinstance(data, np.ndarray) and data.dtype.kind in "UO" and data.ndim):
        return next((text for entry in data if (text := _half_character(entry)) is not None), None)
    return None


def nothing_known(data: Any) -> bool:
    """Whether data has entries, and all of them are missing: NaN, None, or arrays of those."""
    if data is None or (isinstance(data, float | np.floating) and np.isnan(data)):
        return True
    if isinstance(data, np.ndarray) and data.dtype.kind == "f":
        return data.size > 0 and bool(np.isnan(data).all())
    if isinstance(data, list | tuple) or (isinstance(data, np.ndarray) and data.dtype.kind == "O" and data.ndim):
        return len(data) > 0 and all(nothing_known(entry) for entry in data)
    return False


def require_text(text: object, name: str) -> None:
    """Raises `UserError` for anything but a text."""
    if not isinstance(text, str):
        raise UserError(f"{name} is a {type(text).__name__}, expected a text")


def whole_number(value: Any, name: str, least: int, most: int = 2**31) -> int:
    """Raises `UserError` for anything but a whole number from `least` on."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value < most:
        raise UserError(f"{name} is {_short(value)}; give a whole number from {least} on")
    return int(value)


def _short(value: Any) -> str:
    shown = " ".join(repr(value).split())
    return shown if len(shown) <= 60 else f"{shown[:60]}..."
