"""Columns of times: recognising and reading them, and the order and spacing of steps."""

import re
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from unrolled.data.interruptible import interruptible
from unrolled.data.readers.cells import MISSING, Place, is_numeric
from unrolled.data.readers.columns import SAMPLE
from unrolled.data.readers.find_time_format import epoch_of, guess, styled
from unrolled.data.readers.time_formats import (
    ABSENT,
    DAYS,
    NUMBER,
    SECONDS,
    TimeFormat,
    field_number,
    moments,
    offset_of,
    seconds_between,
    shifted,
    ticks_per_second,
)
from unrolled.data.records import Notes
from unrolled.errors import UserError

TIME_NAMES = frozenset(
    "time date datetime timestamp ds t step day month year quarter week hour seconds second ms".split()  # noqa: SIM905
)
_TIME_WORDS = frozenset("date time datetime timestamp epoch unix".split())  # noqa: SIM905
"""words in the names of columns that hold times, such as order_date"""
IRREGULAR = "irregular steps, taken as if they were regular"
"""the note about steps that are longer or shorter than the others"""
_SHOWN = 60
"""cells from which a format is guessed"""
_BLOCK = 1 << 18
"""rows parsed at once"""
_QUICK = ({"%Y", "%m", "%d"}, {"%Y", "%m", "%d", "%H", "%M"}, {"%Y", "%m", "%d", "%H", "%M", "%S"})
"""codes of the formats that polars reads by itself, in less memory"""


class Times(NamedTuple):
    """A column of times."""

    values: np.ndarray
    """`[rows]`: datetime64[us], or datetime64[ns] for times that fine, UTC if they have an offset from it; or float64
    where they are plain numbers"""
    form: TimeFormat
    """how they are written, with the offset of the last"""


def named_like_time(name: str) -> bool:
    """Whether a column is called as columns of times are: `date`, `Order Date`, `pickup_datetime`, `timestamp_ms`."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    return name.lower() in TIME_NAMES or bool(_TIME_WORDS & {word.lower() for word in words})


def is_time(name: str, column: pl.Series) -> bool:
    """Whether a column holds times: by its type, as words written like dates, or as rising numbers named like a time.

    Of a format that other things have too (`12:30`, `01-02-03`) the name must speak of time.
    """
    if column.dtype.is_temporal():
        return True
    if column.dtype != pl.String and not column.dtype.is_numeric():
        return False
    filled = column.drop_nulls().head(SAMPLE)
    if column.dtype == pl.String:
        filled = filled.filter(~filled.is_in(MISSING))
    if not len(filled):
        return False
    named = named_like_time(name)
    if is_numeric(filled):
        if not named:
            return False
        values = filled.cast(pl.Float64, strict=False).drop_nulls().to_numpy()
        rising = len(values) > 1 and bool((np.diff(values) >= 0).all())
        plain = name.lower() in TIME_NAMES
        return rising and (plain or _epoch(values) is not None or _compact(filled) is not None)
    form, share = _best_format(filled)
    return form is not None and share >= 0.5 and (named or form.telling)


def hint_at_unread(head: pl.DataFrame, inputs: list[str], notes: Notes) -> None:
    """A hint about inputs of words whose names speak of time, and which cannot be read as times."""
    for name in inputs:
        column = head[name]
        if column.dtype != pl.String or not named_like_time(name) or is_numeric(column) or is_time(name, column):
            continue
        cells = column.drop_nulls()
        if len(cells):
            notes.hint(
                f"the column {name!r} is named like a time and is read as words, since {cells[0]!r} is no time in a "
                "form that is known; write times such as 2012-01-31 18:30:00"
            )


def read_times(column: pl.Series, place_of: Place, like: TimeFormat | None = None) -> Times:
    """The times of a column. All its cells have one format, which is found from them.

    Dates may be written year first (2012-01-31, 2012/01/31, 20120131), day or month first (31.01.2012, 1/31/12) if some
    day above 12 tells which, with the name of the month (31-Jan-2012, January 31, 2012), or be months, quarters and
    weeks (2012-01, Jan 2012, 2012Q1, 2012-W05); a time of day (18:30, 6:30 PM, 18:30:00.25) and an offset from UTC may
    follow. Whole numbers of the years 1990 to 2099 count seconds, milli-, micro- or nanoseconds since 1970; other
    numbers are numbers.

    `like` is the format of other times of this kind: it tells day from month where these do not. Raises `UserError`
    with the row for a time that is missing or does not parse, and if month and day cannot be told.
    """
    if column.dtype.is_temporal():
        parsed, form = _typed(column)
    elif is_numeric(column) and _compact(column) is None:
        parsed, form = _numbers(column)
    else:
        parsed, form = _words(column.cast(pl.String), place_of, like)
    wrong = np.flatnonzero(np.isnat(parsed) if parsed.dtype.kind == "M" else np.isnan(parsed))
    if len(wrong):
        row = int(wrong[0])
        value = repr(column[row]) if column[row] is not None else "nothing"
        example = next((cell for cell in column.head(SAMPLE).drop_nulls() if cell != column[row]), None)
        shown = f" such as {example}, as in the other rows" if example is not None and len(wrong) < len(column) else ""
        raise UserError(
            f"{place_of(row)}: column {column.name!r} has {value} where a time is expected{shown}; "
            "write times such as 2012-01-31 18:30:00, or numbers, all in one form"
        )
    return Times(parsed, form)


def read_time(value: Any, like: TimeFormat | None = None) -> Times | None:
    """One time by itself, as in a stream: text, or a number; None if it cannot be read. As `read_times`."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        column = pl.Series("time", [value], strict=True)
        return read_times(column, lambda _: "the line", like)
    except (UserError, OverflowError, TypeError):
        return None


