"""The lines of a text file with their numbers, plain or compressed with gzip."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from unrolled.data.readers.text import BOM, find_text_files, unreadable
from unrolled.errors import UserError


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Every line of a UTF-8 file with its number from 1, without the line end; one line in memory at a time.

    A byte order mark is dropped. Raises `UserError` for a file that is missing, empty, binary or not UTF-8 (with the
    line), and for a damaged `.gz`.
    """
    compressed = path.suffix == ".gz"
    if not compressed:
        find_text_files([path])  # refuses what is no text
    number = 0
    try:
        with gzip.open(path, "rb") if compressed else open(path, "rb") as file:
            for number, raw in enumerate(file, start=1):
                line = raw.removeprefix(BOM) if number == 1 else raw
                yield number, line.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}, line {number}: byte 0x{error.object[error.start]:02x} is not UTF-8; "
            f"convert the file, for example: iconv -f LATIN1 -t UTF-8 {path.name}"
        ) from None
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise UserError(
            f"{path} cannot be decompressed after line {number}; it is damaged or cut short, fetch it again"
        ) from None
    except OSError as error:
        raise unreadable(path, error) from error
