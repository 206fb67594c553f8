"""Text files of nothing but rows of numbers, perhaps between any number of spaces."""

import itertools
import re
from pathlib import Path

import polars as pl

from unrolled.data.readers.header import is_number
from unrolled.data.readers.lines import numbered_lines
from unrolled.errors import UserError

FEWEST = 8
"""numbers of a row that are steps of a series, at least"""
_SEPARATORS = re.compile(r"[ \t,;]+")
_MISSING = ("NaN", "nan", "?", "")


def is_number_table(path: Path) -> bool:
    """Whether a text file holds rows of numbers and nothing else, between spaces, tabs or commas."""
    head = [cells(line) for _, line in itertools.islice(numbered_lines(path), 20) if line.strip()]
    return bool(head) and len(head[0]) > FEWEST and all(_numbers(row) for row in head)


def cells(line: str) -> list[str]:
    """The numbers of a line, whatever stands between them."""
    return _SEPARATORS.split(line.strip())


def _numbers(row: list[str]) -> bool:
    return all(is_number(cell) or cell in _MISSING for cell in row)


def read_number_table(path: Path) -> pl.DataFrame:
    """The rows of such a file as text, with made-up names. Raises `UserError` for ragged ones."""
    rows = [(number, cells(line)) for number, line in numbered_lines(path) if line.strip()]
    width = len(rows[0][1])
    for number, row in rows:
        if len(row) != width:
            raise UserError(f"{path}, line {number:,} has {len(row)} numbers, expected {width} as in the first line")
    names = [f"column_{index + 1}" for index in range(width)]
    return pl.DataFrame([row for _, row in rows], schema=dict.fromkeys(names, pl.String), orient="row")