def _typed(column: pl.Series) -> tuple[np.ndarray, TimeFormat]:
    """Dates, times and durations of a data frame."""
    if column.dtype == pl.Date:
        return column.cast(pl.Datetime("us")).to_numpy(), DAYS
    if column.dtype == pl.Time:
        clock = (column.cast(pl.Int64) // 1000).cast(pl.Datetime("us")).to_numpy()
        return clock, replace(SECONDS, parts=SECONDS.parts[6:]).fitting(clock[~np.isnat(clock)])
    if column.dtype == pl.Duration:
        seconds = column.dt.total_nanoseconds().cast(pl.Float64).fill_null(float("nan")).to_numpy() / 1e9
        return seconds, replace(NUMBER, decimals=9) if (seconds % 1).any() else NUMBER
    kind: Any = column.dtype
    unit: Any = "ns" if kind.time_unit == "ns" else "us"
    if kind.time_zone is None:
        values = column.cast(pl.Datetime(unit)).to_numpy()
        filled = values[~np.isnat(values)]
        whole = not (filled.astype(np.int64) % (86400 * ticks_per_second(values))).any() if len(filled) else True
        return values, DAYS if whole else SECONDS.fitting(filled)
    utc = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None).cast(pl.Datetime(unit)).to_numpy()
    local = column.dt.replace_time_zone(None).cast(pl.Datetime(unit)).to_numpy()
    offset = int((local[-1] - utc[-1]) / np.timedelta64(1, "s")) if len(utc) and not np.isnat(utc[-1]) else 0
    form = replace(SECONDS, parts=(*SECONDS.parts, "%z"), offset=offset)
    return utc, form.fitting(utc[~np.isnat(utc)])


