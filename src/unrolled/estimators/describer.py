"""Describing for Python, as in scikit-learn: what is known of a sequence in, the sequence out."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import polars as pl

from unrolled.data.readers.frames import frame_table, is_frame
from unrolled.data.readers.read_like_training import fit_source, reopen
from unrolled.data.records import Field, Notes, Record, Source
from unrolled.errors import UserError
from unrolled.estimators.alone import alone
from unrolled.estimators.base import TrainedEstimator
from unrolled.estimators.intake import check_data, taken_in, whole_number
from unrolled.estimators.paths import is_path, paths_of
from unrolled.estimators.settings import configs, require_known
from unrolled.estimators.validation import plain_data, plain_targets
from unrolled.tasks.choose_reading import opened_source
from unrolled.tasks.describe.given import condition_from
from unrolled.tasks.describe.load import LoadedDescription, load_description
from unrolled.tasks.describe.scores import judge_descriptions
from unrolled.tasks.describe.sequences import Descriptions
from unrolled.tasks.describe.write import describe, usual_sampling
from unrolled.tasks.sampling_config import Sampling
from unrolled.untrusted import typed

CONDITIONS = "give a label or a number for each sequence, a dictionary of them, a frame with a row for each, or a path"
SEQUENCES = "give a text, a list of words or an array of numbers for each record of X"
SEQUENCE, CONDITION, NUMBERS = "sequence", "condition", "features"
"""What fields without a name are called: what is written, what is known, and numbers that are known."""


class SequenceDescriber(TrainedEstimator):
    """A sequence for what is known of it, one to many: a tune of a style, a curve for a machine and its load.

    X says what is known: a list of labels or of numbers, one for each sequence; a list of dictionaries such as
    `{"style": "jig", "key": "D"}`; a frame with a row for each; a matrix of numbers `[n, features]`. y has the
    sequences: texts, lists of words, or arrays of numbers `[time]`. Or X is the path of a file that `unrolled train`
    reads, with the sequence as its `target`, and y is left out.

    The main settings: `family`, `width`, `layers`, `vocabulary` (of texts) and `context`, the longest sequence.
    """

    _task = "describe"

    @alone()
    def fit(self, X: Any, y: Any = None) -> "SequenceDescriber":
        """Train. Raises `UserError` as `unrolled train` does."""
        data, model, train = configs(self)
        if is_path(X):
            check_data(X, "X", CONDITIONS)
            if y is not None:
                raise UserError(f"{X} is a path, whose records bring their sequences; leave y out")
            files, opened = paths_of(X), None
        else:
            with taken_in("the data", CONDITIONS):
                source = _Conditions(_frame(X), _sequences(y))
                data = replace(data, target=SEQUENCE)
                files, opened = [], opened_source(source, data, self._task)
        self._train(files, opened, data, model, train)
        return self

    def predict(self, X: Any, *, length: int | None = None, seed: int | None = 0, **sampling: Any) -> list[Any]:
        """A sequence for each record of X: a text, a list of words or an array of numbers, as in training.

        The same `seed` writes the same; with None it is another one each time. `length` is the most tokens, by default
        those of the longest sequence of training. `sampling`: the fields of `Sampling`.
        """
        loaded: LoadedDescription = self._model
        with taken_in("X", CONDITIONS):
            conditions = [loaded.encoding.condition(record) for record in self._source(X)]
        return self._written(conditions, length, seed, sampling)

    def generate(
        self,
        known: Any,
        *,
        samples: int = 1,
        length: int | None = None,
        seed: int | None = None,
        **sampling: Any,
    ) -> list[Any]:
        """Several sequences for the same: `known` is a label or a number, or a dictionary with all that is known.

        `length`, `seed` and `sampling` as in `predict`. Raises `UserError` for what the model does not read, a label
        that training did not have, and what is missing.
        """
        loaded: LoadedDescription = self._model
        given = known if isinstance(known, Mapping) else {CONDITION: known}
        condition = condition_from(loaded, {str(name): _word(value) for name, value in given.items()}, "")
        return self._written([condition] * whole_number(samples, "samples", 1), length, seed, sampling)

    def score(self, X: Any, y: Any = None) -> float:
        """The loss in nats per token, times -1."""
        return -float(self.evaluate(X, y)["metrics"]["loss"]["value"])

    def evaluate(self, X: Any, y: Any = None) -> dict[str, Any]:
        """Loss and perplexity with their intervals, beside those of the frequency of each token."""
        loaded: LoadedDescription = self._model
        part = Descriptions(loaded.encoding, longest=loaded.network.context, notes=Notes(), part="X")
        with taken_in("the data", CONDITIONS):
            for record in self._source(X, y, labelled=True):
                part.append(record)
        if not len(part):
            raise UserError(f"X has no {loaded.encoding.written.field} to judge")
        return judge_descriptions(loaded.network, part, loaded.counts)

    def _load(self, folder: Any) -> LoadedDescription:
        return load_description(folder)

    def _source(self, X: Any, y: Any = None, *, labelled: bool = False) -> Source:
        recipe = self._model.recipe
        if is_path(X):
            return reopen(paths_of(X), recipe, Notes(), labelled=labelled)
        name = SEQUENCE if recipe.target is None else recipe.target.name
        source = _Conditions(_frame(X), _sequences(y) if labelled else None, name, recipe.inputs)
        return fit_source(source, recipe, Notes(), labelled=labelled, name="X")

    def _written(self, conditions: list[Any], length: Any, seed: Any, sampling: dict[str, Any]) -> list[Any]:
        loaded: LoadedDescription = self._model
        for name in sampling:
            known = (field.name for field in fields(Sampling))
            require_known(name, known, type(self).__name__, "sampling setting")
        with taken_in("the sampling", "give numbers"):
            chosen = typed(replace(usual_sampling(loaded), **sampling))
        most = None if length is None else whole_number(length, "length", 0)
        if seed is not None:
            seed = whole_number(seed, "seed", 0, 2**64)
        written = describe(loaded, conditions, sampling=chosen, seed=seed, max_length=most)
        numbers = loaded.recipe.target is not None and loaded.recipe.target.kind == "numeric"
        return [np.asarray(values, dtype=np.float64) for values in written] if numbers else written

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.target_tags.required = True, True
        return tags


class _Conditions(Source):
    """What is known of sequences, and perhaps they themselves, as records: a field for each label, and one for all
    numbers that no field of a model (`like`) has."""

    def __init__(
        self, frame: pl.DataFrame, sequences: list[Any] | None, name: str = SEQUENCE, like: Sequence[Field] = ()
    ) -> None:
        labels = [column.name for column in frame if not (column.dtype.is_numeric() or column.dtype == pl.Boolean)]
        numbers = [column for column in frame.columns if column not in labels]
        fitting = [field for field in like if field.kind == "numeric" and set(field.channels) <= set(numbers)]
        rest = [column for column in numbers if not any(column in field.channels for field in fitting)]
        self._columns: dict[str, list[Any] | np.ndarray] = {}
        declared: list[Field] = []
        for column in labels:
            declared.append(Field(column, "categorical", False))
            self._columns[column] = frame[column].cast(pl.String).fill_null("").to_list()
        wanted = [*((field.name, field.channels) for field in fitting), *([(NUMBERS, tuple(rest))] if rest else [])]
        for own, channels in wanted:
            declared.append(Field(own, "numeric", False, channels))
            values = frame.select(pl.col(list(channels)).cast(pl.Float32)).fill_null(float("nan"))
            self._columns[own] = values.to_numpy()
        if sequences is not None:
            if len(sequences) != frame.height:
                raise UserError(
                    f"X has {frame.height:,} records and y has {len(sequences):,}; there must be one for each"
                )
            declared.append(_field_of(name, sequences[0]))
            self._columns[name] = [_sequence(value, declared[-1], index) for index, value in enumerate(sequences)]
        self.fields, self._length = tuple(declared), frame.height

    def __len__(self) -> int:
        return self._length

    def record(self, index: int) -> Record:
        return Record({name: values[index] for name, values in self._columns.items()}, f"X[{index}]")

    def labels(self, name: str) -> list[str] | None:
        return None


def _frame(X: Any) -> pl.DataFrame:
    """What is known, a column for each field."""
    if is_frame(X):
        plain = plain_data(X)
        if not isinstance(plain, np.ndarray):
            return frame_table(plain, "X").frame.lazy().collect()
        X = plain
    if isinstance(X, list | tuple) and X and all(isinstance(row, Mapping) for row in X):
        return pl.DataFrame([{str(name): value for name, value in row.items()} for row in X], infer_schema_length=None)
    X = X if isinstance(X, np.ndarray) and X.ndim == 1 else plain_data(X)
    check_data(X, "X", CONDITIONS)
    if not len(X):
        raise UserError(f"X has no records; {CONDITIONS}")
    if isinstance(X, np.ndarray) and X.ndim == 2:
        return pl.DataFrame({f"feature_{number}": X[:, number] for number in range(X.shape[1])})
    return pl.DataFrame({CONDITION: pl.Series(np.asarray(X).tolist() if isinstance(X, np.ndarray) else list(X))})


def _sequences(y: Any) -> list[Any]:
    if y is None:
        raise UserError(
            "y is missing: SequenceDescriber requires y to be passed, but the target y is None; give the sequences, "
            "unless X is a path"
        )
    check_data(y, "y", SEQUENCES)
    sequences = list(plain_targets(y, single=False))
    if not sequences:
        raise UserError(f"y has no sequence; {SEQUENCES}")
    return sequences


def _field_of(name: str, first: Any) -> Field:
    if isinstance(first, str):
        return Field(name, "text", False)
    if len(first) and isinstance(first[0], str):
        return Field(name, "token", True)
    return Field(name, "numeric", True, (name,))


def _sequence(value: Any, field: Field, index: int) -> Any:
    """A sequence as records have it. Raises `UserError` if it is of another kind than the first."""
    words = not isinstance(value, str) and len(value) > 0 and isinstance(value[0], str)
    kind = "text" if isinstance(value, str) else "token" if words else "numeric"
    if kind != field.kind:
        raise UserError(f"y[{index}] is another kind of sequence than y[0]; {SEQUENCES}")
    if kind == "numeric":
        array = np.asarray(value, dtype=np.float32)
        if array.ndim != 1 or not len(array):
            raise UserError(f"y[{index}] has the shape {array.shape}; give numbers [time], one channel, a step or more")
        return array[:, None]
    return value if kind == "text" else [str(word) for word in value]


def _word(value: Any) -> str:
    return str(value.item() if isinstance(value, np.generic) else value)
