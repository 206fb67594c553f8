"""Records of PhysioNet that are cut into segments: one header names them, each is a record of its own.

A segment `~` is a gap. In a fixed layout all segments have the same signals; in a variable one the first, of length 0,
lists all signals, and each segment has some of them (header(5) of the WFDB manual).
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from unrolled.errors import UserError

GAP = "~"


class Segment(NamedTuple):
    """A stretch of a record."""

    name: str
    start: int
    steps: int

    def header(self, whole: Path) -> Path:
        return whole.with_name(f"{self.name}.hea")


def segments_of(path: Path) -> list[Segment]:
    """The segments of a record, without gaps and the layout; none if it is not cut. Raises `UserError` for a header
    whose segments cannot be told."""
    lines = _lines(path)
    name, _, count = lines[0].split()[0].partition("/") if lines else ("", "", "")
    if not count:
        return []
    segments, start = [], 0
    for line in lines[1:]:
        name, *rest = line.split()
        if len(rest) != 1 or not rest[0].isdecimal():
            raise UserError(f"{path} has the line {line!r}, expected the name of a segment and its length")
        if name != GAP and int(rest[0]):
            segments.append(Segment(name, start, int(rest[0])))
        start += int(rest[0])
    if not count.isdecimal() or int(count) != len(lines) - 1:
        raise UserError(f"{path} says that it has {count} segments, and names {len(lines) - 1}; fetch it again")
    if not segments:
        raise UserError(f"{path} has no segment with a signal; give another record")
    return segments


def parts_of_others(paths: list[Path]) -> set[Path]:
    """The headers that are segments or layouts of another one among them."""
    inside: set[Path] = set()
    for path in paths:
        lines = _lines(path)
        if lines and "/" in lines[0].split()[0]:
            inside |= {path.with_name(f"{line.split()[0]}.hea") for line in lines[1:]}
    return inside - {path for path in paths if path in inside and _is_whole(path)}


def length_of(path: Path) -> int:
    """Steps of a record in segments, gaps and all."""
    return sum(int(line.split()[1]) for line in _lines(path)[1:])


def read_segments(wfdb: Any, path: Path, channels: tuple[str, ...]) -> list[np.ndarray]:
    """The values of the named channels, float64 `[time]` each, NaN where no segment has them."""
    steps = length_of(path)
    signals = {name: np.full(steps, np.nan) for name in channels}
    for segment in segments_of(path):
        record = wfdb.rdrecord(str(segment.header(path).with_suffix("")))
        for index, name in enumerate(record.sig_name):
            if name in signals:
                signals[name][segment.start : segment.start + segment.steps] = record.p_signal[:, index]
    return [signals[name] for name in channels]


def check_segment(segment: Segment, steps: int, path: Path) -> None:
    """Raises `UserError` for a segment of another length than the record says."""
    if steps != segment.steps:
        raise UserError(
            f"{segment.header(path)} has {steps:,} steps, and {path} says {segment.steps:,}; fetch both again"
        )


def _is_whole(path: Path) -> bool:
    lines = _lines(path)
    return bool(lines) and "/" in lines[0].split()[0]


def _lines(path: Path) -> list[str]:
    """The lines of a header that are no comments."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []  # whoever opens it says so
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
