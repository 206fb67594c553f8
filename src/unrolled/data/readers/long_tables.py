"""Long tables: one row per step, and a column that says which sequence a row belongs to."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from unrolled.data.readers.cells import FEW, Codes, codes, is_class, join_codes, number_matrix, numbers, words
from unrolled.data.readers.column_roles import find_target, input_columns
from unrolled.data.readers.columns import Table, shown
from unrolled.data.readers.decoders import hint_at_separator, separator_of, split_labels
from unrolled.data.readers.offers import Layout
from unrolled.data.readers.series import time_column
from unrolled.data.readers.steps import Rows, StepSource, columns_of, decode_steps, timed_fields
from unrolled.data.readers.times import (
    Times,
    count_irregular,
    hint_at_unread,
    named_like_time,
    order_of_steps,
    read_times,
)
from unrolled.data.records import Field, Notes, Reading
from unrolled.errors import UserError

NIXTLA = ("unique_id", "ds")


def is_long(table: Table, reading: Reading) -> bool:
    """Whether the user named an id column, or the table has the names that Nixtla's libraries use."""
    return reading.id is not None or all(name in table.columns for name in NIXTLA)


def lay_out_long(table: Table, reading: Reading, notes: Notes) -> Layout:
    """A table with one row per step; rows of one id are one record, in the order of the time column if there is one.

    An id of several columns, `country,product`, is what stands in them with `/` between.

    Rows of different ids may be interleaved. A column with one value per id is a value of the record: the label, or an
    input (`features`, or one field for each column of words). Other columns are as in `read_series`. A table that is
    not in memory is read record by record if its rows are in order; else it is loaded.
    Raises `UserError` for a row without an id, a time that is twice in a sequence or does not parse.
    """
    table, parts = _with_key(table, reading.id)
    head = table.head()
    if reading.id is None and reading.wish.target is None and reading.target is None:
        wish = reading.wish._replace(target="none")  # so named, a column y of counts holds amounts and no classes
        reading = replace(reading, wish=wish)
    id_column = table.require(reading.id or NIXTLA[0], "--id")
    target, guessed = find_target(table, reading)
    group = None if reading.group is None else table.require(reading.group, "--group")
    time = _time_column(table, head, id_column, reading)
    used = {id_column, time, target, group, *parts}
    inputs = input_columns(table, reading, used, notes, required=target is None)

    ids = _ids(table, id_column)
    names, order, times = ids.names, None, None
    if time is not None:
        times = read_times(table.column(time), table.place, reading.time_form)
        order = order_of_steps(ids.codes, times.values, table.place, notes)
    elif (np.diff(ids.codes) < 0).any():
        order = np.argsort(ids.codes, kind="stable")
    sorted_ids = ids.codes if order is None else ids.codes[order]
    bounds = np.searchsorted(sorted_ids, np.arange(len(names) + 1))
    rate = None
    if times is not None:
        times = times if order is None else Times(times.values[order], times.form)
        rate = count_irregular(times.values, bounds, notes)
    hint_at_unread(head, inputs, notes)

    constant = _constant(table, ids, [*inputs, *filter(None, (target, group))], table.length == len(names))
    if group is not None and group not in constant:
        raise UserError(f"{table.name}: column {group!r} (--group) changes within one {id_column}; name another")
    first = np.minimum(bounds[:-1], table.length - 1) if order is None else order[bounds[:-1]]
    static_columns = [name for name in (*inputs, target) if name is not None and name in constant]
    fields, static = _static_fields(table, first, static_columns, target, reading, notes)

    timed = [name for name in inputs if name not in constant]
    step_target = target if target is not None and target not in constant else None
    # The text of the target is not kept, so it is given right here.
    steps = timed_fields(
        table, timed, step_target, reading, rate, None if step_target is None else table.column(step_target)
    )
    if not steps:
        raise UserError(
            f"{table.name} has no column that changes within one {id_column}; is {id_column!r} (--id) what tells the "
            f"sequences apart? Its columns are {shown(table.columns)}"
        )
    guess = target if guessed else None

    def read(notes: Notes) -> StepSource:
        return StepSource(
            [*steps, *fields],
            _rows(table, steps, order, notes),
            bounds,
            lambda index: f"{table.name}, {id_column} {names[index]}",
            static,
            times,
            None if group is None else (group, words(_at(table, group, first)).fill_null("").to_list()),
            guess,
        )

    return Layout((*steps, *fields), guess, read, dated=times is not None)


def _with_key(table: Table, key: str | None) -> tuple[Table, list[str]]:
    """The table with a column for a key of several, `country,product`, and these; as it is for a key of one column."""
    if key is None or key in table.columns or "," not in key:
        return table, []
    parts = [table.require(part.strip(), "--id") for part in key.split(",")]
    joined = pl.concat_str([pl.col(part).cast(pl.String) for part in parts], separator="/").alias(key)
    return replace(table, frame=table.frame.with_columns(joined), columns={**table.columns, key: pl.String()}), parts


