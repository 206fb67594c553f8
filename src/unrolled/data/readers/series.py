"""Plain series: a table with one row per step, all of one record."""

import numpy as np

from unrolled.data.readers.column_roles import find_target, input_columns, time_columns
from unrolled.data.readers.columns import Table
from unrolled.data.readers.offers import Layout
from unrolled.data.readers.steps import StepSource, columns_of, decode_steps, timed_fields
from unrolled.data.readers.times import Times, count_irregular, hint_at_unread, order_of_steps, read_times
from unrolled.data.records import Notes, Reading


def time_column(table: Table, reading: Reading) -> str | None:
    """The column with the times: as named by the user (`UserError` if it is not there), or the first that looks so."""
    if reading.time is not None:
        return table.require(reading.time, "--time")
    return next(time_columns(table), None)


def lay_out_series(table: Table, reading: Reading, notes: Notes) -> Layout:
    """A table whose rows are the steps of one record, in the order of its time column if it has one.

    Fields: `values`, numeric `[time, channels]` with all columns of numbers; each column of words, categorical or
    token; the target on its own. Rows out of order are sorted and counted, irregular steps are counted. Raises
    `UserError` for a time that is missing, twice there, or does not parse.
    """
    target = None if reading.target is None else find_target(table, reading)[0]
    time = time_column(table, reading)
    columns = [
        name for name in input_columns(table, reading, {time, target}, notes, required=target is None) if name != time
    ]
    bounds = np.array([0, table.length])
    times = rate = order = None
    if time is not None:
        times = read_times(table.column(time), table.place, reading.time_form)
        order = order_of_steps(np.zeros(table.length, dtype=np.int64), times.values, table.place, notes)
        times = times if order is None else Times(times.values[order], times.form)
        rate = count_irregular(times.values, bounds, notes)
    hint_at_unread(table.head(), columns, notes)
    fields = timed_fields(table, columns, target, reading, rate, None if target is None else table.column(target))

    def read(notes: Notes) -> StepSource:
        blocks = table.blocks(columns_of(fields))
        rows = decode_steps(blocks, table.length, fields, table.place, notes, table.formats, order)
        return StepSource(fields, rows, bounds, lambda _: table.name, times=times)

    return Layout(tuple(fields), None, read, dated=times is not None)
