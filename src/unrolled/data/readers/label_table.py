"""A CSV file that says what the label of each file or record is."""

import csv
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from unrolled.data.readers.lines import numbered_lines
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError
from unrolled.plural import counted

KEYS = ("path", "file", "filename", "file_name", "name", "record", "id")
LABELS = ("label", "class", "category", "target", "y")
TEXTS = ("text", "transcript", "transcription", "sentence")


class Row(NamedTuple):
    line: int
    key: str
    label: str
    group: str | None


def is_table(labels: str | None) -> bool:
    """Whether `Reading.labels` names a table rather than a pattern."""
    return labels is not None and labels.lower().endswith((".csv", ".tsv"))


def read_label_table(
    table: Path, reading: Reading, notes: Notes, columns: tuple[str, ...] = LABELS
) -> tuple[str, list[Row]]:
    """The name of the label column, and the rows by key.

    The first line names the columns. The key is the first column of `KEYS`; the label is `reading.target`, or the
    first column of `columns`, or the only other column there is; the group is `reading.group` or a column `group`.
    Rows without a label are left out and counted, and so are repetitions. Raises `UserError` for a column that does
    not exist, a row with too many or too few fields, and two rows that disagree.
    """
    lines = dict(numbered_lines(table))
    head = next(iter(lines.values()), "")
    delimiter = max(",\t;", key=head.count)
    reader = csv.reader((line + "\n" for line in lines.values()), delimiter=delimiter)
    header = [name.strip() for name in next(reader, [])]
    key = _column(table, header, None, KEYS, "files", "--data.labels")
    target = reading.target if reading.target is not None or len(header) != 2 else header[1 - key]
    label = _column(table, header, target, columns, "labels", "--target")
    group = header.index("group") if "group" in header else None
    if reading.group is not None:
        group = _column(table, header, reading.group, (), "groups", "--group")
    rows: dict[str, Row] = {}
    for cells in reader:
        if not cells:
            continue
        line = reader.line_num
        if len(cells) != len(header):
            raise UserError(
                f"{table}, line {line}: found {counted(len(cells), 'field')}, expected {len(header)} as in the first "
                "line; quote values that contain the separator"
            )
        row = Row(line, cells[key].strip(), cells[label].strip(), None if group is None else cells[group].strip())
        if not row.key:
            raise UserError(f"{table}, line {line}: the column {header[key]!r} is empty, expected the name of a file")
        if not row.label:
            notes.add(f"rows of {table.name} without a label, left out")
            continue
        before = rows.setdefault(row.key, row)
        if before is not row:
            if before[1:] != row[1:]:
                raise UserError(
                    f"{table}, lines {before.line} and {line}: {row.key} is there twice, as {before.label!r} and as "
                    f"{row.label!r}; keep one of the rows"
                )
            notes.add(f"repeated rows of {table.name}, left out")
    if not rows:
        raise UserError(f"{table} has no row with a label; give a table with one row per file below the names")
    return header[label], list(rows.values())


def _column(table: Path, header: list[str], name: str | None, usual: tuple[str, ...], what: str, flag: str) -> int:
    lower = [column.lower() for column in header]
    if name is not None:
        if name in header:
            return header.index(name)
        near = get_close_matches(name.lower(), lower, 1)
        hint = f"did you mean {header[lower.index(near[0])]!r}?" if near else f"it has {', '.join(header)}"
        raise UserError(f"{table} has no column {name!r}; {hint}")
    for candidate in usual:
        if candidate in lower:
            return lower.index(candidate)
    raise UserError(
        f"{table} has the columns {', '.join(header) or '(none)'}, and none is known to hold {what} "
        f"({', '.join(usual)}); name one of its columns so" + (f", or with {flag}" if flag == "--target" else "")
    )
