"""Predictions as rows, and as files: CSV, JSON Lines and Parquet, written piece by piece."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np

from unrolled.data.json_values import json_line
from unrolled.errors import UserError

Kind = Literal["text", "count", "number", "labels", "texts", "numbers"]
Row = dict[str, Any]

BLOCK = 4096
"""Rows written at once."""


@dataclass(frozen=True)
class Predictions:
    """Rows and their columns.

    A column is one value a row (`text`, `count` for whole numbers, `number`), a set of texts (`labels`), or one value
    for each step of the record (`texts`, `numbers`), as many in all such columns.
    """

    columns: dict[str, Kind]
    rows: Iterator[Row]


def plain(value: Any) -> float:
    """A float32 as the float with the fewest digits that means it."""
    return float(str(np.float32(value)))


def check_output(path: Path) -> None:
    """Raises `UserError` for a file that exists, a folder that does not, and a suffix without a format."""
    if path.suffix.lower() not in _WRITERS:
        raise UserError(f"{path} names no format; end it in {', '.join(list(_WRITERS)[:-1])} or {list(_WRITERS)[-1]}")
    if path.exists():
        raise UserError(f"{path} exists and is never overwritten; choose another name with --output")
    if not path.parent.is_dir():
        raise UserError(f"there is no folder {path.parent} to write {path.name} to; create it first")


def write_predictions(path: Path, predictions: Predictions) -> int:
    """Write all rows beside the file's place and move it there; how many rows a reader of the file finds.

    CSV has one line for each step where there are values per step, with the number of the `step`, and several labels
    with `|` between them; the others have lists.
    """
    check_output(path)
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        beside = folder / path.name
        count = _WRITERS[path.suffix.lower()](beside, predictions)
        os.replace(beside, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return count


def json_lines(predictions: Predictions, encoding: str | None = "utf-8") -> Iterator[str]:
    """One JSON object for each row; what is no finite number is null, and what the encoding lacks is escaped."""
    return (json_line(row, encoding).removesuffix("\n") for row in predictions.rows)


def _write_json_lines(path: Path, predictions: Predictions) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for line in json_lines(predictions):
            file.write(line + "\n")
            count += 1
    return count


def _write_csv(path: Path, predictions: Predictions) -> int:
    per_step = [name for name, kind in predictions.columns.items() if kind in ("texts", "numbers")]
    names = list(predictions.columns)
    flat: dict[str, str] = {}
    for name in names:
        if per_step and name == per_step[0]:
            flat["step"] = "count"
        flat[name] = predictions.columns[name].removesuffix("s") if name in per_step else predictions.columns[name]
    flat = {name: "text" if kind == "labels" else kind for name, kind in flat.items()}
    rows = (line for row in predictions.rows for line in _flattened(row, predictions, per_step))
    count = 0
    with path.open("wb") as file:
        for number, block in enumerate(_blocks(rows)):
            file.write(_frame(block, flat).write_csv(include_header=number == 0).encode())
            count += len(block)
    return count


def _flattened(row: Row, predictions: Predictions, per_step: list[str]) -> Iterator[Row]:
    whole = {
        name: "|".join(value) if predictions.columns[name] == "labels" else value
        for name, value in row.items()
        if name not in per_step
    }
    if not per_step:
        yield whole
        return
    for step, values in enumerate(zip(*(row[name] for name in per_step), strict=True)):
        yield whole | {"step": step} | dict(zip(per_step, values, strict=True))


def _write_parquet(path: Path, predictions: Predictions) -> int:
    import polars as pl

    columns: dict[str, str] = dict(predictions.columns)
    parts, count = [], 0
    for number, block in enumerate(_blocks(predictions.rows)):
        parts.append(path.with_name(f"part-{number:06}.parquet"))
        _frame(block, columns).write_parquet(parts[-1])
        count += len(block)
    pl.scan_parquet(parts).sink_parquet(path)
    return count


def _frame(rows: list[Row], columns: dict[str, str]) -> Any:
    import polars as pl

    single = {"text": pl.String(), "count": pl.Int64(), "number": pl.Float64()}
    types = single | {"labels": pl.List(pl.String), "texts": pl.List(pl.String), "numbers": pl.List(pl.Float64)}
    return pl.DataFrame(
        {name: [row[name] for row in rows] for name in columns},
        schema={name: types[kind] for name, kind in columns.items()},
    )


def _blocks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Blocks of rows; one empty block if there is none, so that a file has its columns."""
    block = list(islice(rows, BLOCK))
    yield block
    while block := list(islice(rows, BLOCK)):
        yield block


_WRITERS: dict[str, Callable[[Path, Predictions], int]] = {
    ".csv": _write_csv,
    ".jsonl": _write_json_lines,
    ".ndjson": _write_json_lines,
    ".parquet": _write_parquet,
}
