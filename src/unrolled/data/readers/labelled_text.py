"""Text with a label: two columns of a table, or a folder per class with a file per record."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from unrolled.data.readers import decoders
from unrolled.data.readers.cells import words
from unrolled.data.readers.column_roles import LABEL_NAMES
from unrolled.data.readers.columns import SAMPLE, Table
from unrolled.data.readers.files import ABOUT
from unrolled.data.readers.offers import Layout
from unrolled.data.readers.series import time_column
from unrolled.data.readers.suffixes import AUDIO
from unrolled.data.readers.text import BOM, find_text_files, read_blocks
from unrolled.data.readers.wide_tables import Column, WideSource, is_category
from unrolled.data.records import Field, Notes, Reading, Record, Source
from unrolled.errors import UserError

MOST_LABELS = 0.5
"""a column of words is labels if at most this share of its rows differ, and none is long"""
LABEL_LENGTH = 60
"""characters of the longest label, where nothing but the content tells"""
FEWEST = 20
"""rows from which on a column named as labels are must have some of them twice"""
TEXT_SUFFIXES = (".txt", ".text", ".md")
_SMALL = 1024
"""bytes of a file that may be blank; larger ones are not looked at"""


def is_labelled_text(table: Table, reading: Reading) -> bool:
    """Whether a table has two columns, one of text and one of labels."""
    return _text_and_label(table, reading) is not None


def lay_out_labelled(table: Table, reading: Reading, notes: Notes) -> Layout:
    """A table of two columns, text and label in either order, with or without a header.

    Fields: text and categorical, called as in the header, or `text` and `label`. Rows without text are left out and
    counted. Labels with `|` (or `reading.label_separator`) between them hold at once. The target guess is the label
    column.
    """
    pair = _text_and_label(table, reading)
    if pair is None:
        raise UserError(f"{table.name} is not a table of text and labels; it needs one column of each")
    text, label = pair
    if table.headless:
        table = table.renamed({text: "text", label: "label"})
        text, label = "text", "label"
    table = drop_empty_text(table, [text], notes)
    values = table.column(label)
    if table.is_numeric(label) and reading.wish.target == "number":
        target = Column(Field(label, "numeric", False, (label,)), decoders.number(table.facts[label].format), [label])
    else:
        decoders.hint_at_separator(values, reading, notes)
        decode = decoders.label(decoders.separator_of(values, reading))
        target = Column(Field(label, "categorical", timed=False), decode, [label])
    columns = [Column(Field(text, "text", timed=False), decoders.text, [text]), target]
    guess = None if reading.target else label
    fields = tuple(column.field for column in columns)
    return Layout(fields, guess, lambda notes: WideSource(table, columns, None, guess, notes))


def drop_empty_text(table: Table, columns: list[str], notes: Notes) -> Table:
    """The table without the rows where one of these columns is empty; they are counted."""
    filled = pl.all_horizontal(pl.col(columns).fill_null("").ne(""))
    has_text = np.concatenate([block.select(filled).to_series().to_numpy() for _, block in table.blocks(columns)])
    if has_text.all():
        return table
    if not has_text.any():
        raise UserError(f"{table.name} has no row with text in {' and '.join(columns)}; give one with some text")
    notes.add("rows left out, since their text is empty", int((~has_text).sum()))
    rows = np.arange(table.length) if table.rows is None else table.rows
    return replace(table, frame=table.frame.filter(filled), length=int(has_text.sum()), rows=rows[has_text])


def _text_and_label(table: Table, reading: Reading) -> tuple[str, str] | None:
    if len(table.columns) != 2:
        return None
    if time_column(table, reading) is not None or reading.id is not None:
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
        likely = [name for name in names if _looks_like_labels(table, name)]
        label = min(likely, key=lambda name: words(head[name]).n_unique(), default="")
    if not label:
        return None
    text = names[1 - names.index(label)]
    if head[label].dtype.is_nested() or head[text].dtype != pl.String or table.is_numeric(text):
        return None
    if is_category(table, text, reading):
        return None
    return text, label


def _looks_like_labels(table: Table, name: str) -> bool:
    column = table.head()[name]
    if column.dtype.is_nested() or column.dtype.is_temporal() or column.dtype.is_float():
        return False
    filled = words(column).drop_nulls()
    if column.name.lower() in LABEL_NAMES:  # unless it holds another text for every source
        repeated = column.dtype != pl.String or len(filled) < FEWEST or filled.n_unique() < 0.9 * len(filled)
        several = column.name.lower() != "target" and not (filled.str.len_chars() > LABEL_LENGTH).any()
        return repeated or several  # such as `news|sport`
    if (filled.str.len_chars() > LABEL_LENGTH).any():
        return False
    if filled.n_unique() <= MOST_LABELS * len(filled):
        return True
    if table.length <= SAMPLE or 2 * table.facts[name].several > len(filled):
        return False
    filled = words(table.column(name)).drop_nulls()  # of many labels the first rows have few twice
    return filled.n_unique() <= MOST_LABELS * len(filled)


def looks_like(path: Path) -> bool:
    """Whether this is a folder with two folders or more that have text files, and none of its own.

    Texts beside recordings are what is said in them.
    """
    return (
        path.is_dir()
        and len(classes := _classes(path)) > 1
        and not _texts(path)
        and not any(file.name.lower().endswith(AUDIO) for folder in classes for file in folder.rglob("*"))
    )


class FolderSource(Source):
    """A text file per record, in a folder per class or without labels."""

    def __init__(self, files: list[Path], labels: list[str] | None) -> None:
        label = () if labels is None else (Field("label", "categorical", timed=False),)
        self.fields = (Field("text", "text", timed=False), *label)
        self.target_guess: str | None = None if labels is None else "label"
        self._files, self._labels = files, labels

    def __len__(self) -> int:
        return len(self._files)

    def record(self, index: int) -> Record:
        path = self._files[index]
        text = {"text": "".join(read_blocks(path))}
        return Record(text if self._labels is None else text | {"label": self._labels[index]}, str(path))

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
            kept = [file for file in inside if file.suffix.lower() in TEXT_SUFFIXES and not _is_blank(file)]
            notes.add("files left out, since they are empty or no text", len(inside) - len(kept))
            for file in kept:
                find_text_files(file)
            files += kept
            labels += [folder.name] * len(kept)
    if not files:
        raise UserError(f"{paths[0]} has no folders with .txt files; give a folder with one folder per class")
    return FolderSource(files, labels)


def are_texts(paths: list[Path], reading: Reading) -> bool:
    """Whether these are text files, or folders with some, each of which may be a record without a label."""
    if not reading.unlabelled:
        return False
    files = [path for path in paths if path.is_file()]
    folders = [path for path in paths if path.is_dir()]
    if len(files) + len(folders) < len(paths) or not all(path.suffix.lower() in TEXT_SUFFIXES for path in files):
        return False
    return all(next(_text_files(folder), None) is not None for folder in folders)


def read_texts(paths: list[Path], reading: Reading, notes: Notes) -> FolderSource:
    """Text files without labels, each one record of one field `text`; of folders all .txt, .text and .md files in them.

    Files that are empty, and in folders those about the others (such as a README), are left out and counted. Raises
    `UserError` if nothing is left.
    """
    files: list[Path] = []
    for path in paths:
        candidates = [path] if path.is_file() else sorted(_text_files(path))
        inside = [file for file in candidates if not file.name.startswith(".")]
        kept = [file for file in inside if (path.is_file() or _is_content(file)) and not _is_blank(file)]
        notes.add("files left out, since they are empty or about the others", len(inside) - len(kept))
        for file in kept:
            find_text_files(file)
        files += kept
    if not files:
        raise UserError(f"{paths[0]} has no text to say something about; give .txt files with some in them")
    return FolderSource(files, None)


def _classes(path: Path) -> list[Path]:
    return [
        folder
        for folder in sorted(path.iterdir())
        if folder.is_dir() and not folder.name.startswith(".") and next(_text_files(folder), None) is not None
    ]


def _text_files(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if file.suffix.lower() in TEXT_SUFFIXES and file.is_file())


def _texts(path: Path) -> list[Path]:
    """The texts of a folder itself, without those that are about it."""
    return [file for file in path.iterdir() if file.suffix.lower() in TEXT_SUFFIXES and _is_content(file)]


def _is_content(file: Path) -> bool:
    return file.is_file() and not file.name.startswith(".") and file.stem.lower() not in ABOUT


def _is_blank(file: Path) -> bool:
    """Whether nothing but white space stands in a file."""
    return file.stat().st_size < _SMALL and not file.read_bytes().removeprefix(BOM).strip()
