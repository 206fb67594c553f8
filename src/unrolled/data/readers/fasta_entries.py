"""The records of one FASTA or FASTQ file, plain or compressed with gzip."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from unrolled.data.readers.lines import numbered_lines
from unrolled.errors import UserError


class Entry(NamedTuple):
    """One sequence as it stands in the file."""

    path: Path
    line: int
    header: str
    sequence: str
    quality: str | None

    @property
    def id(self) -> str:
        return re.split(r"[\s|]", self.header, maxsplit=1)[0]


def read_entries(path: Path) -> list[Entry]:
    """All records. Raises `UserError` with file and line for what does not fit the format."""
    lines = ((number, line.strip()) for number, line in numbered_lines(path))
    first = next(((number, line) for number, line in lines if line), None)
    if first is None:
        raise UserError(f"{path} is empty; give a file with sequences")
    if first[1][0] not in ">@;":
        raise UserError(
            f"{path}, line {first[0]}: found {first[1][:30]!r} before the first header; a FASTA file begins with >, "
            "a FASTQ file with @"
        )
    return list((_fastq if first[1][0] == "@" else _fasta)(path, first, lines))


def _fasta(path: Path, first: tuple[int, str], lines: Iterator[tuple[int, str]]) -> Iterator[Entry]:
    (start, header), parts = first, list[str]()
    for number, line in lines:
        if line.startswith(">"):
            yield _entry(path, start, header, parts)
            start, header, parts = number, line, []
        elif not line.startswith(";"):  # an old way of writing comments
            parts.append(line)
    yield _entry(path, start, header, parts)


def _entry(path: Path, line: int, header: str, parts: list[str]) -> Entry:
    sequence = "".join("".join(parts).split()).upper()
    if not sequence:
        raise UserError(f"{path}, line {line}: the record {header[:30]!r} has no sequence (length 0); take it away")
    return Entry(path, line, header[1:].strip(), sequence, None)


def _fastq(path: Path, first: tuple[int, str], lines: Iterator[tuple[int, str]]) -> Iterator[Entry]:
    """Four lines per record: `@` header, sequence, `+`, quality."""
    header: tuple[int, str] | None = first
    while header is not None:
        start, title = header
        if not title.startswith("@"):
            raise UserError(f"{path}, line {start}: found {title[:30]!r}, expected a header that begins with @")
        rest = [line for _, line in zip(range(3), (line for _, line in lines), strict=False)]
        if len(rest) < 3:
            raise UserError(f"{path}, line {start}: the last record is cut short; a FASTQ record has four lines")
        sequence, plus, quality = rest[0].upper(), rest[1], rest[2]
        if not sequence:
            raise UserError(f"{path}, line {start}: the record {title[:30]!r} has no sequence (length 0); take it away")
        if not plus.startswith("+"):
            raise UserError(f"{path}, line {start + 2}: found {plus[:30]!r}, expected the line + of a FASTQ record")
        if len(quality) != len(sequence):
            raise UserError(
                f"{path}, line {start + 3}: the quality has {len(quality)} characters, the sequence {len(sequence)}"
            )
        if not all("!" <= character <= "~" for character in quality):
            raise UserError(f"{path}, line {start + 3}: the quality has a character outside of ! to ~")
        yield Entry(path, start, title[1:].strip(), sequence, quality)
        header = next(((number, line) for number, line in lines if line), None)
