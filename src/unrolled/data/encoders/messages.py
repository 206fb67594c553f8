"""What a person sends of a record as it comes: one step by the names of its columns, or a piece of any length.

`{"temp": 1.5, "wind": null}` is one step of two columns, `{"temp": [1.5, 1.7], "wind": [3, null]}` are two,
`{"signal": [0.1, 0.2, 0.1]}` three of a signal, `{"words": ["a", "b"]}` two words.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unrolled.data.json_values import excerpt
from unrolled.data.records import Field
from unrolled.errors import UserError

LONGEST_NAME = 200
"""Characters of a name up to which it is compared with those that are known."""
LISTED = 20
"""Names that a sentence lists."""
LARGEST = 3e38
"""what float32 holds"""
NUMERIC = ("numeric", "signal")


def read_message(message: Any, fields: Sequence[Field], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """The values of a message, by the name of the field.

    A key is the name of a field or of one of its channels. `shapes` says for each numeric field and signal its number
    of channels, and for pictures height and width. Numbers become float32 `[time, channels]`, NaN where null; where
    some of the channels of a field are given, the others are missing. Words and categories become lists, a category of
    the whole record and a text str, pictures uint8 `[time, height, width, 3]`. Raises `UserError` for anything else.
    """
    if not isinstance(message, dict):
        if len(fields) != 1:
            raise UserError(f"expected an object with values of {listed([field.name for field in fields])}")
        message = {fields[0].name: message}
    owners = _owners(fields, shapes)
    parts: dict[str, dict[str, Any]] = {}
    for name, value in message.items():
        if name not in owners:
            advice = nearest(name, list(owners)) or f"it reads {listed(list(owners))}"
            raise UserError(f'the model reads no "{excerpt(str(name))}"; {advice}')
        parts.setdefault(owners[name].name, {})[name] = value
    values: dict[str, Any] = {}
    for field in fields:
        given = parts.get(field.name)
        if given is None:
            continue
        if field.kind in NUMERIC:
            values[field.name] = _numbers(field, given, shapes[field.name][0])
        elif field.kind == "frames":
            height, width = shapes[field.name]
            values[field.name] = _pictures(field.name, given[field.name], height, width)
        elif field.kind == "text":
            values[field.name] = _text(field.name, given[field.name])
        elif field.kind == "categorical" and not field.timed:
            values[field.name] = _category(field.name, given[field.name])
        else:
            word = _category if field.kind == "categorical" else _text
            entries = given[field.name]
            entries = entries if isinstance(entries, list | tuple) else [entries]
            values[field.name] = [word(field.name, entry) for entry in entries]
    return values


def example_of(fields: Sequence[Field]) -> dict[str, Any]:
    """A message for these fields, as JSON."""
    values: dict[str, Any] = {}
    for field in fields:
        if field.kind in NUMERIC:
            value: Any = [0.1, 0.2] if field.kind == "signal" else 1.5
            values |= dict.fromkeys(field.channels[:2] or (field.name,), value)
        else:
            values[field.name] = "[picture]" if field.kind == "frames" else "ab"
    return values


def nearest(name: Any, names: Sequence[str]) -> str | None:
    """The one that was meant, if that can be told: comparing takes time, and no one mistypes a book."""
    close = difflib.get_close_matches(name, names, n=1) if isinstance(name, str) and len(name) <= LONGEST_NAME else []
    return f'did you mean "{close[0]}"?' if close else None


def listed(names: Sequence[str]) -> str:
    """Names with commas between, the first `LISTED` of them."""
    more = f" and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def shown(value: Any) -> str:
    """A value that was found, short enough for a sentence."""
    try:
        return excerpt(repr(value))
    except (RecursionError, ValueError):  # nested too deeply, or a number of thousands of digits
        return f"a {type(value).__name__} that cannot be shown"


def _owners(fields: Sequence[Field], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Field]:
    """The field of each name that can be given; the name of a channel that several fields have is none."""
    channels = [(name, field) for field in fields if field.kind in NUMERIC for name in _channels(field, shapes)]
    counts = [name for name, _ in channels]
    owners = {name: field for name, field in channels if counts.count(name) == 1}
    return owners | {field.name: field for field in fields if field.name not in owners}


def _channels(field: Field, shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, ...]:
    """The names of the channels, where there is one for each."""
    return field.channels if len(field.channels) == shapes[field.name][0] else ()


def _numbers(field: Field, given: dict[str, Any], channels: int) -> np.ndarray:
    if field.name in given and (channels == 1 or field.name not in field.channels):
        if len(given) > 1:
            other = next(name for name in given if name != field.name)
            raise UserError(f'"{field.name}" and "{other}" are both given, and one holds the other; give one of them')
        return _steps(field, given[field.name], channels)
    columns = {name: _column(name, value) for name, value in given.items()}
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        shown = " and ".join(f"{length} of {name}" for name, length in list(lengths.items())[:2])
        raise UserError(f"there are {shown}; give as many of each, null where one is missing")
    steps = next(iter(lengths.values()))
    values = np.full((steps, channels), np.nan, dtype=np.float32)
    for channel, name in enumerate(field.channels):
        if name in columns:
            values[:, channel] = columns[name]
    return _of_record(field, values)


def _steps(field: Field, value: Any, channels: int) -> np.ndarray:
    """Values under the name of the field: of one channel a number or a list, of several a list for each step."""
    if isinstance(value, np.ndarray) and value.ndim == 2 and value.shape[1] == channels:
        return _of_record(field, _column(field.name, value.ravel()).reshape(value.shape))
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if channels == 1 and not (isinstance(value, list | tuple) and value and isinstance(value[0], list | tuple)):
        return _of_record(field, _column(field.name, value)[:, None])
    rows = value if isinstance(value, list | tuple) else [value]
    if rows and not isinstance(rows[0], list | tuple):
        rows = [rows]  # one step
    for row in rows:
        if not isinstance(row, list | tuple) or len(row) != channels:
            size = f"{len(row)} values" if isinstance(row, list | tuple) else shown(row)
            raise UserError(f'a step of "{field.name}" is {size}; give a list of {channels} numbers for each step')
    flat = _column(field.name, [entry for row in rows for entry in row])
    return _of_record(field, flat.reshape(len(rows), channels))


def _of_record(field: Field, values: np.ndarray) -> np.ndarray:
    if not field.timed and len(values) != 1:
        raise UserError(f'"{field.name}" is one value for the whole record, and {len(values)} were given')
    return values


def _column(name: str, value: Any) -> np.ndarray:
    """float32 `[time]` of a number or a list of numbers, NaN for null."""
    if isinstance(value, np.ndarray | np.generic) and value.ndim == 1 and value.dtype.kind in "iuf":
        column = np.asarray(value, dtype=np.float64)
        strange = list(column[np.abs(column) >= LARGEST][:1])
    else:
        value = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
        entries = value if isinstance(value, list | tuple) else [value]
        strange = [entry for entry in entries if type(entry) not in (int, float, type(None))]
        strange = strange or [entry for entry in entries if entry is not None and abs(entry) >= LARGEST]
        column = np.array([] if strange else entries, dtype=np.float64)
    if strange:
        raise UserError(f'"{name}" is {shown(strange[0])}; give a finite number, or null if it is missing')
    return np.asarray(column, dtype=np.float32)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise UserError(f'"{name}" is {shown(value)}; give a text')
    return value


def _category(name: str, value: Any) -> str:
    """A category as tables write it; null is an empty cell."""
    if value is None:
        return ""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:.15g}" if abs(value) < LARGEST else str(value)
    if not isinstance(value, str):
        raise UserError(f'"{name}" is {shown(value)}; give a text, or null if it is missing')
    return value


def _pictures(name: str, value: Any, height: int, width: int) -> np.ndarray:
    wanted = f"a picture of {height} lines of {width} points with 3 numbers from 0 to 255 each, or a list of such"
    try:
        pictures = np.asarray(value)
    except ValueError:  # lists of unlike lengths
        raise UserError(f'"{name}" is no array; give {wanted}') from None
    if pictures.ndim == 3:
        pictures = pictures[None]
    if pictures.shape == (0,):
        return np.zeros((0, height, width, 3), dtype=np.uint8)
    if pictures.ndim != 4 or pictures.shape[1:] != (height, width, 3):
        raise UserError(f'"{name}" has the shape {list(np.shape(value))}; give {wanted}')
    if pictures.dtype.kind not in "iu" or pictures.min(initial=0) < 0 or pictures.max(initial=0) > 255:
        raise UserError(f'"{name}" holds something else than whole numbers from 0 to 255; give {wanted}')
    return pictures.astype(np.uint8)
