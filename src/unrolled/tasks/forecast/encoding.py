"""What a forecasting model knows of its data: which columns it reads, how they are scaled, and the calendar."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from unrolled.data.encoders.calendar import calendar_features
from unrolled.data.encoders.folding import fold, most_usual
from unrolled.data.encoders.numbers import Scaler
from unrolled.data.readers.time_formats import TimeFormat
from unrolled.data.readers.time_steps import Step, times_from
from unrolled.data.records import Notes
from unrolled.errors import UserError
from unrolled.tasks.forecast.series import Series
from unrolled.untrusted import parse_json


@dataclass(frozen=True)
class ForecastEncoding:
    """Columns to channels and back, fitted on the training part only.

    Channels are the numbers, standardised, NaN where missing; then for each column of words one channel per label
    (all 0 for a label that training did not see).
    """

    numbers: tuple[str, ...]
    targets: tuple[str, ...]
    """those of the numbers that are forecast"""
    words: dict[str, tuple[str, ...]]
    """the labels of each column of words"""
    scaler: Scaler
    cycles: tuple[str, ...]
    """what of the calendar is known ahead (see `calendar_features`)"""
    step: Step | None
    period: int | None
    levels: tuple[float, ...]
    """of the quantiles that are forecast"""
    scale: tuple[float, ...]
    """of each target: the error of the seasonal naive forecast in training, in standard deviations"""
    reading: dict[str, Any]
    """the columns with the ids and the times, where the user named them, and how numbers are written"""
    known_ahead: tuple[str, ...] = ()
    """columns whose values are known for the steps ahead too"""
    time_form: TimeFormat | None = field(default=None, compare=False)
    """how times are written"""
    naive_spread: dict[str, tuple[tuple[float, ...], ...]] = field(default_factory=dict)
    """of the naive forecast of each period the quantiles of its errors, `[targets][levels]` (see `naive_spread`)"""

    @property
    def channels(self) -> int:
        return len(self.numbers) + sum(map(len, self.words.values()))

    @property
    def target_channels(self) -> tuple[int, ...]:
        return tuple(self.numbers.index(name) for name in self.targets)

    @property
    def known_channels(self) -> tuple[int, ...]:
        """The channels of the columns known ahead."""
        names = [*self.numbers, *(name for name, labels in self.words.items() for _ in labels)]
        return tuple(channel for channel, name in enumerate(names) if name in self.known_ahead)

    @property
    def features(self) -> int:
        """How many features are known ahead."""
        return 2 * len(self.cycles) + len(self.known_channels)

    @property
    def columns(self) -> tuple[str, ...]:
        """What a file must have."""
        return (*self.numbers, *self.words)

    def encode(self, series: Series, notes: Notes | None = None) -> np.ndarray:
        """float32 `[time, channels]`."""
        numbers = np.stack([series.numbers[name] for name in self.numbers], axis=1)
        parts = [self.scaler.scale(numbers)]
        for name, labels in self.words.items():
            column = np.array(list(map(fold, series.words[name])), dtype=object)
            parts.append((column[:, None] == np.array(list(map(fold, labels)), dtype=object)[None]).astype(np.float32))
        if notes is not None:
            self.note_unknown(series, notes)
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def note_unknown(self, series: Series, notes: Notes) -> None:
        """Count the steps with words that training did not see."""
        for name, labels in self.words.items():
            known = {*map(fold, labels), ""}
            unseen = sum(fold(word) not in known for word in series.words[name])
            notes.add(f"steps with a {name} that training did not see", unseen)

    def known(self, series: Series, ahead: int = 0) -> np.ndarray | None:
        """What is known ahead: the calendar, then the columns known ahead, float32 `[time + ahead, features]`.

        `ahead` are steps after the last one; of those only the calendar can be known. None if the model does without.
        Raises `UserError` if it needs the calendar and the series has no times.
        """
        parts = []
        if self.cycles:
            parts.append(self.calendar(series, ahead))
        if self.known_ahead:
            parts.append(self.known_values(self.encode(series)))
        return np.concatenate(parts, axis=1) if parts else None

    def known_values(self, encoded: np.ndarray) -> np.ndarray:
        """Of channels `[..., channels]` those known ahead; a missing value is 0, the mean of standardised numbers."""
        chosen = encoded[..., list(self.known_channels)]
        return np.where(np.isnan(chosen), np.float32(0), chosen)

    def calendar(self, series: Series, ahead: int) -> np.ndarray:
        """What the calendar says of each step and of so many after the last, float32 `[time + ahead, 2 * cycles]`.

        Raises `UserError` if the series has no times.
        """
        times = series.times
        if times is None or times.dtype.kind != "M" or self.step is None:
            raise UserError(
                f"{series.origin} has no dates, which the model was trained with; name their column with --time"
            )
        if ahead:
            times = np.concatenate([times, times_from(times[-1], self.step, np.arange(1, ahead + 1))])
        return calendar_features(times, cycles=self.cycles)

    def require_step(self, series: Series) -> None:
        """Raises `UserError` if the steps of a series are others than those of training."""
        step = series.step
        if self.step is not None and step is not None and len(series) > 2 and step.words() != self.step.words():
            raise UserError(
                f"{series.origin} has {step.words()} steps, and the model was trained on {self.step.words()} ones; "
                "bring the file to the same steps"
            )

    def unscale(self, values: np.ndarray) -> np.ndarray:
        """Forecasts `[..., targets]` in the units of the data."""
        places = list(self.target_channels)
        return values * np.array(self.scaler.spread)[places] + np.array(self.scaler.centre)[places]

    def unscale_levels(self, values: np.ndarray) -> np.ndarray:
        """The same for quantiles `[..., targets, levels]`."""
        return np.moveaxis(self.unscale(np.moveaxis(values, -1, 0)), 0, -1)

    def to_text(self) -> str:
        data = asdict(self)
        if not self.known_ahead:
            # As encodings were before there were such columns, so that a run from then can go on.
            del data["known_ahead"]
        return json.dumps(data, ensure_ascii=False) + "\n"

    @classmethod
    def from_text(cls, text: str) -> "ForecastEncoding":
        """Raises `ValueError`, `KeyError` or `TypeError` for a text that is not from `to_text`."""
        data: dict[str, Any] = parse_json(text)
        return cls(
            numbers=tuple(data["numbers"]),
            targets=tuple(data["targets"]),
            words={name: tuple(labels) for name, labels in data["words"].items()},
            scaler=Scaler.from_json(data["scaler"]),
            cycles=tuple(data["cycles"]),
            step=None if data["step"] is None else Step(**data["step"]),
            period=data["period"],
            levels=tuple(data["levels"]),
            scale=tuple(data["scale"]),
            reading=data["reading"],
            known_ahead=tuple(data.get("known_ahead", ())),
            time_form=None if data.get("time_form") is None else TimeFormat.from_json(data["time_form"]),
            naive_spread={
                period: tuple(tuple(levels) for levels in targets)
                for period, targets in data.get("naive_spread", {}).items()
            },
        )


def fit_words(series: Sequence[Series], ends: Sequence[int], known: Sequence[str] = ()) -> dict[str, tuple[str, ...]]:
    """The labels of each column of words in the first steps of each series, sorted; columns with one are left out.

    Not those `known` ahead, of which an empty cell says something too: that it is no holiday.
    """
    counts: dict[str, Counter[str]] = {name: Counter() for name in series[0].words}
    for one_series, end in zip(series, ends, strict=True):
        for name, column in one_series.words.items():
            counts[name].update(word for word in column[:end] if word)
    labels_of = {name: tuple(sorted(set(most_usual(words).values()))) for name, words in counts.items()}
    return {name: labels for name, labels in labels_of.items() if len(labels) > 1 or name in known}
