"""What the cells of one column are, and their values as arrays."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import polars as pl

from unrolled.data.readers.columns import SAMPLE
from unrolled.data.records import Notes
from unrolled.errors import UserError

MISSING = ("", "?", "-", "NA", "N/A", "n/a", "#N/A", "null", "NULL", "None", "nan", "NaN", "NAN", "-nan")
"""how a missing number may be written; in a column of words these are words"""
FEW = 20
"""an integer target with at most so many values is a class, if nothing else is said"""

Place = Callable[[int], str]


class Codes(NamedTuple):
    """A column of words as numbers."""

    codes: np.ndarray
    """int32 `[rows]`"""
    names: tuple[str, ...]

    def words(self, start: int, stop: int) -> list[str]:
        return [self.names[code] for code in self.codes[start:stop]]


def is_empty(column: pl.Series) -> bool:
    """Whether nothing stands in a column but marks of missing values."""
    filled = column.drop_nulls()
    return filled.is_empty() or (filled.dtype == pl.String and bool(filled.is_in(MISSING).all()))


def is_numeric(column: pl.Series) -> bool:
    """Whether a column holds numbers: by its type, or because four in five of its first words are written so."""
    if column.dtype.is_numeric() or column.dtype == pl.Boolean:
        return True
    if column.dtype != pl.String:
        return False
    words = column.drop_nulls().head(SAMPLE)
    words = words.filter(~words.is_in(MISSING))
    if not len(words):
        return False
    parsed = len(words) - words.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False).null_count()
    return parsed >= 0.8 * len(words)


def numbers(column: pl.Series, place: Place, notes: Notes, decimal_comma: bool = False) -> np.ndarray:
    """A column as float32 `[rows]`, NaN where a value is missing; those are counted.

    Raises `UserError` with the row for a word, for infinity, and for a number too large for float32.
    """
    values = column
    if column.dtype == pl.String:
        if decimal_comma:
            column = column.str.replace(",", ".", literal=True)
        values = column.cast(pl.Float64, strict=False)
        missing = column.is_in(MISSING)
        wrong = (values.is_null() & column.is_not_null() & ~missing.fill_null(False)).arg_true()
        if len(wrong):
            raise UserError(
                f"{place(wrong[0])}: column {column.name!r} has {column[wrong[0]]!r} where numbers are expected; "
                "mend it, or leave it empty if the value is missing"
            )
        values = pl.select(pl.when(missing).then(None).otherwise(values)).to_series()
    exact = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    with np.errstate(over="ignore"):
        result = exact.astype(np.float32)
    infinite = np.flatnonzero(np.isinf(result))
    if len(infinite):
        raise UserError(
            f"{place(int(infinite[0]))}: column {column.name!r} has {column[int(infinite[0])]}, which is not a finite "
            "number of 32 bits; mend it, or leave it empty if the value is missing"
        )
    notes.add("missing values", int(np.isnan(result).sum()))
    return result


def words(column: pl.Series) -> pl.Series:
    """A column as text, numbers without a needless `.0`, so that a label reads the same from CSV and Parquet."""
    if column.dtype.is_float() and not column.drop_nulls().is_empty() and (column.drop_nulls() % 1 == 0).all():
        column = column.cast(pl.Int64)
    return column.cast(pl.String)


def codes(column: pl.Series, notes: Notes) -> Codes:
    """A column of words as codes, in the order of first appearance; missing words are "" and counted."""
    text = words(column)
    notes.add("missing words", text.null_count())
    text = text.fill_null("").alias("word")
    names = text.unique(maintain_order=True)
    table = names.to_frame().with_row_index("code")
    found = text.to_frame().join(table, on="word", how="left", maintain_order="left")
    return Codes(found["code"].cast(pl.Int32).to_numpy(), tuple(names.to_list()))


def join_codes(parts: list[Codes]) -> Codes:
    """The codes of a column from those of its parts, one below the other."""
    if len(parts) == 1:
        return parts[0]
    numbers_of: dict[str, int] = {}
    joined = []
    for part in parts:
        lookup = np.array([numbers_of.setdefault(name, len(numbers_of)) for name in part.names], dtype=np.int32)
        joined.append(lookup[part.codes])
    return Codes(np.concatenate(joined), tuple(numbers_of))


def is_class(column: pl.Series, task: str | None, most: int = FEW) -> bool:
    """Whether a target column holds classes rather than amounts.

    Words and truth values are classes. Numbers are classes if the task is `classify`, and never if it is `regress` or
    `forecast`; else if they are integers with at most `most` different values.
    """
    if not is_numeric(column) or column.dtype == pl.Boolean:
        return True
    if task in ("classify", "regress", "forecast"):
        return task == "classify"
    values = column.cast(pl.Float64, strict=False).drop_nulls().drop_nans()
    return bool((values % 1 == 0).all()) and values.n_unique() <= most
