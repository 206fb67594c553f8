"""Decoders: from a block of rows of some columns to a function that gives the value in row `i` of the block.

Each takes the block with only its columns, a function that names the place of a row, and notes to count in.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl

from unrolled.data.readers.cells import Place, number_matrix, numbers, words
from unrolled.data.readers.written_numbers import NumberFormat
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError

Formats = Mapping[str, NumberFormat]
"""by column, how its numbers are written"""
Decoder = Callable[[pl.DataFrame, Place, Notes], Callable[[int], Any]]

SEPARATOR = "|"
"""between the labels of one record, if nothing else is said"""
MANY_LABELS = 5
"""different cells from which on they may be several labels each"""


def separator_of(column: pl.Series, reading: Reading) -> str | None:
    """What stands between several labels in a cell of this column: as the user says, or `|` if some cell has it."""
    if reading.label_separator:
        return reading.label_separator
    return SEPARATOR if words(column).str.contains(SEPARATOR, literal=True).any() else None


def hint_at_separator(column: pl.Series, reading: Reading, notes: Notes) -> None:
    """A hint for labels most of which look like several in one cell, such as `news;sport`."""
    if reading.label_separator or column.dtype != pl.String:
        return
    cells = column.drop_nulls()
    if cells.n_unique() < MANY_LABELS:
        return
    for mark in (";", ","):
        parts = cells.str.split(mark)
        shared = parts.explode().str.strip_chars().n_unique() < cells.n_unique()
        if (parts.list.len() > 1).mean() > 0.3 and shared:  # type: ignore[operator]
            cell = cells.filter(parts.list.len() > 1)[0]
            notes.hint(f"if {cell!r} is several labels of {column.name}, say so with --data.label_separator {mark!r}")
            return


def features(formats: Formats) -> Decoder:
    """Columns of numbers: float32 `[channels]`."""

    def decode(block: pl.DataFrame, place_of: Place, notes: Notes) -> Callable[[int], np.ndarray]:
        values = number_matrix(block, place_of, notes, formats)
        return lambda row: values[row]

    return decode


def steps(channels: int, formats: Formats) -> Decoder:
    """Columns of numbers, channel by channel: float32 `[time, channels]`. Steps missing at the end are cut off.

    Raises `UserError` for a row without any value.
    """

    def decode(block: pl.DataFrame, place_of: Place, notes: Notes) -> Callable[[int], np.ndarray]:
        counted = Notes()
        flat = number_matrix(block, place_of, counted, formats)
        values = np.ascontiguousarray(flat.reshape(len(flat), channels, -1).transpose(0, 2, 1))
        present = ~np.isnan(values).all(axis=2)
        lengths = np.where(present.any(axis=1), present.shape[1] - present[:, ::-1].argmax(axis=1), 0)
        empty = np.flatnonzero(lengths == 0)
        if len(empty):
            raise UserError(f"{place_of(int(empty[0]))} has no value in any step; fill it in or remove the row")
        cut = int((present.shape[1] - lengths).sum())
        notes.add("steps missing at the end of a row, cut off", cut)
        notes.add("missing values", counted.counts.get("missing values", 0) - cut * channels)
        return lambda row: values[row, : lengths[row]]

    return decode


def series(channels: int, nested: bool) -> Decoder:
    """A column of lists of numbers, or of lists of `channels` numbers: float32 `[time, channels]`.

    Raises `UserError` for an empty or missing list and for a step with another number of channels.
    """

    def decode(block: pl.DataFrame, place_of: Place, notes: Notes) -> Callable[[int], np.ndarray]:
        column = block.to_series()
        lengths = _lengths(column, place_of)
        flat = column.explode(empty_as_null=False)
        rows = np.repeat(np.arange(len(column)), lengths)

        def place_of_step(step: int) -> str:
            return place_of(int(rows[step]))

        if nested:
            wrong = np.flatnonzero(flat.list.len().fill_null(0).to_numpy() != channels)
            if len(wrong):
                vector = flat[int(wrong[0])]
                raise UserError(
                    f"{place_of_step(int(wrong[0]))}: column {column.name!r} has a step of "
                    f"{0 if vector is None else len(vector)} values, expected {channels} as in the first row"
                )
            flat = flat.explode()
            rows = np.repeat(rows, channels)
        values = numbers(flat, place_of_step, notes).reshape(-1, channels)
        ends = np.cumsum(lengths)
        return lambda row: values[ends[row] - lengths[row] : ends[row]]

    return decode


def tokens(block: pl.DataFrame, place_of: Place, notes: Notes) -> Callable[[int], list[str]]:
    """A column of lists of words: list of str `[time]`. Raises `UserError` for an empty or missing list."""
    column = block.to_series().cast(pl.List(pl.String))
    _lengths(column, place_of)
    notes.add("missing words", int(column.list.eval(pl.element().is_null()).list.sum().sum() or 0))
    return lambda row: ["" if word is None else word for word in column[row]]


def text(block: pl.DataFrame, place_of: Place, notes: Notes) -> Callable[[int], str]:
    """A column of text: str. Raises `UserError` for an empty one."""
    column = block.to_series()
    empty = column.fill_null("").eq("").arg_true()
    if len(empty):
        raise UserError(
            f"{place_of(empty[0])}: column {column.name!r} is empty where text is expected; fill it in or "
            "remove the row"
        )
    return lambda row: column[row]


def category(block: pl.DataFrame, place_of: Place, notes: Notes) -> Callable[[int], str]:
    """A column of words that are inputs: str, "" if missing, which is counted."""
    column = words(block.to_series())
    notes.add("missing words", column.null_count())
    return lambda row: column[row] or ""


def label(separator: str | None) -> Decoder:
    """A target column of labels: str, or with `separator` a tuple of those between it; None if missing."""

    def decode(block: pl.DataFrame, place_of: Place, notes: Notes) -> Callable[[int], str | tuple[str, ...] | None]:
        column = words(block.to_series())
        notes.add("rows without a label", column.null_count())
        return (lambda row: split_labels(column[row], separator)) if separator else (lambda row: column[row])

    return decode


def labels(block: pl.DataFrame, place_of: Place, notes: Notes) -> Callable[[int], tuple[str, ...] | None]:
    """A target column of lists of labels: tuple of str, None if missing."""
    column = block.to_series().cast(pl.List(pl.String))
    notes.add("rows without a label", column.null_count())
    return lambda row: None if column[row] is None else tuple(column[row].drop_nulls())


def number(form: NumberFormat) -> Decoder:
    """A target column of numbers: float32 `[1]`, None if missing."""

    def decode(block: pl.DataFrame, place_of: Place, notes: Notes) -> Callable[[int], np.ndarray | None]:
        counted = Notes()
        values = numbers(block.to_series(), place_of, counted, form)
        notes.add("rows without a target", counted.counts.get("missing values", 0))
        return lambda row: None if np.isnan(values[row]) else values[row : row + 1]

    return decode


def require_list_of_values(column: pl.Series, name: str) -> None:
    """Raise `UserError` for columns of objects, or of lists of such."""
    inner: object = column.dtype
    for _ in range(2):
        inner = getattr(inner, "inner", inner)
    if isinstance(inner, (pl.Struct, pl.List, pl.Object)) or isinstance(column.dtype, (pl.Struct, pl.Object)):
        raise UserError(
            f"{name}: column {column.name!r} holds {column.dtype} values; expected numbers, words, or lists of them "
            "(at most a list of lists of numbers); flatten it, or choose columns with --inputs"
        )


def split_labels(cell: str | None, separator: str) -> tuple[str, ...] | None:
    """The labels in a cell, each once."""
    if cell is None:
        return None
    return tuple(dict.fromkeys(part.strip() for part in cell.split(separator) if part.strip()))


def _lengths(column: pl.Series, place_of: Place) -> np.ndarray:
    lengths = column.list.len().fill_null(0).to_numpy().astype(np.int64)
    empty = np.flatnonzero(lengths == 0)
    if len(empty):
        raise UserError(
            f"{place_of(int(empty[0]))}: column {column.name!r} has a sequence of length 0; "
            "give at least one step or remove the row"
        )
    return lengths