def _time_column(table: Table, head: pl.DataFrame, id_column: str, reading: Reading) -> str | None:
    """As for a series; and numbers named like a time that begin anew with each sequence, none of them twice in one."""
    column = time_column(table.without([id_column]), reading)
    candidates = [name for name in table.columns if named_like_time(name) and name not in (id_column, reading.target)]
    anew = (
        name for name in candidates if table.is_numeric(name) and not head.select(id_column, name).is_duplicated().any()
    )
    return column or next(anew, None)


def _ids(table: Table, id_column: str) -> Codes:
    parts = []
    for start, block in table.blocks([id_column]):
        missing = block[id_column].is_null().arg_true()
        if len(missing):
            location = table.place(start + missing[0])
            raise UserError(f"{location}: column {id_column!r} (--id) is empty; fill it in or drop the row")
        parts.append(codes(block[id_column], Notes()))
    return join_codes(parts)


def _constant(table: Table, ids: Codes, columns: list[str], single_rows: bool) -> set[str]:
    """The columns with one value per id. If all sequences have one row, or there is one, only words can be such."""
    head = table.head()
    single = single_rows or len(ids.names) == 1
    candidates = [name for name in columns if not (single and table.is_numeric(name))]
    # Most columns change within the first rows; only the others are looked at as a whole.
    values = {name: _add_values(None, head[name], ids.codes) for name in candidates}
    left = [name for name, pairs in values.items() if pairs is not None]
    values = dict.fromkeys(left)
    for start, block in table.blocks(left) if left else ():
        for name in left:
            values[name] = _add_values(values[name], block[name], ids.codes[start:])
        left = [name for name in left if values[name] is not None]
        if not left:
            break
    return set(left)


def _add_values(before: pl.DataFrame | None, column: pl.Series, codes: np.ndarray) -> pl.DataFrame | None:
    """The value of each id, from those found before and those of further rows; None if one has two values."""
    pairs = pl.DataFrame({"id": codes[: len(column)], "value": column}).unique()
    both = pairs if before is None else pl.concat([before, pairs]).unique()
    return None if both["id"].is_duplicated().any() else both


def _at(table: Table, column: str, rows: np.ndarray) -> pl.Series:
    return table.column(column)[rows]


def _static_fields(
    table: Table, first: np.ndarray, columns: list[str], target: str | None, reading: Reading, notes: Notes
) -> tuple[list[Field], dict[str, list[Any]]]:
    fields: list[Field] = []
    static: dict[str, list[Any]] = {}

    def place_of(record: int) -> str:
        return table.place(int(first[record]))

    values = {name: _at(table, name, first) for name in columns}
    features = [name for name in columns if name != target and table.is_numeric(name)]
    if features:
        fields.append(Field("features", "numeric", False, tuple(features)))
        frame = pl.DataFrame({name: values[name] for name in features})
        static["features"] = list(number_matrix(frame, place_of, notes, table.formats))
    for name in (name for name in columns if name not in features):
        column, form = values[name], table.facts[name].format
        if name == target and not (reading.label_separator or is_class(column, reading.wish.target, FEW, form)):
            amounts = numbers(column, place_of, Notes(), form)
            fields.append(Field(name, "numeric", False, (name,)))
            static[name] = [None if np.isnan(amount) else np.array([amount]) for amount in amounts]
            continue
        fields.append(Field(name, "categorical", False))
        labels = words(column).to_list()
        if name != target:
            labels = [label or "" for label in labels]
        else:
            hint_at_separator(column, reading, notes)
            separator = separator_of(column, reading)
            labels = [split_labels(label, separator) for label in labels] if separator else labels
        static[name] = labels
        notes.add("sequences without a label", column.null_count() if name == target else 0)
    return fields, static


def _rows(table: Table, fields: list[Field], order: np.ndarray | None, notes: Notes) -> Rows:
    columns = columns_of(fields)
    if isinstance(table.frame, pl.LazyFrame) and table.seekable and order is None:
        return _rows_on_disk(table, fields, columns, notes)
    return decode_steps(table.blocks(columns), table.length, fields, table.place, notes, table.formats, order)


def _rows_on_disk(table: Table, fields: list[Field], columns: list[str], notes: Notes) -> Rows:
    """Rows read when asked for; all are read once here, to count what is missing and refuse what is wrong."""

    def rows(start: int, stop: int, count: Notes | None = None) -> dict[str, Any]:
        def place_of(row: int) -> str:
            return table.place(start + row)

        frame = table.read(start, stop, columns)
        blocks, length = [(0, frame)], stop - start
        return decode_steps(blocks, length, fields, place_of, count or Notes(), table.formats)(0, length)

    block = 1 << 16
    for start in range(0, table.length, block):
        rows(start, min(start + block, table.length), notes)
    return rows
