"""What the estimators for records share: data in, a trained model, answers and scores out."""

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from unrolled.data.readers.arrays import read_arrays
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

    X is an array `[n, time, features]` or `[n, time]` (with `family="feedforward"` n vectors), a list of arrays of any
    lengths, of texts or of lists of words, a frame, a Hugging Face `Dataset`, or the path of anything that
    `unrolled train` reads; a path has its target with it. NaN is a missing value.
    """

    @alone()
    def fit(self: AnyRecords, X: Any, y: Any = None, groups: Any = None) -> AnyRecords:
        """Train. With `groups` (one per record) no group is on both sides of the split for validation.

        Raises `UserError` as `unrolled train` does.
        """
        from unrolled.tasks.train_files import train_files

        data, model, train = configs(self)
        files, dataset, labels = [], None, None
        if is_path(X):
            check_data(X, "X", RECORDS)
            if y is not None or groups is not None:
                raise UserError(f"{X} is a path, whose records bring their target and groups; leave y out")
            files = paths_of(X)
        else:
            if groups is not None:
                data = replace(data, group="group")
            vectors = model.family == "feedforward"
            with taken_in("the data", RECORDS):
                source = _open(X, y, groups, reading_of(data, wish_of(self._task)), vectors=vectors)
                dataset = prepare_source(source, data, task=self._task, seed=train.seed)
            if y is not None and dataset.encoding.target.probabilities:
                labels = labels_of(y)

        def training(run: str) -> dict[str, Any]:
            result = train_files(
                files,
                task=self._task,
                run=run,
                data=data,
                model=model,
                train_config=train,
                silent=self.silent,
                opened=dataset,
            )
            if labels is not None:
                labels.write(Path(run) / "best")
            return result

        self._trained_by(training)
        self._take(self._model)
        return self

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
        first = recipe.inputs[0]
        reading = replace(recipe.reading, unlabelled=not labelled, group=None)
        source = _open(X, y, None, reading, vectors=first.kind == "numeric" and not first.timed)
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
    from unrolled.data.readers.frames import is_frame, read_frame

    if y is None and is_frame(X):
        return read_frame(X, reading, Notes(), "X")
    if y is None and not reading.unlabelled:
        raise UserError("y is missing; it is what is learned, unless X is a path or a frame with a target column")
    return read_arrays(X, y, groups, layout=reading.layout, vectors=vectors, wish=reading.wish)
