"""One label of several per record."""

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
from unrolled.scoring.classification import classification_metrics, confusion_counts, per_class_scores
from unrolled.tasks.labels.scores import RecordScores
from unrolled.tasks.labels.target import Naive, Target, Values, require_several
from unrolled.tasks.labels.targets.multilabel import MultilabelTarget


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
    def from_json(cls, data: dict[str, Any]) -> "ClassTarget":
        return cls(data["field"], tuple(data["labels"]))

    def class_weights(self, training: Records, wanted: str) -> np.ndarray | None:
        """`balanced`: n / (classes * n_class), as in scikit-learn. `auto` takes its square root where the most frequent
        class of records is more than four times as frequent as the rarest, so that rare ones are learned and the
        frequent ones not forgotten."""
        if wanted == "none":
            return None
        labels = np.array([training[number].target for number in range(len(training))], dtype=np.int64)
        counts = np.bincount(labels[labels != NO_TARGET], minlength=len(self.labels))
        if wanted == "auto" and counts.max() <= 4 * counts.min():
            return None
        weights = counts.sum() / (len(counts) * np.maximum(counts, 1))
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
