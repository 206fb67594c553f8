"""Columns of times: recognising and parsing them, and the order and spacing of steps."""

import numpy as np
import polars as pl

from unrolled.data.readers.cells import Place, is_numeric
from unrolled.data.readers.columns import SAMPLE
from unrolled.data.records import Notes
from unrolled.errors import UserError

TIME_NAMES = frozenset(
    [
        "time",
        "date",
        "datetime",
        "timestamp",
        "ds",
        "t",
        "step",
        "day",
        "month",
        "year",
        "hour",
        "seconds",
        "second",
        "ms",
    ]
)
IRREGULAR = "irregular steps, taken as if they were regular"
"""the note about steps that are longer or shorter than the others"""
_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%Y%m%d")
_CLOCKS = ("", " %H:%M:%S%.f", "T%H:%M:%S%.f", " %H:%M", "T%H:%M")
_FORMATS = (
    *(date + clock for date in _DATES for clock in _CLOCKS),
    *("%Y-%m-%d" + clock + "%#z" for clock in _CLOCKS[1:]),
    "%Y%m%dT%H%M%S",
)


def is_time(name: str, column: pl.Series) -> bool:
    """Whether a column holds times: by its type, as words written like dates, or as rising numbers named `time`."""
    if column.dtype.is_temporal():
        return True
    filled = column.drop_nulls().head(SAMPLE)
    if not len(filled):
        return False
    if is_numeric(column):
        if name.lower() not in TIME_NAMES:
            return False
        values = filled.cast(pl.Float64, strict=False).to_numpy()
        return len(values) > 1 and bool((np.diff(values) >= 0).all())
    return column.dtype == pl.String and _best_format(filled)[1] >= 0.5


def parse_times(column: pl.Series, place: Place) -> np.ndarray:
    """Times as datetime64[us] `[rows]`, or float64 where they are plain numbers.

    Dates may be written year first (2012-01-31, 2012/01/31, 20120131), as 31.01.2012, or with slashes, month or day
    first, if some day above 12 tells which; a time of day and a zone may follow (times with a zone become UTC).
    Raises `UserError` with the row for a time that is missing or does not parse, and if month and day cannot be told.
    """
    if column.dtype.is_temporal():
        parsed = column.cast(pl.Datetime("us")) if column.dtype != pl.Time else column.cast(pl.Int64)
    elif is_numeric(column) and _best_format(column.drop_nulls().head(SAMPLE))[0] != "%Y%m%d":
        parsed = column.cast(pl.Float64, strict=False)
    else:
        parsed = _parse_words(column.cast(pl.String), place)
    wrong = parsed.is_null().arg_true()
    if len(wrong):
        found = repr(column[wrong[0]]) if column[wrong[0]] is not None else "nothing"
        raise UserError(
            f"{place(wrong[0])}: column {column.name!r} has {found} where a time is expected; "
            "write times such as 2012-01-31 18:30:00, or numbers"
        )
    return parsed.to_numpy()


def _parse_words(column: pl.Series, place: Place) -> pl.Series:
    pattern, share = _best_format(column.drop_nulls().head(SAMPLE))
    if not share:
        return column.str.to_datetime("%Y-%m-%d", strict=False)
    parsed = _parse(column, pattern)
    if pattern.startswith(("%m/%d", "%d/%m")):
        twin = pattern[3:5] + "/" + pattern[:2] + pattern[5:]
        other = _parse(column, twin)
        if other.null_count() < parsed.null_count():
            return other
        if other.null_count() == parsed.null_count() and not other.equals(parsed):
            raise UserError(
                f"{place(0)}: column {column.name!r} has dates such as {column[0]!r} of which nothing tells the day "
                "from the month; write them year first, such as 2012-01-31"
            )
    return parsed


def _best_format(words: pl.Series) -> tuple[str, float]:
    """The format that fits most of the words, and the share it fits."""
    words = words.cast(pl.String)
    fits = [(pattern, len(words) - _parse(words, pattern).null_count()) for pattern in _FORMATS]
    pattern, count = max(fits, key=lambda fit: fit[1])
    return pattern, count / max(1, len(words))


def _parse(words: pl.Series, pattern: str) -> pl.Series:
    if pattern == "%Y%m%d":  # eight digits, or any number would do
        words = pl.select(pl.when(words.str.contains(r"^(19|20)\d{6}$")).then(words)).to_series()
    parsed = words.str.to_datetime(pattern, strict=False, time_unit="us")
    return parsed.dt.replace_time_zone(None)


def order_of_steps(ids: np.ndarray, times: np.ndarray, place: Place, notes: Notes) -> np.ndarray | None:
    """The order of rows, int64 `[rows]`, that puts each sequence in one run, in the order of time; None if they are.

    Sorting is stated in the notes. Raises `UserError` if a sequence has a time twice, naming both rows.
    """
    order = np.lexsort((times, ids))
    same = (np.diff(ids[order]) == 0) & (times[order][1:] == times[order][:-1])
    if same.any():
        first, second = sorted(order[np.flatnonzero(same)[0] :][:2].tolist())
        shown = np.datetime_as_string(times[first], unit="s") if times.dtype.kind == "M" else times[first]
        raise UserError(
            f"{place(second)} has the same time {shown} as row {place(first).rpartition('row ')[2]}; a sequence has "
            "one row per time: drop one of them, or name the column that tells sequences apart with --id COLUMN"
        )
    backwards = np.diff(times.view(np.int64) if times.dtype.kind == "M" else times)
    within = backwards[np.diff(ids) == 0]
    notes.add("rows that were earlier than the row above, sorted by time", int((within < 0).sum()))
    if (order == np.arange(len(order))).all():
        return None
    return order


def count_irregular(times: np.ndarray, bounds: np.ndarray, notes: Notes) -> float | None:
    """Count steps whose length is more than a tenth off the usual one; the rate in steps per second if none is.

    Months count as regular. `times` `[rows]` are in order within `bounds` int64 `[records + 1]`.
    """
    steps = np.diff(times.view(np.int64) / 1e6 if times.dtype.kind == "M" else times)
    inside = np.ones(len(steps), dtype=bool)
    inside[bounds[1:-1] - 1] = False
    steps = steps[inside]
    if not len(steps):
        return None
    usual = float(np.median(steps))
    irregular = int((np.abs(steps - usual) > 0.1 * usual).sum())
    notes.add(IRREGULAR, irregular)
    return 1 / float(steps.mean()) if not irregular and times.dtype.kind == "M" else None
