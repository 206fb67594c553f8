"""Any number of labels at once per record."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from unrolled.data.config import DataConfig
from unrolled.data.encoders.encoding import Encoding, Input
from unrolled.data.encoders.folding import fold, folded_labels
from unrolled.data.feeds.examples import Examples
from unrolled.data.records import Field, Record
from unrolled.reports.confusion import score_bars
from unrolled.scoring import baselines
from unrolled.scoring.bootstrap import add_up, record_units
from unrolled.scoring.classification import scores_from_counts
from unrolled.scoring.multilabel import multilabel_metrics
from unrolled.tasks.labels.scores import RecordScores
from unrolled.tasks.labels.target import Naive, Target, Values, require_several


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

        return labels_loss(outputs, batch.targets)

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
