"""How times are written: a format reads a whole column, and writes the times that follow (found by `find_time_format`).

A format is a row of parts, codes as in C's strftime and literal text, such as `%d . %m . %Y`. Every cell of a column
has the same one. Codes beyond strftime's: `%q` is the quarter of a year, `%n` a plain number, `%s` a number of seconds
(or milliseconds and so on, see `per_second`) since 1970. Names of months and weekdays are English.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

MONTHS = tuple(
    "january february march april may june july august september october november december".split()  # noqa: SIM905
)
WEEKDAYS = tuple("monday tuesday wednesday thursday friday saturday sunday".split())  # noqa: SIM905
UNITS = {1: "seconds", 1_000: "milliseconds", 1_000_000: "microseconds", 1_000_000_000: "nanoseconds"}
"""what an epoch may count, by how many are in a second"""
ABSENT = -1
"""a field of a cell that is not written in the format"""
_PIVOT = 69
"""two-digit years from here on are of the twentieth century, as POSIX has it"""

ZONE = r"(?P<z>Z|z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)"
_REGEX = {
    "%Y": r"(?P<Y>[0-9]{4})",
    "%G": r"(?P<G>[0-9]{4})",
    "%y": r"(?P<y>[0-9]{2})",
    "%q": r"(?P<q>[1-4])",
    "%V": r"(?P<V>[0-9]{2})",
    "%u": r"(?P<u>[1-7])",
    "%b": r"(?P<b>[A-Za-z]{3,9})",
    "%a": r"(?P<a>[A-Za-z]{3,9})",
    "%p": r"(?P<p>[AaPp])\.?[Mm]\.?",
    "%z": ZONE,
}
SHORT = ("%m", "%d", "%H", "%I", "%M", "%S")
"""codes of one or two digits"""
_FRACTION = r"(?:[.,](?P<f>[0-9]{1,9})[0-9]*)?"

Order = Literal["dmy", "mdy", "ymd"]


@dataclass(frozen=True)
class TimeFormat:
    """How the times of a column are written."""

    parts: tuple[str, ...]
    """codes and literal text"""
    order: Order | None = None
    """of day, month and year, where all three are numbers and the year does not stand first with four digits"""
    unpadded: tuple[str, ...] = ()
    """codes whose numbers below 10 have one digit"""
    decimals: int = 0
    """digits behind the point of the seconds, or of a plain number"""
    mark: str = "."
    """that point"""
    capitals: Literal["Title", "UPPER", "lower"] = "Title"
    """how the names of months and weekdays are written"""
    whole_names: bool = False
    """January rather than Jan"""
    meridiem: str = "AM"
    """how the morning is written"""
    zone: str = "+00:00"
    """how an offset from UTC is written: with a colon, without one, or hours alone"""
    utc: str = ""
    """what is written for no offset, such as Z"""
    per_second: int = 1
    """what an epoch counts"""
    width: int = 0
    """digits of whole numbers, where they are filled up with zeros"""
    lasting: bool = False
    """whether a clock counts on beyond 24 hours, as for durations"""
    offset: int = 0
    """seconds east of UTC, where they say it; of times of several offsets, as where clocks change, that of the last"""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "TimeFormat":
        """From what `dataclasses.asdict` makes of it. Raises `TypeError` or `ValueError` for anything else."""
        form = cls(**{**data, "parts": tuple(data["parts"]), "unpadded": tuple(data.get("unpadded", ()))})
        if not form.parts or not all(isinstance(part, str) for part in form.parts):
            raise ValueError("a format of times has no parts")
        return form

    @property
    def telling(self) -> bool:
        """Whether hardly anything but a time is written so: with a year of four digits, or the name of a month."""
        codes = {part for part in self.parts if part.startswith("%")}
        return len(codes) > 1 and bool({"%Y", "%G", "%b"} & codes)

    @property
    def is_number(self) -> bool:
        """Whether it is written as a number, so that JSON and tables hold one."""
        return self.parts[0] in ("%s", "%n") and not self.width and self.mark == "."

    @property
    def is_clock(self) -> bool:
        """Whether it says the time of day alone."""
        return not {"%Y", "%y", "%G", "%s", "%n"} & set(self.parts)

    @property
    def text(self) -> str:
        """Such as %d.%m.%Y."""
        return "".join(self.parts)

    @property
    def resolution(self) -> Literal["us", "ns"]:
        """The unit in which its times are kept."""
        fine = self.per_second * 10**self.decimals if self.parts == ("%s",) else 10**self.decimals
        return "ns" if fine > 1_000_000 else "us"

    def regex(self) -> str:
        """A pattern with a named group for each field, for Python and for polars."""
        pieces = []
        for before, part, after in zip(("", *self.parts), self.parts, (*self.parts[1:], ""), strict=False):
            if part in SHORT:
                run_on = before.startswith("%") or after.startswith("%")
                digits = "{1,3}" if part == "%H" and self.is_clock else "{2}" if run_on else "{1,2}"
                pieces.append(f"(?P<{part[1]}>[0-9]{digits})")
                pieces.append(_FRACTION if part == "%S" else "")
            elif part.startswith("%"):
                pieces.append(_REGEX[part])
            else:
                pieces.append("".join(" +" if c[0] == " " else _escaped(c) for c in re.findall(" +|[^ ]", part)))
        return f"^{''.join(pieces)}$"

    def fitting(self, times: np.ndarray) -> "TimeFormat":
        """The same if it tells such times apart; else with more digits behind the seconds, or a clock, or in full."""
        if times.dtype.kind != "M" or not len(times):
            return self
        fields = _fields(times)
        decimals = next(digits for digits in range(10) if not (fields["f"] % 10 ** (9 - digits)).any())
        if self.parts == ("%s",):
            return replace(self, decimals=max(self.decimals, decimals - len(str(self.per_second)) + 1))
        codes = {"H": ("%H", "%I"), "M": ("%M",), "S": ("%S",)}
        if self.is_clock and "%S" not in self.parts and (fields["S"].any() or decimals):
            return replace(self, parts=SECONDS.parts[6:], decimals=decimals)
        if self.is_clock:
            return replace(self, decimals=max(self.decimals, decimals)) if "%S" in self.parts else self
        untold = any(fields[name].any() for name, ways in codes.items() if not {*ways} & {*self.parts})
        if untold or ((fields["d"] != 1).any() and not {"%d", "%V"} & {*self.parts}):
            parts = (*SECONDS.parts, "%z") if "%z" in self.parts else SECONDS.parts
            return replace(SECONDS, parts=parts, decimals=decimals, zone=self.zone, utc=self.utc, offset=self.offset)
        return replace(self, decimals=max(self.decimals, decimals)) if "%S" in self.parts else self

    def write(self, times: np.ndarray) -> list[str | int | float]:
        """Times `[count]`, datetime64 as clocks show it or float64, as text, or as numbers if that is the format."""
        if times.dtype.kind != "M":
            if self.decimals:
                texts = [f"{time:.{self.decimals}f}".replace(".", self.mark) for time in times.tolist()]
                return list(texts) if self.mark != "." else [float(text) for text in texts]
            if np.abs(times).max(initial=0) >= 2**53:
                return times.tolist()
            whole = np.rint(times).astype(np.int64).tolist()
            return [f"{number:0{self.width}d}" for number in whole] if self.width else whole
        if self.parts == ("%s",):
            ticks, per_tick = times.astype(np.int64), ticks_per_second(times)
            if self.decimals:
                return [round(tick / per_tick * self.per_second, self.decimals) for tick in ticks.tolist()]
            if self.per_second > per_tick:
                return (ticks * (self.per_second // per_tick)).tolist()
            return (ticks // (per_tick // self.per_second)).tolist()
        fields = _fields(times)
        written = [self._part(part, fields) for part in self.parts]
        return ["".join(parts) for parts in zip(*written, strict=True)]

    def _part(self, part: str, fields: Mapping[str, np.ndarray]) -> list[str]:
        if not part.startswith("%") or part == "%z":
            return [self._offset(self.offset) if part == "%z" else part] * len(fields["Y"])
        values = fields[part[1]].tolist()
        if part == "%H" and self.lasting:
            values = (fields["H"] + 24 * fields["days"]).tolist()
        if part in ("%Y", "%G"):
            return [f"{value:04d}" for value in values]
        if part == "%b":
            return [self._name(MONTHS[value - 1]) for value in values]
        if part == "%a":
            return [self._name(WEEKDAYS[value]) for value in values]
        if part == "%p":
            later = self.meridiem.translate(str.maketrans("aA", "pP"))
            return [later if value else self.meridiem for value in values]
        if part in ("%q", "%u") or part in self.unpadded:
            texts = [str(value) for value in values]
        else:
            texts = [f"{value:02d}" for value in values]
        if part == "%S" and self.decimals:
            shares = (fields["f"] // 10 ** (9 - self.decimals)).tolist()
            return [f"{text}{self.mark}{share:0{self.decimals}d}" for text, share in zip(texts, shares, strict=True)]
        return texts

    def _name(self, word: str) -> str:
        word = word if self.whole_names else word[:3]
        return {"Title": word.title(), "UPPER": word.upper(), "lower": word}[self.capitals]

    def _offset(self, seconds: int) -> str:
        if not seconds and self.utc:
            return self.utc
        minutes = abs(seconds) // 60
        sign, hours, rest = "-" if seconds < 0 else "+", minutes // 60, minutes % 60
        if len(self.zone) == 3 and not rest:
            return f"{sign}{hours:02d}"
        return f"{sign}{hours:02d}{':' if len(self.zone) != 5 else ''}{rest:02d}"


NUMBER = TimeFormat(("%n",))
"""times that are plain numbers"""
DAYS = TimeFormat(("%Y", "-", "%m", "-", "%d"))
SECONDS = TimeFormat((*DAYS.parts, " ", "%H", ":", "%M", ":", "%S"))


def _escaped(character: str) -> str:
    return "\\" + character if character in r"\.+*?()|[]{}^$-/" and character not in "-/" else character


def month_of(word: str) -> int:
    """The number of a month by its English name, whole or of three letters; 0 for any other word."""
    return _MONTH_NUMBERS.get(word.lower(), 0)


def weekday_of(word: str) -> int:
    return _WEEKDAY_NUMBERS.get(word.lower(), 0)


def _numbered(names: tuple[str, ...]) -> dict[str, int]:
    whole = {name: number for number, name in enumerate(names, start=1)}
    return whole | {name[:3]: number for name, number in whole.items()}


_MONTH_NUMBERS = _numbered(MONTHS) | {"sept": 9}
_WEEKDAY_NUMBERS = _numbered(WEEKDAYS) | {"tues": 2, "thur": 4, "thurs": 4}


def offset_of(text: str) -> int:
    """Seconds east of UTC of Z, UTC, +01:00, +0100 or +01."""
    if text in ("Z", "z", "UTC", "GMT"):
        return 0
    digits = text[1:].replace(":", "").ljust(4, "0")
    return (-1 if text[0] == "-" else 1) * (int(digits[:2]) * 3600 + int(digits[2:]) * 60)


def ticks_per_second(times: np.ndarray | np.datetime64) -> int:
    """How many ticks of its unit, datetime64[us] or datetime64[ns], are in a second."""
    return 1_000_000_000 if np.datetime_data(times.dtype)[0] == "ns" else 1_000_000


def seconds_between(times: np.ndarray) -> np.ndarray:
    """From each time to the next, float64 `[count - 1]`; of plain numbers their distances."""
    if times.dtype.kind != "M":
        return np.diff(times)
    return np.diff(times).astype(np.int64) / ticks_per_second(times)


def shifted(times: np.ndarray, seconds: int | np.ndarray) -> np.ndarray:
    """Times so many seconds later."""
    unit = np.datetime_data(times.dtype)[0]
    return times + (np.asarray(seconds, dtype=np.int64) * ticks_per_second(times)).astype(f"timedelta64[{unit}]")


def local(times: np.ndarray, form: TimeFormat | None) -> np.ndarray:
    """UTC as clocks show it where the times were written, and as `TimeFormat.write` wants it."""
    return times if form is None or not form.offset else shifted(times, form.offset)


def moments(fields: Mapping[str, np.ndarray], unit: str) -> np.ndarray:
    """Fields of cells, int64 `[cells]` by the letter of their code, as datetime64[unit]; NaT for what is no time.

    Fields: `Y` or `y`, `m` or `b`, `d`, `q`, `G V u`, `H` or `I` with `p` (1 in the afternoon), `M`, `S`, `f`
    (nanoseconds). `ABSENT` is a cell that does not fit. Without a year `H` may be of any size.
    """
    some = next(iter(fields.values()))
    good = some != ABSENT
    zero = np.zeros(len(some), np.int64)
    days = zero
    if "G" in fields:
        week, weekday = fields["V"], fields.get("u", zero + 1)
        first = _monday(fields["G"])
        good &= (week >= 1) & (first + (week - 1) * 7 < _monday(fields["G"] + 1))
        days = first + (week - 1) * 7 + weekday - 1
    elif "Y" in fields or "y" in fields:
        year = fields["Y"] if "Y" in fields else np.where(fields["y"] < _PIVOT, 2000, 1900) + fields["y"]
        month = fields.get("m", fields.get("b", zero + 1))
        month = 3 * fields["q"] - 2 if "q" in fields else month
        good &= (month >= 1) & (month <= 12) & (year >= 1)
        months = (year - 1970) * 12 + month - 1
        begins, ends = _days_of(np.where(good, months, 0)), _days_of(np.where(good, months + 1, 1))
        day = fields.get("d", zero + 1)
        good &= (day >= 1) & (day <= ends - begins)
        days = begins + day - 1
    dated = days is not zero
    hour = fields.get("H", zero)
    if "I" in fields:
        good &= (fields["I"] >= 1) & (fields["I"] <= 12)
        hour = fields["I"] % 12 + 12 * fields["p"]
    minute, second = fields.get("M", zero), fields.get("S", zero)
    good &= (minute < 60) & (second < 60) & ((hour < 24) | (not dated))
    seconds = days * 86400 + hour * 3600 + minute * 60 + second
    if unit == "ns":
        good &= np.abs(seconds) < 9_223_372_036
    per_second = 1_000_000_000 if unit == "ns" else 1_000_000
    ticks = seconds * per_second + fields.get("f", zero) // (1_000_000_000 // per_second)
    return np.where(good, ticks, np.iinfo(np.int64).min).astype(f"datetime64[{unit}]")


def _days_of(months: np.ndarray) -> np.ndarray:
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _monday(years: np.ndarray) -> np.ndarray:
    """The Monday of the first ISO week of a year, which holds January 4th, in days since 1970."""
    fourth = _days_of((years - 1970) * 12) + 3
    return fourth - (fourth + 3) % 7


def _fields(times: np.ndarray) -> dict[str, np.ndarray]:
    """What the codes say of times, int64 each; `a` counts from Monday, 0."""
    day, month = times.astype("datetime64[D]"), times.astype("datetime64[M]")
    days, months = day.astype(np.int64), month.astype(np.int64)
    unit = np.datetime_data(times.dtype)[0]
    nanoseconds = (times - day.astype(times.dtype)).astype(np.int64) * (1 if unit == "ns" else 1000)
    seconds = nanoseconds // 1_000_000_000
    weekday = (days + 3) % 7
    thursday = (day + (3 - weekday)).astype("datetime64[Y]")
    iso = thursday.astype(np.int64) + 1970
    hour = seconds // 3600
    year = times.astype("datetime64[Y]").astype(np.int64) + 1970
    return {
        "Y": year,
        "y": year % 100,
        "m": months % 12 + 1,
        "b": months % 12 + 1,
        "q": months % 12 // 3 + 1,
        "d": (day - month.astype("datetime64[D]")).astype(np.int64) + 1,
        "a": weekday,
        "G": iso,
        "V": (days - _monday(iso)) // 7 + 1,
        "u": weekday + 1,
        "H": hour,
        "days": days,
        "I": (hour - 1) % 12 + 1,
        "p": (hour >= 12).astype(np.int64),
        "M": seconds // 60 % 60,
        "S": seconds % 60,
        "f": nanoseconds % 1_000_000_000,
    }


def field_number(name: str, text: str | None) -> int:
    """One group of `TimeFormat.regex` as `moments` wants it."""
    if text is None:
        return 0
    if name == "b":
        return month_of(text) or ABSENT
    if name == "a":
        return weekday_of(text) or ABSENT
    if name == "p":
        return int(text in "pP")
    return int(text.ljust(9, "0")) if name == "f" else int(text)


def written(times: np.ndarray, form: TimeFormat | None) -> list[str | int | float]:
    """Times as their data writes them, in more detail where that is needed to tell them apart; without a format as
    `2012-01-31`, `2012-01-31 18:30:00`, or plain numbers."""
    if form is None:
        form = DAYS if times.dtype.kind == "M" else NUMBER if (times % 1 == 0).all() else replace(NUMBER, decimals=9)
    return form.fitting(times).write(times)
