"""How good answers about records are, beside a naive baseline."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from unrolled.data.encoders.encoding import Encoding
from unrolled.data.encoders.targets import (
    NO_TARGET,
    ClassTarget,
    EventTarget,
    NumberTarget,
    StepTarget,
    TextTarget,
    event_centres,
)
from unrolled.data.feeds.examples import Examples
from unrolled.objectives.ctc import ctc_loss
from unrolled.plural import rounded
from unrolled.scoring import baselines
from unrolled.scoring.bootstrap import Metric
from unrolled.scoring.classification import classification_metrics
from unrolled.scoring.events import event_metrics
from unrolled.scoring.multilabel import multilabel_metrics
from unrolled.scoring.names import metric_in_words
from unrolled.scoring.regression import regression_metrics
from unrolled.scoring.tagging import tagging_metrics
from unrolled.scoring.text import transcription_metrics
from unrolled.tasks.labels.answers import events_of, text_of
from unrolled.tasks.labels.naive import Naive
from unrolled.tasks.labels.tag_decoding import best_tags

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
    groups: int | None = None
    """how many groups of records the intervals are over; None where records are in none"""
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
        if metric.value is None:
            value = "undefined"
        else:
            value = f"{metric.value:.4f}" if abs(metric.value) < 1000 else rounded(metric.value)
        return f"loss {self.loss:.4f}, {metric_in_words(self.main)} {value}"


def score_records(encoding: Encoding, examples: Examples, answers: list[np.ndarray]) -> RecordScores:
    """Judge answers by the targets of the examples. Records without a known target are left out and counted.

    Where the examples have groups, the intervals are over groups (cluster bootstrap, see `metrics.bootstrap`).
    """
    scores = _score(encoding, examples, answers)
    scores.groups = None if examples.groups is None else len(set(examples.groups))
    return scores


def _score(encoding: Encoding, examples: Examples, answers: list[np.ndarray]) -> RecordScores:
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


def group_numbers(examples: Examples, chosen: np.ndarray | list[int] | None = None) -> np.ndarray | None:
    """The group of each chosen record (a mask or numbers; by default all) as int64 `[records]`; None without groups."""
    if examples.groups is None:
        return None
    numbers = np.unique(examples.groups, return_inverse=True)[1].astype(np.int64)
    return numbers if chosen is None else numbers[chosen]


def add_baseline(scores: RecordScores, encoding: Encoding, naive: Naive | None, examples: Examples) -> RecordScores:
    """Put the scores of a naive answer beside."""
    if naive is None:
        return scores
    target = encoding.target
    if isinstance(target, EventTarget):
        assert isinstance(naive.answer, float)
        found = baselines.periodic_events(naive.answer, examples.lengths)
        metrics = _event_metrics(target, examples, found)
    elif isinstance(target, TextTarget):
        metrics = _text_metrics(target, examples, [str(naive.answer)] * len(examples))
    elif naive.by_word:
        assert isinstance(target, StepTarget)
        usual, labels = np.array(naive.answer), np.arange(len(target.labels))
        said = [(usual[_words(examples, n), None] == labels).astype(np.float32) for n in range(len(examples))]
        metrics = _score_tags(target, examples, said).metrics
    else:
        answer = np.array(naive.answer, dtype=np.float32)
        answers = [np.tile(answer, (steps, 1)) if encoding.per_step else answer for steps in examples.lengths]
        metrics = score_records(encoding, examples, answers).metrics
    scores.baseline, scores.baseline_name = metrics, naive.name
    return scores


def _words(examples: Examples, number: int) -> np.ndarray:
    tokens = examples[number].tokens
    assert tokens is not None
    return tokens[:, 0]


def _target(examples: Examples, number: int) -> np.ndarray:
    target = examples[number].target
    assert target is not None
    return target


def _score_classes(examples: Examples, answers: list[np.ndarray]) -> RecordScores:
    truth = np.array([int(_target(examples, number)) for number in range(len(examples))], dtype=np.int64)
    known = truth != NO_TARGET
    said = np.stack(answers)[known].astype(np.float64)
    metrics = classification_metrics(truth[known], said, groups=group_numbers(examples, known))
    loss = metrics["log_loss"].value
    return RecordScores(math.nan if loss is None else loss, metrics, "accuracy", int(known.sum()), int((~known).sum()))


def _score_labels(examples: Examples, answers: list[np.ndarray]) -> RecordScores:
    truth = np.stack([_target(examples, number) for number in range(len(examples))])
    known = np.isfinite(truth).all(axis=1)
    said = np.stack(answers)[known].astype(np.float64)
    wanted = truth[known] > 0.5
    right = np.clip(np.where(wanted, said, 1 - said), 1e-12, 1.0)
    metrics = multilabel_metrics(wanted, said, groups=group_numbers(examples, known))
    return RecordScores(float(-np.log(right).mean()), metrics, "micro_f1", int(known.sum()), int((~known).sum()))


def _score_values(target: NumberTarget, examples: Examples, answers: list[np.ndarray]) -> RecordScores:
    rows = [np.atleast_2d(_target(examples, number)) for number in range(len(examples))]
    truth = np.concatenate(rows)
    said = np.concatenate([np.atleast_2d(answer) for answer in answers])
    known = np.isfinite(truth).all(axis=1)
    groups = group_numbers(examples)
    if groups is not None:
        groups = np.repeat(groups, [len(one) for one in rows])[known]
    metrics = regression_metrics(target.scaler.unscale(truth[known]), said[known], groups=groups)
    loss = float(np.mean((target.scaler.scale(said[known]) - truth[known]) ** 2))
    return RecordScores(loss, metrics, "mse", int(known.sum()), int((~known).sum()))


def _score_tags(target: StepTarget, examples: Examples, answers: list[np.ndarray]) -> RecordScores:
    truth = [_target(examples, number) for number in range(len(examples))]
    said = best_tags(answers, target.labels, target.pairs)
    metrics = tagging_metrics(truth, said, target.labels, groups=group_numbers(examples))
    loss, count, missing = _step_loss(truth, answers)
    return RecordScores(loss, metrics, "span_f1" if "span_f1" in metrics else "accuracy", count, missing)


def _score_events(target: EventTarget, examples: Examples, answers: list[np.ndarray]) -> RecordScores:
    loss, count, missing = _step_loss([_target(examples, number) for number in range(len(examples))], answers)
    metrics = _event_metrics(target, examples, [events_of(answer, target)[0] for answer in answers])
    return RecordScores(loss, metrics, "f1", count, missing)


def _event_metrics(target: EventTarget, examples: Examples, found: list[np.ndarray]) -> dict[str, Metric]:
    truth = [_target(examples, number) for number in range(len(examples))]
    # In records without annotations nothing that is found can be called wrong.
    known = [number for number, steps in enumerate(truth) if (steps != NO_TARGET).any()]
    return event_metrics(
        [event_centres(truth[number], target.reach) for number in known],
        [found[number] for number in known],
        [examples.lengths[number] for number in known],
        EVENT_TOLERANCE * target.rate,
        groups=group_numbers(examples, known),
    )


def _step_loss(truth: list[np.ndarray], answers: list[np.ndarray]) -> tuple[float, int, int]:
    """Mean loss in nats per step, how many steps, and how many have no known label."""
    labels, said = np.concatenate(truth), np.concatenate(answers)
    known = labels != NO_TARGET
    right = said[known, labels[known]]
    return float(-np.log(np.clip(right, 1e-12, 1.0)).mean()), int(known.sum()), int((~known).sum())


def _score_texts(target: TextTarget, examples: Examples, answers: list[np.ndarray]) -> RecordScores:
    metrics = _text_metrics(target, examples, [text_of(answer, target) for answer in answers])
    loss = 0.0
    known = _with_text(examples)
    for number in known:
        said, wanted = torch.from_numpy(answers[number]), torch.from_numpy(_target(examples, number))
        loss += float(ctc_loss(said[None], wanted[None] - 1)[0]) / len(known)
    return RecordScores(loss, metrics, "cer", len(known), len(examples) - len(known))


def _text_metrics(target: TextTarget, examples: Examples, said: list[str]) -> dict[str, Metric]:
    known = _with_text(examples)
    truth = [target.decode(_target(examples, number)) for number in known]
    return transcription_metrics(truth, [said[number] for number in known], groups=group_numbers(examples, known))


def _with_text(examples: Examples) -> list[int]:
    return [number for number in range(len(examples)) if len(_target(examples, number))]
