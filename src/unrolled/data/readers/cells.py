"""What the cells of one column are, and their values as arrays."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from unrolled.data.readers.column_facts import CELLS, MISSING, find_facts, one_below_the_other
from unrolled.data.readers.columns import SAMPLE
from unrolled.data.readers.written_numbers import PER_CENT, PLAIN, NumberFormat, parse
from unrolled.data.records import Notes, TargetForm
from unrolled.errors import UserError

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


def is_numeric(column: pl.Series) -> bool:
    """Whether a column holds numbers: by its type, or because four in five of its first words are written so."""
    if column.dtype != pl.String:
        return column.dtype.is_numeric() or column.dtype == pl.Boolean
    return find_facts(column.head(SAMPLE).to_frame(), lambda _: iter(())).columns[column.name].numeric


def number_matrix(
    frame: pl.DataFrame, place_of: Place, notes: Notes, formats: Mapping[str, NumberFormat] | None = None
) -> np.ndarray:
    """Columns as float32 `[rows, columns]`, as `numbers` reads each of them, but plain ones all at once."""
    formats = formats or {}
    result = np.empty((frame.height, frame.width), dtype=np.float32)
    width = max(1, CELLS // max(1, frame.height))
    for start in range(0, frame.width, width):
        block = frame.select(frame.columns[start : start + width])
        plain = [
            name for name in block.columns if formats.get(name, PLAIN)[0] == "." and not formats.get(name, PLAIN)[1]
        ]
        values = dict(zip(plain, _plain_numbers(block.select(plain)), strict=True))
        for number, name in enumerate(block.columns, start):
            column = values.get(name)
            if column is None:
                column = numbers(block[name], place_of, notes, formats.get(name, PLAIN))
            else:
                notes.add("missing values", int(np.isnan(column).sum()))
            result[:, number] = column
    return result


def _plain_numbers(frame: pl.DataFrame) -> list[np.ndarray | None]:
    """Each column as float32 `[rows]`, None for one with a cell that is not simply a number or missing."""
    columns: dict[str, np.ndarray | None] = {}
    with np.errstate(over="ignore"):
        for name in (name for name, dtype in frame.schema.items() if dtype != pl.String):
            columns[name] = frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy().astype(np.float32)
        texts = [name for name in frame.columns if name not in columns]
        if texts:
            cells = one_below_the_other(frame.select(texts))
            read = cells.cast(pl.Float64, strict=False)
            wrong: np.ndarray = (
                read.is_null() & cells.is_not_null() & ~cells.is_in(MISSING).fill_null(False)
            ).to_numpy()
            values = read.fill_null(float("nan")).to_numpy().astype(np.float32).reshape(len(texts), -1)
            right = np.logical_not(wrong.reshape(values.shape).any(axis=1))
            columns |= {name: values[index] if right[index] else None for index, name in enumerate(texts)}
    return [None if column is None or np.isinf(column).any() else column for column in map(columns.get, frame.columns)]


def numbers(column: pl.Series, place_of: Place, notes: Notes, form: NumberFormat = PLAIN) -> np.ndarray:
    """A column as float32 `[rows]`, NaN where a value is missing; those are counted.

    Raises `UserError` with the row for what is no number as the column writes them (`form`), for infinity, and for a
    number too large for float32.
    """
    values = column
    if column.dtype == pl.String:
        missing = column.is_in(MISSING).fill_null(False)
        values = parse(pl.select(pl.when(~missing).then(column)).to_series(), form)
        wrong = (values.is_null() & column.is_not_null() & ~missing).arg_true()
        if len(wrong):
            raise UserError(
                f"{place_of(wrong[0])}: column {column.name!r} has {column[wrong[0]]!r} where {_expected(form)}; "
                "mend it, or leave it empty if the value is missing"
            )
    exact = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    with np.errstate(over="ignore"):
        result = exact.astype(np.float32)
    infinite = np.flatnonzero(np.isinf(result))
    if len(infinite):
        raise UserError(
            f"{place_of(int(infinite[0]))}: column {column.name!r} has {column[int(infinite[0])]}, which is not a "
            "finite number of 32 bits; mend it, or leave it empty if the value is missing"
        )
    notes.add("missing values", int(np.isnan(result).sum()))
    return result


def _expected(form: NumberFormat) -> str:
    mark = {".": "", ",": " with a comma before decimals"}[form.decimal]
    if form.unit == PER_CENT:
        return f"numbers{mark} with a per-cent sign are expected, as in the rest of the column"
    unit = f" in {form.unit}" if form.unit else ""
    return f"numbers{mark}{unit} are expected"


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
    coded = text.to_frame().join(table, on="word", how="left", maintain_order="left")
    return Codes(coded["code"].cast(pl.Int32).to_numpy(), tuple(names.to_list()))


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


def is_class(column: pl.Series, wanted: TargetForm | None, most: int = FEW, form: NumberFormat = PLAIN) -> bool:
    """Whether a target column holds classes rather than amounts.

    Words and truth values are classes. Numbers are if labels are wanted, and never if numbers or no target are; else if
    they are integers with at most `most` different values.
    """
    if not is_numeric(column) or column.dtype == pl.Boolean:
        return True
    if wanted in ("label", "number", "none"):
        return wanted == "label"
    read = parse(column, form) if column.dtype == pl.String else column.cast(pl.Float64, strict=False)
    values = read.drop_nulls().drop_nans()
    return bool((values % 1 == 0).all()) and values.n_unique() <= most
