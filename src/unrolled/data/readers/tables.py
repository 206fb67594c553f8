"""Tables in files: telling apart what a table may be, and opening it."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import polars as pl

from unrolled.data.readers.column_roles import find_target, steps_of_series
from unrolled.data.readers.columns import Table, open_table, shown
from unrolled.data.readers.labelled_steps import with_label_first
from unrolled.data.readers.labelled_text import is_labelled_text, lay_out_labelled
from unrolled.data.readers.long_tables import is_long, lay_out_long
from unrolled.data.readers.offers import Layout, Offer, pick
from unrolled.data.readers.parallel_text import has_two_texts, is_parallel_text, lay_out_parallel
from unrolled.data.readers.series import lay_out_series, time_column
from unrolled.data.readers.series_rows import START, is_series_rows, lay_out_series_rows
from unrolled.data.readers.wide_tables import lay_out_wide
from unrolled.data.readers.written_numbers import PER_CENT, PLAIN, parse
from unrolled.data.records import Notes, Reading, Shape, Source
from unrolled.errors import UserError

_LAYOUTS: dict[Shape, Callable[[Table, Reading, Notes], Layout]] = {
    "wide": lay_out_wide,
    "long": lay_out_long,
    "series": lay_out_series,
    "labelled-text": lay_out_labelled,
    "parallel-text": lay_out_parallel,
    "series-rows": lay_out_series_rows,
}


def read_table(paths: list[Path], reading: Reading, notes: Notes) -> Source:
    """The records of a table in one file, in the shape that is wanted or suggested (see `table_offers`).

    Raises `UserError` if the file is damaged, its shape cannot be told, or a value does not fit its column.
    """
    own = Notes()
    table = open_one(paths, own)
    return pick(table_offers(table, reading, own), reading.wish.shapes).open(notes)


def open_one(paths: list[Path], notes: Notes) -> Table:
    """The table in one file. Raises `UserError` for several."""
    if len(paths) != 1:
        raise UserError(
            f"tables are read one at a time, and {len(paths)} were given: {shown(map(str, paths))}; name one of them"
        )
    return open_table(paths[0], notes)


def read_open_table(table: Table, reading: Reading, notes: Notes) -> Source:
    """The records of a table that is open already."""
    return pick(table_offers(table, reading), reading.wish.shapes).open(notes)


def _say_numbers(table: Table, notes: Notes) -> None:
    """Notes on numbers that are written in another way than programs do, and on those that could be read otherwise."""
    counts: dict[str, int] = {}
    for form in table.formats.values():
        if form != PLAIN:
            kind = "a per-cent sign, which changes nothing" if form.unit == PER_CENT else form.unit
            marked = [
                f"with {mark}" for mark in ("a comma before decimals" if form.decimal == "," else "", kind) if mark
            ]
            what = f"columns of numbers {' and '.join(marked)}"
            counts[what] = counts.get(what, 0) + 1
    for what, count in counts.items():
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


def table_layout(path: Path, reading: Reading) -> Shape:
    """What a table holds. Raises `UserError` with the candidates and the flag that chooses, if that cannot be told."""
    offer = pick(table_offers(open_table(path, Notes()), reading), reading.wish.shapes)
    offer.check()
    return offer.shape


def table_offers(table: Table, reading: Reading, before: Notes | None = None) -> Iterator[Offer]:
    """What an open table may be, from its head. `before` has what was counted in opening it.

    In this order: `series-rows` if rows hold lists as GluonTS writes them; `long` if `--id` is given or the names are
    Nixtla's; `parallel-text` and `labelled-text` if it has two columns of that kind; `wide` alone if a column has lists
    or the columns count steps; `series` alone if the user named its times; `wide` and `series`, whichever is wanted
    more: it looks like a series if it has a time column or is one column of numbers, else like records if there is a
    target or a group, or no numbers.
    """
    hints = Notes()
    table = with_label_first(table.read_by(reading), reading, hints)

    def offer(shape: Shape, *, likely: bool = True, check: Callable[[], None] | None = None) -> Offer:
        def lay_out(notes: Notes) -> Layout:
            notes.update(hints)
            _say_numbers(table, notes)
            layout = _LAYOUTS[shape](table, reading, notes)
            return layout._replace(open=partial(_open, table, layout))

        return Offer(
            shape, table.name, lay_out, likely=likely, before=before, columns=shown(table.columns), check=check
        )

    if is_series_rows(table, reading):
        yield offer("series-rows", likely=START in table.columns)
    if is_long(table, reading):
        yield offer("long")
    if has_two_texts(table):
        yield offer("parallel-text", likely=is_parallel_text(table, reading))
    if is_labelled_text(table, reading):
        yield offer("labelled-text")
    numeric = [name for name in table.columns if table.is_numeric(name)]
    nested = any(dtype.is_nested() for dtype in table.columns.values())
    if nested or steps_of_series([name for name in numeric if name != reading.target], reading):
        yield offer("wide")
        return
    time = time_column(table, reading)
    series = partial(offer, "series", check=None if time is None else partial(_refuse_panel, table, time))
    if reading.time is not None:
        yield series()
        return
    # A target that is not there is refused by whoever reads it.
    target = reading.target if reading.target and not reading.unlabelled else find_target(table, reading)[0]
    records = target is not None or reading.group is not None or not numeric
    wide = offer("wide", likely=time is None and records, check=partial(_refuse_repeated_id, table, reading, target))
    alone = time is not None or (len(table.columns) == 1 and not records)
    both = {"wide": wide, "series": series(likely=alone)}
    yield from (both[shape] for shape in sorted(both, key=(*reading.wish.shapes, *both).index))


def _open(table: Table, layout: Layout, notes: Notes) -> Source:
    source = layout.open(notes)
    source.formats = {name: (form.decimal, form.unit) for name, form in table.formats.items() if form != PLAIN}
    return source


def _refuse_panel(table: Table, time: str) -> None:
    """Raise `UserError` if times repeat and another column tells the rows of a time apart."""
    head = table.head()
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


def _refuse_repeated_id(table: Table, reading: Reading, target: str | None) -> None:
    """Raise `UserError` if a column called id has the same value in several rows: records, or steps of one?"""
    head = table.head()
    named = [name for name in table.columns if name.lower() == "id" or name.lower().endswith(("_id", " id"))]
    for name in named:
        if name in (target, reading.group, *reading.inputs) or head[name].n_unique() == len(head):
            continue
        raise UserError(
            f"{table.name} has the same {name!r} in several rows: choose --id {name} if these rows are the steps of "
            f"one sequence, --group {name} if each row is a record of its own"
        )
