"""Parallel text: pairs of a source and a target text, from two files line by line or from a table of two columns."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from unrolled.data.readers import decoders, suffixes
from unrolled.data.readers.columns import Table
from unrolled.data.readers.header import names_a_pair
from unrolled.data.readers.labelled_text import drop_empty_text, is_labelled_text
from unrolled.data.readers.language_names import Pair, languages_of, pairs_in, training_folders
from unrolled.data.readers.offers import Layout
from unrolled.data.readers.series import time_column
from unrolled.data.readers.text_lines import TextLines
from unrolled.data.readers.wide_tables import Column, WideSource
from unrolled.data.records import Field, Notes, Reading, Record, Source
from unrolled.errors import UserError

LOOKED_AT = 100
"""lines that tell whether the first one is a header"""
FIELDS = (Field("source", "text", timed=False), Field("target", "text", timed=False))
_OTHER_SUFFIXES = frozenset(suffixes.EVERY) - {".fa"}  # which is Persian too


def has_two_texts(table: Table) -> bool:
    """Whether a table has two columns and both are of text."""
    text = (dtype == pl.String and not table.is_numeric(name) for name, dtype in table.columns.items())
    return len(table.columns) == 2 and all(text)


def is_parallel_text(table: Table, reading: Reading) -> bool:
    """Whether a table of two texts looks like pairs: neither looks like labels, and most cells of both hold several
    words or the header says that they are a pair."""
    several = all(2 * facts.several > facts.filled for facts in table.facts.values())
    named = not table.headless and names_a_pair([*table.columns], _first_rows(table))
    if not (several or named) or time_column(table, reading) is not None:
        return False
    return (several and named) or not is_labelled_text(table, reading)


def _first_rows(table: Table) -> list[list[str]]:
    return [[cell or "" for cell in row] for row in table.read(0, min(LOOKED_AT, table.length)).rows()]


def lay_out_parallel(table: Table, reading: Reading, notes: Notes) -> Layout:
    """A table of two columns of text: the fields `source`, the first, and `target`, the second; if `--target` names a
    column, that is the target and both fields are called as their columns.

    Pairs with an empty side are left out and counted; a header is said in the notes.
    """
    names = list(table.columns)
    named = reading.target not in (None, "target")
    target = table.require(reading.target or "", "--target") if named else names[1]
    source = names[1 - names.index(target)]
    new = (source, target) if named else ("source", "target")
    if not table.headless and Path(table.name).suffix.lower() in (".csv", ".tsv", ".tab"):
        _say_header(names, notes)
    frame = table.frame.select(pl.col(source).alias(new[0]), pl.col(target).alias(new[1]))
    pairs = replace(table, frame=frame, columns=dict.fromkeys(new, pl.String()))
    pairs = drop_empty_text(pairs, list(new), notes)
    columns = [Column(Field(name, "text", timed=False), decoders.text, [name]) for name in new]
    fields = tuple(column.field for column in columns)
    return Layout(fields, new[1], lambda notes: WideSource(pairs, columns, None, new[1], notes))


def _say_header(names: list[str], notes: Notes) -> None:
    notes.add(f"first lines taken as a header and not as a pair ({', '.join(names)})")


def looks_like(paths: list[Path]) -> bool:
    """Whether these are texts in two languages: `train.en` and `train.de`, several such pairs or a folder of them."""
    if len(paths) == 1 and paths[0].is_dir():
        return bool(pairs_in(paths[0]) or any(map(pairs_in, training_folders(paths[0]))))
    return _are_even_files(paths) and _in_pairs(paths) is not None


def may_be(paths: list[Path]) -> bool:
    """Whether these are two files of text, which belong together if somebody says so."""
    return len(paths) == 2 and _are_even_files(paths)


def _are_even_files(paths: list[Path]) -> bool:
    if len(paths) < 2 or len(paths) % 2 or not all(path.is_file() for path in paths):
        return False
    return not {path.suffix.lower() for path in paths} & _OTHER_SUFFIXES


def _in_pairs(paths: list[Path]) -> list[Pair] | None:
    """Files as pairs in the order of the first one; None if they are not two files for each."""
    first = next((languages_of(paths[0], other) for other in paths[1:] if languages_of(paths[0], other)), None)
    if first is None:
        return None
    _, language, other = first
    pairs = []
    for path in paths:
        languages = next(
            (languages for second in paths if second != path and (languages := languages_of(path, second))), None
        )
        if languages is None or {languages[1], languages[2]} != {language, other}:
            return None
        if languages[1] == language:
            pairs.append((path, path.with_name(languages[0].replace("*", other))))
    return pairs if 2 * len(pairs) == len(paths) else None


class PairSource(Source):
    """Line `i` of one file and of the other."""

    def __init__(self, source: TextLines, target: TextLines, kept: list[int]) -> None:
        self.fields = FIELDS
        self.target_guess: str | None = "target"
        self._source, self._target, self._kept = source, target, kept

    def __len__(self) -> int:
        return len(self._kept)

    def record(self, index: int) -> Record:
        line = self._kept[index]
        values = {"source": self._source.line(line), "target": self._target.line(line)}
        return Record(values, f"{self._source.path}, line {line + 1:,}")


class JoinedPairs(Source):
    """The pairs of several pairs of files."""

    def __init__(self, parts: list[PairSource]) -> None:
        self.fields = FIELDS
        self.target_guess: str | None = "target"
        self._parts, self._ends = parts, np.cumsum([len(part) for part in parts])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def record(self, index: int) -> Record:
        part = int(np.searchsorted(self._ends, index, side="right"))
        return self._parts[part].record(index - int(self._ends[part]) + len(self._parts[part]))


def read_parallel_files(paths: list[Path], reading: Reading, notes: Notes) -> PairSource | JoinedPairs:
    """Two text files whose lines belong together: first the source, then the target; or several such pairs, or a
    folder of them. Lines are read when asked for.

    Pairs with an empty side are left out and counted, and so is a first line that names the languages (see
    `names_a_pair`). Raises `UserError` if two files do not have the same number of lines, or are not UTF-8.
    """
    if len(paths) == 1 and paths[0].is_dir():
        paths = [path for pair in pairs_in(paths[0]).values() for path in pair]
    pairs = [(paths[0], paths[1])] if len(paths) == 2 else _in_pairs(paths) if len(paths) > 2 else None
    if pairs is None:
        raise UserError(f"parallel text needs two files, the source and the target, and {len(paths)} were given")
    pair_sources = [_read_pair(source, target, notes) for source, target in pairs]
    return pair_sources[0] if len(pair_sources) == 1 else JoinedPairs(pair_sources)


def _read_pair(first_path: Path, second_path: Path, notes: Notes) -> PairSource:
    source, target = TextLines(first_path), TextLines(second_path)
    if len(source) != len(target):
        raise UserError(
            f"{first_path} has {len(source):,} lines and {second_path} has {len(target):,}; "
            "line by line they must belong together, so give two files of the same length"
        )
    names = [lines.line(0) for lines in (source, target)]
    below = min(len(source), LOOKED_AT)
    first = int(
        names_a_pair(names, [list(pair) for pair in zip(source.lines(1, below), target.lines(1, below), strict=True)])
    )
    if first:
        _say_header(names, notes)
    kept = [line for line in range(first, len(source)) if not source.blank[line] and not target.blank[line]]
    if not kept:
        raise UserError(f"{first_path} and {second_path} have no line with text in both; give some text")
    notes.add("pairs left out, since one side is empty", len(source) - first - len(kept))
    return PairSource(source, target, kept)
