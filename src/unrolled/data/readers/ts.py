"""Time series of the UCR and UEA archives: files in the `.ts` format of sktime and aeon."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.data.readers.lines import numbered_lines
from unrolled.data.readers.ts_values import numbers, read_channel, refuse, short
from unrolled.data.records import Field, Notes, Reading, Record, Source
from unrolled.errors import UserError

_BETWEEN_CHANNELS = re.compile(r":(?![^()]*\))")  # a colon, but not one in the time of a `(time,value)` pair
_SWITCHES = ("timestamps", "missing", "univariate", "equallength", "targetlabel")
_NAMES = ("problemname", "dimensions", "dimension", "serieslength", "classlabel")


@dataclass
class _Header:
    values: dict[str, str] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    labelled: bool = False

    def on(self, name: str) -> bool:
        return self.values.get(name, "").lower() == "true"


class TsSource(Source):
    """The cases of `.ts` files, as read into memory."""

    def __init__(self, fields: tuple[Field, ...], cases: list[tuple[np.ndarray, Any, str]]) -> None:
        self.fields = fields
        self.target_guess = fields[1].name if len(fields) > 1 else None
        self._cases = cases

    def __len__(self) -> int:
        return len(self._cases)

    def record(self, index: int) -> Record:
        series, answer, origin = self._cases[index]
        values = {"series": series}
        if len(self.fields) > 1:
            values[self.fields[1].name] = answer
        return Record(values, origin)

    def labels(self, name: str) -> list[str] | None:
        answers = [answer for _, answer, _ in self._cases]
        known = self.field(name).kind == "categorical" and all(answer is not None for answer in answers)
        return answers if known else None


def read_ts(paths: list[Path], reading: Reading, notes: Notes) -> TsSource:
    """The cases of `.ts` files: `series` (numeric, timed), with `label` (categorical) or `target` (numeric) if given.

    Header lines (`@problemName`, `@univariate`, `@dimensions`, `@equalLength`, `@seriesLength`, `@classLabel`,
    `@targetlabel`, `@missing`, `@timeStamps`) may be in any case and order; lines that begin with `#` or `%` are
    comments. Series may differ in length. `?` and `NaN` are missing values; steps at the end in which every channel is
    missing are padding, and are cut and counted. Of `(time,value)` pairs the values are used; times must ascend and be
    the same for all channels, and series with irregular times are counted. A label `?` is not known.

    Raises `UserError` with file and line for anything that does not agree with the header, for infinite values and
    for a series of length 0.
    """
    header, channels = _Header(), 0
    cases: list[tuple[np.ndarray, Any, str]] = []
    for path in paths:
        before, header = header, _Header()
        here, channels = _read_file(path, header, channels, notes)
        if not here:
            raise UserError(f"{path} holds no series: nothing follows @data; give a file with one series per line")
        if cases and (before.labelled, before.on("targetlabel")) != (header.labelled, header.on("targetlabel")):
            raise UserError(f"{path} and {paths[0]} do not both have labels, or not of the same kind; read them apart")
        cases += here
    if header.labelled or header.on("targetlabel"):
        notes.add("series without a label or target", sum(answer is None for _, answer, _ in cases))
    fields = [Field("series", "numeric", timed=True, channels=tuple(f"channel_{i}" for i in range(channels)))]
    if header.labelled:
        fields.append(Field("label", "categorical", timed=False))
    elif header.on("targetlabel"):
        fields.append(Field("target", "numeric", timed=False, channels=("target",)))
    if not reading.unlabelled:
        _check_target(reading.target, [field.name for field in fields[1:]], paths[-1])
    return TsSource(tuple(fields), cases)


def _check_target(target: str | None, names: list[str], path: Path) -> None:
    if target is None or target in names:
        return
    if not names:
        raise UserError(f"{path} has neither labels nor targets, so there is no {target!r} to learn; leave it out")
    near = (get_close_matches(target, names, 1, 0) or names)[0]
    raise UserError(f"{path} has no target {target!r}; its target is named {near!r}, so leave it out or give that name")


def _read_file(path: Path, header: _Header, channels: int, notes: Notes) -> tuple[list[tuple], int]:
    lines = ((number, line.strip()) for number, line in numbered_lines(path))
    _read_header(path, lines, header)
    cases: list[tuple] = []
    for number, line in lines:
        if not line or line[0] in "#%":
            continue
        series, answer = _read_case(path, number, line, header, channels, notes)
        channels = series.shape[1]
        cases.append((series, answer, f"{path}, line {number}"))
    return cases, channels


def _read_header(path: Path, lines: Iterator[tuple[int, str]], header: _Header) -> None:
    """Reads up to and including the line `@data`."""
    number = 0
    for number, line in lines:
        if not line or line[0] in "#%":
            continue
        name, _, value = line[1:].partition(" ")
        name, value = name.lower(), value.strip()
        if line[0] != "@":
            refuse(path, number, f"found {short(line)} where the header has lines that begin with @, before @data")
        if name == "data":
            return
        if name in _SWITCHES and value.lower().split(" ")[0] not in ("true", "false"):
            refuse(path, number, f"@{name} is {short(value)}, expected true or false")
        if name in ("dimensions", "dimension", "serieslength") and not (value.isdecimal() and int(value) > 0):
            refuse(path, number, f"@{name} is {short(value)}, expected a whole number above 0")
        if name == "classlabel":
            switch, *classes = value.split()
            header.labelled, header.classes = switch.lower() == "true", tuple(classes)
            if header.labelled and not classes:
                refuse(path, number, "@classLabel true names no classes, expected them behind it")
        if name in _SWITCHES + _NAMES:
            header.values["dimensions" if name == "dimension" else name] = value
    raise UserError(f"{path} ends at line {number} without a line @data; it is cut short or not a .ts file")


def _read_case(
    path: Path, number: int, line: str, header: _Header, channels: int, notes: Notes
) -> tuple[np.ndarray, Any]:
    parts = _BETWEEN_CHANNELS.split(line) if "(" in line else line.split(":")
    answer: Any = None
    if header.labelled:
        answer = parts.pop().strip()
        if answer == "?":
            answer = None
        elif answer not in header.classes:
            known = ", ".join(header.classes[:10])
            refuse(path, number, f"the label {short(answer)} is not among those of @classLabel ({known})")
    elif header.on("targetlabel"):
        answer = numbers(path, number, [parts.pop()], "the target")
        answer = None if np.isnan(answer[0]) else answer
    expected = int(header.values.get("dimensions", 1 if header.on("univariate") else channels or len(parts)))
    if channels and expected != channels:
        refuse(path, number, f"{expected} dimensions are declared, the file before has {channels}")
    if len(parts) != expected or not parts:
        missing = " and the label" if header.labelled else ""
        refuse(
            path, number, f"found {len(parts)} dimensions, expected {max(expected, 1)}{missing}, separated by colons"
        )
    columns = [read_channel(path, number, part, index, header.on("timestamps")) for index, part in enumerate(parts)]
    times = columns[0][1]
    for index, (values, other) in enumerate(columns):
        if len(values) != len(columns[0][0]):
            problem = f"channel {index} has {len(values)} steps, channel 0 has {len(columns[0][0])}"
            refuse(path, number, f"{problem}, expected the same number")
        if times is not None and other is not None and not np.array_equal(times, other):
            refuse(path, number, f"channel {index} has other times than channel 0, expected the same")
    series = np.stack([values for values, _ in columns], axis=1)
    if times is not None and len(set(np.round(np.diff(times) / np.diff(times)[:1], 6))) > 1:
        notes.add("series with irregular times, of which only the order is used")
    return _without_padding(path, number, series, header, notes), answer


def _without_padding(path: Path, number: int, series: np.ndarray, header: _Header, notes: Notes) -> np.ndarray:
    length = header.values.get("serieslength")
    if length and header.on("equallength") and len(series) != int(length):
        refuse(path, number, f"the series has {len(series)} steps, @seriesLength says {length}")
    absent = np.isnan(series)
    present = np.flatnonzero(~absent.all(axis=1))
    if not len(present):
        refuse(path, number, "the series has length 0: no value is there, expected at least one")
    end = int(present[-1]) + 1
    notes.add("steps of padding at the end of a series, cut off", len(series) - end)
    notes.add("missing values in series", int(absent[:end].sum()))
    return series[:end]
