"""When a run ends."""

import re
from dataclasses import dataclass

from unrolled.errors import UserError

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_NUMBER = r"([0-9]{1,9}(?:\.[0-9]{1,9})?)"
_DURATION = re.compile("".join(rf"(?:{_NUMBER}\s*{unit}\s*)?" for unit in _UNITS))


def parse_duration(text: str, name: str = "--train.max_time") -> float:
    """Seconds from a text such as `90s`, `10m`, `2.5m`, `1h30m`, `1d` or `45` (seconds).

    Raises `UserError`, with `name` in the sentence, for anything else and for zero.
    """
    cleaned = text.strip().lower()
    if re.fullmatch(_NUMBER, cleaned):
        seconds = float(cleaned)
    else:
        match = _DURATION.fullmatch(cleaned)
        parts = match.groups() if match else ()
        seconds = sum(float(part) * size for part, size in zip(parts, _UNITS.values(), strict=False) if part)
    if seconds <= 0:
        raise UserError(
            f"{name} is {text!r}, which is no duration above zero; write for example 90s, 10m, 2.5m or 1h30m"
        )
    return seconds


def duration_in_words(seconds: float) -> str:
    """Seconds as `parse_duration` reads them, such as `40s`, `2.5s`, `10m` or `1h30m`."""
    if seconds < 60 or seconds != round(seconds):
        return f"{seconds:.10g}s"
    parts, left = [], round(seconds)
    for unit, size in _UNITS.items():
        count, left = divmod(left, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts)


@dataclass(frozen=True)
class Limits:
    """The limits of a run; it ends with the first that is reached. None means no such limit."""

    max_steps: int | None = None
    """updates"""
    max_epochs: float | None = None
    """passes over the training data"""
    max_time: float | None = None
    """seconds"""

    def __post_init__(self) -> None:
        for name, limit in vars(self).items():
            if limit is not None and not limit > 0:
                raise UserError(f"--train.{name} is {limit}; give a number above zero, or leave it out for no limit")

    def progress(self, step: int, epoch: float, elapsed: float) -> float:
        """The part of the run that is done, 0 to 1: the largest over the limits; 0 without any."""
        pairs = ((step, self.max_steps), (epoch, self.max_epochs), (elapsed, self.max_time))
        return min(1.0, max((value / limit for value, limit in pairs if limit is not None), default=0.0))

    def done(self, step: int, epoch: float, elapsed: float) -> bool:
        """Whether a limit is reached."""
        return self.progress(step, epoch, elapsed) >= 1.0
