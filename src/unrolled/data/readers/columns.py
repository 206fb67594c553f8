"""Tables as columns: opening CSV, TSV, JSON Lines and Parquet, with every row and column nameable in a message.

CSV and TSV are read as text, so that a value that does not fit can be named with its row; spaces around fields are
stripped. A .tsv file has no quoting (that is what text/tab-separated-values says), a .csv file has double quotes. Rows
count from 1 without the header. Of a large file no text is held: it is read again for every question, some columns and
a block of rows at a time. This module and all that import it load polars: import them when a table is read.
"""

import csv
import difflib
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from unrolled.data.interruptible import interruptible
from unrolled.data.readers.column_facts import CELLS, Facts, Found, find_facts
from unrolled.data.readers.field_counts import may_be_ragged
from unrolled.data.readers.header import has_header
from unrolled.data.readers.json_lines import find_bad_json, refuse_half_characters
from unrolled.data.readers.json_tables import holds_lines, read_json_table
from unrolled.data.readers.lines import numbered_lines
from unrolled.data.readers.number_tables import is_number_table, read_number_table
from unrolled.data.readers.suffixes import COMPRESSED
from unrolled.data.readers.text import find_text_files
from unrolled.data.readers.written_numbers import NumberFormat
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError
from unrolled.plural import counted

