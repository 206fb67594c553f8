"""Tables with a series in each row, as GluonTS writes them: `start`, `target` (a list), `item_id`, `freq`, `feat_*`."""

import re
from collections import Counter
from typing import Any

import numpy as np
import polars as pl

from unrolled.data.readers.cells import words
from unrolled.data.readers.columns import Table
from unrolled.data.readers.offers import Layout
from unrolled.data.readers.steps import StepSource
from unrolled.data.readers.time_formats import local, shifted
from unrolled.data.readers.time_steps import Step, counted_from, step_of_frequency, times_from
from unrolled.data.readers.times import Times, read_times
from unrolled.data.records import Field, Notes, Reading
from unrolled.errors import UserError
from unrolled.plural import counted

TARGET, START, FREQUENCY = "target", "start", "freq"
_IDS = ("item_id", "id", "unique_id")
_DYNAMIC = "feat_dynamic"
_STATIC = "feat_static"


class SeriesRows(StepSource):
    """The series of such a table, with what it says of their steps."""

    def __init__(
        self,
        targets: tuple[str, ...],
        known: tuple[str, ...],
        horizon: int | None,
        steps: list[Any],
        *args: Any,
        **settings: Any,
    ) -> None:
        super().__init__(*args, **settings)
        self.targets = targets
        """the columns to forecast"""
        self.known = known
        """those that are known ahead"""
        self.horizon = horizon
        """steps ahead for which they are given"""
        self._steps = steps

    def step(self, index: int) -> Step | None:
        """From one value of a series to the next, as declared."""
        return self._steps[index]


def is_series_rows(table: Table, reading: Reading) -> bool:
    """Whether each row may be a series: it has a list of numbers called `target`."""
    dtype = table.columns.get(TARGET)
    return dtype is not None and _holds_numbers(dtype) and reading.target in (None, TARGET)


