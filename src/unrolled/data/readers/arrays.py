"""Arrays and lists in memory, as the Python interface is given them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from unrolled.data.readers.array_targets import Target, read_target
from unrolled.data.records import ANYTHING, Field, Notes, Reading, Record, Source, Wish
from unrolled.errors import UserError

Layout = Literal["auto", "time-channels", "channels-time"]
_BLOCK = 1 << 22
"""values looked at at once"""


class ArraySource(Source):
    """One record per entry of X; arrays are not copied as a whole, so that they may lie in a file (memory map)."""

    def __init__(
        self,
        inputs: Field,
        X: Any,
        channels_first: bool,
        target: Target | None,
        groups: list[str] | None,
        name: str,
    ) -> None:
        self.fields = (inputs,) if target is None else (inputs, target.field)
        self.target_guess = None if target is None else target.field.name
        self._inputs, self._X, self._channels_first = inputs, X, channels_first
        self._target, self._groups, self._name = target, groups, name
        self.valid_part: Source | None = None
        self.test_part: Source | None = None

    def __len__(self) -> int:
        return len(self._X)

    def record(self, index: int) -> Record:
        values = {self._inputs.name: self._value(index)}
        if self._target is not None:
            values[self._target.field.name] = self._target.value(index)
        return Record(values, f"{self._name}[{index}]")

    def labels(self, name: str) -> list[str] | None:
        if self._target is None or name != self._target.field.name:
            return None
        return self._target.labels()

    def groups(self, name: str) -> list[str] | None:
        return self._groups

    def _value(self, index: int) -> Any:
        entry = self._X[index]
        if self._inputs.kind == "text":
            return str(entry)
        if self._inputs.kind == "token":
            return [str(token) for token in entry]
        array = np.asarray(entry, dtype=np.float32)
        if not self._inputs.timed:
            return array
        if array.ndim == 1:
            return array[:, None]
        return np.ascontiguousarray(array.T) if self._channels_first else array


def read_arrays(
    X: Any,
    y: Any = None,
    groups: Any = None,
    *,
    layout: Layout = "auto",
    vectors: bool = False,
    wish: Wish = ANYTHING,
    notes: Notes | None = None,
    name: str = "X",
    target: str = "y",
) -> Source:
    """Records from arrays or lists.

    | X | field `X` |
    |---|---|
    | array `[n, time, features]`; `[n, channels, time]` with `layout="channels-time"` (aeon) | numeric |
    | array `[n, time]` | n series of one channel; with `vectors=True` n vectors (one-to-one), numeric `[features]` |
    | list of arrays `[time, features]` or `[time]` of any lengths (`[channels, time]` with that layout) | numeric |
    | list of str | text |
    | list of lists of str | token |
    | frame, or Hugging Face `Dataset` | a record per row, see `frames.read_frame`; y becomes its target column |

    y becomes the field `y` (or `target`), see `array_targets.read_target`. NaN is a missing value and counted. Raises
    `UserError` for infinity, a record of length 0, records of different width, arrays of objects, and a y or groups of
    another length.
    """
    notes = Notes() if notes is None else notes
    if _is_frame(X):
        return _read_frame(X, y, groups, wish, notes, name)
    X = _plain(X, name)
    if len(X) == 0:
        raise UserError(f"{name} has no records; give at least one")
    channels_first = layout == "channels-time"
    inputs = _input_field(X, channels_first, vectors, name)
    _check_values(X, inputs, channels_first, name, notes)
    lengths = None if not inputs.timed else _lengths(X, channels_first)
    answers = None if y is None else read_target(y, len(X), lengths, wish.target)
    if answers is not None and target != answers.field.name:
        answers = answers._replace(field=replace(answers.field, name=target))
    notes.add("records without a target", 0 if answers is None else sum(value is None for value in answers.values))
    return ArraySource(inputs, X, channels_first, answers, _group_words(groups, len(X)), name)


def _is_frame(X: Any) -> bool:
    """Frames, without importing polars for arrays."""
    return hasattr(X, "columns") or hasattr(X, "column_names") or hasattr(X, "collect_schema")


def _read_frame(X: Any, y: Any, groups: Any, wish: Wish, notes: Notes, name: str) -> Source:
    import polars as pl

    from unrolled.data.readers.frames import frame_table
    from unrolled.data.readers.tables import read_open_table

    frame = frame_table(X, name).frame.lazy().collect()
    for column, values in (("y", y), ("group", groups)):
        if values is None:
            continue
        if column in frame.columns:
            raise UserError(f"{name} has a column {column!r} already, beside the {column} that was given; rename it")
        cells = np.asarray(values).tolist()
        if len(cells) != frame.height:
            raise UserError(f"{name} has {frame.height:,} rows, but {len(cells):,} values of {column} were given")
        frame = frame.with_columns(pl.Series(column, cells))
    if y is not None and wish.target is None:
        wish = Wish(("wide", "long"), "number" if np.asarray(y).dtype.kind == "f" else "label")
    target, group = (None if y is None else "y"), (None if groups is None else "group")
    return read_open_table(frame_table(frame, name), Reading(target=target, group=group, wish=wish), notes)


def _plain(X: Any, name: str) -> Any:
    """Arrays as they are, and all else as a list; lists of numbers only are one array."""
    if hasattr(X, "detach"):  # a tensor
        X = X.detach().cpu().numpy()
    if isinstance(X, np.ndarray):
        if X.dtype == object or X.dtype.kind in "US":
            return [_plain_entry(entry) for entry in X.tolist()]
        if X.dtype.kind not in "biuf":
            raise UserError(f"{name} is an array of {X.dtype}; give numbers, or a list of arrays, words or texts")
        if X.ndim not in (2, 3):
            raise UserError(
                f"{name} has the shape {X.shape}; expected [n, time, features], [n, time], or a list of arrays "
                "(for a single record: X[None])"
            )
        return X
    if isinstance(X, (str, bytes)) or not isinstance(X, Sequence):
        raise UserError(
            f"{name} is a {type(X).__name__}; give an array, a list of arrays, of texts or of lists of words"
        )
    return [_plain_entry(entry) for entry in X]


def _plain_entry(entry: Any) -> Any:
    return entry.detach().cpu().numpy() if hasattr(entry, "detach") else entry


def _input_field(X: Any, channels_first: bool, vectors: bool, name: str) -> Field:
    if isinstance(X, np.ndarray):
        if X.ndim == 2:
            if vectors:
                return Field("X", "numeric", False, tuple(f"feature_{number}" for number in range(X.shape[1])))
            return Field("X", "numeric", True, ("value",))
        return Field("X", "numeric", True, _channel_names(X.shape[1] if channels_first else X.shape[2]))
    first = X[0]
    if isinstance(first, str):
        _require_all(X, str, "texts", name)
        return Field("X", "text", timed=False)
    words = next((record[0] for record in X if not isinstance(record, (np.ndarray, str)) and len(record)), None)
    if isinstance(words, str):
        for index, record in enumerate(X):
            if isinstance(record, str) or not all(isinstance(word, str) for word in record):
                raise UserError(f"{name}[{index}] is not a list of words, as the first record is; give one type only")
        return Field("X", "token", timed=True)
    width = _width(_numeric_entry(first, 0, name), channels_first)
    if vectors:
        raise UserError(f"{name} is a list; vectors must be one array [n, features]: np.stack({name})")
    return Field("X", "numeric", True, _channel_names(width))


def _channel_names(width: int) -> tuple[str, ...]:
    return ("value",) if width == 1 else tuple(f"channel_{number}" for number in range(width))


def _require_all(X: list, kind: type, what: str, name: str) -> None:
    wrong = next((index for index, record in enumerate(X) if not isinstance(record, kind)), None)
    if wrong is not None:
        raise UserError(
            f"{name}[{wrong}] is a {type(X[wrong]).__name__}, but the first records are {what}; give one type"
        )


def _numeric_entry(entry: Any, index: int, name: str) -> np.ndarray:
    try:
        return np.asarray(entry, dtype=np.float64)
    except (TypeError, ValueError):
        raise UserError(
            f"{name}[{index}] is a {type(entry).__name__} that is no array of numbers; expected [time] "
            "or [time, features]"
        ) from None


def _width(array: np.ndarray, channels_first: bool) -> int:
    return 1 if array.ndim == 1 else array.shape[0 if channels_first else -1]


def _lengths(X: Any, channels_first: bool) -> list[int] | None:
    if isinstance(X, np.ndarray):
        return [X.shape[2 if channels_first and X.ndim == 3 else 1]] * len(X)
    return [len(x) if isinstance(x, list) or not channels_first or x.ndim == 1 else x.shape[1] for x in X]


def _is_blank(record: Any) -> bool:
    return not (record.strip() if isinstance(record, str) else len(record))


def _check_values(X: Any, inputs: Field, channels_first: bool, name: str, notes: Notes) -> None:
    """Refuse what cannot be learned from, block by block; count what is missing."""
    if inputs.kind in ("text", "token"):
        empty = next((index for index, record in enumerate(X) if _is_blank(record)), None)
        if empty is not None:
            raise UserError(f"{name}[{empty}] is empty; a record needs at least one step, remove it")
        return
    if isinstance(X, np.ndarray):
        if X.size == 0:
            raise UserError(f"{name} has the shape {X.shape}, so its records have no steps; give at least one")
        step = max(1, _BLOCK // (X.size // len(X)))
        for start in range(0, len(X), step):
            _check_block(np.asarray(X[start : start + step]), start, name, notes)
        return
    for index, entry in enumerate(X):
        array = _numeric_entry(entry, index, name)
        if array.ndim not in (1, 2) or array.size == 0:
            raise UserError(
                f"{name}[{index}] has the shape {array.shape}; expected [time, features] with a step or more"
            )
        if _width(array, channels_first) != len(inputs.channels):
            raise UserError(
                f"{name}[{index}] has {_width(array, channels_first)} channels, expected {len(inputs.channels)} as in "
                'the first record; arrays [channels, time] need layout="channels-time"'
            )
        _check_block(array[None], index, name, notes)


def _check_block(block: np.ndarray, start: int, name: str, notes: Notes) -> None:
    with np.errstate(over="ignore"):
        values = block.astype(np.float32)
    infinite = np.argwhere(np.isinf(values))
    if len(infinite):
        index = (int(infinite[0][0]) + start, *map(int, infinite[0][1:]))
        raise UserError(
            f"{name}{list(index)} is {block[tuple(infinite[0])]}, which is not a finite number of 32 bits; "
            "mend it, or write NaN if the value is missing"
        )
    notes.add("missing values", int(np.isnan(values).sum()))


def _group_words(groups: Any, records: int) -> list[str] | None:
    if groups is None:
        return None
    words = [str(group) for group in groups]
    if len(words) != records:
        raise UserError(f"groups has {len(words):,} entries, expected {records:,}, one per record")
    return words
