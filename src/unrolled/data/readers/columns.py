"""Tables as columns: opening CSV, TSV, JSON Lines and Parquet, with every row and column nameable in a message.

CSV and TSV are read as text, so that a value that does not fit can be named with its row; spaces around fields are
stripped. A .tsv file has no quoting (that is what text/tab-separated-values says), a .csv file has double quotes. Rows
count from 1 without the header. This module and all that import it load polars: import them when a table is read.
"""

import csv
import difflib
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from unrolled.data.counting import counted
from unrolled.data.readers.header import has_header
from unrolled.data.readers.json_lines import find_bad_json
from unrolled.data.readers.json_tables import holds_lines, read_json_table
from unrolled.data.readers.kept_tables import kept_or
from unrolled.data.readers.lines import numbered_lines
from unrolled.data.readers.suffixes import COMPRESSED
from unrolled.data.records import Notes
from unrolled.data.text import find_text_files
from unrolled.errors import UserError

IN_MEMORY = 256 << 20
"""Parquet files larger than this many bytes stay on the disk and are read in blocks of rows"""
SAMPLE = 1000
"""rows looked at to tell what a column is"""
_SEPARATORS = ",;\t|"


@dataclass(frozen=True)
class Table:
    """Rows with named columns, in memory (`DataFrame`) or on the disk (`LazyFrame`)."""

    name: str
    frame: pl.DataFrame | pl.LazyFrame
    length: int
    columns: dict[str, Any]
    """polars data types by name (beartype cannot check that type)"""
    rows: np.ndarray | None = None
    """int64 `[length]`: the number of each row in the file, where blank rows were left out"""
    decimal_comma: bool = False
    headless: bool = False
    """whether the file has no header, so that the names of the columns are made up"""

    def place(self, row: int) -> str:
        """Where row number `row` (from 0) stands, for messages."""
        return f"{self.name}, row {(row if self.rows is None else int(self.rows[row])) + 1:,}"

    def read(self, start: int, stop: int, columns: Iterable[str] | None = None) -> pl.DataFrame:
        """The rows `start <= row < stop` of some columns or all."""
        frame = self.frame if columns is None else self.frame.select(list(columns))
        part = frame.slice(start, stop - start)
        return normalised(part.collect() if isinstance(part, pl.LazyFrame) else part)

    def column(self, name: str) -> pl.Series:
        """One whole column."""
        return self.read(0, self.length, [name])[name]

    def head(self) -> pl.DataFrame:
        """The first rows."""
        return self.read(0, min(SAMPLE, self.length))

    def require(self, column: str, flag: str) -> str:
        """The column as named by the user. Raises `UserError` with the nearest name if there is none."""
        if column not in self.columns:
            raise UserError(
                f"{self.name} has no column {column!r} ({flag}){nearest(column, self.columns)}; "
                f"its columns are {shown(self.columns)}"
            )
        return column

    def without(self, names: Iterable[str]) -> "Table":
        """The table with some columns left out."""
        columns = {name: dtype for name, dtype in self.columns.items() if name not in set(names)}
        return Table(self.name, self.frame.select(list(columns)), self.length, columns, self.rows, self.decimal_comma)


def nearest(name: str, names: Iterable[str]) -> str:
    """`, did you mean 'x'?` for a name that is not among the others, or nothing."""
    lower = {other.lower(): other for other in names}
    close = difflib.get_close_matches(name.lower(), lower, n=1)
    return f", did you mean {lower[close[0]]!r}?" if close else ""


def shown(names: Iterable[str], limit: int = 8) -> str:
    """A list of names for a message, cut if it is long."""
    names = list(names)
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def open_table(path: Path, notes: Notes) -> Table:
    """Open a .csv, .tsv, .jsonl, .json or .parquet file; .txt is read like .tsv.

    Within `tables_kept` each is read once. Blank rows are left out and counted. Raises `UserError` for a file that is
    empty, has no rows, is not UTF-8, has a column twice, or has a row with too many or too few fields, with its line.
    """
    return kept_or(path, notes, _open)


def _open(path: Path, notes: Notes) -> Table:
    suffix = path.suffix.lower()
    if suffix in (".parquet", ".pq"):
        return _open_parquet(path)
    if suffix in COMPRESSED:
        raise UserError(f"{path} is compressed, and tables are read as they are; unpack it: gunzip -k {path.name}")
    find_text_files(path)
    if suffix in (".jsonl", ".ndjson") or (suffix == ".json" and holds_lines(path)):
        table = _open_json_lines(path)
    elif suffix == ".json":
        table = table_of(str(path), read_json_table(path))
    else:
        table = _open_delimited(path, notes)
    if not table.length:
        raise UserError(f"{path} has a header but no rows; give a table with at least one row")
    return table


def table_of(name: str, frame: pl.DataFrame | pl.LazyFrame) -> Table:
    """A frame as a table."""
    schema = frame.collect_schema()
    length = int(frame.lazy().select(pl.len()).collect().item())
    return Table(name, frame, length, {column: _plain(dtype) for column, dtype in schema.items()})


