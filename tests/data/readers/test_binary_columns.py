"""Columns of bytes in Parquet files, and cells of JSON that are nested without end, are refused by name."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from unrolled.data.readers.columns import open_table
from unrolled.data.records import Notes
from unrolled.errors import UserError


@pytest.mark.parametrize("values", [[b"\x00\xff", b"b"], [[b"a"], [b"b", b"c"]], [None, b"a"]])
def test_a_column_of_bytes(values: list[Any], tmp_path: Path) -> None:
    path = tmp_path / "pictures.parquet"
    pl.DataFrame({"label": ["a", "b"], "image": values}).write_parquet(path)
    with pytest.raises(UserError, match=r"pictures\.parquet: the column 'image' holds bytes \(binary\)"):
        open_table(path, Notes())


@pytest.mark.parametrize("depth", [5_000, 100_000])
@pytest.mark.parametrize("name", ["deep.jsonl", "deep.json"])
@pytest.mark.parametrize("whole", [True, False])
def test_json_nested_without_end(depth: int, name: str, whole: bool, tmp_path: Path) -> None:
    path = tmp_path / name
    line = '{"x": ' + "[" * depth + "1" + ("]" * depth if whole else "") + ', "y": "a"}\n'
    path.write_text(f"[{line}]" if name.endswith(".json") and whole else line * 3)
    with pytest.raises(UserError, match=name):
        open_table(path, Notes())
