"""What is wrong with a JSON Lines file."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from unrolled.data.readers.lines import numbered_lines
from unrolled.errors import UserError

# A pair of surrogates first, so that what is left of them is alone; any other escape last, so that \\ud800 is text.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|(?P<half>u[dD][89a-fA-F][\da-fA-F]{2})|.)"
)


def find_bad_json(path: Path) -> None:
    """Name the line that is no JSON object, or where a field changes its type between number, text, list and object."""
    find_bad_objects(f"{path}, line", _objects(path))
    with path.open("rb") as lines:
        refuse_half_characters(path, lines)


def refuse_half_characters(path: Path, lines: Iterable[bytes]) -> None:
    """Raise `UserError` at a surrogate escape without its partner: Polars makes a blank of it, or a vague error."""
    for number, line in enumerate(lines, start=1):
        if b"\\ud" in line or b"\\uD" in line:
            for escape in _ESCAPE.finditer(line):
                if escape["half"]:
                    raise UserError(
                        f"{path}, line {number:,} holds \\{escape['half'].decode()}, half of a character "
                        "(a surrogate without its partner); write the whole character, or leave it out"
                    )


def find_bad_objects(location: str, records: Iterable[tuple[int, Any]]) -> None:
    """The same for numbered records; `location` and the number say where one is."""
    first: dict[str, tuple[str, int]] = {}
    for number, record in records:
        if not isinstance(record, dict):
            raise UserError(f"{location} {number:,} holds a {_json_type(record)}, not an object with named fields")
        for name, value in record.items():
            if value is None:
                continue
            kind, where = first.setdefault(name, (_json_type(value), number))
            if _json_type(value) != kind:
                raise UserError(
                    f"{location} {number:,}: field {name!r} is a {_json_type(value)}, but a {kind} in "
                    f"{location.rpartition(' ')[2]} {where:,}; give each field one type, and null where it is missing"
                )


def _objects(path: Path) -> Iterator[tuple[int, Any]]:
    for number, line in numbered_lines(path):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line, parse_constant=_refuse_constant)
        except json.JSONDecodeError as error:
            where = f"from character {error.pos + 1:,} on"
            raise UserError(f"{path}, line {number:,} is not JSON {where}; give one object per line") from None
        except ValueError as error:
            raise UserError(f"{path}, line {number:,}: {error}") from None
        except RecursionError:
            raise UserError(f"{path}, line {number:,} is nested too deeply; give one object per line") from None


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not part of JSON; write null for a missing value")


def _json_type(value: object) -> str:
    types = {bool: "truth value", int: "number", float: "number", str: "text", list: "list"}
    if isinstance(value, list):
        inner = sorted({_json_type(item) for item in value if item is not None})
        return f"list of {' and '.join(inner)}" if inner else "list"
    return types.get(type(value), "object")