def normalised(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with categories as text, arrays as lists and decimals as floats, so that few types are left."""
    changes = {column: _plain(dtype) for column, dtype in frame.schema.items() if _plain(dtype) != dtype}
    return frame.with_columns([pl.col(column).cast(dtype) for column, dtype in changes.items()]) if changes else frame


def _plain(dtype: Any) -> Any:
    if isinstance(dtype, (pl.Categorical, pl.Enum)):
        return pl.String()
    if isinstance(dtype, pl.Decimal):
        return pl.Float64()
    if isinstance(dtype, (pl.Array, pl.List)):
        return pl.List(_plain(dtype.inner))
    return dtype


def _open_parquet(path: Path) -> Table:
    if not path.exists():
        raise UserError(f"{path} does not exist; give the path of a Parquet file")
    try:
        scan = pl.scan_parquet(path)
        table = table_of(str(path), scan.collect() if path.stat().st_size <= IN_MEMORY else scan)
    except (pl.exceptions.PolarsError, OSError):
        raise UserError(
            f"{path} is not a whole Parquet file: it is empty, cut short or damaged; write it again"
        ) from None
    if not table.length:
        raise UserError(f"{path} has no rows; give a table with at least one row")
    return table


def _open_json_lines(path: Path) -> Table:
    try:
        return table_of(str(path), pl.read_ndjson(path, infer_schema_length=None))
    except pl.exceptions.PolarsError:
        find_bad_json(path)
        raise UserError(
            f"{path} cannot be read as JSON Lines; give one object per line, each field of one type"
        ) from None


def _open_delimited(path: Path, notes: Notes) -> Table:
    separator, quote = _dialect(path)
    head = list(itertools.islice(_records(path, separator, quote), SAMPLE))
    if not head:
        raise UserError(f"{path} has no rows; give a table with at least one row")
    names = head[0] if has_header(head, doubt=quote is not None) else None
    if names is not None:
        twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        if twice:
            raise UserError(f"{path} has the column {twice[0]!r} twice in its header; give each column its own name")
    try:
        frame = pl.read_csv(
            path,
            separator=separator,
            quote_char=quote,
            has_header=False,
            skip_rows=0 if names is None else 1,
            new_columns=names or [f"column_{number}" for number in range(1, len(head[0]) + 1)],
            infer_schema=False,
            raise_if_empty=False,
        )
    except pl.exceptions.PolarsError:
        _find_bad_line(path, separator, quote)
        raise UserError(
            f"{path} cannot be read as a table with fields between {separator!r}; check its quotes"
        ) from None
    if frame.width != len(head[0]) or frame[frame.columns[-1]].null_count():
        _find_bad_line(path, separator, quote)
    frame = frame.with_columns(pl.all().str.strip_chars()).with_columns(
        pl.when(pl.all() == "").then(None).otherwise(pl.all()).name.keep()
    )
    rows = None
    blank = frame.select(pl.all_horizontal(pl.all().is_null())).to_series().to_numpy()
    if blank.any():
        notes.add("blank rows left out", int(blank.sum()))
        rows = np.flatnonzero(~blank)
        frame = frame.filter(~pl.Series(blank))
    return Table(
        str(path), frame, frame.height, dict(frame.schema), rows, decimal_comma=separator == ";", headless=names is None
    )


def _dialect(path: Path) -> tuple[str, str | None]:
    """The separator and the quote of a file, from its suffix and its first line."""
    if path.suffix.lower() in (".tsv", ".tab", ".txt"):
        return "\t", None
    first = next(_lines(path), "")
    unquoted = "".join(part for number, part in enumerate(first.split('"')) if number % 2 == 0)
    return max(_SEPARATORS, key=lambda separator: (unquoted.count(separator), separator == ",")), '"'


def _lines(path: Path) -> Iterator[str]:
    return (line + "\n" for _, line in numbered_lines(path))


def _csv_reader(path: Path, separator: str, quote: str | None) -> Any:
    if quote is None:
        return csv.reader(_lines(path), delimiter=separator, quoting=csv.QUOTE_NONE)
    return csv.reader(_lines(path), delimiter=separator, quotechar=quote)


def _records(path: Path, separator: str, quote: str | None) -> Iterator[list[str]]:
    reader = _csv_reader(path, separator, quote)
    try:
        for record in reader:
            if record:
                yield [cell.strip() for cell in record]
    except csv.Error:
        raise UserError(f"{path}, line {reader.line_num:,} cannot be read as fields; is a quote left open?") from None


def _find_bad_line(path: Path, separator: str, quote: str | None) -> None:
    """Raise `UserError` at the first line with another number of fields than the first."""
    reader = _csv_reader(path, separator, quote)
    width = start = 0
    for record in reader:
        width = width or len(record)
        if record and len(record) != width:
            quotes = ", or put double quotes around a field that contains the separator" if quote else ""
            found = counted(len(record), "field")
            raise UserError(
                f"{path}, line {start + 1:,} has {found}, expected {width} as in the first line; mend it{quotes}"
            )
        start = reader.line_num
