"""What each column of a table is for: target, inputs, identifiers; and which columns are the steps of a series."""

import fnmatch
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import polars as pl

from unrolled.data.readers.column_facts import Facts
from unrolled.data.readers.columns import SAMPLE, Table, nearest, shown
from unrolled.data.readers.times import TIME_NAMES, is_time
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError

LABEL_NAMES = (
    *("label", "labels", "class", "classes", "target", "category", "y", "tags", "ner_tags", "pos_tags", "tag"),
    *("classification", "sentiment", "outcome", "diagnosis", "species"),
)
"""names of columns taken as the target if none is named, most telling first"""
FEWEST_STEPS = 8
"""numbered columns are steps of a series from this many on"""
_IDENTIFIER = re.compile(r"(.*[_ ])?(id|idx|index|name|uuid|guid|key|file|filename|path)|unnamed: \d+|", re.I)
_NUMBERED = re.compile(r"(.*?)[ _.-]?(\d+)$")
_FEATURE_PREFIXES = frozenset(
    [
        "f",
        "feat",
        "feature",
        "features",
        "v",
        "var",
        "variable",
        "pc",
        "dim",
        "attr",
        "attribute",
        "col",
        "column",
        "field",
        "q",
    ]
)


NAMELESS = "without a name"


class Steps(NamedTuple):
    """Columns that are one channel's values at step 0, 1, 2, ..."""

    channel: str
    columns: list[str]


def find_target(table: Table, reading: Reading) -> tuple[str | None, bool]:
    """The target column, and whether it is a guess. Raises `UserError` if the user named one that is not there."""
    if reading.unlabelled:
        return reading.target if reading.target in table.columns else None, False
    if reading.target is not None:
        return table.require(reading.target, "--target"), False
    lower = {column.lower(): column for column in table.columns if column not in reading.inputs}
    used = {reading.id, reading.time, reading.group}
    guess = next((lower[name] for name in LABEL_NAMES if name in lower and lower[name] not in used), None)
    return guess, guess is not None


def time_columns(table: Table) -> Iterator[str]:
    """The columns that hold times, as far as name and content tell."""
    head = table.head()
    return (name for name, facts in table.facts.items() if _may_be_time(name, facts) and is_time(name, head[name]))


def _may_be_time(name: str, facts: Facts) -> bool:
    """Whether a column is worth a look at its cells: times in words have digits, those in numbers a name."""
    if facts.numeric:
        return name.lower() in TIME_NAMES
    return facts.kind == "time" or (facts.kind == "words" and facts.numerals >= 0.5 * facts.filled > 0)


def input_columns(
    table: Table,
    reading: Reading,
    used: Iterable[str | None],
    notes: Notes,
    required: bool = True,
) -> list[str]:
    """The columns to learn from, in the order of the table; what is left out as useless is noted by name.

    `reading.inputs` names them, also with `*`; else they are all that are not used otherwise, without those that are
    empty and those that look like identifiers: named id, index, name, file, ... and different in nearly every row.
    """
    used = set(used)
    if reading.inputs:
        named = _named(table, reading.inputs)
        return [
            column for column in table.columns if column in named and (column in reading.inputs or column not in used)
        ]
    numbers = [
        column
        for column in table.columns
        if column not in used and (table.facts[column].numeric or table.facts[column].empty)
    ]
    stepped = {column for channel in steps_of_series(numbers, reading) for column in channel.columns}
    times = {column for column in time_columns(table) if table.facts[column].kind == "words"}
    kept = []
    for column in table.columns:
        if column in used:
            continue
        if column in stepped:
            kept.append(column)
        elif column in times:
            notes.add(f"columns of times, which are not read as words, left out ({column or NAMELESS})")
        elif table.facts[column].empty and table.length <= SAMPLE:
            notes.add(f"empty columns left out ({column or NAMELESS})")
        elif _IDENTIFIER.fullmatch(column) and _nearly_unique(table.head()[column], table.is_numeric(column)):
            notes.add(f"columns left out as identifiers ({column or NAMELESS})")
        else:
            kept.append(column)
    if required and not kept:
        raise UserError(
            f"{table.name} has no column to learn from besides {shown(sorted({*filter(None, used), *times}))}; "
            f"name some with --inputs, out of {shown(table.columns)}"
        )
    return kept


def _named(table: Table, inputs: Iterable[str]) -> set[str]:
    columns: set[str] = set()
    for name in inputs:
        matching = [name] if name in table.columns else fnmatch.filter(table.columns, name)
        if not matching:
            raise UserError(
                f"{table.name} has no column {name!r} (--inputs){nearest(name, table.columns)}; "
                f"its columns are {shown(table.columns)}"
            )
        columns.update(matching)
    return columns


def _nearly_unique(values: pl.Series, numeric: bool) -> bool:
    if values.dtype.is_float() or values.dtype.is_nested() or len(values) < 2:
        return False
    if numeric:  # measured integers may differ too, but hardly rise by one
        steps = values.cast(pl.Float64, strict=False).diff().drop_nulls()
        return bool(len(steps)) and bool((steps == 1).all())
    return values.n_unique() >= 0.95 * len(values)


def steps_of_series(columns: list[str], reading: Reading) -> list[Steps]:
    """The channels among numeric columns whose names count steps: `t0 t1 t2 ...`, `0 1 2 ...`, `x_1 x_2 ... y_1 ...`.

    Each channel is a prefix with consecutive numbers, the same for all channels, at least `FEWEST_STEPS` of them. Names
    that speak of features (`feature_0`, `V1`, `pc1`, ...) are not steps, unless the user says `--inputs 'V*'`: columns
    named by a pattern are steps, columns named one by one are features.
    """
    if reading.inputs:
        patterns = [name for name in reading.inputs if "*" in name]
        columns = [column for column in columns if any(fnmatch.fnmatch(column, pattern) for pattern in patterns)]
    channels: dict[str, list[tuple[int, str]]] = {}
    for column in columns:
        match = _NUMBERED.match(column)
        if match:
            channels.setdefault(match[1], []).append((int(match[2]), column))
    series = {prefix: sorted(steps) for prefix, steps in channels.items() if _counts_on(sorted(steps))}
    if not reading.inputs:
        series = {
            prefix: steps
            for prefix, steps in series.items()
            if len(steps) >= FEWEST_STEPS and prefix.lower() not in _FEATURE_PREFIXES
        }
    if len({tuple(number for number, _ in steps) for steps in series.values()}) != 1:
        return []
    return [Steps(prefix or "value", [column for _, column in steps]) for prefix, steps in series.items()]


def _counts_on(steps: list[tuple[int, str]]) -> bool:
    return len(steps) > 1 and all(number == steps[0][0] + offset for offset, (number, _) in enumerate(steps))
