"""Tables in files: telling apart what a table may be, and opening it."""

from pathlib import Path
from typing import Literal

import polars as pl

from unrolled.data.readers.column_roles import find_target, steps_of_series
from unrolled.data.readers.columns import Table, open_table, shown
from unrolled.data.readers.labelled_steps import with_label_first
from unrolled.data.readers.labelled_text import is_labelled_text, read_labelled_table
from unrolled.data.readers.long_tables import is_long, read_long
from unrolled.data.readers.parallel_text import is_parallel_text, read_parallel_table
from unrolled.data.readers.series import read_series, time_column
from unrolled.data.readers.series_rows import is_series_rows, read_series_rows
from unrolled.data.readers.wide_tables import read_wide
from unrolled.data.readers.written_numbers import PER_CENT, PLAIN, parse
from unrolled.data.records import Notes, Reading, Source
from unrolled.errors import UserError

Layout = Literal["wide", "long", "series", "labelled-text", "parallel-text", "series-rows"]

_READERS = {
    "wide": read_wide,
    "long": read_long,
    "series": read_series,
    "labelled-text": read_labelled_table,
    "parallel-text": read_parallel_table,
    "series-rows": read_series_rows,
}


def read_table(paths: list[Path], reading: Reading, notes: Notes) -> Source:
    """The records of a table in one file, in the layout that `table_layout` finds.

    Raises `UserError` if the file is damaged, its layout cannot be told, or a value does not fit its column.
    """
    if len(paths) != 1:
        raise UserError(
            f"tables are read one at a time, and {len(paths)} were given: {shown(map(str, paths))}; name one of them"
        )
    table = open_table(paths[0], notes)
    return read_open_table(table, reading, notes)


def read_open_table(table: Table, reading: Reading, notes: Notes) -> Source:
    """The records of a table that is open already."""
    table = with_label_first(table.read_by(reading), reading, notes)
    _say_numbers(table, notes)
    source = _READERS[layout_of(table, reading)](table, reading, notes)
    source.formats = {name: (form.decimal, form.unit) for name, form in table.formats.items() if form != PLAIN}
    return source


def _say_numbers(table: Table, notes: Notes) -> None:
    """Notes on numbers that are written in another way than programs do, and on those that could be read otherwise."""
    said: dict[str, int] = {}
    for form in table.formats.values():
        if form != PLAIN:
            kind = "a per-cent sign, which changes nothing" if form.unit == PER_CENT else form.unit
            marked = [
                f"with {mark}" for mark in ("a comma before decimals" if form.decimal == "," else "", kind) if mark
            ]
            what = f"columns of numbers {' and '.join(marked)}"
            said[what] = said.get(what, 0) + 1
    for what, count in said.items():
        notes.add(what, count)
    if table.doubtful:
        name = table.doubtful[0]
        cells = table.head()[name].drop_nulls()
        cell = cells.filter(cells.str.contains("[.,]"))[0]
        value = parse(cells.filter(cells == cell), table.formats[name])[0]
        other = "point" if table.formats[name].decimal == "," else "comma"
        more = f" and {len(table.doubtful) - 1} more columns" if len(table.doubtful) > 1 else ""
        notes.hint(
            f"{cell!r} in {name}{more} is read as {value:.10g}; if a {other} stands before decimals there, say so with "
            f"--data.decimal {other}"
        )


def table_layout(path: Path, reading: Reading) -> Layout:
    """What a table holds. Raises `UserError` with the candidates and the flag that chooses, if that cannot be told."""
    return layout_of(open_table(path, Notes()), reading)


def layout_of(table: Table, reading: Reading) -> Layout:
    """What an open table holds, from its head.

    In this order: `series-rows` if rows hold lists as GluonTS writes them; `long` if `--id` is given or the names are
    Nixtla's; `parallel-text` or `labelled-text` if it has two columns of that kind; `wide` if a column has lists or the
    columns count steps; `series` if it has a time column (but `wide` if the task is `classify` or `regress`), or if the
    task is `forecast` or `tag`; `wide` if it has a target.
    """
    table = with_label_first(table.read_by(reading), reading, Notes())
    if is_series_rows(table, reading):
        return "series-rows"
    if is_long(table, reading):
        return "long"
    if is_parallel_text(table, reading):
        return "parallel-text"
    if is_labelled_text(table, reading):
        return "labelled-text"
    head = table.head()
    numeric = [name for name in table.columns if table.is_numeric(name)]
    whole_record = reading.task in ("classify", "regress", "describe", "translate", "transcribe")
    nested = any(dtype.is_nested() for dtype in table.columns.values())
    if nested or steps_of_series([name for name in numeric if name != reading.target], reading):
        return "wide"
    time = time_column(table, reading)
    if time is not None and not (whole_record and reading.time is None):
        _refuse_panel(table, head, time)
        return "series"
    if reading.task in ("forecast", "tag"):
        return "series"
    target, _ = find_target(table, reading)
    if whole_record or target is not None or reading.group is not None or not numeric:
        _refuse_repeated_id(table, head, reading, target)
        return "wide"
    if len(table.columns) == 1:
        return "series"
    raise UserError(
        f"{table.name} may be a series with a step per row (choose with --task forecast, or --time COLUMN), or a table "
        f"with a record per row (choose with --target COLUMN), or with sequences one below the other (--id COLUMN); "
        f"its columns are {shown(table.columns)}"
    )


def _refuse_panel(table: Table, head: pl.DataFrame, time: str) -> None:
    """Raise `UserError` if times repeat and another column tells the rows of a time apart."""
    if head[time].n_unique() == len(head):
        return
    candidates = [
        name
        for name in table.columns
        if name != time
        and not head[name].dtype.is_float()
        and head[name].n_unique() < len(head)
        and not head.select(time, name).is_duplicated().any()
    ]
    words = [name for name in candidates if head[name].dtype == pl.String]
    clock = next((name for name in words if head[name].drop_nulls().str.contains(r"^[0-9]{1,2}:[0-9]{2}").all()), None)
    if clock is not None:
        raise UserError(
            f"{table.name} has the day in {time!r} and the time of day in {clock!r}; put both into one column, such as "
            "2012-01-31 18:30:00"
        )
    candidates.sort(key=lambda name: (table.is_numeric(name), head[name].n_unique()))
    if candidates:
        raise UserError(
            f"{table.name} has the same {time!r} in several rows, so that it seems to hold several sequences one below "
            f"the other; name the column that tells them apart: --id {candidates[0]} (or another of "
            f"{shown(candidates)})"
        )


def _refuse_repeated_id(table: Table, head: pl.DataFrame, reading: Reading, target: str | None) -> None:
    """Raise `UserError` if a column called id has the same value in several rows: records, or steps of one?"""
    named = [name for name in table.columns if name.lower() == "id" or name.lower().endswith(("_id", " id"))]
    for name in named:
        if name in (target, reading.group, *reading.inputs) or head[name].n_unique() == len(head):
            continue
        raise UserError(
            f"{table.name} has the same {name!r} in several rows: choose --id {name} if these rows are the steps of "
            f"one sequence, --group {name} if each row is a record of its own"
        )