def lay_out_series_rows(table: Table, reading: Reading, notes: Notes) -> Layout:
    """The series of a table, one record for each row.

    | column | what it is |
    |---|---|
    | `target` | numbers, `[time]` or `[channels, time]`: what is forecast |
    | `start`, `freq` | the first time, and the distance to the next (`h`, `15min`, `D`, `W`, `MS`, ...) |
    | `item_id` | the name of the series |
    | `feat_static_*`, and other numbers and words | the same at every step; known ahead |
    | `feat_dynamic_*` | `[features, time]`; known ahead where they reach beyond the target in every row |
    | other lists of numbers | as long as the target: inputs |

    Of a model that knows columns ahead, `reading.ahead` steps are put behind the end. Raises `UserError`, with row and
    field, for lists that do not fit.
    """
    frame = table.read(0, table.length)
    kept = [name for name in table.columns if not reading.inputs or _is_wanted(name, reading.inputs)]
    targets = [_target(frame[TARGET][row], table.place(row)) for row in range(table.length)]
    width = Counter(len(target) for target in targets).most_common(1)[0][0]
    odd = next((row for row, target in enumerate(targets) if len(target) != width), None)
    if odd is not None:
        raise UserError(
            f"{table.place(odd)}: field {TARGET!r} has {counted(len(targets[odd]), 'channel')}, and the others {width}"
        )
    lengths = [target.shape[1] for target in targets]
    ids = next((name for name in (reading.id, *_IDS) if name in table.columns), None)
    names = words(frame[ids]).fill_null("").to_list() if ids else [str(row + 1) for row in range(table.length)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UserError(f"{table.name} has {ids} {twice[0]!r} in several rows; give each series its own")
    others = [name for name in kept if name not in (TARGET, START, FREQUENCY, ids)]
    lists = {
        name: _lists(frame[name], name, table)
        for name in others
        if frame[name].dtype.is_nested() and not name.startswith(_STATIC)
    }
    dynamic, reach = _dynamic(lists, lengths, table)
    static = _static(frame.select(name for name in others if name not in lists), table, notes)
    known_names = [*(static if table.length > 1 else {}), *(dynamic if reach else {})]
    ahead = max(reach, reading.ahead if known_names else 0)
    whole = [length + ahead for length in lengths]

    columns = {name: [row[channel] for row in targets] for channel, name in enumerate(_channels(TARGET, width))}
    target_names = tuple(columns)
    columns |= dynamic
    numeric = {name: values for name, values in static.items() if table.length > 1 and isinstance(values[0], float)}
    columns |= {
        name: [np.full(length, value) for length, value in zip(whole, constants, strict=True)]
        for name, constants in numeric.items()
    }
    texts = {name: values for name, values in static.items() if table.length > 1 and name not in numeric}
    values = np.stack(
        [
            np.concatenate([_padded(row, length) for row, length in zip(parts, whole, strict=True)])
            for parts in columns.values()
        ],
        axis=1,
    ).astype(np.float32)
    bounds = np.concatenate([[0], np.cumsum(whole)])
    steps, times = _times(table, frame, whole, notes)
    fields = [Field("values", "numeric", True, tuple(columns)), *(Field(name, "categorical", True) for name in texts)]
    series_of = np.repeat(np.arange(table.length), whole)

    def rows(start: int, stop: int) -> dict[str, Any]:
        number = series_of[start]
        return {"values": values[start:stop], **{name: [texts[name][number]] * (stop - start) for name in texts}}

    source = SeriesRows(
        target_names,
        tuple(name for name in known_names if name in columns or name in texts),
        reach or None,
        steps,
        fields,
        rows,
        bounds,
        lambda index: f"{table.name}, {ids or 'row'} {names[index]}",
        times=times,
    )
    return Layout(source.fields, None, lambda _: source, dated=source.dated)


def _is_wanted(name: str, inputs: tuple[str, ...]) -> bool:
    """Whether a column, or a channel of it (`feat_dynamic_real_0`), is among the inputs."""
    return name in (TARGET, START, FREQUENCY, *_IDS) or any(
        wanted == name or re.fullmatch(rf"{re.escape(name)}_\d+", wanted) for wanted in inputs
    )


def _holds_numbers(dtype: Any) -> bool:
    inner = dtype
    while isinstance(inner, pl.List | pl.Array):
        inner = inner.inner
    return dtype.is_nested() and inner.is_numeric()


def _channels(name: str, count: int) -> list[str]:
    return [name] if count == 1 else [f"{name}_{number}" for number in range(count)]


def _matrix(value: Any, name: str, location: str) -> np.ndarray:
    """float64 `[channels, time]` of a list, or of lists of one length."""
    if value is None:
        raise UserError(f"{location}: field {name!r} is missing; leave the row out")
    rows = value.to_list() if isinstance(value, pl.Series) else list(value)
    nested = bool(rows) and isinstance(rows[0], list | tuple)
    rows = rows if nested else [rows]
    lengths = {len(row) for row in rows if row is not None}
    if None in rows or len(lengths) > 1:
        raise UserError(
            f"{location}: field {name!r} has lists of {' and '.join(map(str, sorted(lengths)))} values; give them one "
            "length"
        )
    try:
        return np.array(
            [[np.nan if number is None else number for number in row] for row in rows], dtype=np.float64
        ).reshape(len(rows), -1)
    except (TypeError, ValueError):
        raise UserError(
            f"{location}: field {name!r} holds lists of something else than numbers; leave it out"
        ) from None


def _target(value: Any, location: str) -> np.ndarray:
    target = _matrix(value, TARGET, location)
    if not target.shape[1]:
        raise UserError(f"{location}: field {TARGET!r} is an empty list; leave the row out")
    return target


def _lists(column: pl.Series, name: str, table: Table) -> list[np.ndarray]:
    if not _holds_numbers(column.dtype):
        raise UserError(f"{table.place(0)}: field {name!r} holds lists of something else than numbers; leave it out")
    return [_matrix(column[row], name, table.place(row)) for row in range(table.length)]


def _dynamic(
    lists: dict[str, list[np.ndarray]], lengths: list[int], table: Table
) -> tuple[dict[str, list[np.ndarray]], int]:
    """The inputs per step by channel, and for how many steps beyond the target all of them reach."""
    inputs: dict[str, list[np.ndarray]] = {}
    reach: int | None = None
    for name, matrices in lists.items():
        width = len(matrices[0])
        for row, (matrix, length) in enumerate(zip(matrices, lengths, strict=True)):
            more = matrix.shape[1] - int(length)
            fits = more >= 0 if name.startswith(_DYNAMIC) else more == 0
            if not fits or len(matrix) != width:
                raise UserError(
                    f"{table.place(row)}: field {name!r} has {counted(matrix.shape[1], 'value')} in "
                    f"{counted(len(matrix), 'list')}, and {TARGET!r} has {length}; give one for each step (and the "
                    f"steps ahead, in {_DYNAMIC}_real), or leave the field out with --inputs"
                )
            reach = more if reach is None else min(reach, more)
        for channel, label in enumerate(_channels(name, width)):
            inputs[label] = [matrix[channel] for matrix in matrices]
    return inputs, reach or 0


def _static(frame: pl.DataFrame, table: Table, notes: Notes) -> dict[str, list[Any]]:
    """What is the same at every step of a series, by column: floats, or words. Columns of one value say nothing."""
    columns: dict[str, list[Any]] = {}
    for name in frame.columns:
        column = frame[name]
        if column.dtype.is_nested():
            matrices = _lists(column, name, table)
            odd = next(
                (row for row, matrix in enumerate(matrices) if matrix.shape != matrices[0].shape or len(matrix) > 1),
                None,
            )
            if odd is not None:
                raise UserError(f"{table.place(odd)}: field {name!r} is no list as long as in the first row; mend it")
            for number, label in enumerate(_channels(name, matrices[0].shape[1])):
                values = [float(matrix[0, number]) for matrix in matrices]
                columns[label] = [f"{value:g}" for value in values] if "cat" in name else values
        elif column.dtype.is_numeric():
            columns[name] = column.cast(pl.Float64).fill_null(float("nan")).to_list()
        else:
            columns[name] = words(column).fill_null("").to_list()
    same = [name for name, values in columns.items() if len({str(value) for value in values}) < 2]
    notes.add("columns left out, since all series have one value of them", len(same))
    return {name: values for name, values in columns.items() if name not in same}


def _padded(row: np.ndarray, length: int) -> np.ndarray:
    row = row[:length]
    return np.concatenate([row, np.full(length - len(row), np.nan)])


def _times(
    table: Table, frame: pl.DataFrame, lengths: list[int], notes: Notes
) -> tuple[list[Step | None], Times | None]:
    """The step of each series, and the times of all steps, if starts and frequencies are there."""
    if START not in frame.columns:
        return [None] * table.length, None
    starts = read_times(frame[START], table.place)
    if FREQUENCY not in frame.columns or starts.values.dtype.kind != "M":
        notes.hint(f"the series begin at {START!r}, and no column {FREQUENCY!r} says how long a step is: without times")
        return [None] * table.length, None
    steps = []
    for row, text in enumerate(frame[FREQUENCY].cast(pl.String).to_list()):
        step = step_of_frequency(text or "")
        if step is None:
            raise UserError(
                f"{table.place(row)}: field {FREQUENCY!r} is {text!r}; write for example s, min, 15min, h, D, B, W, "
                "MS, QS or YS"
            )
        steps.append(counted_from(starts.values[row], step))
    first = local(starts.values, starts.form)
    values = [
        times_from(start, step, np.arange(length)) for start, step, length in zip(first, steps, lengths, strict=True)
    ]
    form = starts.form
    joined = np.concatenate(values)
    # Times are kept in UTC, and written as clocks show them.
    return list(steps), Times(shifted(joined, -starts.form.offset), form.fitting(joined))
