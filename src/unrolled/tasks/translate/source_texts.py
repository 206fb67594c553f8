"""Texts to translate, without translations: lines of a text file, or a column of a table."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from unrolled.data.readers.suffixes import TABLES
from unrolled.data.readers.text_lines import TextLines
from unrolled.data.records import Notes
from unrolled.errors import UserError

LINES = 4096
"""Lines read at once."""


def read_source_texts(files: Sequence[str], field: str, notes: Notes) -> tuple[int, Iterator[str]]:
    """How many texts some files have, and the texts in their order.

    A table (.csv, .tsv, .jsonl, .parquet) gives its column `field`, its only column, or of two columns the first; any
    other file its lines, also empty ones, so that line n is text n. Raises `UserError` for a file that is missing,
    empty, not UTF-8 (with the line), or a table without such a column.
    """
    opened = [_open(Path(file), field, notes) for file in files]
    return sum(count for count, _ in opened), chain.from_iterable(texts for _, texts in opened)


def _open(path: Path, field: str, notes: Notes) -> tuple[int, Iterator[str]]:
    if not path.exists():
        raise UserError(f"there is no file {path}; give a text file with a sentence a line, or a table")
    if path.is_dir():
        raise UserError(f"{path} is a folder; give a text file with a sentence a line, or a table")
    if path.suffix.lower() not in TABLES:
        lines = TextLines(path)
        starts = range(0, len(lines), LINES)
        return len(lines), (text for start in starts for text in lines.lines(start, min(start + LINES, len(lines))))
    from unrolled.data.readers.cells import words
    from unrolled.data.readers.columns import open_table, shown

    table = open_table(path, notes)
    names = list(table.columns)
    if field not in names and len(names) > 2:
        raise UserError(
            f"{path} has no column {field}, which the model reads; it has {shown(names)}: rename one, or keep only that"
        )
    column = words(table.column(field if field in names else names[0]))
    notes.add("rows without a text, translated by nothing", column.null_count())
    return table.length, iter(column.fill_null("").to_list())
