"""What the estimators for records share: data in, a trained model, answers and scores out."""

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeVar

import numpy as np

from unrolled.data.readers.arrays import read_arrays
from unrolled.data.readers.frames import column_names, is_frame, read_frame
from unrolled.data.readers.open_parts import reading_of
from unrolled.data.readers.read_like_training import RenamedSource, fit_source, reopen
from unrolled.data.records import Notes, Reading, Record, Source
from unrolled.errors import UserError
from unrolled.estimators.alone import alone
from unrolled.estimators.base import TrainedEstimator
from unrolled.estimators.intake import RECORDS, TARGETS, check_data, taken_in
from unrolled.estimators.labels import Labels, labels_of, read_labels
from unrolled.estimators.paths import is_path, paths_of
from unrolled.estimators.settings import configs
from unrolled.estimators.validation import SomeRecords, plain_data, plain_targets, weights_of
from unrolled.tasks.labels.dataset import encode_part, prepare_source
from unrolled.tasks.labels.load import LoadedRecords, load_records
from unrolled.tasks.labels.predict import predict
from unrolled.tasks.labels.scores import RecordScores
from unrolled.tasks.labels.target import Target
from unrolled.tasks.reads import wish_of

AnyRecords = TypeVar("AnyRecords", bound="RecordEstimator")
TARGET = "y"
"""The field of the target of records that are given as arrays."""


class Trained(NamedTuple):
    """A model, and its labels as they were given."""

    loaded: LoadedRecords
    labels: Labels

    @property
    def target(self) -> Target:
        return self.loaded.model.encoding.target