def _numbers(column: pl.Series) -> tuple[np.ndarray, TimeFormat]:
    """Plain numbers, or a count of seconds or parts of them since 1970."""
    exact = column.cast(pl.Int64, strict=False) if not column.dtype.is_float() else None
    if column.dtype == pl.String:
        column = column.str.strip_chars().str.replace(",", ".", literal=True)
        exact = column.cast(pl.Int64, strict=False)
    values = column.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()
    filled = values[np.isfinite(values)]
    per_second = _epoch(filled)
    decimals = 0 if exact is not None and exact.null_count() == 0 else _digits(column)
    if per_second is None or len(filled) < len(values):
        return np.where(np.isfinite(values), values, np.nan), replace(NUMBER, decimals=decimals)
    form = TimeFormat(("%s",), per_second=per_second, decimals=decimals)
    per_tick = 1_000_000_000 if form.resolution == "ns" else 1_000_000
    if decimals == 0 and exact is not None:
        ticks = exact.to_numpy() * (per_tick // per_second) if per_second <= per_tick else exact.to_numpy()
    else:
        ticks = np.rint(values * (per_tick / per_second)).astype(np.int64)
    return ticks.astype(f"datetime64[{form.resolution}]"), form


def _digits(column: pl.Series) -> int:
    """How many digits stand behind the point in the first numbers, nine at most."""
    texts = column.drop_nulls().head(SAMPLE).cast(pl.String).to_list()
    return min(
        9, max((len(text.partition(".")[2].rstrip("0")) for text in texts if "e" not in text.lower()), default=0)
    )


def _epoch(values: np.ndarray) -> int | None:
    return epoch_of(float(values.min()), float(values.max())) if len(values) else None


def _compact(column: pl.Series) -> TimeFormat | None:
    """The format of numbers that are written as dates without marks, such as 20120131, if all of them are."""
    if column.dtype.is_float():
        return None
    cells = column.drop_nulls().head(SAMPLE).cast(pl.String).str.strip_chars()
    form, share = _best_format(cells) if len(cells) and cells[0].isdecimal() else (None, 0.0)
    return form if share == 1 else None


def _words(column: pl.Series, place_of: Place, like: TimeFormat | None) -> tuple[np.ndarray, TimeFormat]:
    form, _ = _best_format(column.drop_nulls().head(SAMPLE))
    if form is None:
        return np.full(len(column), np.datetime64("NaT"), dtype="datetime64[us]"), SECONDS
    parsed = _parsed(column, form)
    if form.order in ("dmy", "mdy"):
        twin = replace(form, parts=_swapped(form.parts), order="mdy" if form.order == "dmy" else "dmy")
        other = _parsed(column, twin)
        unread, others = int(np.isnat(parsed[0]).sum()), int(np.isnat(other[0]).sum())
        alike = unread == others and not np.array_equal(parsed[0], other[0])
        if others < unread or (alike and like is not None and like.order == twin.order):
            parsed, form = other, twin
        elif alike and (like is None or like.order != form.order):
            raise UserError(
                f"{place_of(0)}: column {column.name!r} has dates such as {column[0]!r} of which nothing tells the day "
                "from the month; write them year first, such as 2012-01-31"
            )
    return parsed[0], replace(_styled(column, form), offset=parsed[1])


def _swapped(parts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple({"%d": "%m", "%m": "%d"}.get(part, part) for part in parts)


def _styled(column: pl.Series, form: TimeFormat) -> TimeFormat:
    cells = column.drop_nulls().head(SAMPLE).str.strip_chars().to_list()
    pattern = re.compile(form.regex())
    return styled(form, [match.groupdict() for cell in cells if (match := pattern.match(cell))], cells)


def _best_format(words: pl.Series) -> tuple[TimeFormat | None, float]:
    """The format that fits most of the words, and the share it fits."""
    words = words.cast(pl.String).str.strip_chars()
    forms = {form.text: form for cell in words.unique(maintain_order=True).head(_SHOWN) for form in guess(cell)}
    fits = [(form, len(words) - int(np.isnat(_parsed(words, form)[0]).sum())) for form in forms.values()]
    # Years of two digits in front are what is left when nothing else fits as well.
    form, count = max(fits, key=lambda fit: (fit[1], fit[0].order != "ymd"), default=(None, 0))
    return (form if count else None), count / max(1, len(words))


def _parsed(words: pl.Series, form: TimeFormat) -> tuple[np.ndarray, int]:
    """Words as datetime64 `[rows]`, UTC if they have offsets, NaT where they have another format; the last offset."""
    moment = np.empty(len(words), dtype="datetime64[us]")
    offsets: np.ndarray | None = None
    for begin in range(0, len(words), _BLOCK):
        rows = slice(begin, begin + _BLOCK)
        read, offset = _parsed_block(words[rows].str.strip_chars(), form)
        if read.dtype == "datetime64[ns]" and moment.dtype != read.dtype:
            moment = moment.astype(read.dtype)
        moment[rows] = read
        if offset is not None and offset.any():
            offsets = np.zeros(len(words), np.int64) if offsets is None else offsets
            offsets[rows] = offset
    if offsets is None:
        return moment, 0
    present = np.flatnonzero(~np.isnat(moment))
    last = int(offsets[present[-1]]) if len(present) else 0
    return shifted(moment, -offsets), last


def _parsed_block(words: pl.Series, form: TimeFormat) -> tuple[np.ndarray, np.ndarray | None]:
    """The local times as they are written, and the offset of each in seconds, if the format has offsets."""
    pattern = form.regex()
    fits = words.str.contains(pattern).fill_null(False).to_numpy()
    if _is_quick(form) and not ("%S" in form.parts and words.str.contains(r"\d[.,]\d").any()):
        read = words.str.to_datetime(form.text, strict=False, time_unit="us")
        return np.where(fits, read.to_numpy(), np.datetime64("NaT")), None
    groups = words.str.extract_groups(pattern).struct.unnest()
    fields = {name: _field(name, groups[name]) for name in groups.columns if name not in ("z", "f")}
    unit = "us"
    if "f" in groups.columns:
        fields["f"] = groups["f"].fill_null("0").str.pad_end(9, "0").cast(pl.Int64).to_numpy()
        unit = "ns" if (fields["f"] % 1000).any() else "us"
    moment = moments({"fits": np.where(fits, 0, ABSENT), **fields}, unit)
    moment[~fits] = np.datetime64("NaT")
    if "z" not in groups.columns:
        return moment, None
    texts = groups["z"].fill_null("Z")
    known = {text: offset_of(text) for text in texts.unique().to_list()}
    return moment, texts.replace_strict(known, return_dtype=pl.Int64).to_numpy()


def _is_quick(form: TimeFormat) -> bool:
    return {part for part in form.parts if part.startswith("%")} in _QUICK


def _field(name: str, texts: pl.Series) -> np.ndarray:
    """A group of the pattern, int64 `[rows]`."""
    if name in ("b", "a", "p"):
        known = {text: field_number(name, text) for text in texts.unique().to_list() if text is not None}
        return texts.replace_strict(known, default=ABSENT, return_dtype=pl.Int64).to_numpy()
    return texts.cast(pl.Int64).fill_null(0 if name == "S" else ABSENT).to_numpy()


def order_of_steps(ids: np.ndarray, times: np.ndarray, place_of: Place, notes: Notes) -> np.ndarray | None:
    """The order of rows, int64 `[rows]`, that puts each sequence in one run, in the order of time; None if they are.

    Sorting is stated in the notes. Raises `UserError` if a sequence has a time twice, naming both rows.
    """
    if _in_order(ids, times):
        return None
    order = interruptible(lambda check: np.lexsort((times, ids)))
    same = (np.diff(ids[order]) == 0) & (times[order][1:] == times[order][:-1])
    if same.any():
        first, second = sorted(order[np.flatnonzero(same)[0] :][:2].tolist())
        shown = str(times[first]).replace("T", " ")
        raise UserError(
            f"{place_of(second)} has the same time {shown} as row {place_of(first).rpartition('row ')[2]}; a sequence "
            "has one row per time: drop one of them, or name the column that tells sequences apart with --id COLUMN"
        )
    backwards = np.diff(times.view(np.int64) if times.dtype.kind == "M" else times)
    within = backwards[np.diff(ids) == 0]
    notes.add("rows that were earlier than the row above, sorted by time", int((within < 0).sum()))
    if (order == np.arange(len(order))).all():
        return None
    return order


def _in_order(ids: np.ndarray, times: np.ndarray) -> bool:
    """Whether the times of each sequence rise and sequences follow each other: most often they do, and sorting takes
    long and much memory."""
    for begin in range(0, len(ids), 1 << 20):
        rows = slice(begin, begin + (1 << 20) + 1)
        change, later = np.diff(ids[rows]), times[rows][1:] > times[rows][:-1]
        if not ((change > 0) | ((change == 0) & later)).all():
            return False
    return True


def count_irregular(times: np.ndarray, bounds: np.ndarray, notes: Notes) -> float | None:
    """Count steps whose length is more than a tenth off the usual one; the rate in steps per second if none is.

    Months count as regular. `times` `[rows]` are in order within `bounds` int64 `[records + 1]`.
    """
    steps = seconds_between(times)
    inside = np.ones(len(steps), dtype=bool)
    inside[bounds[1:-1] - 1] = False
    steps = steps[inside]
    if not len(steps):
        return None
    mean = float(steps.mean())
    usual = float(np.median(steps, overwrite_input=True))  # here and below no copy is made: there may be many
    steps -= usual
    irregular = int((np.abs(steps, out=steps) > 0.1 * usual).sum())
    notes.add(IRREGULAR, irregular)
    return 1 / mean if not irregular and times.dtype.kind == "M" else None
