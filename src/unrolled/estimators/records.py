"""Estimators for records, as in scikit-learn: classes, values, tags and transcripts of sequences."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin

from unrolled.errors import UserError
from unrolled.estimators.intake import TARGETS, check_data, taken_in
from unrolled.estimators.record_base import RecordEstimator, Trained
from unrolled.estimators.validation import check_labels, check_numbers


class SequenceClassifier(ClassifierMixin, RecordEstimator):
    """One label per sequence, or any number of them at once.

    y: one label per record; an array `[n, classes]` of 0 and 1; or a tuple or set of labels per record.
    """

    _task = "classify"
    _single = True
    classes_: np.ndarray

    def _check_target(self, y: Any) -> None:
        check_labels(y)

    def predict_proba(self, X: Any) -> np.ndarray:
        """float32 `[n, classes]`, in the order of `classes_`."""
        trained = self._model
        answers = np.stack([answer for _, answer in self._answers(X)])
        return trained.labels.columns(answers, trained.target.labels)

    def predict(self, X: Any) -> Any:
        """The labels `[n]`; of several at once 0 and 1 `[n, classes]`, or a tuple per record, as y was in `fit`."""
        shares, trained = self.predict_proba(X), self._model
        if not trained.target.multilabel:
            return self.classes_[shares.argmax(axis=1)]
        held = shares >= 0.5
        return held.astype(np.int64) if trained.labels.indicator else [tuple(self.classes_[row]) for row in held]

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Accuracy; of several labels at once the share of records with all of them right. Labels that training did
        not see count as wrong, but for those of a path, which are left out."""
        if y is None:
            return self._metric(X, None, "accuracy", "subset_accuracy")
        check_data(y, "y", TARGETS)
        predicted = self.predict(X)
        with taken_in("y", TARGETS):
            if isinstance(predicted, list):
                return float(np.mean([set(a) == set(b) for a, b in zip(predicted, y, strict=True)]))
            return float(super().score(X, y, sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _take(self, model: Trained) -> None:
        super()._take(model)
        self.classes_ = model.labels.values


class SequenceRegressor(RegressorMixin, RecordEstimator):
    """Numbers per sequence: y is `[n]` or `[n, outputs]`."""

    _task = "regress"
    _single = True

    def _check_target(self, y: Any) -> None:
        check_numbers(y)

    def predict(self, X: Any) -> np.ndarray:
        """float64 `[n]` or `[n, outputs]`, in the units of y."""
        return np.stack(self._values(X)).astype(np.float64)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """R², the share of the variance that is explained."""
        if y is None:
            return self._metric(X, None, "r2")
        _ = self._model
        check_data(y, "y", TARGETS)
        with taken_in("y", TARGETS):
            return float(super().score(X, y, sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class SequenceTagger(RecordEstimator):
    """A label or a number for every step, or events in a signal: y has one list or array per record, as long as it."""

    _task = "tag"

    def predict(self, X: Any) -> list[Any]:
        """One array `[time]` of labels or `[time, outputs]` of numbers per record; or `Events` in steps of the signal.

        Tags of the BIO family come in an order that is allowed.
        """
        values, trained = self._values(X), self._model
        return [trained.labels.given(tags) for tags in values] if trained.target.probabilities else values

    def predict_proba(self, X: Any) -> list[np.ndarray]:
        """float32 `[time, classes]` per record, in the order of `classes_`. Raises `UserError` for other tags."""
        trained = self._model
        if not trained.target.probabilities:
            raise UserError("there are probabilities for tags that are labels only, and this model has none")
        return [trained.labels.columns(answer, trained.target.labels) for _, answer in self._answers(X)]

    def score(self, X: Any, y: Any = None) -> float:
        """F1 of spans for tags of the BIO family and of events for events, accuracy for others, R² for numbers."""
        return self._metric(X, y, "span_f1", "f1", "accuracy", "r2")

    def _take(self, model: Trained) -> None:
        super()._take(model)
        if model.target.probabilities:
            self.classes_ = model.labels.values


class Transcriber(RecordEstimator):
    """The text of a sequence, such as what is said in a recording: y has one text per record."""

    _task = "transcribe"

    def predict(self, X: Any) -> list[str]:
        """One text per record."""
        return self._values(X)

    def score(self, X: Any, y: Any = None) -> float:
        """1 less the character error rate."""
        return 1.0 - self._metric(X, y, "cer")
