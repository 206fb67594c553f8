"""Labels per record: one of several, or any number of them at once."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from unrolled.data.config import DataConfig
from unrolled.data.encoders.encoding import Encoding, Input
from unrolled.data.encoders.folding import fold, folded_labels, folded_numbers
from unrolled.data.feeds.examples import NO_TARGET, Examples
from unrolled.data.feeds.long_records import Records
from unrolled.data.records import Field, Record
from unrolled.reports.confusion import confusion_matrix, score_bars
from unrolled.scoring import baselines
from unrolled.scoring.bootstrap import add_up, record_units
from unrolled.scoring.classification import (
    classification_metrics,
    confusion_counts,
    per_class_scores,
    scores_from_counts,
)
from unrolled.scoring.multilabel import multilabel_metrics
from unrolled.tasks.labels.scores import RecordScores
from unrolled.tasks.labels.target import Naive, Target, Values, require_several


@dataclass(frozen=True)
class ClassTarget(Target):
    """One label of several per record; an answer is their probabilities `[labels]`."""

    field: str
    labels: tuple[str, ...]

    probabilities = True

    @classmethod
    def fit(cls, field: Field, values: Values, inputs: tuple[Input, ...], data: DataConfig) -> Target:
        """With the most usual way of writing each label; a `MultilabelTarget` for records with several as a tuple."""
        known = [value for value in values() if value is not None]
        if not all(isinstance(value, str) for value in known):
            return MultilabelTarget.fit(field, lambda: known, inputs, data)
        return cls(field.name, require_several(folded_labels(known), field.name))

    def encode(self, value: str | None) -> np.ndarray:
        """int64 `[]`."""
        return np.array(NO_TARGET if value is None else self._number.get(fold(value), NO_TARGET), dtype=np.int64)

    @cached_property
    def _number(self) -> dict[str, int]:
        return folded_numbers(self.labels)

    def unseen(self, value: str, part: str) -> tuple[str, int]:
        missing = fold(value) not in self._number
        return f"records in {part} with a label that training did not see, left out of the scores", int(missing)

    def to_json(self) -> dict[str, Any]:
        return {"kind": "class", "field": self.field, "labels": list(self.labels), "many": False}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "ClassTarget | MultilabelTarget":
        return (MultilabelTarget if data["many"] else cls)(data["field"], tuple(data["labels"]))

    def class_weights(self, training: Records, wanted: str) -> np.ndarray | None:
        """`balanced`: n / (classes * n_class), as in scikit-learn. `auto` takes its square root where the most frequent
        class of records is more than four times as frequent as the rarest, so that rare ones are learned and the
        frequent ones not forgotten. Records count by their weights."""
        if wanted == "none":
            return None
        examples = [training[number] for number in range(len(training))]
        labels = np.array([example.target for example in examples], dtype=np.int64)
        own = np.array([1.0 if example.weight is None else float(example.weight) for example in examples])
        known = labels != NO_TARGET
        counts = np.bincount(labels[known], weights=own[known], minlength=len(self.labels))
        if wanted == "auto" and counts.max() <= 4 * counts.min():
            return None
        weights = counts.sum() / (len(counts) * np.where(counts > 0, counts, 1))
        return (np.sqrt(weights) if wanted == "auto" else weights).astype(np.float32)

    def value(self, record: Record, answer: np.ndarray) -> str:
        return self.labels[int(answer.argmax())]

    def score(self, examples: Examples, answers: list[np.ndarray]) -> RecordScores:
        truth = np.array(examples.targets(), dtype=np.int64)
        known = truth != NO_TARGET
        predicted = np.stack(answers)[known].astype(np.float64)
        metrics = classification_metrics(truth[known], predicted, groups=examples.group_numbers(known))
        loss = metrics["log_loss"].value
        loss = math.nan if loss is None else loss
        return RecordScores(loss, metrics, "accuracy", int(known.sum()), int((~known).sum()))

    def naive(self, training: Examples, encoding: Encoding) -> Naive:
        labels = np.array(training.targets(), dtype=np.int64)
        shares = baselines.class_shares(labels[labels != NO_TARGET], len(self.labels), 1)[0]
        return Naive("class shares of the training part", shares.tolist())

    def pictures(self, examples: Examples, answers: list[np.ndarray], encoding: Encoding) -> list[tuple[str, str]]:
        truth = np.array(examples.targets(), dtype=np.int64)
        known = truth != NO_TARGET
        if not known.any():
            return []
        truth, predicted, names = truth[known], np.stack(answers).argmax(axis=1)[known], list(self.labels)
        scores = per_class_scores(truth, predicted, names, groups=examples.group_numbers(known))
        matrix = confusion_matrix(confusion_counts(truth, predicted, len(names)), names)
        return [("Confusion matrix", matrix), ("Each class", score_bars(scores))]


@dataclass(frozen=True)
class MultilabelTarget(Target):
    """Any number of labels at once per record; an answer is the probability of each, `[labels]`."""

    field: str
    labels: tuple[str, ...]

    multilabel = True
    probabilities = True

    @classmethod
    def fit(cls, field: Field, values: Values, inputs: tuple[Input, ...], data: DataConfig) -> "MultilabelTarget":
        """With the most usual way of writing each label."""
        labels = folded_labels(label for value in values() if value is not None for label in labels_in(value))
        return cls(field.name, require_several(labels, field.name))

    def encode(self, value: Any) -> np.ndarray:
        """float32 `[labels]` of 0 and 1, all NaN where the labels are not known."""
        if value is None:
            return np.full(len(self.labels), np.nan, dtype=np.float32)
        held = set(map(fold, labels_in(value)))
        return np.array([label in held for label in self._folded], dtype=np.float32)

    @cached_property
    def _folded(self) -> list[str]:
        return list(map(fold, self.labels))

    def unseen(self, value: Any, part: str) -> tuple[str, int]:
        missing = not set(map(fold, labels_in(value))) <= set(self._folded)
        note = f"records in {part} with a label that training did not see, which is left out of the scores"
        return note, int(missing)

    def to_json(self) -> dict[str, Any]:
        return {"kind": "class", "field": self.field, "labels": list(self.labels), "many": True}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "MultilabelTarget":
        return cls(data["field"], tuple(data["labels"]))

    def loss(self, outputs: Any, batch: Any, *, weights: Any = None, label_smoothing: float = 0.0) -> Any:
        from unrolled.objectives.records import labels_loss

        return labels_loss(outputs, batch.targets, item_weights=batch.weights)

    def meaning(self, outputs: Any) -> np.ndarray:
        """The mean of the probabilities of the members."""
        return outputs.sigmoid().mean(0).cpu().numpy()

    def value(self, record: Record, answer: np.ndarray) -> list[str]:
        """The labels with a probability of at least one half."""
        return [label for label, share in zip(self.labels, answer, strict=True) if share >= 0.5]

    def score(self, examples: Examples, answers: list[np.ndarray]) -> RecordScores:
        truth, known = _known(examples)
        predicted = np.stack(answers)[known].astype(np.float64)
        right = np.clip(np.where(truth, predicted, 1 - predicted), 1e-12, 1.0)
        metrics = multilabel_metrics(truth, predicted, groups=examples.group_numbers(known))
        return RecordScores(float(-np.log(right).mean()), metrics, "micro_f1", int(known.sum()), int((~known).sum()))

    def naive(self, training: Examples, encoding: Encoding) -> Naive:
        shares = baselines.label_shares(_known(training)[0], 1)[0]
        return Naive("class shares of the training part", shares.tolist())

    def pictures(self, examples: Examples, answers: list[np.ndarray], encoding: Encoding) -> list[tuple[str, str]]:
        truth, known = _known(examples)
        if not known.any():
            return []
        predicted = np.stack(answers)[known] >= 0.5
        unit = record_units(len(truth), examples.group_numbers(known))
        counts = add_up(unit, np.concatenate([truth & predicted, predicted, truth], axis=1).astype(float))
        return [("Each label", score_bars(scores_from_counts(counts, list(self.labels))))]


def labels_in(value: Any) -> tuple[str, ...]:
    """The labels of a record, of which one may stand alone."""
    return (value,) if isinstance(value, str) else tuple(value)


def _known(examples: Examples) -> tuple[np.ndarray, np.ndarray]:
    """The labels of the records where they are known, bool `[known, labels]`, and which records these are."""
    truth = np.stack(examples.targets())
    known = np.isfinite(truth).all(axis=1)
    return truth[known] > 0.5, known
