"""The step of a series in time: found from its times, and continued beyond their end."""

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from unrolled.data.readers.time_formats import seconds_between, ticks_per_second

DAY = 86400.0
WEEK_OF_MINUTES = 7 * 24 * 60
NEAR = 0.1
"""How far, in steps, a time may be off its place."""
MOST_GAPS = 3
"""Steps without a row for each with one, beyond which a series is not taken for a regular one with gaps."""
_NAMES = {1.0: "one-second", 60.0: "one-minute", 3600.0: "hourly", DAY: "daily", 7 * DAY: "weekly"}
_MONTHS = {1: "monthly", 3: "quarterly", 12: "yearly"}


@dataclass(frozen=True)
class Step:
    """The distance from one step to the next."""

    size: float
    unit: Literal["seconds", "weekdays", "months", "months to their end", "units"]
    """units: times are plain numbers; months to their end: every time lies on the last day of a month"""

    def words(self) -> str:
        """Such as "hourly"."""
        if self.unit == "weekdays":
            return "weekday"
        if self.unit.startswith("months"):
            return _MONTHS.get(int(self.size), f"{self.size:g}-month")
        if self.unit == "units":
            return "" if self.size == 1 else f"{self.size:g}-unit"
        if self.size in _NAMES:
            return _NAMES[self.size]
        for name, length in (("day", DAY), ("hour", 3600.0), ("minute", 60.0)):
            if self.size % length == 0:
                return f"{self.size / length:g}-{name}"
        return f"{self.size:g}-second"


def calendar_periods(step: Step | None) -> list[int]:
    """The steps in an hour, a day, a week and a year, as far as these are whole numbers of steps, at least 2."""
    if step is None or step.unit == "units":
        return []
    if step.unit == "weekdays":
        return [5]
    if step.unit.startswith("months"):
        return [int(12 // step.size)] if 12 % step.size == 0 and step.size <= 6 else []
    periods = [length / step.size for length in (3600.0, DAY, 7 * DAY)]
    periods += {DAY: [365.0], 7 * DAY: [52.0]}.get(step.size, [])
    return [int(period) for period in periods if 2 <= period <= WEEK_OF_MINUTES and period == int(period)]


_FREQUENCY = re.compile(r"([0-9]*)\s*([A-Za-z]+)(-[A-Z]{3})?")
_LENGTHS = {
    **dict.fromkeys(("s", "S", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("min", "T", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "H", "hour", "hours"), 3600.0),
    **dict.fromkeys(("D", "d", "day", "days"), DAY),
    **dict.fromkeys(("W", "week", "weeks"), 7 * DAY),
    **dict.fromkeys(("ms", "L"), 1e-3),
}
_IN_MONTHS = {
    **dict.fromkeys(("M", "MS", "ME", "month", "months"), 1.0),
    **dict.fromkeys(("Q", "QS", "QE", "quarter", "quarters"), 3.0),
    **dict.fromkeys(("Y", "YS", "YE", "A", "AS", "year", "years"), 12.0),
}


def step_of_frequency(text: str) -> Step | None:
    """The step of a frequency as pandas writes it: `h`, `15min`, `D`, `B`, `W-SUN`, `MS`, `QE`, `YS`, older letters
    too; None for anything else."""
    match = _FREQUENCY.fullmatch(text.strip())
    if match is None:
        return None
    count, name = float(match[1] or 1), match[2]
    if count == 0:
        return None
    if name == "B":
        return Step(1.0, "weekdays") if count == 1 else None
    if name in _IN_MONTHS:
        return Step(count * _IN_MONTHS[name], "months")
    return Step(count * _LENGTHS[name], "seconds") if name in _LENGTHS else None


def counted_from(start: np.datetime64, step: Step) -> Step:
    """The step of a series that begins there: months that begin late in one are counted from its end, since not all
    have such a day."""
    if step.unit != "months":
        return step
    day = start.astype("datetime64[D]") - start.astype("datetime64[M]").astype("datetime64[D]")
    late = day >= np.timedelta64(28, "D")
    return Step(step.size, "months to their end") if late else step


def find_step(times: np.ndarray) -> Step | None:
    """The usual distance of ascending times, datetime64[us or ns] or float64 `[time]`; None for fewer than two.

    Months, to the same day or to their last, and weekdays without weekends are recognised, though they differ in
    length; else it is the median distance.
    """
    if len(times) < 2:
        return None
    if times.dtype.kind != "M":
        return Step(float(np.median(np.diff(times))), "units")
    seconds = float(np.median(seconds_between(times)))
    months = times.astype("datetime64[M]")
    if seconds >= 28 * DAY:
        size = float(np.median(np.diff(months.astype(np.int64))))
        to_the_end = np.unique((months + 1).astype(times.dtype) - times)
        if len(to_the_end) == 1 and to_the_end[0] <= np.timedelta64(1, "D"):
            return Step(size, "months to their end")
        if len(np.unique(times - months)) == 1:
            return Step(size, "months")
    if seconds == DAY and len(times) > 7 and np.is_busday(times.astype("datetime64[D]")).all():
        return Step(1.0, "weekdays")
    return Step(seconds, "seconds")


def places(times: np.ndarray, step: Step) -> np.ndarray | None:
    """The number of each time's step, int64 `[time]` from 0 on; steps without a time are left out.

    None if the times do not lie on such steps, or if there are many more steps than times.
    """
    if step.unit == "weekdays":
        days = times.astype("datetime64[D]")
        moved = np.busday_count(days[0], days).astype(np.float64)
    elif step.unit.startswith("months"):
        months = times.astype("datetime64[M]").astype(np.int64)
        moved = (months - months[0]) / step.size
    else:
        # From one to the next, since clocks that run a little fast add up to whole steps.
        ratio = seconds_between(times) / step.size
        if len(ratio) and (np.abs(ratio - np.rint(ratio)) > NEAR).any():
            return None
        moved = np.concatenate([[0.0], np.cumsum(np.rint(ratio))])
    numbers = np.rint(moved).astype(np.int64)
    uneven = (np.abs(moved - numbers) > NEAR).any() or (np.diff(numbers) < 1).any()
    return None if uneven or numbers[-1] >= (MOST_GAPS + 1) * len(times) else numbers


def times_from(first: Any, step: Step, numbers: np.ndarray) -> np.ndarray:
    """The times that lie so many steps (int64 `[count]`, also negative) after a first one."""
    if step.unit == "units":
        return float(first) + step.size * numbers
    start = np.datetime64(first, "ns" if np.datetime_data(first)[0] == "ns" else "us")
    unit = np.datetime_data(start)[0]
    if step.unit == "weekdays":
        day = start.astype("datetime64[D]")
        # From a time at a weekend on, Monday is the first step.
        moved = np.busday_offset(day, numbers, roll="backward")
        return moved.astype(f"datetime64[{unit}]") + (start - day.astype(f"datetime64[{unit}]"))
    if step.unit.startswith("months"):
        month, moved = start.astype("datetime64[M]"), (numbers * step.size).astype(np.int64)
        if step.unit == "months":
            return (month + moved).astype(f"datetime64[{unit}]") + (start - month.astype(f"datetime64[{unit}]"))
        before = (month + 1).astype(f"datetime64[{unit}]") - start
        return (month + 1 + moved).astype(f"datetime64[{unit}]") - before
    return start + np.rint(numbers * (step.size * ticks_per_second(start))).astype(f"timedelta64[{unit}]")
