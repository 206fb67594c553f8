"""Targets as numbers, and predictions back as what they stand for."""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from unrolled.data.encoders.codec import Vocabulary
from unrolled.data.encoders.folding import fold, folded_numbers
from unrolled.data.encoders.numbers import Scaler
from unrolled.data.encoders.vocabulary import vocabulary_from_json
from unrolled.data.records import Events

NO_TARGET = -100
"""Where a label is missing, or one that training did not see: it is not learned from and not scored."""


@dataclass(frozen=True)
class ClassTarget:
    """One label of several per record, or with `many` any number of them at once."""

    field: str
    labels: tuple[str, ...]
    many: bool = False

    def encode(self, value: Any) -> np.ndarray:
        """int64 `[]`; with `many` float32 `[labels]` of 0 and 1, all NaN where the labels are not known."""
        if self.many:
            if value is None:
                return np.full(len(self.labels), np.nan, dtype=np.float32)
            held = set(map(fold, (value,) if isinstance(value, str) else value))
            return np.array([fold(label) in held for label in self.labels], dtype=np.float32)
        return np.array(NO_TARGET if value is None else self._number.get(fold(value), NO_TARGET), dtype=np.int64)

    def knows(self, label: str) -> bool:
        """Whether training saw a label, however it was written."""
        return fold(label) in self._number

    @cached_property
    def _number(self) -> dict[str, int]:
        return folded_numbers(self.labels)

    def to_json(self) -> dict[str, Any]:
        return {"kind": "class", "field": self.field, "labels": list(self.labels), "many": self.many}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "ClassTarget":
        return cls(data["field"], tuple(data["labels"]), data["many"])


