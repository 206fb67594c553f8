"""Estimators for records, as in scikit-learn: classes, values, tags and transcripts of sequences."""

import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin

from unrolled.data.dataset import encode_part, prepare_source, reading_of
from unrolled.data.encoders.targets import ClassTarget, EventTarget, NumberTarget, StepTarget, TextTarget
from unrolled.data.readers.arrays import read_arrays
from unrolled.data.records import Events, Notes, Reading, Record, Source
from unrolled.data.reopening import RenamedSource, fit_source, reopen
from unrolled.errors import UserError
from unrolled.estimators.base import TrainedEstimator
from unrolled.estimators.labels import Labels, labels_of, read_labels
from unrolled.estimators.settings import configs
from unrolled.inference.predict import predict
from unrolled.inference.record_evaluation import judge, require_labels
from unrolled.inference.record_loading import LoadedRecords, load_records
from unrolled.inference.record_scores import RecordScores
from unrolled.inference.records import events_of, text_of
from unrolled.inference.tag_decoding import best_tags

AnyRecords = TypeVar("AnyRecords", bound="RecordEstimator")
TARGET = "y"
"""The field of the target of records that are given as arrays."""


class Trained(NamedTuple):
    """A model, and its labels as they were given."""

    loaded: LoadedRecords
    labels: Labels


class RecordEstimator(TrainedEstimator):
    """What the estimators for records share.

    X is an array `[n, time, features]` or `[n, time]` (with `family="feedforward"` n vectors), a list of arrays of any
    lengths, of texts or of lists of words, a frame, a Hugging Face `Dataset`, or the path of anything that
    `unrolled train` reads; a path has its target with it. NaN is a missing value.
    """

    def fit(self: AnyRecords, X: Any, y: Any = None, groups: Any = None) -> AnyRecords:
        """Train. With `groups` (one per record) no group is on both sides of the split for validation.

        Raises `UserError` as `unrolled train` does.
        """
        from unrolled.training.records import train_records

        data, model, train = configs(self.get_params(deep=False))
        with tempfile.TemporaryDirectory() as beside:
            folder = Path(beside) / "run" if self.run is None else Path(self.run)
            files, dataset = [], None
            if _is_path(X):
                if y is not None or groups is not None:
                    raise UserError(f"{X} is a path, whose records bring their target and groups; leave y out")
                files = _paths(X)
            else:
                if groups is not None:
                    data = replace(data, group="group")
                vectors = model.family == "feedforward"
                source = _open(X, y, groups, replace(reading_of(data, self._task)), vectors=vectors)
                dataset = prepare_source(source, data, task=self._task, seed=train.seed)
            self.result_ = train_records(
                files,
                task=self._task,
                run=str(folder),
                data=data,
                model=model,
                train_config=train,
                silent=self.silent,
                dataset=dataset,
            )
            if y is not None:
                labels_of(y).write(folder / "best")
            self._keep(folder / "best")
        if self.run is None:
            self.result_ = {name: self.result_[name] for name in self.result_ if name not in ("run", "model", "report")}
        self._take(self._model)
        return self

    def _load(self, folder: Path) -> Trained:
        loaded = load_records(folder)
        return Trained(loaded, read_labels(folder, getattr(loaded.model.encoding.target, "labels", ())))

    def _answers(self, X: Any) -> list[tuple[Record, np.ndarray]]:
        """The records with their answers; see `RecordModel.answers`."""
        trained = self._model
        return list(predict(trained.loaded.model, self._source(X, None, labelled=False)))

    def _judge(self, X: Any, y: Any) -> RecordScores:
        loaded = self._model.loaded
        source = self._source(X, y, labelled=True)
        part = encode_part(source, range(len(source)), loaded.model.encoding, Notes(), "X")
        require_labels(loaded.model, part, str(X) if _is_path(X) else "y")
        return judge(loaded.model, part, None)[0]

    def _metric(self, X: Any, y: Any, *names: str) -> float:
        """The first of these metrics that there is."""
        metrics = self._judge(X, y).metrics
        value = next(metrics[name].value for name in names if name in metrics)
        return float("nan") if value is None else value

    def _source(self, X: Any, y: Any, *, labelled: bool) -> Source:
        recipe, notes = self._model.loaded.recipe, Notes()
        if _is_path(X):
            return reopen(_paths(X), recipe, notes, labelled=labelled)
        first = recipe.inputs[0]
        reading = replace(recipe.reading, unlabelled=not labelled)
        source = _open(X, y, None, reading, vectors=first.kind == "numeric" and not first.timed)
        target = recipe.reading.target
        if labelled and target is not None and target not in {field.name for field in source.fields}:
            source = RenamedSource(source, TARGET, target)
        return fit_source(source, recipe, notes, labelled=labelled, name="X")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array, tags.input_tags.allow_nan, tags.input_tags.string = True, True, True
        return tags


