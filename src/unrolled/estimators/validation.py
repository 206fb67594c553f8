"""X, y and weights of scikit-learn programs as the engine takes them; what cannot be is refused in a sentence."""

import warnings
from collections.abc import Sequence
from numbers import Number
from typing import Any

import numpy as np
from sklearn.exceptions import DataConversionWarning

from unrolled.data.records import Record, Source
from unrolled.errors import UserError


def plain_data(X: Any, name: str = "X") -> Any:
    """Columns (of pandas or polars) as arrays of numbers or lists of what they hold, other array-likes as arrays, lists
    of equally long lists of numbers, and frames of numbers whose columns have no names, as one array `[n, features]`;
    other frames, data sets, paths and the rest as they are.

    Raises `UserError` for sparse matrices, complex numbers, single records and matrices without a column.
    """
    X = _plain(X, name)
    if isinstance(X, list):
        missing = next((index for index, record in enumerate(X) if _is_missing(record)), None)
        if missing not in (None, 0) or (missing == 0 and len(X) > 1 and not all(map(_is_missing, X))):
            raise UserError(f"{name}[{missing}] is missing; leave out records of which nothing is known")
    if isinstance(X, np.ndarray) and X.dtype.kind in "biuf":
        if X.ndim == 1 and X.size:
            raise UserError(
                f"{name} has the shape {X.shape}; expected [n, features], [n, time, features] or a list of arrays. "
                f"Reshape your data: {name}[None] is a single record of these numbers"
            )
        if X.ndim == 2 and len(X) and not X.shape[1]:
            raise UserError(f"{name} has 0 feature(s) (shape={X.shape}) while a minimum of 1 is required; give some")
    return X


def _plain(X: Any, name: str) -> Any:
    if type(X).__module__.startswith("scipy.sparse"):
        raise UserError(f"{name} is a sparse matrix, and only dense data can be read; give {name}.toarray()")
    if _is_column(X):
        values = X.to_numpy() if getattr(X.dtype, "kind", "") in "biuf" else np.asarray(X.to_list(), dtype=object)
        X = values if values.dtype.kind in "biuf" else X.to_list()
    elif _is_nameless(X):
        X = X.to_numpy()
    elif hasattr(X, "__array__") and not isinstance(X, np.ndarray) and not _is_table(X) and not hasattr(X, "detach"):
        X = np.asarray(X)
    if isinstance(X, np.ndarray) and X.dtype.kind == "c":
        raise UserError(f"Complex data not supported: {name} is an array of {X.dtype}; give its parts as features")
    if isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 2 and _is_matrix(X.tolist()):
        return X.astype(np.float64)
    return np.asarray(X) if _is_matrix(X) else X


def _is_column(X: Any) -> bool:
    """Whether it is a `Series`, or a column like one."""
    return all(hasattr(X, name) for name in ("to_list", "to_numpy", "dtype"))


def _is_table(X: Any) -> bool:
    return hasattr(X, "columns") or hasattr(X, "column_names") or hasattr(X, "collect_schema")


def _is_nameless(X: Any) -> bool:
    """Whether it is a pandas frame of numbers whose columns are numbered, as one made of an array is."""
    if not type(X).__module__.startswith("pandas") or not hasattr(X, "columns") or not len(X.columns):
        return False
    numbered = all(isinstance(name, int | np.integer) for name in X.columns)
    return numbered and all(getattr(dtype, "kind", "") in "biuf" for dtype in X.dtypes)


def _is_matrix(X: Any) -> bool:
    """Whether it is a list of lists of numbers, all of one length."""
    if not isinstance(X, list) or not X or not all(isinstance(row, list) for row in X):
        return False
    return len({len(row) for row in X}) == 1 and all(isinstance(cell, Number) for row in X for cell in row)


