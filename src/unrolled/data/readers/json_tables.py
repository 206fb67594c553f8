"""Files called .json: a list of objects, or an object on each line."""

import io
import itertools
import json
from pathlib import Path
from typing import Any

import polars as pl

from unrolled.data.readers.json_lines import find_bad_objects, refuse_half_characters
from unrolled.data.readers.lines import numbered_lines
from unrolled.data.readers.text import BOM, unreadable
from unrolled.errors import UserError

_ADVICE = (
    "give a list of objects, [{...}, {...}], or an object on each line; "
    "pandas writes the first with df.to_json(path, orient='records')"
)


def holds_lines(path: Path) -> bool:
    """Whether a file has an object on each line, from its first two lines."""
    lines = (line for _, line in numbered_lines(path) if line.strip())
    return len([line for line in itertools.islice(lines, 2) if _is_object(line)]) == 2


def read_json_table(path: Path) -> pl.DataFrame:
    """The rows of a list of objects. Raises `UserError` for anything else, with the place that is wrong."""
    try:
        data = path.read_bytes().removeprefix(BOM)
    except OSError as error:
        raise unreadable(path, error) from error
    if data.lstrip().startswith(b"["):
        try:
            table = pl.read_json(io.BytesIO(data), infer_schema_length=None)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
            pass
        else:
            refuse_half_characters(path, io.BytesIO(data))
            return table
    _refuse(path, data)
    raise UserError(f"{path} cannot be read as a table; {_ADVICE}, each field of one type")


def _refuse(path: Path, data: bytes) -> None:
    """Say what is wrong with a file, if that can be found."""
    content: Any = None
    try:
        content = json.loads(data)
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path}, line {error.lineno:,} is not JSON from character {error.colno:,} on; {_ADVICE}"
        ) from None
    except RecursionError:
        raise UserError(f"{path} is nested too deeply to be a table; {_ADVICE}") from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is not UTF-8: byte 0x{data[error.start]:02x} at offset {error.start:,}; convert it with iconv"
        ) from None
    if isinstance(content, dict):
        names = ", ".join(map(str, list(content)[:5])) + (", ..." if len(content) > 5 else "")
        raise UserError(f"{path} holds one object ({names}), of which nothing tells the records; {_ADVICE}")
    if not isinstance(content, list):
        raise UserError(f"{path} holds a single value; {_ADVICE}")
    find_bad_objects(f"{path}, item", enumerate(content, start=1))
    refuse_half_characters(path, io.BytesIO(data))


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