class SequenceClassifier(ClassifierMixin, RecordEstimator):
    """One label per sequence, or any number of them at once.

    y: one label per record; an array `[n, classes]` of 0 and 1; or a tuple or set of labels per record.
    """

    _task = "classify"
    classes_: np.ndarray

    def predict_proba(self, X: Any) -> np.ndarray:
        """float32 `[n, classes]`, in the order of `classes_`."""
        trained = self._model
        target = cast(ClassTarget, trained.loaded.model.encoding.target)
        answers = np.stack([answer for _, answer in self._answers(X)])
        return trained.labels.columns(answers, target.labels)

    def predict(self, X: Any) -> Any:
        """The labels `[n]`; of several at once 0 and 1 `[n, classes]`, or a tuple per record, as y was in `fit`."""
        shares, trained = self.predict_proba(X), self._model
        if not trained.loaded.model.encoding.target.many:
            return self.classes_[shares.argmax(axis=1)]
        held = shares >= 0.5
        return held.astype(np.int64) if trained.labels.indicator else [tuple(self.classes_[row]) for row in held]

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Accuracy; of several labels at once the share of records with all of them right. Labels that training did
        not see count as wrong, but for those of a path, which are left out."""
        if y is None:
            return self._metric(X, None, "accuracy", "subset_accuracy")
        predicted = self.predict(X)
        if isinstance(predicted, list):
            return float(np.mean([set(a) == set(b) for a, b in zip(predicted, y, strict=True)]))
        return float(super().score(X, y, sample_weight))

    def _take(self, model: Trained) -> None:
        self.classes_ = model.labels.values


class SequenceRegressor(RegressorMixin, RecordEstimator):
    """Numbers per sequence: y is `[n]` or `[n, outputs]`."""

    _task = "regress"

    def predict(self, X: Any) -> np.ndarray:
        """float32 `[n]` or `[n, outputs]`, in the units of y."""
        values = np.stack([answer for _, answer in self._answers(X)])
        return values[:, 0] if values.shape[1] == 1 else values

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """R², the share of the variance that is explained."""
        return self._metric(X, None, "r2") if y is None else float(super().score(X, y, sample_weight))


class SequenceTagger(RecordEstimator):
    """A label or a number for every step, or events in a signal: y has one list or array per record, as long as it."""

    _task = "tag"

    def predict(self, X: Any) -> list[Any]:
        """One array `[time]` of labels or `[time, outputs]` of numbers per record; or `Events` in steps of the signal.

        Tags of the BIO family come in an order that is allowed.
        """
        trained, answers = self._model, self._answers(X)
        target = trained.loaded.model.encoding.target
        if isinstance(target, NumberTarget):
            return [answer[:, 0] if answer.shape[1] == 1 else answer for _, answer in answers]
        if isinstance(target, EventTarget):
            return [_events(target, record, answer) for record, answer in answers]
        places = [trained.labels.words.index(label) for label in target.labels]
        tags = best_tags([answer for _, answer in answers], target.labels)
        return [trained.labels.values[np.array(places)[one]] for one in tags]

    def predict_proba(self, X: Any) -> list[np.ndarray]:
        """float32 `[time, classes]` per record, in the order of `classes_`. Raises `UserError` for other tags."""
        trained = self._model
        target = trained.loaded.model.encoding.target
        if not isinstance(target, StepTarget):
            raise UserError("there are probabilities for tags that are labels only, and this model has none")
        return [trained.labels.columns(answer, target.labels) for _, answer in self._answers(X)]

    def score(self, X: Any, y: Any = None) -> float:
        """F1 of spans for tags of the BIO family and of events for events, accuracy for others, R² for numbers."""
        return self._metric(X, y, "span_f1", "f1", "accuracy", "r2")

    def _take(self, model: Trained) -> None:
        if isinstance(model.loaded.model.encoding.target, StepTarget):
            self.classes_ = model.labels.values


class Transcriber(RecordEstimator):
    """The text of a sequence, such as what is said in a recording: y has one text per record."""

    _task = "transcribe"

    def predict(self, X: Any) -> list[str]:
        """One text per record."""
        target = cast(TextTarget, self._model.loaded.model.encoding.target)
        return [text_of(answer, target) for _, answer in self._answers(X)]

    def score(self, X: Any, y: Any = None) -> float:
        """1 less the character error rate."""
        return 1.0 - self._metric(X, y, "cer")


def _events(target: EventTarget, record: Record, answer: np.ndarray) -> Events:
    places, labels = events_of(answer, target)
    return Events(np.round(places / target.rate * (record.rate or target.rate)).astype(np.int64), tuple(labels))


def _open(X: Any, y: Any, groups: Any, reading: Reading, *, vectors: bool) -> Source:
    """Data in memory as records."""
    if y is None and (hasattr(X, "columns") or hasattr(X, "column_names") or hasattr(X, "collect_schema")):
        from unrolled.data.readers.frames import read_frame

        return read_frame(X, reading, Notes(), "X")
    if y is None and not reading.unlabelled:
        raise UserError(f"y is missing; {reading.task} needs it, unless X is a path or a frame with a target column")
    return read_arrays(X, y, groups, layout=reading.layout, vectors=vectors, task=reading.task)


def _is_path(X: Any) -> bool:
    return isinstance(X, str | Path) or (isinstance(X, list) and bool(X) and all(isinstance(one, Path) for one in X))


def _paths(X: str | Path | Iterable[Path]) -> list[str]:
    return [str(X)] if isinstance(X, str | Path) else [str(path) for path in X]
