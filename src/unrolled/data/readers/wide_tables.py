"""Wide tables: one record per row."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import polars as pl

from unrolled.data.readers import decoders
from unrolled.data.readers.cells import FEW, is_class, words
from unrolled.data.readers.column_facts import Facts
from unrolled.data.readers.column_roles import Steps, find_target, input_columns, steps_of_series
from unrolled.data.readers.columns import Table
from unrolled.data.readers.offers import Layout
from unrolled.data.records import GROUP, Field, Notes, Reading, Record, Source

BLOCK = 4096
"""rows decoded at once of a table in which rows can be found again"""


SUBJECTS = frozenset(
    "subject subj patient participant person individual user speaker volunteer student animal mouse rat".split()  # noqa: SIM905
)
"""names of columns that say whom a row belongs to"""


class Column(NamedTuple):
    """A field, and how its values come out of a block of rows."""

    field: Field
    decode: decoders.Decoder
    columns: list[str]


Block = dict[str, Callable[[int], Any]]
"""Of each field the function that gives its value in a row of a block."""


class WideSource(Source):
    """Records that are rows.

    Opening it reads every row once, block by block, so that missing values are counted and bad ones refused before
    anything starts. What was decoded stays, except of a table on the disk in which rows can be found again: of that the
    last few blocks stay.
    """

    def __init__(
        self,
        table: Table,
        columns: list[Column],
        group: str | None,
        guess: str | None,
        notes: Notes,
        own_group: str | None = None,
    ) -> None:
        self.fields = tuple(column.field for column in columns)
        self.target_guess = guess
        self._table, self._columns, self._group = table, columns, group
        self._own_group = own_group
        self._needed = list(dict.fromkeys(name for column in columns for name in column.columns))
        again = isinstance(table.frame, pl.LazyFrame) and table.seekable
        seek = ((start, self._read(start)) for start in range(0, table.length, BLOCK))
        blocks: Iterator[tuple[int, pl.DataFrame]] = seek if again else table.blocks(self._needed)
        starts, decoded = [], []
        for start, frame in blocks:
            block = self._decode(start, frame, notes)
            starts.append(start)
            decoded.append(None if again else block)
        self._starts, self._decoded = starts, decoded
        self._read_again = lru_cache(maxsize=4)(lambda start: self._decode(start, self._read(start), Notes()))

    def __len__(self) -> int:
        return self._table.length

    def record(self, index: int) -> Record:
        number = bisect_right(self._starts, index) - 1
        start = self._starts[number]
        block = self._decoded[number] or self._read_again(start)
        values = {name: value(index - start) for name, value in block.items()}
        return Record(values, self._table.place(index))

    def labels(self, name: str) -> list[str] | None:
        field = self.field(name)
        if field.kind != "categorical" or field.timed:
            return None
        return _label_words(self._table.column(name))

    def groups(self, name: str) -> list[str] | None:
        column = name if name == self._group else self._own_group if name == GROUP else None
        return None if column is None else _label_words(self._table.column(column))

    def _read(self, start: int) -> pl.DataFrame:
        return self._table.read(start, min(start + BLOCK, self._table.length), self._needed)

    def _decode(self, start: int, frame: pl.DataFrame, notes: Notes) -> Block:
        def place_of(row: int) -> str:
            return self._table.place(start + row)

        return {
            column.field.name: column.decode(frame.select(column.columns), place_of, notes) for column in self._columns
        }


def lay_out_wide(table: Table, reading: Reading, notes: Notes) -> Layout:
    """A table with one record per row.

    | columns | field (timed where it has `time`) |
    |---|---|
    | numbers whose names count steps (see `steps_of_series`) | `values` `[time, channels]`; missing ends are cut off |
    | other numbers | `features`, numeric `[channels]` |
    | lists of numbers, or of lists of numbers | numeric `[time, channels]` of the column's name |
    | lists of words | token; as a target categorical: per step if as long as another list column, else several labels |
    | words: few short different ones beside other columns, or none but true and false | categorical |
    | other words | text |
    | the target | categorical or numeric (see `is_class`); `a|b`, or with `reading.label_separator` `a;b`, is several |
    """
    head = table.head()
    target, guessed = find_target(table, reading)
    if reading.group is not None:
        table.require(reading.group, "--group")
    used = {target, reading.group, reading.time, reading.id}
    subject = _subject(table, reading, used)
    if subject is not None:
        used.add(subject)
        if reading.kinds is None:
            notes.hint(
                f"{subject!r} looks like whom a row belongs to: it is left out of the inputs, and no value of it is "
                f"on both sides of a split (as with --group {subject}); name the columns to read with --inputs"
            )
    inputs = input_columns(table, reading, used, notes)
    columns = _input_fields(table, head, inputs, reading, notes)
    if target is not None:
        columns.append(_target_field(table, head, target, inputs, guessed, reading, notes))
    guess = target if guessed else None
    fields = tuple(column.field for column in columns)
    facts = table.facts
    single = (f.name for f in fields if f.kind == "text" and 2 * facts[f.name].several <= facts[f.name].filled)

    def read(notes: Notes) -> WideSource:
        return WideSource(table, columns, reading.group, guess, notes, own_group=subject)

    return Layout(fields, guess, read, single_words=frozenset(single))


def _subject(table: Table, reading: Reading, used: set[str | None]) -> str | None:
    """The column that says whom a series in a row belongs to, by its name, if several rows belong to each."""
    numeric = [name for name in table.columns if name not in used and table.is_numeric(name)]
    if reading.group is not None or reading.inputs or not steps_of_series(numeric, reading):
        return None
    named = [name for name in table.columns if name not in used and name.lower().split("_")[0] in SUBJECTS]
    head = table.head()
    return next((name for name in named if 2 * head[name].n_unique() <= max(2, len(head))), None)


def _input_fields(table: Table, head: pl.DataFrame, inputs: list[str], reading: Reading, notes: Notes) -> list[Column]:
    facts = table.facts
    steps = steps_of_series([name for name in inputs if facts[name].numeric or facts[name].empty], reading)
    stepped = {name for channel in steps for name in channel.columns}
    features = [name for name in inputs if facts[name].numeric and name not in stepped]
    columns = []
    if steps:
        columns.append(_steps_field(table, steps))
    if features:
        field = Field("features", "numeric", timed=False, channels=tuple(features))
        columns.append(Column(field, decoders.features(table.formats), features))
    for name in (name for name in inputs if name not in stepped and not facts[name].numeric):
        column = head[name]
        if column.dtype.is_nested():
            columns.append(_list_field(table, column))
        elif column.dtype == pl.String:
            category = is_category(table, name, reading) or (len(inputs) > 1 and _few_short(facts[name]))
            field = Field(name, "categorical" if category else "text", timed=False)
            decode = decoders.category if category else decoders.text
            columns.append(Column(field, decode, [name]))
        else:
            notes.add(f"columns left out, since they hold {str(column.dtype).lower()} values ({name})")
    return columns


def _steps_field(table: Table, steps: list[Steps]) -> Column:
    field = Field("values", "numeric", timed=True, channels=tuple(channel.channel for channel in steps))
    names = [name for channel in steps for name in channel.columns]
    return Column(field, decoders.steps(len(steps), table.formats), names)


def _list_field(table: Table, column: pl.Series) -> Column:
    decoders.require_list_of_values(column, table.name)
    inner = column.dtype.inner  # type: ignore[attr-defined]
    if inner == pl.String:
        return Column(Field(column.name, "token", timed=True), decoders.tokens, [column.name])
    channels: tuple[str, ...] = (column.name,)
    if inner.is_nested():
        first = column.drop_nulls().explode().drop_nulls()
        width = len(first[0]) if len(first) else 1
        channels = tuple(f"{column.name}.{number}" for number in range(width))
    field = Field(column.name, "numeric", timed=True, channels=channels)
    return Column(field, decoders.series(len(channels), inner.is_nested()), [column.name])


def _target_field(
    table: Table, head: pl.DataFrame, target: str, inputs: list[str], guessed: bool, reading: Reading, notes: Notes
) -> Column:
    column = head[target]
    if column.dtype.is_nested():
        decoders.require_list_of_values(column, table.name)
        inner = column.dtype.inner  # type: ignore[attr-defined]
        lengths = column.list.len()
        if reading.wish.target == "sequence":
            return _list_field(table, column)
        beside = [head[name].list.len() for name in inputs if head[name].dtype.is_nested()]
        timed = reading.wish.target != "label" and any(other.equals(lengths, check_names=False) for other in beside)
        if timed and inner.is_float():
            return Column(Field(target, "numeric", True, (target,)), decoders.series(1, False), [target])
        if timed:
            return Column(Field(target, "categorical", timed=True), decoders.tokens, [target])
        if (inner.is_float() and reading.wish.target != "label") or reading.wish.target in ("number", "none"):
            return Column(Field(target, "numeric", True, (target,)), decoders.series(1, False), [target])
        return Column(Field(target, "categorical", timed=False), decoders.labels, [target])
    sequence = reading.wish.target == "sequence" and not table.is_numeric(target)
    if (reading.wish.target == "text" or sequence) and column.dtype == pl.String:
        return Column(Field(target, "text", timed=False), decoders.text, [target])
    most = 1000 if guessed and target.lower() not in ("y", "target", "outcome") else FEW
    values = table.column(target)
    if reading.label_separator or is_class(values, reading.wish.target, most, table.facts[target].format):
        decoders.hint_at_separator(values, reading, notes)
        decode = decoders.label(decoders.separator_of(values, reading))
        return Column(Field(target, "categorical", timed=False), decode, [target])
    field = Field(target, "numeric", timed=False, channels=(target,))
    return Column(field, decoders.number(table.facts[target].format), [target])


def is_category(table: Table, name: str, reading: Reading) -> bool:
    """Whether a column of words is a category whatever stands beside it: it was one in training, or holds nothing but
    true and false."""
    return (reading.kinds or {}).get(name) == "words" or table.facts[name].truths


def _few_short(facts: Facts) -> bool:
    return facts.distinct <= min(FEW, facts.filled / 2) and facts.longest <= 30


def _label_words(column: pl.Series) -> list[str]:
    if column.dtype.is_nested():
        column = column.cast(pl.List(pl.String)).list.join("|")
    return words(column).fill_null("").to_list()