IN_MEMORY = 256 << 20
"""Parquet files larger than this many bytes stay on the disk and are read in blocks of rows"""
TEXT_IN_MEMORY = 16 << 20
"""so do CSV and TSV files, whose cells take many times their size as text"""
BLOCK_CELLS = 1 << 19
"""cells read at once of a table on the disk"""
SAMPLE = 1000
"""rows looked at to tell what a column is"""
FEWEST = 20
"""of tables with very many columns"""
LONGEST_CELL = 1 << 28
"""characters of a cell at most: of a larger one a quote was left open"""
_SEPARATORS = ",;\t|"
_BY_TABS = (".tsv", ".tab", ".txt")


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
    semicolons: bool = False
    """whether `;` parts the fields, as where a comma stands before decimals"""
    headless: bool = False
    """whether the file has no header, so that the names of the columns are made up"""
    seekable: bool = True
    """whether rows can be read without those before them, which those of a CSV file on the disk cannot"""
    usual: str | None = None
    """the mark before decimals, where the user said it"""
    known: Mapping[str, NumberFormat] | None = None
    """how training read the numbers of these columns, where it did"""

    def place(self, row: int) -> str:
        """Where row number `row` (from 0) stands, for messages."""
        return f"{self.name}, row {(row if self.rows is None else int(self.rows[row])) + 1:,}"

    def read(self, start: int, stop: int, columns: Iterable[str] | None = None) -> pl.DataFrame:
        """The rows `start <= row < stop` of some columns or all."""
        frame = self.frame if columns is None else self.frame.select(list(columns))
        part = frame.slice(start, stop - start)
        return normalised(part.collect() if isinstance(part, pl.LazyFrame) else part)

    def blocks(self, columns: Iterable[str] | None = None) -> Iterator[tuple[int, pl.DataFrame]]:
        """All rows of some columns or all, in order: the number of the first row of a block, and the block.

        A table in memory is one block. Raises `UserError` if the file has lost or gained rows since it was opened.
        """
        names = list(self.columns if columns is None else columns)
        frame = self.frame.select(names)
        if isinstance(frame, pl.DataFrame):
            yield 0, normalised(frame)
            return
        start = 0
        try:
            for block in _in_blocks(frame, len(names)):
                yield start, normalised(block)
                start += block.height
        except (pl.exceptions.PolarsError, OSError):
            start = -1
        if start != self.length:
            raise UserError(f"{self.name} has changed since it was opened; start again when nothing writes to it")

    def column(self, name: str) -> pl.Series:
        """One whole column."""
        parts = [block[name] for _, block in self.blocks([name])]
        return parts[0] if len(parts) == 1 else pl.concat(parts, rechunk=False)

    def head(self) -> pl.DataFrame:
        """The first rows."""
        return self._head

    @cached_property
    def _head(self) -> pl.DataFrame:
        return self.read(0, min(SAMPLE, self.length))

    def read_by(self, reading: Reading) -> "Table":
        """The table, its numbers read as the user says or as in training."""
        usual = {"point": ".", "comma": ","}.get(reading.decimal)
        known = None if reading.formats is None else {n: NumberFormat(*form) for n, form in reading.formats.items()}
        table = self if reading.kinds is None else self._of_kinds(reading.kinds)
        if (usual, known) == (table.usual, table.known):
            return table
        return replace(table, usual=usual, known=known)

    def _of_kinds(self, kinds: Mapping[str, str]) -> "Table":
        """Truth values and whole numbers as words, truth values in words as numbers, where training read them so."""
        head, changed = self.head(), []
        for name, dtype in self.columns.items():
            column, kind = pl.col(name), kinds.get(name)
            if kind == "words" and dtype.is_float() and bool((head[name].drop_nulls() % 1 == 0).all()):
                changed.append(column.cast(pl.Int64, strict=False).cast(pl.String))
            elif kind == "words" and (dtype == pl.Boolean or dtype.is_numeric()):
                changed.append(column.cast(pl.String))
            elif kind == "numbers" and dtype == pl.String:
                small = column.str.strip_chars().str.to_lowercase()
                filled = head.select(small).to_series().drop_nulls()
                filled = filled.filter(filled != "")
                if len(filled) and filled.is_in(["true", "false"]).all():
                    changed.append(small.replace({"true": "1", "false": "0"}).alias(name))
        if not changed:
            return self
        frame = self.frame.with_columns(changed)
        names = [expression.meta.output_name() for expression in changed]
        return replace(self, frame=frame, columns=self.columns | dict.fromkeys(names, pl.String()))

    @property
    def facts(self) -> dict[str, Facts]:
        """What each column is."""
        return self._found.columns

    @property
    def formats(self) -> dict[str, NumberFormat]:
        """How the numbers of each column of numbers are written."""
        return {name: facts.format for name, facts in self.facts.items() if facts.numeric}

    def is_numeric(self, name: str) -> bool:
        """Whether a column holds numbers."""
        return self.facts[name].numeric

    @property
    def doubtful(self) -> list[str]:
        """Columns of numbers of which nothing tells what the mark in them is."""
        return self._found.doubtful

    @cached_property
    def _found(self) -> Found:
        known, usual = self.known, self.usual
        return find_facts(self.head(), self._blocks, usual=usual, semicolons=self.semicolons, known=known)

    def _blocks(self, columns: list[str]) -> Iterator[pl.DataFrame]:
        return (block for _, block in self.blocks(columns))

    def renamed(self, names: Mapping[str, str]) -> "Table":
        """The table with other names for some columns."""
        columns = {names.get(name, name): dtype for name, dtype in self.columns.items()}
        return replace(self, frame=self.frame.rename(dict(names)), columns=columns)

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
        left_out = set(names)
        columns = {name: dtype for name, dtype in self.columns.items() if name not in left_out}
        return replace(self, frame=self.frame.select(list(columns)), columns=columns)


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

    Blank rows are left out and counted. Raises `UserError` for a file that is
    empty, has no rows, is not UTF-8, has a column twice, or has a row with too many or too few fields, with its line.
    """
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


def _holds(dtype: Any, kind: Any) -> bool:
    """Whether a type is of a kind, or a list of it."""
    return _holds(dtype.inner, kind) if isinstance(dtype, pl.List | pl.Array) else isinstance(dtype, kind)


def _open_parquet(path: Path) -> Table:
    if not path.exists():
        raise UserError(f"{path} does not exist; give the path of a Parquet file")
    try:
        scan, small = pl.scan_parquet(path), path.stat().st_size <= IN_MEMORY
        table = table_of(str(path), interruptible(lambda check: scan.collect()) if small else scan)
    except (pl.exceptions.PolarsError, OSError):
        raise UserError(
            f"{path} is not a whole Parquet file: it is empty, cut short or damaged; write it again"
        ) from None
    refused = [name for name, dtype in table.columns.items() if _holds(dtype, pl.Binary)]
    if refused:
        raise UserError(
            f"{path}: the column {refused[0]!r} holds bytes (binary), which no field can be; write it as text or as "
            "numbers, or the table without it"
        )
    if not table.length:
        raise UserError(f"{path} has no rows; give a table with at least one row")
    return table


def _open_json_lines(path: Path) -> Table:
    try:
        table = table_of(str(path), interruptible(lambda check: pl.read_ndjson(path, infer_schema_length=None)))
    except pl.exceptions.PolarsError:
        find_bad_json(path)
        raise UserError(
            f"{path} cannot be read as JSON Lines; give one object per line, each field of one type"
        ) from None
    with path.open("rb") as lines:
        refuse_half_characters(path, lines)
    return table


def _open_delimited(path: Path, notes: Notes) -> Table:
    first = next((line for line in itertools.islice(_lines(path), 20) if line.strip()), "")
    marks = "\t" if path.suffix.lower() in _BY_TABS else _SEPARATORS
    if not any(mark in first for mark in marks) and is_number_table(path):
        return replace(table_of(str(path), read_number_table(path)), headless=True)
    separator, quote = _dialect(path)
    records = _records(path, separator, quote)
    head = list(itertools.islice(records, 1))
    head += itertools.islice(records, min(SAMPLE, max(FEWEST, CELLS // max(1, len(head[0])))) if head else 0)
    if not head:
        raise UserError(f"{path} has no rows; give a table with at least one row")
    names = head[0] if has_header(head, doubt=quote is not None) else None
    if names is not None:
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise UserError(f"{path} has the column {twice[0]!r} twice in its header; give each column its own name")
    if names is not None and len(head) == 1:
        raise UserError(f"{path} has a header but no rows; give a table with at least one row")
    columns = names or [f"column_{number}" for number in range(1, len(head[0]) + 1)]
    small = path.stat().st_size <= TEXT_IN_MEMORY
    try:
        cells = (pl.read_csv if small else pl.scan_csv)(
            path,
            separator=separator,
            quote_char=quote,
            has_header=False,
            skip_rows=0 if names is None else 1,
            schema=dict.fromkeys(columns, pl.String),
            missing_columns="insert",  # the first line may be a blank one
            raise_if_empty=False,
            glob=False,
        )
        rows = _read_cells(cells, columns)
    except pl.exceptions.PolarsError:
        _find_bad_line(path, separator, quote)
        raise UserError(
            f"{path} cannot be read as a table with fields between {separator!r}; check its quotes"
        ) from None
    if rows.short and may_be_ragged(path, separator, quote, len(columns)):
        _find_bad_line(path, separator, quote)
    blank = rows.blank
    notes.add("blank rows left out", int(blank.sum()))
    return Table(
        str(path),
        rows.frame,
        len(blank) - int(blank.sum()),
        dict.fromkeys(columns, pl.String()),
        np.flatnonzero(~blank) if blank.any() else None,
        semicolons=separator == ";",
        headless=names is None,
        seekable=isinstance(rows.frame, pl.DataFrame),
    )


class _Rows(NamedTuple):
    """The rows of a delimited file."""

    frame: pl.DataFrame | pl.LazyFrame
    """those that are not blank; an empty cell is null"""
    blank: np.ndarray
    """bool `[rows]`"""
    short: bool
    """whether the last cell of some row is empty, as it is in a row with too few fields"""


def _read_cells(cells: pl.DataFrame | pl.LazyFrame, columns: list[str]) -> _Rows:
    """All is read once; of a lazy frame nothing stays in memory. Raises `PolarsError`."""
    frame = cells.select(columns).select(pl.all().str.strip_chars())
    frame = frame.select(pl.when(pl.all() == "").then(None).otherwise(pl.all()).name.keep())
    blanks, short = [np.zeros(0, dtype=bool)], False
    for block in [frame] if isinstance(frame, pl.DataFrame) else _in_blocks(frame, len(columns)):
        blanks.append(block.select(pl.all_horizontal(pl.all().is_null())).to_series().to_numpy())
        short = short or block[columns[-1]].null_count() > 0
    blank = np.concatenate(blanks)
    if blank.any():
        frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))
    return _Rows(frame, blank, short)


def _in_blocks(frame: pl.LazyFrame, columns: int) -> Iterator[pl.DataFrame]:
    return iter(frame.collect_batches(chunk_size=max(1, BLOCK_CELLS // columns), maintain_order=True))


def _dialect(path: Path) -> tuple[str, str | None]:
    """The separator and the quote of a file, from its suffix and its first line."""
    if path.suffix.lower() in _BY_TABS:
        return "\t", None
    first = next(_lines(path), "")
    unquoted = "".join(part for number, part in enumerate(first.split('"')) if number % 2 == 0)
    return max(_SEPARATORS, key=lambda separator: (unquoted.count(separator), separator == ",")), '"'


def _lines(path: Path) -> Iterator[str]:
    return (line + "\n" for _, line in numbered_lines(path))


def _rows(path: Path, separator: str, quote: str | None) -> Iterator[tuple[int, list[str]]]:
    """Every record of a file, with the number of its last line. Raises `UserError` where none can be made out."""
    csv.field_size_limit(LONGEST_CELL)  # without it 131,072 characters; a gene has more
    how: dict[str, Any] = {"quoting": csv.QUOTE_NONE} if quote is None else {"quotechar": quote}
    reader = csv.reader(_lines(path), delimiter=separator, **how)
    begins = 1
    try:
        for record in reader:
            yield reader.line_num, record
            begins = reader.line_num + 1
    except csv.Error as error:
        long = "field larger" in str(error)
        problem = f"has a cell of more than {LONGEST_CELL:,} characters" if long else "cannot be read as fields"
        raise UserError(f"{path}, line {begins:,} {problem}; is a quote left open there?") from None


def _records(path: Path, separator: str, quote: str | None) -> Iterator[list[str]]:
    return ([cell.strip() for cell in record] for _, record in _rows(path, separator, quote) if record)


def _find_bad_line(path: Path, separator: str, quote: str | None) -> None:
    """Raise `UserError` at the first line with another number of fields than the first."""
    width = start = 0
    for last, record in _rows(path, separator, quote):
        width = width or len(record)
        if record and len(record) != width:
            quotes = ", or put double quotes around a field that contains the separator" if quote else ""
            fields = counted(len(record), "field")
            raise UserError(
                f"{path}, line {start + 1:,} has {fields}, expected {width} as in the first line; mend it{quotes}"
            )
        start = last
