"""Parallel text: pairs of a source and a target text, from two files line by line or from a table of two columns."""

from pathlib import Path

import polars as pl

from unrolled.data.readers import decoders
from unrolled.data.readers.cells import is_numeric
from unrolled.data.readers.columns import Table
from unrolled.data.readers.header import names_a_pair
from unrolled.data.readers.labelled_text import drop_empty_text, is_labelled_text
from unrolled.data.readers.text_lines import TextLines
from unrolled.data.readers.wide_tables import Column, WideSource
from unrolled.data.records import Field, Notes, Reading, Record, Source
from unrolled.errors import UserError

LOOKED_AT = 100
"""lines that tell whether the first one is a header"""
FIELDS = (Field("source", "text", timed=False), Field("target", "text", timed=False))
_OTHER_SUFFIXES = frozenset(
    [
        ".csv",
        ".tsv",
        ".parquet",
        ".jsonl",
        ".json",
        ".npy",
        ".npz",
        ".wav",
        ".flac",
        ".ogg",
        ".ts",
        ".conll",
        ".fasta",
        ".fastq",
    ]
)


def is_parallel_text(table: Table, reading: Reading) -> bool:
    """Whether a table has two columns of text, and neither looks like labels (or the task is `translate`)."""
    if len(table.columns) != 2 or reading.task not in (None, "translate"):
        return False
    head = table.head()
    text = all(dtype == pl.String and not is_numeric(head[name]) for name, dtype in table.columns.items())
    return text and (reading.task == "translate" or not is_labelled_text(table, reading))


def read_parallel_table(table: Table, reading: Reading, notes: Notes) -> WideSource:
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
    pairs = Table(table.name, frame, table.length, dict.fromkeys(new, pl.String()), table.rows)
    pairs = drop_empty_text(pairs, list(new), notes)
    columns = [Column(Field(name, "text", timed=False), decoders.text, [name]) for name in new]
    return WideSource(pairs, columns, None, new[1], notes)


def _say_header(names: list[str], notes: Notes) -> None:
    notes.add(f"first lines taken as a header and not as a pair ({', '.join(names)})")


def looks_like(paths: list[Path], reading: Reading) -> bool:
    """Whether these are text in two languages: `train.en` and `train.de`, or any two files for `translate`."""
    if len(paths) != 2 or not all(path.is_file() for path in paths):
        return False
    first, second = paths
    if {first.suffix.lower(), second.suffix.lower()} & _OTHER_SUFFIXES:
        return False
    return reading.task == "translate" or (first.stem == second.stem and first.suffix != second.suffix)


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


def read_parallel_files(paths: list[Path], reading: Reading, notes: Notes) -> PairSource:
    """Two text files whose lines belong together: first the source, then the target. Lines are read when asked for.

    Pairs with an empty side are left out and counted, and so is a first line that names the languages (see
    `names_a_pair`). Raises `UserError` if the files do not have the same number of lines, or are not UTF-8.
    """
    if len(paths) != 2:
        raise UserError(f"parallel text needs two files, the source and the target, and {len(paths)} were given")
    source, target = map(TextLines, paths)
    if len(source) != len(target):
        raise UserError(
            f"{paths[0]} has {len(source):,} lines and {paths[1]} has {len(target):,}; "
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
        raise UserError(f"{paths[0]} and {paths[1]} have no line with text in both; give some text")
    notes.add("pairs left out, since one side is empty", len(source) - first - len(kept))
    return PairSource(source, target, kept)
