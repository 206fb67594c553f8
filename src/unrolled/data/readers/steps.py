"""Records that are runs of rows, one row per step: what long tables and plain series have in common."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import polars as pl

from unrolled.data.readers.cells import Codes, Place, codes, is_class, join_codes, number_matrix
from unrolled.data.readers.columns import Table
from unrolled.data.readers.decoders import Formats
from unrolled.data.readers.times import Times
from unrolled.data.records import Field, Notes, Reading, Record, Source

FEW_STATES = 10
"""an integer target per step with at most so many values is a class, if nothing else is said"""
MANY_WORDS = 100
"""a column of words per step with more different ones holds tokens"""

Rows = Callable[[int, int], dict[str, Any]]
"""The values of all timed fields for the rows `start <= row < stop`."""


class StepSource(Source):
    """Record `i` has rows `bounds[i] <= row < bounds[i + 1]` of the timed fields, and `static[name][i]` of others."""

    def __init__(
        self,
        fields: list[Field],
        rows: Rows,
        bounds: np.ndarray,
        origin: Callable[[int], str],
        static: dict[str, list[Any]] | None = None,
        times: Times | None = None,
        group: tuple[str, list[str]] | None = None,
        guess: str | None = None,
    ) -> None:
        self.fields = tuple(fields)
        self.target_guess = guess
        self._rows, self._bounds, self._origin = rows, bounds, origin
        self._static, self._group = static or {}, group
        self._times = None if times is None else times.values
        self.dated = times is not None
        self.time_form = None if times is None else times.form
        """how the times are written"""

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def record(self, index: int) -> Record:
        values = self._rows(int(self._bounds[index]), int(self._bounds[index + 1]))
        values |= {name: column[index] for name, column in self._static.items()}
        return Record(values, self._origin(index))

    def labels(self, name: str) -> list[str] | None:
        if self.field(name).kind != "categorical" or name not in self._static:
            return None
        return ["|".join(label) if isinstance(label, tuple) else label or "" for label in self._static[name]]

    def groups(self, name: str) -> list[str] | None:
        return self._group[1] if self._group is not None and name == self._group[0] else None

    def times(self, index: int) -> np.ndarray | None:
        """The times of the steps of a record: datetime64[us] or float64 `[time]`, None if the data has none."""
        return None if self._times is None else self._times[self._bounds[index] : self._bounds[index + 1]]


def timed_fields(
    table: Table,
    columns: list[str],
    target: str | None,
    reading: Reading,
    rate: float | None,
    values: pl.Series | None,
) -> list[Field]:
    """The fields of columns with a value per step: `values` for all numbers together, one for each column of words.

    The target is a field of its own, categorical if it has classes (`is_class` of its whole column `values`).
    """
    numeric = [name for name in columns if name != target and table.is_numeric(name)]
    fields = [Field("values", "numeric", True, tuple(numeric), rate)] if numeric else []
    for name in columns:
        if name != target and name not in numeric:
            few = _distinct(table, name) <= MANY_WORDS
            fields.append(Field(name, "categorical" if few else "token", True, rate=rate))
    if target is not None and values is not None:
        kind = is_class(values, reading.wish.target, FEW_STATES, table.facts[target].format)
        channels = () if kind else (target,)
        fields.append(Field(target, "categorical" if kind else "numeric", True, channels, rate))
    return fields


def _distinct(table: Table, name: str) -> int:
    facts = table.facts[name]
    return facts.distinct if facts.kind == "words" else table.head()[name].n_unique()


def columns_of(fields: list[Field]) -> list[str]:
    """The columns of a table that fields are made of."""
    return [name for field in fields for name in (field.channels or (field.name,))]


def decode_steps(
    blocks: Iterable[tuple[int, pl.DataFrame]],
    length: int,
    fields: list[Field],
    place_of: Place,
    notes: Notes,
    formats: Formats,
    order: np.ndarray | None = None,
) -> Rows:
    """The values of the timed fields of `length` rows, as arrays; missing values become NaN or "" and are counted.

    The rows come in blocks with the number of their first row, and are put into another `order` if one is given.
    """
    numeric = {
        field.name: np.empty((length, len(field.channels)), dtype=np.float32)
        for field in fields
        if field.kind == "numeric"
    }
    words: dict[str, list[Codes]] = {field.name: [] for field in fields if field.name not in numeric}
    for start, block in blocks:

        def place_in_block(row: int, start: int = start) -> str:
            return place_of(start + row)

        for field in fields:
            if field.name in words:
                words[field.name].append(codes(block[field.name], notes))
                continue
            values = numeric[field.name][start : start + block.height]
            values[:] = number_matrix(block.select(field.channels), place_in_block, notes, formats)
    columns: dict[str, np.ndarray | Codes] = {**numeric, **{name: join_codes(parts) for name, parts in words.items()}}
    if order is not None:
        for name, column in columns.items():
            columns[name] = column._replace(codes=column.codes[order]) if isinstance(column, Codes) else column[order]

    def rows(start: int, stop: int) -> dict[str, Any]:
        return {
            name: column.words(start, stop) if isinstance(column, Codes) else column[start:stop]
            for name, column in columns.items()
        }

    return rows