class RecordEstimator(TrainedEstimator):
    """What the estimators for records share.

    X is an array `[n, time, features]`, or a list of arrays of any lengths, of texts or of lists of words; a matrix of
    features `[n, features]`, one vector for each record (where `family` names a network of steps, `[n, time]` instead:
    n series of one channel); a column of texts, a frame, a Hugging Face `Dataset`, or the path of anything that
    `unrolled train` reads; a path has its target with it. NaN is a missing value.

    Beside `classes_` of those that have classes, `fit` sets `n_features_in_`, the features of a step or of a vector,
    where X holds numbers, and `feature_names_in_`, the columns that are read, where X is a frame.
    """

    _single: ClassVar[bool] = False
    """whether y has a value for each record, not something as long as it"""
    n_features_in_: int
    feature_names_in_: np.ndarray

    @alone()
    def fit(self: AnyRecords, X: Any, y: Any = None, groups: Any = None, sample_weight: Any = None) -> AnyRecords:
        """Train.

        With `groups` (one per record) no group is on both sides of the split for validation. `sample_weight` (one per
        record, from 0 on) says how much a record counts in the loss beside the others: one with twice the weight counts
        as two of it, and one of 0 is left out. Encoders and the scores of the validation count all records alike.

        Raises `UserError` as `unrolled train` does.
        """
        data, model, train = configs(self)
        files, dataset, labels, columns = [], None, None, None
        if is_path(X):
            check_data(X, "X", RECORDS)
            if not (y is None and groups is None and sample_weight is None):
                raise UserError(f"{X} is a path, whose records bring their target and groups; leave y out")
            files = paths_of(X)
        else:
            if groups is not None:
                data = replace(data, group="group")
            with taken_in("the data", RECORDS):
                X = plain_data(X)
                if y is not None:
                    y = plain_targets(y, single=self._single)
                    check_data(y, "y", TARGETS)
                    self._check_target(y)
                    data = replace(data, target=TARGET)
                elif not is_frame(X):
                    check_data(X, "X", RECORDS)
                    raise UserError(
                        f"y is missing: {type(self).__name__} requires y to be passed, but the target y is None; give "
                        "it, or X as a path or a frame with a target column"
                    )
                # A matrix is a vector for each record, as everywhere in scikit-learn; a list of rows is series.
                matrix = model.family == "auto" and getattr(X, "ndim", None) == 2
                vectors = model.family == "feedforward" or matrix
                source = _open(X, y, groups, reading_of(data, wish_of(self._task)), vectors=vectors)
                columns = None if not is_frame(X) else [str(name) for name in column_names(X)]
                weights = None
                if sample_weight is not None:
                    weights = weights_of(sample_weight, len(source))
                    kept = np.flatnonzero(weights)
                    source, weights = SomeRecords(source, kept.tolist()), weights[kept]
                    if y is not None:
                        self._check_target([y[number] for number in kept])
                dataset = prepare_source(source, data, task=self._task, seed=train.seed, weights=weights)
            if y is not None and dataset.encoding.target.probabilities:
                labels = labels_of(y)

        self._train(files, dataset, data, model, train, beside=None if labels is None else labels.write)
        self._take(self._model)
        if columns is not None:
            self._name_features(columns)
        return self

    def _check_target(self, y: Any) -> None:
        """Raises `UserError` for a target that is one for another estimator, or has gaps."""

    def _take(self, model: Trained) -> None:
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
        inputs = model.loaded.recipe.inputs
        if all(field.kind == "numeric" for field in inputs):
            self.n_features_in_ = sum(len(field.channels) for field in inputs)

    def _name_features(self, columns: list[str]) -> None:
        recipe = self._model.loaded.recipe
        others = {recipe.reading.target, recipe.reading.group}
        if recipe.target is not None:
            others |= {recipe.target.name}
        wanted = set(self.inputs) or set(columns) - others
        self.feature_names_in_ = np.array([name for name in columns if name in wanted], dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)

    def _load(self, folder: Path) -> Trained:
        loaded = load_records(folder)
        return Trained(loaded, read_labels(folder, loaded.model.encoding.target.labels))

    def _answers(self, X: Any) -> list[tuple[Record, np.ndarray]]:
        """The records with their answers; see `RecordModel.answers`."""
        trained = self._model
        with taken_in("X", RECORDS):
            return list(predict(trained.loaded.model, self._source(X, None, labelled=False)))

    def _values(self, X: Any) -> list[Any]:
        """What the answers say, see the kinds of `Target`."""
        target = self._model.target
        return [target.value(record, answer) for record, answer in self._answers(X)]

    def _judge(self, X: Any, y: Any) -> RecordScores:
        model = self._model.loaded.model
        with taken_in("the data", RECORDS):
            source = self._source(X, y, labelled=True)
            part = encode_part(source, range(len(source)), model.encoding, Notes(), "X")
        model.encoding.target.require_known(part, str(X) if is_path(X) else "y")
        return model.encoding.target.judge(part, model.answers(part))

    def _metric(self, X: Any, y: Any, *names: str) -> float:
        """The first of these metrics that there is."""
        metrics = self._judge(X, y).metrics
        value = next(metrics[name].value for name in names if name in metrics)
        return float("nan") if value is None else value

    def _source(self, X: Any, y: Any, *, labelled: bool) -> Source:
        recipe, notes = self._model.loaded.recipe, Notes()
        if is_path(X):
            return reopen(paths_of(X), recipe, notes, labelled=labelled)
        X, y = plain_data(X), None if y is None else plain_targets(y, single=self._single)
        first = recipe.inputs[0]
        vectors = first.kind == "numeric" and not first.timed
        if vectors and isinstance(X, np.ndarray) and X.ndim == 2 and X.shape[1] != self.n_features_in_:
            raise UserError(
                f"X has {X.shape[1]} features, but {type(self).__name__} is expecting {self.n_features_in_} features "
                "as input; give those that it was trained with"
            )
        source = _open(X, y, None, replace(recipe.reading, unlabelled=not labelled, group=None), vectors=vectors)
        target = recipe.reading.target
        if labelled and target is not None and target not in {field.name for field in source.fields}:
            source = RenamedSource(source, TARGET, target)
        return fit_source(source, recipe, notes, labelled=labelled, name="X")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array, tags.input_tags.allow_nan, tags.input_tags.string = True, True, True
        return tags


def _open(X: Any, y: Any, groups: Any, reading: Reading, *, vectors: bool) -> Source:
    """Data in memory as records. Raises `UserError` for what cannot be."""
    check_data(X, "X", RECORDS)
    for name, values in (("y", y), ("groups", groups)):
        if values is not None:
            check_data(values, name, TARGETS)
    if isinstance(groups, np.ndarray) and groups.ndim > 1:
        raise UserError(f"groups has the shape {list(groups.shape)}; {TARGETS}")
    if y is None and is_frame(X):
        return read_frame(X, reading, Notes(), "X")
    return read_arrays(X, y, groups, layout=reading.layout, vectors=vectors, wish=reading.wish)
