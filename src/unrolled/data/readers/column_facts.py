"""What the columns of a table are, told from its first rows for all columns in one pass.

Text columns are laid one below the other and looked at as one, since a hundred thousand columns would else take as many
calls for every question. How numbers are written is decided for each column by those of its cells that can be read in
one way only, then by how training read it, then by the other columns of the file.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl

from unrolled.data.readers.written_numbers import EITHER, PER_CENT, PLAIN, WRITTEN, NumberFormat, unit_of

MISSING = ("", "?", "-", "NA", "N/A", "n/a", "#N/A", "null", "NULL", "None", "nan", "NaN", "NAN", "-nan")
"""how a missing number may be written; in a column of words these are words"""
MOSTLY = 0.8
"""a column of text holds numbers if so many of its cells do"""
CELLS = 2_000_000
"""cells looked at together"""
_WITHOUT_SPACES = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
SEVERAL_WORDS = rf"\S\s+\S|[{_WITHOUT_SPACES}]{{3}}"
"""a cell of several words; some scripts have no spaces between them"""

Kind = Literal["number", "truth", "words", "list", "time", "other"]


class Facts(NamedTuple):
    """One column, as far as its first rows say."""

    kind: Kind
    """`truth`: true and false of a typed file"""
    empty: bool = False
    """whether nothing stands in it but marks of missing values"""
    format: NumberFormat = PLAIN
    distinct: int = 0
    """of words: how many different cells"""
    filled: int = 0
    """of words: cells that are not empty"""
    longest: int = 0
    """of words: characters of the longest"""
    several: int = 0
    """of words: cells that hold several words"""
    numerals: int = 0
    """of words: cells with a digit"""
    truths: bool = False
    """of words: whether every cell that is not blank is true or false, in any case"""

    @property
    def numeric(self) -> bool:
        return self.kind in ("number", "truth")


class Found(NamedTuple):
    """The facts of all columns."""

    columns: dict[str, Facts]
    doubtful: list[str]
    """columns of numbers of which nothing tells what the mark in them is"""


class _Notation(NamedTuple):
    """How many cells of each column speak for what, int64 `[columns]` each."""

    known: np.ndarray
    """not empty, and no mark of a missing number"""
    point: np.ndarray
    """numbers, if a point stands before decimals"""
    comma: np.ndarray
    """numbers, if a comma does"""
    only_point: np.ndarray
    """numbers only so"""
    only_comma: np.ndarray
    either: np.ndarray
    """such as `1.230` or `1,230`"""
    unit: np.ndarray
    """object: the unit that most cells with one have, "" if none has"""
    united: np.ndarray
    """with that unit"""

    @property
    def numeric(self) -> np.ndarray:
        return (self.known > 0) & (np.maximum(self.point, self.comma) >= MOSTLY * self.known)


def find_facts(
    head: pl.DataFrame,
    whole: Callable[[list[str]], Iterator[pl.DataFrame]],
    *,
    usual: str | None = None,
    semicolons: bool = False,
    known: Mapping[str, NumberFormat] | None = None,
) -> Found:
    """The facts of all columns of a table, from its first rows.

    `usual` is the mark before decimals where the user said it; `semicolons` whether `;` parts the fields, as where the
    comma stands before decimals. `known` is how training read these columns; a model's column that is not in it had
    plain numbers. `whole` gives all rows of some columns in blocks, for those whose first rows leave it open.
    """
    nothing = {column.name for column in head.get_columns() if column.null_count() == head.height}
    columns = {name: Facts(_typed(dtype), name in nothing) for name, dtype in head.schema.items() if dtype != pl.String}
    texts = [name for name in head.columns if name not in columns]
    if not texts:
        return Found(columns, [])
    notations = [_notation(block) for block in _blocks(head.select(texts))]
    notation = _Notation(*(np.concatenate(parts) for parts in zip(*notations, strict=True)))
    numeric = notation.numeric
    marks = dict(zip(texts, _marks(notation), strict=True))
    priors = {name: usual or _prior(name, known, semicolons) for name in texts}
    undecided = [
        name
        for index, name in enumerate(texts)
        if numeric[index] and notation.either[index] and marks[name] is None and priors[name] is None
    ]
    if undecided:
        for rows in whole(undecided):
            marks |= {name: mark for name, mark in zip(undecided, _marks(_notation(rows)), strict=True) if mark}
    of_file = _mark_of_file(notation, numeric)
    fallback = of_file or ("," if semicolons else ".")
    for index, name in enumerate(texts):
        if numeric[index]:
            mark = marks[name] or priors[name] or fallback
            before = None if known is None else known.get(name, PLAIN).unit
            columns[name] = Facts("number", format=NumberFormat(mark, _unit(notation, index, before)))
    empty = {name for index, name in enumerate(texts) if not notation.known[index]}
    words = _words(head.select(name for name in texts if name not in columns))
    columns |= {name: facts._replace(empty=name in empty) for name, facts in words.items()}
    doubtful = [name for name in undecided if marks[name] is None and of_file is None]
    return Found({name: columns[name] for name in head.columns}, doubtful)


def _typed(dtype: Any) -> Kind:
    if dtype == pl.Boolean:
        return "truth"
    if dtype.is_numeric():
        return "number"
    return "list" if dtype.is_nested() else "time" if dtype.is_temporal() else "other"


def _blocks(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    width = max(1, CELLS // max(1, frame.height))
    return (frame.select(frame.columns[start : start + width]) for start in range(0, frame.width, width))


def one_below_the_other(frame: pl.DataFrame) -> pl.Series:
    """The columns of a frame, all of one type, as one."""
    return pl.concat([column.alias("") for column in frame.get_columns()], rechunk=True)


def _notation(frame: pl.DataFrame) -> _Notation:
    cells, places = one_below_the_other(frame), np.repeat(np.arange(frame.width), frame.height)

    def count(flags: pl.Series) -> np.ndarray:
        return np.bincount(places[flags.fill_null(False).to_numpy()], minlength=frame.width)

    known = cells.is_not_null() & ~cells.is_in(MISSING)
    plain = known & cells.cast(pl.Float64, strict=False).is_not_null()
    pointed = plain & cells.str.contains(".", literal=True)
    either = pointed & cells.str.contains(EITHER)
    only_point = pointed & ~either
    notation = _Notation(
        known=count(known),
        point=count(plain),
        comma=count(plain & ~only_point),
        only_point=count(only_point),
        only_comma=np.zeros(frame.width, dtype=np.int64),
        either=count(either),
        unit=np.full(frame.width, "", dtype=object),
        united=np.zeros(frame.width, dtype=np.int64),
    )
    others = (known & ~plain).arg_true()
    if not len(others):
        return notation
    cells, places = cells.gather(others), places[others.to_numpy()]
    point, comma = cells.str.contains(WRITTEN["."]), cells.str.contains(WRITTEN[","])
    if not (point | comma).any():
        return notation
    both = point & comma
    for total, flags in (
        (notation.point, point),
        (notation.comma, comma),
        (notation.only_point, point & ~comma),
        (notation.only_comma, comma & ~point),
        (notation.either, both & cells.str.contains("[.,]")),
    ):
        total += count(flags)
    signs = pl.DataFrame({"column": places, "unit": unit_of(cells, ".").fill_null(unit_of(cells, ","))})
    usual = signs.filter(pl.col("unit") != "").group_by("column", "unit").len().sort("len", "unit")
    for column, unit, number in usual.iter_rows():  # the most frequent comes last
        notation.unit[column], notation.united[column] = unit, number
    return notation


def _marks(notation: _Notation) -> list[str | None]:
    """The mark before decimals of each column by its own cells; None if they leave it open."""
    pairs = zip(notation.only_point.tolist(), notation.only_comma.tolist(), strict=True)
    return [None if point == comma else "." if point > comma else "," for point, comma in pairs]


def _prior(name: str, known: Mapping[str, NumberFormat] | None, semicolons: bool) -> str | None:
    if known is None:
        return None
    return known[name].decimal if name in known else None if semicolons else "."


def _mark_of_file(notation: _Notation, numeric: np.ndarray) -> str | None:
    """The mark before decimals in all columns, if they agree."""
    point, comma = (bool(marked[numeric].any()) for marked in (notation.only_point, notation.only_comma))
    return None if point == comma else "." if point else ","


def _unit(notation: _Notation, index: int, before: str | None) -> str:
    """The currency or per-cent sign of a column. One that training had stays, and so do numbers without per cents."""
    unit = str(notation.unit[index])
    if unit == PER_CENT and notation.united[index] < 0.5 * notation.known[index]:
        unit = ""
    if before is None or (not before and unit != PER_CENT):
        return unit
    return before


def _words(frame: pl.DataFrame) -> dict[str, Facts]:
    facts = {name: Facts("words") for name in frame.columns}
    for block in _blocks(frame):
        cells = one_below_the_other(block)
        small = cells.str.strip_chars().str.to_lowercase()
        table = pl.DataFrame(
            {
                "column": np.repeat(np.arange(block.width), block.height),
                "cell": cells,
                "length": cells.str.len_chars(),
                "several": cells.str.contains(SEVERAL_WORDS),
                "numeral": cells.str.contains(r"\d"),
                "truth": small.is_in(["true", "false"]),
                "blank": small == "",
            }
        ).drop_nulls("cell")
        rows = (
            table.group_by("column")
            .agg(
                pl.col("cell").n_unique(),
                pl.len(),
                pl.col("length").max(),
                pl.col("several").sum(),
                pl.col("numeral").sum(),
                pl.col("truth").any() & (pl.col("truth") | pl.col("blank")).all(),
            )
            .sort("column")
        )
        facts |= {block.columns[column]: Facts("words", False, PLAIN, *rest) for column, *rest in rows.iter_rows()}
    return facts
