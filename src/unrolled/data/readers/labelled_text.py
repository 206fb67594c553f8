"""Text with a label: two columns of a table, or a folder per class with a file per record."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from unrolled.data.readers import decoders
from unrolled.data.readers.cells import is_numeric, words
from unrolled.data.readers.columns import Table
from unrolled.data.readers.roles import LABEL_NAMES
from unrolled.data.readers.wide_tables import Column, WideSource
from unrolled.data.records import Field, Notes, Reading, Record, Source
from unrolled.data.text import find_text_files, read_blocks
from unrolled.errors import UserError

MOST_LABELS = 0.5
"""a column of words is labels if at most this share of its rows differ, and none is long"""
LABEL_LENGTH = 60
"""characters of the longest label, where nothing but the content tells"""
FEWEST = 20
"""rows from which on a column named as labels are must have some of them twice"""
TEXT_SUFFIXES = (".txt", ".text", ".md")


def is_labelled_text(table: Table, reading: Reading) -> bool:
    """Whether a table has two columns, one of text and one of labels."""
    return _text_and_label(table, reading) is not None


def read_labelled_table(table: Table, reading: Reading, notes: Notes) -> WideSource:
    """A table of two columns, text and label in either order, with or without a header.

    Fields: text and categorical, called as in the header, or `text` and `label`. Rows without text are left out and
    counted. Labels with `|` between them hold at once. The target guess is the label column.
    """
    found = _text_and_label(table, reading)
    if found is None:
        raise UserError(f"{table.name} is not a table of text and labels; it needs one column of each")
    text, label = found
    if table.headless:
        assert isinstance(table.frame, pl.DataFrame)
        table = _renamed(table, {text: "text", label: "label"})
        text, label = "text", "label"
    table = drop_empty_text(table, [text], notes)
    values = table.column(label)
    if is_numeric(values) and reading.task == "regress":
        target = Column(Field(label, "numeric", False, (label,)), decoders.number(table.decimal_comma), [label])
    else:
        several = decoders.has_several_labels(values)
        target = Column(Field(label, "categorical", timed=False), decoders.label(several), [label])
    columns = [Column(Field(text, "text", timed=False), decoders.text, [text]), target]
    return WideSource(table, columns, None, None if reading.target else label, notes)


def drop_empty_text(table: Table, columns: list[str], notes: Notes) -> Table:
    """The table without the rows where one of these columns is empty; they are counted."""
    frame = table.frame.collect() if isinstance(table.frame, pl.LazyFrame) else table.frame
    there = frame.select(pl.all_horizontal(pl.col(columns).fill_null("").ne(""))).to_series()
    if there.all():
        return table
    if not there.any():
        raise UserError(f"{table.name} has no row with text in {' and '.join(columns)}; give one with some text")
    notes.add("rows left out, since their text is empty", int((~there).sum()))
    rows = np.arange(table.length) if table.rows is None else table.rows
    kept = frame.filter(there)
    return Table(
        table.name, kept, kept.height, table.columns, rows[there.to_numpy()], table.decimal_comma, table.headless
    )


def _renamed(table: Table, names: dict[str, str]) -> Table:
    columns = {names.get(name, name): dtype for name, dtype in table.columns.items()}
    return Table(
        table.name, table.frame.rename(names), table.length, columns, table.rows, table.decimal_comma, table.headless
    )


def _text_and_label(table: Table, reading: Reading) -> tuple[str, str] | None:
    if len(table.columns) != 2 or reading.task not in (None, "classify", "regress"):
        return None
    head = table.head()
    names = list(table.columns)
    if reading.target in names:
        label = reading.target
    elif reading.unlabelled and not table.headless:
        return None
    elif reading.inputs and reading.inputs[0] in names:
        label = names[1 - names.index(reading.inputs[0])]
    else:
        likely = [name for name in names if _looks_like_labels(head[name])]
        label = min(likely, key=lambda name: words(head[name]).n_unique(), default="")
    if not label:
        return None
    text = names[1 - names.index(label)]
    if head[text].dtype != pl.String or is_numeric(head[text]):
        return None
    return text, label


def _looks_like_labels(column: pl.Series) -> bool:
    if column.dtype.is_nested() or column.dtype.is_temporal() or column.dtype.is_float():
        return False
    filled = words(column).drop_nulls()
    if column.name.lower() in LABEL_NAMES:  # unless it is called target and holds a text for every source
        return column.dtype != pl.String or len(filled) < FEWEST or filled.n_unique() < 0.9 * len(filled)
    return filled.n_unique() <= MOST_LABELS * len(filled) and not (filled.str.len_chars() > LABEL_LENGTH).any()


def looks_like(path: Path, reading: Reading) -> bool:
    """Whether this is a folder with two folders or more that have text files, and none of its own."""
    return path.is_dir() and len(_classes(path)) > 1 and not _texts(path)


class FolderSource(Source):
    """A text file per record in a folder per class."""

    def __init__(self, files: list[Path], labels: list[str]) -> None:
        self.fields = (Field("text", "text", timed=False), Field("label", "categorical", timed=False))
        self.target_guess: str | None = "label"
        self._files, self._labels = files, labels

    def __len__(self) -> int:
        return len(self._files)

    def record(self, index: int) -> Record:
        path = self._files[index]
        return Record({"text": "".join(read_blocks(path)), "label": self._labels[index]}, str(path))

    def labels(self, name: str) -> list[str] | None:
        return self._labels if name == "label" else None


def read_text_folders(paths: list[Path], reading: Reading, notes: Notes) -> FolderSource:
    """A folder (or several of the same kind) with a folder per class, and in it a .txt, .text or .md file per record.

    Fields: `text`, and `label`, the name of the folder. Other files, empty ones and those outside the folders are left
    out and counted. Raises `UserError` if there is no text, or a file is not UTF-8 (when it is read).
    """
    files: list[Path] = []
    labels: list[str] = []
    for path in paths:
        others = sum(entry.is_file() and not entry.name.startswith(".") for entry in path.iterdir())
        notes.add("files left out, since they lie outside the folders of classes", others)
        for folder in _classes(path):
            inside = [file for file in sorted(folder.rglob("*")) if file.is_file() and not file.name.startswith(".")]
            kept = [file for file in inside if file.suffix.lower() in TEXT_SUFFIXES and file.stat().st_size]
            notes.add("files left out, since they are empty or no text", len(inside) - len(kept))
            for file in kept:
                find_text_files(file)
            files += kept
            labels += [folder.name] * len(kept)
    if not files:
        raise UserError(f"{paths[0]} has no folders with .txt files; give a folder with one folder per class")
    return FolderSource(files, labels)


def _classes(path: Path) -> list[Path]:
    return [
        folder
        for folder in sorted(path.iterdir())
        if folder.is_dir() and not folder.name.startswith(".") and next(_text_files(folder), None) is not None
    ]


def _text_files(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if file.suffix.lower() in TEXT_SUFFIXES and file.is_file())


def _texts(path: Path) -> list[Path]:
    return [file for file in path.iterdir() if file.suffix.lower() in TEXT_SUFFIXES and file.is_file()]
