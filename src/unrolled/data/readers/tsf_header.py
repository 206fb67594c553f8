"""The header of a `.tsf` file: attributes, frequency, horizon; and the times written in its lines."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from unrolled.data.readers.time_steps import DAY, Step
from unrolled.data.readers.ts_values import refuse, short
from unrolled.errors import UserError

_SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": DAY, "week": 7 * DAY}
_MONTHS = {"month": 1.0, "quarter": 3.0, "year": 12.0}
_WORDS = {
    "secondly": "second",
    "minutely": "minute",
    "hourly": "hour",
    "daily": "day",
    "weekly": "week",
    "monthly": "month",
    "quarterly": "quarter",
    "yearly": "year",
    "annually": "year",
}
_COUNTED = re.compile(r"(\d+)[ _-]?(" + "|".join((*_SECONDS, *_MONTHS)) + r")s?(?:ly)?")
_START = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)(?:[ T](\d\d?)[-:](\d\d?)(?:[-:](\d\d?))?)?")


@dataclass
class Header:
    attributes: list[tuple[str, str]] = field(default_factory=list)
    """name and type, in the order of the file"""
    step: Step | None = None
    horizon: int | None = None
    switches: dict[str, bool] = field(default_factory=dict)


def read_header(path: Path, lines: Iterator[tuple[int, str]], header: Header) -> None:
    """Reads up to and including the line `@data`."""
    number = 0
    for number, line in lines:
        word, _, value = line.partition(" ")
        word, value = word.lower(), value.strip()
        if word == "@data":
            if not header.attributes:
                refuse(
                    path,
                    number,
                    "no @attribute stands before @data, expected for example @attribute series_name string",
                )
            return
        if not word.startswith("@"):
            refuse(path, number, f"found {short(line)} where the header has lines that begin with @, before @data")
        if word == "@attribute":
            name, _, kind = value.rpartition(" ")
            if not name or kind.lower() not in ("string", "numeric", "date"):
                refuse(path, number, f"found {short(line)}, expected @attribute NAME and string, numeric or date")
            header.attributes.append((name.strip(), kind.lower()))
        elif word == "@frequency":
            header.step = _frequency(path, number, value)
        elif word == "@horizon":
            if not (value.isdecimal() and int(value) > 0):
                refuse(path, number, f"@horizon is {short(value)}, expected a whole number above 0")
            header.horizon = int(value)
        elif word in ("@missing", "@equallength"):
            if value.lower() not in ("true", "false"):
                refuse(path, number, f"{word} is {short(value)}, expected true or false")
            header.switches[word] = value.lower() == "true"
    raise UserError(f"{path} ends at line {number} without a line @data; it is cut short or not a .tsf file")


def _frequency(path: Path, number: int, text: str) -> Step:
    name = text.lower()
    half = name.startswith("half")
    name = name.removeprefix("half").lstrip("_- ") if half else name
    counted = _COUNTED.fullmatch(name)
    unit = counted[2] if counted else _WORDS.get(name, name)
    size = float(counted[1]) if counted else 1.0
    if not size or unit not in (*_SECONDS, *_MONTHS) or (half and unit in _MONTHS):
        problem = f"@frequency is {short(text)}"
        refuse(path, number, f"{problem}, expected such as daily, half_hourly, 10_minutes or quarterly")
    if unit in _MONTHS:
        return Step(size * _MONTHS[unit], "months")
    return Step(size * _SECONDS[unit] / (2 if half else 1), "seconds")


def read_start(path: Path, number: int, name: str, text: str) -> np.datetime64:
    """A time as the archive writes it, datetime64[us]."""
    match = _START.fullmatch(text)
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in (match.groups() if match else ()))
        return np.datetime64(f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}", "us")
    except ValueError:
        raise UserError(
            f"{path}, line {number}: {name} is {short(text)}, expected a time such as 2012-01-31 18-30-00"
        ) from None
