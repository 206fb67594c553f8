"""The header and the values of an ARFF file: attributes, and the cells of one line."""

import re
from pathlib import Path
from typing import Literal, NamedTuple

from unrolled.data.readers.ts_values import refuse, short

Kind = Literal["number", "nominal", "text", "date", "relational"]


class Attribute(NamedTuple):
    """One attribute of the header."""

    name: str
    kind: Kind
    values: tuple[str, ...] = ()
    """of a nominal one, those that it may have"""
    inner: tuple["Attribute", ...] = ()
    """of a relational one, those of its rows"""


_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
_KINDS: dict[str, Kind] = {
    "numeric": "number",
    "real": "number",
    "integer": "number",
    "string": "text",
    "date": "date",
    "relational": "relational",
}
_NAME_AND_KIND = re.compile(r"([^\s{]*)\s*(.*)", re.DOTALL)  # also in `class{a,b}`


def read_attribute(path: Path, number: int, line: str) -> Attribute:
    """`@attribute NAME TYPE`, where NAME may be quoted and TYPE is numeric, {a,b}, string, date or relational."""
    rest = "".join(line.split(None, 1)[1:]).strip()
    if rest[:1] in ("'", '"'):
        name, end = _quoted(path, number, rest, 0)
        kind = rest[end:].strip()
    else:
        name, kind = _NAME_AND_KIND.fullmatch(rest).groups()  # type: ignore[union-attr]
    if not name or not kind:
        refuse(path, number, f"found {short(line)}, expected @attribute NAME TYPE")
    if kind.startswith("{"):
        if not kind.endswith("}"):
            refuse(path, number, f"the values of {short(name)} do not end in }}")
        return Attribute(name, "nominal", tuple(cell or "?" for cell in split_cells(path, number, kind[1:-1])))
    word = kind.split()[0].lower()
    if word not in _KINDS:
        refuse(path, number, f"the type of {short(name)} is {short(kind)}, expected numeric, {{a,b}}, string or date")
    return Attribute(name, _KINDS[word])


def split_cells(path: Path, number: int, line: str) -> list[str | None]:
    """The cells between commas (or where there is none, between blanks); None for `?`, which is a missing value."""
    if "'" not in line and '"' not in line:
        cells = line.split(",") if "," in line else line.split()
        return [None if cell == "?" else cell for cell in map(str.strip, cells)]
    values: list[str | None] = []
    position = 0
    while True:
        while position < len(line) and line[position] in " \t":
            position += 1
        if position < len(line) and line[position] in "'\"":
            cell, position = _quoted(path, number, line, position)
            values.append(cell)
            while position < len(line) and line[position] in " \t":
                position += 1
            if position < len(line) and line[position] != ",":
                refuse(path, number, f"found {short(line[position:])} behind a quoted value, expected a comma")
        else:
            end = line.find(",", position)
            end = len(line) if end < 0 else end
            cell = line[position:end].strip()
            values.append(None if cell == "?" else cell)
            position = end
        if position >= len(line):
            return values
        position += 1


def _quoted(path: Path, number: int, line: str, start: int) -> tuple[str, int]:
    """A quoted value and the place behind it. A backslash takes the next character as it is; `\\n` is a line break."""
    quote, position = line[start], start + 1
    while position < len(line) and line[position] != quote:
        position += 2 if line[position] == "\\" else 1
    if position >= len(line):
        refuse(path, number, f"the quote at {short(line[start:])} is not closed")
    inside = line[start + 1 : position]
    if "\\" in inside:
        inside = _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), inside)
    return inside, position + 1
