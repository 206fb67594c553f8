"""Whether the first line of a table names its columns."""

import re

KNOWN = frozenset(
    [
        "label",
        "labels",
        "class",
        "classes",
        "target",
        "category",
        "tag",
        "y",
        "x",
        "text",
        "sentence",
        "sentence1",
        "sentence2",
        "sequence",
        "seq",
        "document",
        "review",
        "comment",
        "message",
        "tweet",
        "content",
        "title",
        "body",
        "source",
        "src",
        "tgt",
        "input",
        "output",
        "expression",
        "formula",
        "question",
        "answer",
        "id",
        "name",
        "index",
        "date",
        "time",
        "timestamp",
        "datetime",
        "ds",
        "unique_id",
        "value",
        "values",
        "group",
    ]
)
"""names that columns have and values hardly ever"""
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
_LANGUAGES = frozenset(
    "en de fr es it pt nl ru zh ja ko ar pl cs sv da fi no tr uk el he hi hu ro bg eng deu ger fra fre spa ita por nld "  # noqa: SIM905
    "rus zho jpn kor ara pol ces swe dan fin nor tur ukr ell heb hin hun ron bul english german french spanish".split()
)


def is_number(cell: str) -> bool:
    """Whether a field is written as a number (not infinity or NaN)."""
    return bool(_NUMBER.match(cell))


def has_header(rows: list[list[str]], doubt: bool = True) -> bool:
    """Whether the first of these rows holds names. All are stripped fields of the head of one file.

    It does if a column of numbers begins with a word, if a cell is a usual name such as `label`, or if its numbers
    count on (0, 1, 2, ...); it does not if it has other numbers, or values that the rows below have too. A table of
    three or more columns has one in doubt; with fewer, `doubt` decides.
    """
    first, rest = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    if len(set(first)) < len(first):
        return not all(map(is_number, first)) and len(first) > 2
    numeric = [_mostly_numbers([row[place] for row in rest]) for place in range(len(first))]
    numbers = [cell for cell in first if is_number(cell)]
    if numbers:
        if _counting(numbers) and (len(numbers) > 2 or not any(numeric)):
            return True
        return any(
            cell and not is_number(cell) and (column or cell.lower() in KNOWN)
            for cell, column in zip(first, numeric, strict=True)
        )
    if any(cell and column for cell, column in zip(first, numeric, strict=True)):
        return True
    if any(cell.lower() in KNOWN for cell in first) or all(cell.lower() in _LANGUAGES for cell in first):
        return True
    if any(cell and cell in {row[place] for row in rest} for place, cell in enumerate(first)):
        return False
    return doubt or len(first) > 2 or _names_above_labels(first, rest)


def _counting(cells: list[str]) -> bool:
    return all(cell.isdigit() for cell in cells) and all(
        int(cell) == int(cells[0]) + place for place, cell in enumerate(cells)
    )


def _mostly_numbers(cells: list[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return bool(filled) and sum(map(is_number, filled)) >= 0.8 * len(filled)


def _names_above_labels(first: list[str], rest: list[list[str]]) -> bool:
    """Whether a column of few values begins with another one, and the text beside it with a single word."""
    few = [len({row[place] for row in rest}) <= len(rest) / 2 for place in range(len(first))]
    return len(rest) > 3 and any(few) and not any(" " in cell for cell in first)
