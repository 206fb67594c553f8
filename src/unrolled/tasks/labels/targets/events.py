"""Points in time, as labels per step."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from unrolled.data.config import DataConfig
from unrolled.data.encoders.encoding import Encoding, Input
from unrolled.data.encoders.signals import SignalEncoder
from unrolled.data.feeds.examples import NO_TARGET, Examples
from unrolled.data.records import Events, Field, Record
from unrolled.reports.drawing import shorten
from unrolled.reports.signals import events_chart
from unrolled.scoring import baselines
from unrolled.scoring.bootstrap import Metric
from unrolled.scoring.events import event_metrics
from unrolled.tasks.labels.event_steps import THRESHOLD, moving_mean
from unrolled.tasks.labels.live_answers import CertainEvents, LiveAnswers
from unrolled.tasks.labels.scores import RecordScores, step_loss
from unrolled.tasks.labels.target import Naive, Target, Values
from unrolled.tasks.predictions import Kind, Row, plain

ANY_EVENT = "event"
"""The one label of events that are not told apart."""
REACH = 0.024
"""Seconds on either side of an event that are marked."""
TOLERANCE = 0.075
"""Seconds an event may be off and still count as found."""
SHOWN, STRETCH = 2, 1600
"""Records of which a picture shows the beginning, and its steps."""


@dataclass(frozen=True)
class EventTarget(Target):
    """Points in time as labels per step: label 0 is "nothing here"; an answer is `[time, labels + 1]` probabilities.

    An event is marked on `2 * reach + 1` steps around it, so that a network may miss by a step without being wrong;
    `peaks` turns probabilities back into points.
    """

    field: str
    labels: tuple[str, ...]
    """of events; step labels are these after "nothing" """
    rate: float
    """steps per second of what the network reads"""
    reach: int

    pooled = False
    per_step = True
    reads: ClassVar[dict[str, Any]] = {"spelling": True, "enough_rate": 125.0}

    @classmethod
    def fit(cls, field: Field, values: Values, inputs: tuple[Input, ...], data: DataConfig) -> "EventTarget":
        rate = next(encoder for encoder in inputs if isinstance(encoder, SignalEncoder)).steps_per_second
        kinds = Counter(label for events in values() if events is not None for label in events.labels)
        labels = tuple(sorted(kinds)) if data.event_labels else (ANY_EVENT,)
        return cls(field.name, labels, rate, max(1, round(REACH * rate)))

    def encode(self, value: Events, steps: int, rate: float) -> np.ndarray:  # type: ignore[override]
        """int64 `[steps]` of events on a signal of `rate` steps per second."""
        target = np.zeros(steps, dtype=np.int64)
        number = {label: index for index, label in enumerate(self.labels, 1)}
        centres = np.round(np.asarray(value.positions) * (self.rate / rate)).astype(np.int64)
        for centre, label in zip(centres, value.labels, strict=True):
            kind = number.get(label, 1 if self.labels == (ANY_EVENT,) else 0)
            if kind and centre + self.reach >= 0:
                target[max(0, centre - self.reach) : centre + self.reach + 1] = kind
        return target

    def of_record(self, record: Record, steps: int) -> np.ndarray:
        value = record.values.get(self.field)
        if value is None:
            return self.nothing_known(steps)
        return self.encode(value, steps, record.rate or self.rate)

    def unseen(self, value: Events, part: str) -> tuple[str, int]:
        missing = 0 if self.labels == (ANY_EVENT,) else sum(label not in self.labels for label in value.labels)
        return f"events in {part} of a kind that training did not see, left out", missing

    def to_json(self) -> dict[str, Any]:
        return {"kind": "event"} | asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "EventTarget":
        return cls(data["field"], tuple(data["labels"]), data["rate"], data["reach"])

    @property
    def outputs(self) -> int:
        return len(self.labels) + 1

    @property
    def in_words(self) -> str:
        return "events" if len(self.labels) == 1 else f"events of {len(self.labels)} kinds"

    def events(self, answer: np.ndarray) -> tuple[np.ndarray, list[str]]:
        """The steps of an answer at which events are, int64 `[events]`, and their labels."""
        some = 1.0 - answer[:, 0].astype(np.float64)
        width = 2 * self.reach + 1
        steps = peaks(moving_mean(np.pad(some, self.reach), width), distance=2 * width, threshold=THRESHOLD)
        kinds = answer[steps, 1:].argmax(axis=1) if len(steps) else np.zeros(0, dtype=np.int64)
        return steps, [self.labels[kind] for kind in kinds]

    def live(self) -> LiveAnswers:
        return CertainEvents(self.labels, self.reach, self.rate)

    def value(self, record: Record, answer: np.ndarray) -> Events:
        """On the steps of the signal as it was read."""
        steps, labels = self.events(answer)
        return Events(np.round(steps / self.rate * (record.rate or self.rate)).astype(np.int64), tuple(labels))

    def score(self, examples: Examples, answers: list[np.ndarray]) -> RecordScores:
        loss, count, missing = step_loss(examples.targets(), answers)
        metrics = self._metrics(examples, [self.events(answer)[0] for answer in answers])
        return RecordScores(loss, metrics, "f1", count, missing)

    def _metrics(self, examples: Examples, predicted: list[np.ndarray]) -> dict[str, Metric]:
        truth = examples.targets()
        # In records without annotations nothing that is found can be called wrong.
        known = [number for number, steps in enumerate(truth) if (steps != NO_TARGET).any()]
        return event_metrics(
            [event_centres(truth[number], self.reach) for number in known],
            [predicted[number] for number in known],
            [examples.lengths[number] for number in known],
            TOLERANCE * self.rate,
            groups=examples.group_numbers(known),
        )

    def naive(self, training: Examples, encoding: Encoding) -> Naive | None:
        """Events at their mean interval; None where no record has two."""
        gap = baselines.event_gap([event_centres(steps, self.reach) for steps in training.targets()])
        if not np.isfinite(gap):
            return None
        return Naive(f"an event every {gap / self.rate:.3g} s, the mean of the training part", gap)

    def score_naive(self, naive: Naive, examples: Examples) -> dict[str, Metric]:
        assert isinstance(naive.answer, float)
        return self._metrics(examples, baselines.periodic_events(naive.answer, examples.lengths))

    def columns(self, words: str | None) -> dict[str, Kind]:
        return {"step": "count", "seconds": "number", "label": "text", "probability": "number"}

    def rows(self, record: Record, answer: np.ndarray, words: str | None) -> list[Row]:
        """A row for each event, with its step of the signal as it was read."""
        steps, labels = self.events(answer)
        rate = record.rate or self.rate
        return [
            {
                "step": round(step / self.rate * rate),
                "seconds": round(step / self.rate, 6),
                "label": label,
                "probability": plain(1 - answer[step, 0]),
            }
            for step, label in zip(steps.tolist(), labels, strict=True)
        ]

    def pictures(self, examples: Examples, answers: list[np.ndarray], encoding: Encoding) -> list[tuple[str, str]]:
        return [("Events", self._picture(examples, answers, number)) for number in range(min(len(examples), SHOWN))]

    def _picture(self, examples: Examples, answers: list[np.ndarray], number: int) -> str:
        """The beginning of a record, with its events."""
        signal, origin = examples[number].numbers, examples.origins[number]
        assert signal is not None
        signal = signal[:STRETCH]
        true = event_centres(examples.targets()[number], self.reach)
        predicted = self.events(answers[number])[0]
        return events_chart(
            signal,
            float(self.rate),
            true[true < len(signal)],
            predicted[predicted < len(signal)].astype(np.int64),
            TOLERANCE * self.rate,
            title=f"{shorten(origin, 60)} (scaled)" if origin else "Signal (scaled)",
        )


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

    steps, _ = find_peaks(np.concatenate([[0.0], probability, [0.0]]), height=threshold, distance=max(1, distance))
    return steps - 1
