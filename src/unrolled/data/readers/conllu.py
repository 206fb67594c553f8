"""CoNLL-U, the format of treebanks: ten columns, or those that the first line of CoNLL-U Plus names.

Source: universaldependencies.org/format.html and /ext-format.html. Files of CoNLL-X have the same ten columns.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from unrolled.errors import UserError

COLUMNS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
TAGS = ("upos", "xpos", "deprel", "feats", "lemma")
"""what a word may be tagged with, the usual one first"""
_WORD = re.compile(r"[0-9]+")
_NUMBER = re.compile(r"[0-9]+([-.][0-9]+)?")
_PLUS = re.compile(r"#\s*global\.columns\s*=\s*(.+)")


class Layout(NamedTuple):
    """Where in a line the word and its tag stand."""

    columns: tuple[str, ...]
    word: int
    tag: int | None
    name: str
    """of the tags, as the user says it"""

    def is_word(self, cells: Sequence[str]) -> bool:
        """Whether a line is a word, and not a range of words written as one (`2-3`) or one that is not said (`8.1`)."""
        return "id" not in self.columns or bool(_WORD.fullmatch(cells[self.columns.index("id")]))


def columns_of(lines: Iterable[str]) -> tuple[str, ...] | None:
    """The columns of a CoNLL-U file by its first lines; None if they are of another format."""
    numbers = []
    for index, line in enumerate(lines):
        plus = _PLUS.fullmatch(line.strip()) if index == 0 else None
        if plus:
            names = tuple(name.lower() for name in plus[1].split())
            return names if "form" in names else None
        if not line.strip() or line.startswith("#"):
            continue
        cells = line.split("\t")
        if len(cells) != len(COLUMNS) or not _NUMBER.fullmatch(cells[0]):
            return None
        numbers.append(cells[0])
    # Words are counted from 1 on; a sentence may begin with a range or with a word that is not said.
    return COLUMNS if numbers and re.split("[-.]", numbers[0])[0] in ("0", "1") else None


def layout_of(columns: tuple[str, ...], target: str | None, filled: set[str], path: str) -> Layout:
    """Which column is the tag: the one that the user names, else the first of `TAGS` that is not empty.

    `filled` are the columns with anything but `_`. Raises `UserError`, with `path`, for a column that is not there, is
    empty, or is no tag.
    """
    known = [name for name in columns if name in TAGS or name not in COLUMNS]
    usable = [name for name in known if name in filled]
    ordered = [name for name in TAGS if name in usable] or usable
    name = (target or (ordered[0] if ordered else "")).lower()
    listed = ", ".join(usable) or "none"
    if not name:
        raise UserError(f"{path} has no tags: all of {', '.join(known)} are empty ('_'); give a file that is tagged")
    if name not in columns:
        raise UserError(f"{path} has no column {target!r}; the tags that it has are {listed} (choose with --target)")
    if name not in known:
        raise UserError(f"the column {name} of {path} holds no tag; the tags that it has are {listed} (--target)")
    if name not in filled:
        raise UserError(f"the column {name} of {path} is empty ('_' everywhere); its tags are {listed} (--target)")
    return Layout(columns, columns.index("form"), columns.index(name), target or name)
