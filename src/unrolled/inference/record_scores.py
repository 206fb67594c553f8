"""How good answers about records are, beside a naive baseline."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from unrolled.data.encoders.targets import NO_TARGET, ClassTarget, EventTarget, NumberTarget, StepTarget, TextTarget
from unrolled.data.encoding import Encoding
from unrolled.data.examples import Examples
from unrolled.inference.metrics.bootstrap import Metric
from unrolled.inference.metrics.classification import classification_metrics
from unrolled.inference.metrics.events import event_metrics
from unrolled.inference.metrics.multilabel import multilabel_metrics
from unrolled.inference.metrics.regression import regression_metrics
from unrolled.inference.metrics.tagging import tagging_metrics
from unrolled.inference.metrics.text import transcription_metrics
from unrolled.inference.naive import Naive
from unrolled.inference.records import events_of, text_of
from unrolled.inference.tag_decoding import best_tags
from unrolled.objectives.ctc import ctc_loss

EVENT_TOLERANCE = 0.075
"""Seconds an event may be off and still count as found."""


@dataclass
class RecordScores:
    """The scores of some records."""

    loss: float
    """nats per label (of a text: per record), or squared error in units of the target's standard deviation"""
    metrics: dict[str, Metric]
    main: str
    """the metric that matters most"""
    count: int
    """what was scored: records or steps"""
    unscored: int = 0
    """records or steps without a known label"""
    baseline: dict[str, Metric] = field(default_factory=dict)
    baseline_name: str = ""

    @property
    def criterion(self) -> float:
        """What the best model has least of: the error, and among equal ones the loss."""
        metric = self.metrics[self.main]
        if metric.value is None or not math.isfinite(metric.value):
            return 1e6 + self.loss
        return (-metric.value if metric.better == "higher" else metric.value) + 1e-4 * math.tanh(self.loss)

    def facts(self) -> dict[str, Any]:
        return {"loss": self.loss, **{name: metric.value for name, metric in self.metrics.items()}}

    def words(self) -> str:
        metric = self.metrics[self.main]
        value = "undefined" if metric.value is None else f"{metric.value:.4f}"
        return f"loss {self.loss:.4f}, {self.main.replace('_', ' ')} {value}"


def score_records(encoding: Encoding, examples: Examples, answers: list[np.ndarray]) -> RecordScores:
    """Judge answers by the targets of the examples. Records without a known target are left out and counted."""
    target = encoding.target
    if isinstance(target, ClassTarget):
        return _score_labels(examples, answers) if target.many else _score_classes(examples, answers)
    if isinstance(target, EventTarget):
        return _score_events(target, examples, answers)
    if isinstance(target, StepTarget):
        return _score_tags(target, examples, answers)
    if isinstance(target, TextTarget):
        return _score_texts(target, examples, answers)
    assert isinstance(target, NumberTarget)
    return _score_values(target, examples, answers)


def add_baseline(scores: RecordScores, encoding: Encoding, naive: Naive | None, examples: Examples) -> RecordScores:
    """Put the scores of a naive answer beside."""
    if naive is None:
        return scores
    answer = np.array(naive.answer, dtype=np.float32)
    answers = [np.tile(answer, (steps, 1)) if encoding.per_step else answer for steps in examples.lengths]
    scores.baseline, scores.baseline_name = score_records(encoding, examples, answers).metrics, naive.name
    return scores


def _target(examples: Examples, number: int) -> np.ndarray:
    target = examples[number].target
    assert target is not None
    return target


def _score_classes(examples: Examples, answers: list[np.ndarray]) -> RecordScores:
    truth = np.array([int(_target(examples, number)) for number in range(len(examples))], dtype=np.int64)
    known = truth != NO_TARGET
    metrics = classification_metrics(truth[known], np.stack(answers)[known].astype(np.float64))
    loss = metrics["log_loss"].value
    return RecordScores(math.nan if loss is None else loss, metrics, "accuracy", int(known.sum()), int((~known).sum()))


def _score_labels(examples: Examples, answers: list[np.ndarray]) -> RecordScores:
    truth = np.stack([_target(examples, number) for number in range(len(examples))])
    known = np.isfinite(truth).all(axis=1)
    said = np.stack(answers)[known].astype(np.float64)
    wanted = truth[known] > 0.5
    right = np.clip(np.where(wanted, said, 1 - said), 1e-12, 1.0)
    metrics = multilabel_metrics(wanted, said)
    return RecordScores(float(-np.log(right).mean()), metrics, "micro_f1", int(known.sum()), int((~known).sum()))


def _score_values(target: NumberTarget, examples: Examples, answers: list[np.ndarray]) -> RecordScores:
    truth = np.concatenate([np.atleast_2d(_target(examples, number)) for number in range(len(examples))])
    said = np.concatenate([np.atleast_2d(answer) for answer in answers])
    known = np.isfinite(truth).all(axis=1)
    metrics = regression_metrics(target.scaler.unscale(truth[known]), said[known])
    loss = float(np.mean((target.scaler.scale(said[known]) - truth[known]) ** 2))
    return RecordScores(loss, metrics, "mse", int(known.sum()), int((~known).sum()))


def _score_tags(target: StepTarget, examples: Examples, answers: list[np.ndarray]) -> RecordScores:
    truth = [_target(examples, number) for number in range(len(examples))]
    metrics = tagging_metrics(truth, best_tags(answers, target.labels), target.labels)
    loss, count, missing = _step_loss(truth, answers)
    return RecordScores(loss, metrics, "span_f1" if "span_f1" in metrics else "accuracy", count, missing)


def _score_events(target: EventTarget, examples: Examples, answers: list[np.ndarray]) -> RecordScores:
    truth = [_target(examples, number) for number in range(len(examples))]
    loss, count, missing = _step_loss(truth, answers)
    # In records without annotations nothing that is found can be called wrong.
    known = [number for number, steps in enumerate(truth) if (steps != NO_TARGET).any()]
    true = [event_centres(truth[number], target.reach) for number in known]
    found = [events_of(answers[number], target)[0] for number in known]
    lengths = [examples.lengths[number] for number in known]
    metrics = event_metrics(true, found, lengths, EVENT_TOLERANCE * target.rate)
    return RecordScores(loss, metrics, "f1", count, missing)


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


def _step_loss(truth: list[np.ndarray], answers: list[np.ndarray]) -> tuple[float, int, int]:
    """Mean loss in nats per step, how many steps, and how many have no known label."""
    labels, said = np.concatenate(truth), np.concatenate(answers)
    known = labels != NO_TARGET
    right = said[known, labels[known]]
    return float(-np.log(np.clip(right, 1e-12, 1.0)).mean()), int(known.sum()), int((~known).sum())


def _score_texts(target: TextTarget, examples: Examples, answers: list[np.ndarray]) -> RecordScores:
    known = [number for number in range(len(examples)) if len(_target(examples, number))]
    truth = [target.decode(_target(examples, number)) for number in known]
    metrics = transcription_metrics(truth, [text_of(answers[number], target) for number in known])
    loss = 0.0
    for number in known:
        said, wanted = torch.from_numpy(answers[number]), torch.from_numpy(_target(examples, number))
        loss += float(ctc_loss(said[None], wanted[None] - 1)[0]) / len(known)
    return RecordScores(loss, metrics, "cer", len(known), len(examples) - len(known))
