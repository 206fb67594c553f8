"""Series of the Monash forecasting archive: files in the `.tsf` format."""

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from unrolled.data.readers.lines import numbered_lines
from unrolled.data.readers.steps import StepSource
from unrolled.data.readers.time_formats import DAYS
from unrolled.data.readers.time_steps import DAY, Step, counted_from, times_from
from unrolled.data.readers.times import Times
from unrolled.data.readers.ts_values import numbers, refuse
from unrolled.data.readers.tsf_header import Header, read_header, read_start
from unrolled.data.records import Field, Notes, Reading
from unrolled.errors import UserError

_LAST_YEAR = 9999


class _Series(NamedTuple):
    cells: list[str]
    values: np.ndarray
    start: np.datetime64 | None
    line: int


class TsfSource(StepSource):
    """The series of a `.tsf` file with what its header says of them."""

    def __init__(self, header: Header, series: list[_Series], *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.horizon = header.horizon
        """steps ahead that the archive forecasts, if it says so"""
        self._steps = [_step_from(entry.start, header.step) for entry in series]
        self.said = _said(header, series)
        """what of that decides about a forecast, in words"""

    def step(self, index: int) -> Step | None:
        """From one value of a series to the next, as declared."""
        return self._steps[index]


def read_tsf(paths: list[Path], reading: Reading, notes: Notes) -> TsfSource:
    """The series of a `.tsf` file: one record each, with `value` (numeric, timed) and the other attributes.

    Attributes of type string are categorical fields, numeric ones are `features`; the name of a series is the attribute
    `series_name` or the first string. The first date (`2012-01-31 18-30-00`) is when a series starts; with `@frequency`
    (such as `daily`, `10_minutes`, `quarterly`) it gives the times of its steps. `@horizon` is how far a forecast
    looks, if nobody says otherwise. `?` and `NaN` are missing values; series without any value are left out and
    counted.

    Raises `UserError` with file and line for anything that does not agree with the header.
    """
    if len(paths) != 1:
        raise UserError(f".tsf files are read one at a time, and {len(paths)} were given (first: {paths[0]})")
    path, header = paths[0], Header()
    lines = ((number, line.strip()) for number, line in numbered_lines(path))
    lines = ((number, line) for number, line in lines if line and not line.startswith("#"))
    read_header(path, lines, header)
    entries = [_read_series(path, number, line, header) for number, line in lines]
    series = [entry for entry in entries if not np.isnan(entry.values).all()]
    notes.add("series without any value, left out", len(entries) - len(series))
    if not series:
        raise UserError(f"{path} holds no series: nothing follows @data; give a file with one series per line")
    _check_switches(path, header, series)
    values = np.concatenate([entry.values for entry in series])
    notes.add("missing values in series", int(np.isnan(values).sum()))
    bounds = np.concatenate([[0], np.cumsum([len(entry.values) for entry in series])])
    fields, static = _static(header, series)
    names = _names(header, series)
    timed = [Field("value", "numeric", True, ("value",), _rate(header))]
    return TsfSource(
        header,
        series,
        [*timed, *fields],
        lambda start, stop: {"value": values[start:stop, None]},
        bounds,
        lambda index: f"{path}, series {names[index]}",
        static=static,
        times=_times(path, header, series),
    )


def _read_series(path: Path, number: int, line: str, header: Header) -> _Series:
    *cells, text = line.split(":")
    if len(cells) > len(header.attributes):  # a time of day with colons
        cells = _joined_clock(cells, header)
    if len(cells) != len(header.attributes):
        expected = ", ".join(name for name, _ in header.attributes)
        refuse(
            path,
            number,
            f"found {len(cells)} attributes before the values, expected {len(header.attributes)} ({expected}), each "
            "with a colon behind it",
        )
    cells = [cell.strip() for cell in cells]
    if not text.strip():
        refuse(path, number, "the series has length 0, expected at least one value")
    start = None
    for (name, kind), cell in zip(header.attributes, cells, strict=True):
        if kind == "date" and start is None:
            start = read_start(path, number, name, cell)
    return _Series(cells, numbers(path, number, text.split(","), "the series"), start, number)


def _joined_clock(cells: list[str], header: Header) -> list[str]:
    """The cells with those that belong to one time (`00:30:00`) as one."""
    index = next((index for index, (_, kind) in enumerate(header.attributes) if kind == "date"), None)
    extra = len(cells) - len(header.attributes)
    if index is None or extra > 2:
        return cells
    return [*cells[:index], "-".join(cells[index : index + extra + 1]), *cells[index + extra + 1 :]]


def _check_switches(path: Path, header: Header, series: list[_Series]) -> None:
    lengths = [len(entry.values) for entry in series]
    if header.switches.get("@equallength") and len(set(lengths)) > 1:
        other = next(entry for entry in series if len(entry.values) != lengths[0])
        refuse(
            path,
            other.line,
            f"the series has {len(other.values)} steps, the first has {lengths[0]}, and @equallength is true; the file "
            "may be cut short",
        )


def _static(header: Header, series: list[_Series]) -> tuple[list[Field], dict[str, list[Any]]]:
    """The attributes that do not name a series or say when it starts, one value for each series."""
    columns = {name: [entry.cells[index] for entry in series] for index, (name, _) in enumerate(header.attributes)}
    kinds = dict(header.attributes)
    named = _name_of(header)
    start = next((name for name, kind in header.attributes if kind == "date"), None)
    static: dict[str, list[Any]] = {}
    fields = []
    features = [name for name, kind in kinds.items() if kind == "numeric"]
    if features:
        rows = [[_number(columns[name][index]) for name in features] for index in range(len(series))]
        fields.append(Field("features", "numeric", False, tuple(features)))
        static["features"] = list(np.array(rows, dtype=np.float32))
    for name in kinds:
        if name not in (named, start, *features):
            fields.append(Field(name, "categorical", False))
            static[name] = columns[name]
    return fields, static


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def _name_of(header: Header) -> str | None:
    """The attribute that names the series."""
    words = [name for name, kind in header.attributes if kind == "string"]
    return next((name for name in words if name.lower() == "series_name"), words[0] if words else None)


def _names(header: Header, series: list[_Series]) -> list[str]:
    """A name for each series: the attribute's, with the other words where it is not enough, else a number."""
    words = [index for index, (_, kind) in enumerate(header.attributes) if kind == "string"]
    named = _name_of(header)
    first = [index for index in words if header.attributes[index][0] == named]
    for places in (first, words):
        names = [" ".join(entry.cells[index] for index in places) for entry in series]
        if places and max(Counter(names).values()) == 1:
            return names
    return [str(number) for number in range(1, len(series) + 1)]


def _times(path: Path, header: Header, series: list[_Series]) -> Times | None:
    """The times of all steps; None without starts or a frequency."""
    steps = [_step_from(entry.start, header.step) for entry in series]
    known = [
        (entry, step) for entry, step in zip(series, steps, strict=True) if step is not None and entry.start is not None
    ]
    if len(known) < len(series):
        return None
    for entry, step in known:
        assert entry.start is not None
        year = float(entry.start.astype("datetime64[Y]").astype(int)) + 1970
        year += (len(entry.values) - 1) * step.size / (12 if step.unit.startswith("months") else 366 * DAY)
        if year > _LAST_YEAR:
            refuse(path, entry.line, f"the series would end in the year {year:.0f}; check its start and @frequency")
    values = np.concatenate([times_from(entry.start, step, np.arange(len(entry.values))) for entry, step in known])
    return Times(values, DAYS.fitting(values))


def _step_from(start: np.datetime64 | None, step: Step | None) -> Step | None:
    return None if start is None or step is None else counted_from(start, step)


def _rate(header: Header) -> float | None:
    return 1 / header.step.size if header.step is not None and header.step.unit == "seconds" else None


def _said(header: Header, series: list[_Series]) -> str:
    facts = [] if header.horizon is None else [f"horizon {header.horizon}"]
    facts += [] if header.step is None else [f"{header.step.words()} steps"]
    facts += [] if header.step is None or series[0].start is None else ["their starts"]
    return f"{' and '.join(', '.join(facts).rsplit(', ', 1))} from the file" if facts else ""
