"""CoNLL column files: a token and its tag per line, a blank line between sentences."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from unrolled.data.readers import conllu
from unrolled.data.readers.lines import numbered_lines
from unrolled.data.readers.suffixes import CONLL
from unrolled.data.readers.text_lines import TextLines
from unrolled.data.records import Field, Notes, Reading, Record, Source
from unrolled.errors import UserError
from unrolled.plural import counted

FIELDS = (Field("tokens", "token", timed=True), Field("tags", "categorical", timed=True))
_HEAD = 200  # lines


class ConllSource(Source):
    """Sentences of a CoNLL file; where they begin and end is known, the lines are read when asked for."""

    def __init__(self, files: list["_File"], *, tagged: bool = True) -> None:
        name = next((file.layout.name for file in files if file.layout is not None), FIELDS[1].name)
        self.fields = (FIELDS[0], replace(FIELDS[1], name=name)) if tagged else FIELDS[:1]
        self.target_guess: str | None = name if tagged else None
        self._files = files
        self._sentences = [(file, start, stop) for file in files for start, stop in file.sentences]

    def __len__(self) -> int:
        return len(self._sentences)

    def record(self, index: int) -> Record:
        file, start, stop = self._sentences[index]
        layout = file.layout
        lines = [line for line in file.lines.lines(start, stop) if not _is_comment(line, layout)]
        rows = [row for row in map(_cells, lines) if layout is None or layout.is_word(row)]
        word, tag = (0, -1) if layout is None else (layout.word, layout.tag)
        values = {"tokens": [row[word] for row in rows]}
        if len(self.fields) > 1 and tag is not None:
            values[self.fields[1].name] = [row[tag] for row in rows]
        return Record(values, f"{file.lines.path}, line {start + 1:,}")


class _File(NamedTuple):
    """One file, and where its sentences are."""

    lines: TextLines
    sentences: list[tuple[int, int]]
    """first line and line after the last, from 0"""
    layout: conllu.Layout | None
    """of CoNLL-U; None where the first column is the word and the last one its tag"""


def looks_like(path: Path, reading: Reading) -> bool:
    """Whether the name is that of a CoNLL file, or the content: columns, blank lines, tags such as `O` and `B-x`."""
    tags = _last_column(path, reading)
    return tags is None or "O" in tags or any(tag.startswith(("B-", "I-")) for tag in tags)


def may_be(path: Path, reading: Reading) -> bool:
    """Whether it could be one, whatever its tags are."""
    tags = _last_column(path, reading)
    return tags is None or bool(tags)


def _last_column(path: Path, reading: Reading) -> set[str] | None:
    """What stands in the last column of the first lines, nothing if they are no columns; None for a CoNLL file by its
    name or its comments."""
    if path.suffix.lower() in CONLL:
        return None
    if path.is_dir() or path.suffix.lower() in (".csv", ".jsonl", ".parquet", ".gz"):
        return set()
    with open(path, "rb") as file:
        head = [line.decode(errors="replace").strip() for line in itertools.islice(file, _HEAD)]
    if conllu.columns_of(head) is not None:
        return None
    rows = [_cells(line) for line in head if line and not _is_comment(line)]
    if (
        not rows
        or len(rows) == len(head)
        or any(len(row) != len(rows[0]) for row in rows)
        or len(rows[0]) < _fewest(reading)
    ):
        return set()
    return {row[-1] for row in rows}


def read_conll(paths: list[Path], reading: Reading, notes: Notes) -> ConllSource:
    """CoNLL files, columns between tabs or spaces: the first is the token, the last its tag.

    Fields: `tokens` and `tags`. Lines that begin with `# ` or `-DOCSTART-` are left out. Of CoNLL-U, which its content
    tells, the tokens are the column FORM, and the tags UPOS, or the column that `reading.target` names; ranges of words
    and empty nodes are left out and counted. Raises `UserError` for a line with another number of columns than the
    first one of its file, and for files without a sentence. With `reading.unlabelled` there are tokens only, and they
    may be the only column.
    """
    files = [_open(path, reading, notes) for path in paths]
    if not any(file.sentences for file in files):
        raise UserError(f"{paths[0]} has no tokens; give a file with a token and its tag per line")
    if len({file.layout is None for file in files}) > 1:
        odd = next(file for file in files if file.layout is None)
        raise UserError(
            f"{odd.lines.path} is not in the ten columns of CoNLL-U, and others are; give files of one kind"
        )
    return ConllSource(files, tagged=not reading.unlabelled)


def _open(path: Path, reading: Reading, notes: Notes) -> _File:
    columns = conllu.columns_of(line for _, line in itertools.islice(numbered_lines(path), _HEAD))
    if columns is None:
        return _File(TextLines(path), _sentences(path, notes, _fewest(reading)), None)
    shape = conllu.Layout(columns, columns.index("form"), None, "")
    filled: set[str] = set()
    sentences = _sentences(path, notes, len(columns), shape, filled)
    if not reading.unlabelled:
        shape = conllu.layout_of(columns, reading.target, filled, str(path))
    return _File(TextLines(path), sentences, shape)


def _fewest(reading: Reading) -> int:
    """Columns that a file needs."""
    return 1 if reading.unlabelled else 2


def _sentences(
    path: Path, notes: Notes, fewest: int, layout: conllu.Layout | None = None, filled: set[str] | None = None
) -> list[tuple[int, int]]:
    """First line and line after the last, from 0, of every sentence. Of CoNLL-U `filled` takes the columns that hold
    anything."""
    width = tokens = start = number = 0
    sentences = []
    for number, line in numbered_lines(path):
        line = line.strip()
        if not line:
            if tokens:
                sentences.append((start, number - 1))
            start, tokens = number, 0
        elif _is_comment(line, layout):
            notes.add("comment lines left out")
        else:
            cells = _cells(line)
            width = width or (len(cells) if layout is None else fewest)
            if len(cells) != width or len(cells) < fewest:
                expected = f"{width} as in the first" if width > 1 else "a token and its tag"
                raise UserError(
                    f"{path}, line {number:,} has {counted(len(cells), 'column')}, expected {expected}; mend {line!r}"
                )
            if layout is not None and not layout.is_word(cells):
                notes.add("ranges of words and empty nodes, left out")
                continue
            if layout is not None and filled is not None and len(filled) < len(layout.columns):
                filled.update(name for name, cell in zip(layout.columns, cells, strict=True) if cell != "_")
            tokens += 1
    if tokens:
        sentences.append((start, number))
    return sentences


def _cells(line: str) -> list[str]:
    return line.split("\t") if "\t" in line else line.split()


def _is_comment(line: str, layout: conllu.Layout | None = None) -> bool:
    """Comments; a line that is `#` and a tag after a tab is a token, but in CoNLL-U, where words have numbers."""
    if layout is not None and "id" in layout.columns:
        return line.startswith("#")
    return line.startswith("-DOCSTART-") or (line.startswith("#") and "\t" not in line and line[1:2] in (" ", ""))