@dataclass(frozen=True)
class NumberTarget:
    """Numbers per record or per step, scaled for training."""

    field: str
    names: tuple[str, ...]
    scaler: Scaler

    def __post_init__(self) -> None:
        """Raises `ValueError` if the scaler is for other targets."""
        if len(self.names) != len(self.scaler.centre):
            raise ValueError(f"{self.field} has {len(self.names)} numbers and a scaler for {len(self.scaler.centre)}")

    def encode(self, value: Any) -> np.ndarray:
        """float32 `[targets]` or `[time, targets]`; NaN where not known."""
        if value is None:
            return np.full(len(self.names), np.nan, dtype=np.float32)
        values = np.asarray(value, dtype=np.float64)
        return self.scaler.scale(values.reshape(-1, len(self.names))).reshape(values.shape)

    def to_json(self) -> dict[str, Any]:
        return {"kind": "number", "field": self.field, "names": list(self.names), "scaler": self.scaler.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "NumberTarget":
        return cls(data["field"], tuple(data["names"]), Scaler.from_json(data["scaler"]))


@dataclass(frozen=True)
class StepTarget:
    """A label per step."""

    field: str
    labels: tuple[str, ...]
    pairs: tuple[tuple[int, int, int], ...] | None = None
    """which label followed which in training, and how often; the number of labels stands for the beginning and the end
    of a record. None where that was not counted"""

    @classmethod
    def fit(cls, field: str, labels: tuple[str, ...], values: Iterable[Sequence[str] | None]) -> "StepTarget":
        """From the training part. Pairs are counted if there is a label `O`, as tags of spans have it."""
        if "O" not in labels:
            return cls(field, labels)
        number = {label: index for index, label in enumerate(labels)}
        border = len(labels)
        counts = Counter[tuple[int, int]]()
        for value in values:
            counts.update(itertools.pairwise([border, *(number[label] for label in value or ()), border]))
        return cls(field, labels, tuple(sorted((*pair, times) for pair, times in counts.items())))

    def encode(self, value: Sequence[str]) -> np.ndarray:
        """int64 `[time]`."""
        number = {label: index for index, label in enumerate(self.labels)}
        return np.array([number.get(label, NO_TARGET) for label in value], dtype=np.int64)

    def to_json(self) -> dict[str, Any]:
        pairs = {} if self.pairs is None else {"pairs": list(map(list, self.pairs))}
        return {"kind": "step", "field": self.field, "labels": list(self.labels)} | pairs

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "StepTarget":
        """Raises `ValueError` for pairs of labels that are not there."""
        labels, pairs = tuple(data["labels"]), data.get("pairs")
        if pairs is None:
            return cls(data["field"], labels)
        if not all(len(pair) == 3 and min(pair) >= 0 and max(pair[:2]) <= len(labels) for pair in pairs):
            raise ValueError("pairs of tags that do not fit the tags")
        return cls(data["field"], labels, tuple((int(a), int(b), int(times)) for a, b, times in pairs))


ANY_EVENT = "event"
"""The one label of events that are not told apart."""


@dataclass(frozen=True)
class EventTarget:
    """Points in time as labels per step: label 0 is "nothing here".

    An event is marked on `2 * reach + 1` steps around it, so that a network may miss by a step without being wrong;
    `peaks` turns probabilities back into points.
    """

    field: str
    labels: tuple[str, ...]
    """of events; step labels are these after "nothing" """
    rate: float
    """steps per second of what the network reads"""
    reach: int

    def encode(self, value: Events, steps: int, rate: float) -> np.ndarray:
        """int64 `[steps]` of events on a signal of `rate` steps per second."""
        target = np.zeros(steps, dtype=np.int64)
        number = {label: index for index, label in enumerate(self.labels, 1)}
        places = np.round(np.asarray(value.positions) * (self.rate / rate)).astype(np.int64)
        for place, label in zip(places, value.labels, strict=True):
            kind = number.get(label, 1 if self.labels == (ANY_EVENT,) else 0)
            if kind and place + self.reach >= 0:
                target[max(0, place - self.reach) : place + self.reach + 1] = kind
        return target

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "event",
            "field": self.field,
            "labels": list(self.labels),
            "rate": self.rate,
            "reach": self.reach,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "EventTarget":
        return cls(data["field"], tuple(data["labels"]), data["rate"], data["reach"])


def event_centres(steps: np.ndarray, reach: int) -> np.ndarray:
    """The middles of the marked stretches of `EventTarget.encode`, int64 `[events]`."""
    marked = np.concatenate([[0], steps > 0, [0]]).astype(np.int64)
    starts, stops = np.flatnonzero(np.diff(marked) > 0), np.flatnonzero(np.diff(marked) < 0)
    width = 2 * reach + 1
    centres = []
    for start, stop in zip(starts, stops, strict=True):
        several = max(1, round((stop - start) / width))  # events so near that their marks touch
        centres += [start + int((2 * part + 1) * (stop - start) / (2 * several)) for part in range(several)]
    return np.array(centres, dtype=np.int64)


def peaks(probability: np.ndarray, *, distance: int, threshold: float = 0.5) -> np.ndarray:
    """Where a probability `[time]` has its local maxima above the threshold, int64 `[peaks]`.

    The probability is first smoothed by a moving mean as wide as an event is marked, so that a plateau has one top.
    Of two nearer than `distance` steps the higher one stays.
    """
    from scipy.signal import find_peaks

    found, _ = find_peaks(np.concatenate([[0.0], probability, [0.0]]), height=threshold, distance=max(1, distance))
    return found - 1


STRANGE = "\ufffd"


@dataclass(frozen=True)
class TextTarget:
    """A text to write down: tokens from 1 on, 0 is the blank of connectionist temporal classification."""

    field: str
    vocabulary: Vocabulary

    def encode(self, value: str | None) -> np.ndarray:
        """int64 `[tokens]`. A character that training did not see becomes U+FFFD, so that it counts as an error."""
        if value is None:
            return np.zeros(0, dtype=np.int64)
        known = set(self.vocabulary.tokens)
        return self.vocabulary.encode("".join(c if c in known else STRANGE for c in value)) + 1

    def decode(self, tokens: Sequence[int] | np.ndarray) -> str:
        """The text of tokens without blanks."""
        return self.vocabulary.decode(np.asarray(tokens, dtype=np.int64) - 1)

    def to_json(self) -> dict[str, Any]:
        return {"kind": "transcript", "field": self.field, "vocabulary": self.vocabulary.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "TextTarget":
        return cls(data["field"], vocabulary_from_json(data["vocabulary"]))


Target = ClassTarget | NumberTarget | StepTarget | EventTarget | TextTarget