def plain_targets(y: Any, *, single: bool) -> Any:
    """The target as an array or a list with an entry for each record; where those are `single` values, a column
    `[n, 1]` is flattened, with a warning."""
    if _is_table(y) and hasattr(y, "to_numpy"):
        y = y.to_numpy()
    y = _plain(y, "y")
    if single and isinstance(y, np.ndarray) and y.ndim == 2 and y.shape[1] == 1:
        message = "A column-vector y was passed when a 1d array was expected. Please change the shape of y to (n,)"
        warnings.warn(message, DataConversionWarning, stacklevel=4)
        return y[:, 0]
    arrays = isinstance(y, list) and bool(y) and all(isinstance(row, np.ndarray) and row.ndim == 1 for row in y)
    if arrays and len({len(row) for row in y}) == 1 and all(row.dtype.kind in "biuf" for row in y):
        return np.stack(y)
    return y


def check_labels(y: Any) -> None:
    """Raises `UserError` for labels of records of which one is missing, that are continuous numbers, or all the same.

    Several labels at once are left to the engine.
    """
    entries = _entries(y)
    for index, label in enumerate(entries):
        if _is_missing(label):
            raise UserError(
                f"y[{index}] is missing (Input y contains NaN), and SequenceClassifier needs a label for each record; "
                "leave the records without one out"
            )
        if isinstance(label, float | np.floating) and not float(label).is_integer():
            raise UserError(
                f"Unknown label type: y is continuous (y[{index}] is {label}), and SequenceClassifier learns labels; "
                "use SequenceRegressor for numbers"
            )
    if entries and all(label == entries[0] for label in entries):
        raise UserError(f"y has only one class, {entries[0]!r}; there must be at least two to tell apart")


def check_numbers(y: Any) -> None:
    """Raises `UserError` for a target of records that is no number, or missing. Of several numbers for each record some
    may be missing."""
    for index, value in enumerate(_entries(y)):
        if isinstance(value, str | bytes):
            raise UserError(
                f"y[{index}] is {value!r}, and SequenceRegressor learns numbers; use SequenceClassifier for labels"
            )
        if _is_missing(value):
            raise UserError(
                f"y[{index}] is missing (Input y contains NaN), and SequenceRegressor needs a number for each record; "
                "leave the records without one out"
            )


def _entries(y: Any) -> list[Any]:
    """The entries of a target with one value for each record; none where there are several."""
    if isinstance(y, np.ndarray):
        return y.tolist() if y.ndim == 1 and y.dtype.kind != "O" else list(y) if y.ndim == 1 else []
    values = list(y)
    return [] if any(isinstance(value, list | tuple | set | frozenset | np.ndarray) for value in values) else values


def _is_missing(value: Any) -> bool:
    return (
        value is None
        or type(value).__name__ in ("NAType", "NaTType")
        or (isinstance(value, float | np.floating) and bool(np.isnan(value)))
    )


def weights_of(sample_weight: Any, records: int) -> np.ndarray:
    """float64 `[records]`. Raises `UserError` for weights that are no numbers from 0 on, one for each record, or all
    zero."""
    try:
        weights = np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError):
        raise UserError("sample_weight holds what is no number; give a number for each record of X") from None
    if weights.shape != (records,):
        raise UserError(
            f"sample_weight has the shape {weights.shape}, expected ({records},); give a number for each record of X"
        )
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        raise UserError(f"sample_weight[{wrong[0]}] is {weights[wrong[0]]}; give numbers from 0 on")
    if not weights.any():
        raise UserError("all numbers of sample_weight are zero; at least one must not be, to learn something")
    return weights


class SomeRecords(Source):
    """Some of the records of a source, by their numbers."""

    def __init__(self, source: Source, numbers: Sequence[int]) -> None:
        self._source, self._numbers = source, list(numbers)
        self.fields, self.formats, self.slow = source.fields, source.formats, source.slow
        self.target_guess = getattr(source, "target_guess", None)

    def __len__(self) -> int:
        return len(self._numbers)

    def record(self, index: int) -> Record:
        return self._source.record(self._numbers[index])

    def labels(self, name: str) -> list[str] | None:
        return self._some(self._source.labels(name))

    def groups(self, name: str) -> list[str] | None:
        return self._some(self._source.groups(name))

    def _some(self, values: list[str] | None) -> list[str] | None:
        return None if values is None else [values[number] for number in self._numbers]
