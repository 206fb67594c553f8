"""Series as a forecast reads them: the records of a source with their columns by name, on regular steps."""

import difflib
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from unrolled.data.readers.time_formats import TimeFormat, local
from unrolled.data.readers.time_steps import Step, find_step, places, times_from
from unrolled.data.records import Notes, Record, Source
from unrolled.errors import UserError


class Columns(NamedTuple):
    """What there is for every step of a source."""

    numbers: tuple[str, ...]
    words: tuple[str, ...]
    left_out: tuple[str, ...]
    """columns with one value per series, and words that hardly repeat"""


class Series(NamedTuple):
    """One series on regular steps."""

    name: str
    """what tells it from the others"""
    origin: str
    """where it was read, for messages"""
    numbers: dict[str, np.ndarray]
    """float32 `[time]` by column, NaN where a value is missing"""
    words: dict[str, list[str]]
    """by column, "" where one is missing"""
    times: np.ndarray | None
    """datetime64 as clocks show it, or float64, `[time]`; None if the data has none"""
    step: Step | None
    form: TimeFormat | None = None
    """how its times are written"""

    def __len__(self) -> int:
        return len(next(iter(self.numbers.values())))


def columns_of(source: Source) -> Columns:
    """The columns of a source. Raises `UserError` if none is a number per step."""
    numbers = [name for field in _numeric(source) for name in (field.channels or (field.name,))]
    words = tuple(field.name for field in source.fields if field.timed and field.kind == "categorical")
    used = {field.name for field in _numeric(source)} | set(words)
    left_out = [name for field in source.fields if field.name not in used for name in (field.channels or (field.name,))]
    if not numbers:
        names = ", ".join(field.name for field in source.fields) or "nothing"
        raise UserError(f"a forecast needs a number for every step, found only {names}; choose another --task")
    return Columns(tuple(numbers), words, tuple(left_out))


def read_all(source: Source, notes: Notes, *, wanted: Iterable[str] | None = None) -> list[Series]:
    """All series of a source, or only these columns of them.

    Steps for which there is no row, between rows a whole number of usual steps apart, are put in without values and
    counted. Where distances are no whole numbers of steps, the rows count as steps, as the reader has noted. Raises
    `UserError` for a column that is not there, with the nearest one, and for a series without steps.
    """
    columns = columns_of(source)
    if wanted is not None:
        kept = set(wanted)
        for name in kept:
            _require(name, columns, source)
        columns = Columns(
            tuple(n for n in columns.numbers if n in kept), tuple(n for n in columns.words if n in kept), ()
        )
    times_of = getattr(source, "times", lambda index: None)
    return [_read(source, index, times_of(index), columns, notes) for index in range(len(source))]


def _numeric(source: Source) -> list:
    return [field for field in source.fields if field.timed and field.kind in ("numeric", "signal")]


def _require(name: str, columns: Columns, source: Source) -> None:
    known = [*columns.numbers, *columns.words]
    if name in known:
        return
    close = difflib.get_close_matches(name, known, n=1)
    origin = source.record(0).origin if len(source) else "the data"
    advice = f"did you mean {close[0]!r}? It" if close else "it"
    raise UserError(f"{origin} has no column {name!r}, which the model reads; {advice} has {', '.join(known)}")


def _read(source: Source, index: int, times: np.ndarray | None, columns: Columns, notes: Notes) -> Series:
    record = source.record(index)
    numbers: dict[str, np.ndarray] = {}
    for field in _numeric(source):
        values = np.asarray(record.values[field.name], dtype=np.float32)
        names = field.channels or (field.name,)
        if values.shape[1] != len(names):
            names = tuple(f"{field.name} {channel + 1}" for channel in range(values.shape[1]))
        numbers |= {name: values[:, channel] for channel, name in enumerate(names) if name in columns.numbers}
    words = {name: list(record.values[name]) for name in columns.words}
    lengths = {name: len(values) for name, values in numbers.items()}
    lengths |= {name: len(labels) for name, labels in words.items()}
    if len(set(lengths.values())) > 1:
        raise UserError(
            f"{record.origin} has unlike numbers of steps: {', '.join(f'{name} {n}' for name, n in lengths.items())}; "
            "leave out what is no series with --inputs"
        )
    steps = len(next(iter(numbers.values())))
    if not steps:
        raise UserError(f"{record.origin} has no steps; leave it out")
    form = getattr(source, "time_form", None)
    times = None if times is None else local(times, form)
    declared = getattr(source, "step", lambda index: None)(index)
    if declared is not None:
        return Series(_name(record), record.origin, numbers, words, times, declared, form)
    step = None if times is None else find_step(times)
    if times is None or step is None:
        rate = record.rate
        by_rate = None if not rate else Step(1 / rate, "seconds")
        return Series(_name(record), record.origin, numbers, words, times, step or by_rate, form)
    at = places(times, step)
    if at is not None:
        _take_back(times, notes)
    if at is None or int(at[-1]) + 1 == steps:
        return Series(_name(record), record.origin, numbers, words, times, step, form)
    length = int(at[-1]) + 1
    notes.add("steps without a row, taken as missing", length - steps)
    empty = {name: np.full(length, np.nan, dtype=np.float32) for name in numbers}
    for name, values in numbers.items():
        empty[name][at] = values
    spread = {name: [""] * length for name in words}
    for name, labels in words.items():
        for position, label in zip(at.tolist(), labels, strict=True):
            spread[name][position] = label
    filled = times_from(times[0], step, np.arange(length))
    filled[at] = times
    return Series(_name(record), record.origin, empty, spread, filled, step, form)


def _take_back(times: np.ndarray, notes: Notes) -> None:
    """The reader has counted gaps as irregular steps, which they are not where missing steps are put in."""
    from unrolled.data.readers.times import IRREGULAR

    distances = np.diff(times.view(np.int64) if times.dtype.kind == "M" else times)
    usual = float(np.median(distances))
    left = notes.counts.get(IRREGULAR, 0) - int((np.abs(distances - usual) > 0.1 * usual).sum())
    notes.counts.pop(IRREGULAR, None)
    notes.add(IRREGULAR, max(0, left))


def _name(record: Record) -> str:
    """What stands behind the file name, without the name of the column: `a.csv, unique_id H1` is series `H1`."""
    _, comma, rest = record.origin.partition(", ")
    return rest.partition(" ")[2] or rest if comma else ""
