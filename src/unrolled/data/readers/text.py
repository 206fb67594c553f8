"""Text files of any size: finding them and reading them in blocks. Text is UTF-8 and is left exactly as it is."""

import codecs
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from unrolled.data.given import refuse_special
from unrolled.data.readers.other_formats import is_binary, is_other_binary, refuse_other_format
from unrolled.errors import UserError

BOM = codecs.BOM_UTF8
MIB = 1 << 20
_SNIFF = 64 << 10  # bytes looked at to tell text from binary data


def find_text_files(paths: str | Path | Sequence[str | Path]) -> list[Path]:
    """The text files meant by one path or several: files as given, and folders searched recursively in sorted order.

    In folders, hidden files, empty files and binary files (with NUL bytes) are passed over. A file given by name must
    be text. Raises `UserError` for a path that is missing, empty, binary or unreadable, and for a folder without text.
    """
    if isinstance(paths, (str, Path)):
        paths = [paths]
    if not paths:
        raise UserError("no text was given; name a text file or a folder of text files")
    files: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = [file for file in _walk(path) if _looks_like_text(file)]
            if not inside:
                raise UserError(f"{path} holds no text file; give a folder with UTF-8 text files, or a file")
            files += inside
        else:
            _require_text(path)
            files.append(path)
    return list(dict.fromkeys(files))


def refuse_blank(paths: Sequence[Path]) -> None:
    """Raises `UserError` if there is nothing but white space in all of some small files."""
    for path in paths:
        head = _head(path)
        if len(head) == _SNIFF or head.removeprefix(BOM).strip():
            return
    raise UserError(f"{paths[0]} holds nothing but white space; give a file with some text in it")


def read_blocks(path: Path, start: int = 0, stop: int | None = None, size: int = 4 * MIB) -> Iterator[str]:
    """The text between two byte offsets, `size` bytes at a time, never more than that in memory.

    One block per read, so block i ends within three bytes of `start + (i + 1) * size`. Line ends are not translated; a
    byte order mark at the start of the file is dropped. Raises `UserError` at the first byte that is not UTF-8, with
    its offset and line, and if the file cannot be read.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    offset, pending = start, 0
    try:
        with open(path, "rb") as file:
            file.seek(start)
            if start == 0 and file.read(len(BOM)) != BOM:
                file.seek(0)
            offset = file.tell()
            while True:
                wanted = size if stop is None else min(size, stop - offset)
                data = file.read(wanted) if wanted > 0 else b""
                try:
                    block = decoder.decode(data, final=not data)
                except UnicodeDecodeError as error:
                    raise _not_utf8(path, offset - pending + error.start, error) from None
                if not data:
                    return
                offset += len(data)
                pending = len(decoder.getstate()[0])
                yield block
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError) -> UserError:
    """What to tell a person when the system refuses a file."""
    reason = (error.strerror or str(error)).lower()
    return UserError(f"{path} cannot be read: {reason}; check the path and its permissions")


def _walk(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise unreadable(Path(error.filename or folder), error) from error

    for root, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(root, name)
            if not name.startswith(".") and path.is_file():
                yield path


def _head(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_SNIFF)
    except OSError as error:
        raise unreadable(path, error) from error


def _looks_like_text(path: Path) -> bool:
    head = _head(path)
    other = b"\0" in head or is_binary(head) or is_other_binary(path, head)
    return bool(head.removeprefix(BOM)) and not other


def _require_text(path: Path) -> None:
    if not path.exists():
        raise UserError(f"{path} does not exist; give the path of a text file or of a folder of text files")
    refuse_special(path)
    head = _head(path)
    if not head.removeprefix(BOM):
        raise UserError(f"{path} is empty; give a file with some text in it")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UserError(
            f"{path} is UTF-16, not UTF-8; convert it: iconv -f UTF-16 -t UTF-8 {path.name} > {path.stem}.utf8.txt"
        )
    refuse_other_format(path, as_text=True)
    if b"\0" in head:
        raise UserError(f"{path} is not text: it has a NUL byte at offset {head.index(0):,}; give a text file in UTF-8")
    if is_binary(head):
        raise UserError(f"{path} is not text: it has many control characters; give a text file in UTF-8")


def _not_utf8(path: Path, offset: int, error: UnicodeDecodeError) -> UserError:
    byte = error.object[error.start]
    line = 1 + _count_lines(path, offset)
    return UserError(
        f"{path} is not UTF-8: byte 0x{byte:02x} at offset {offset:,} (line {line:,}) does not belong there; "
        f"convert the file, for example: iconv -f LATIN1 -t UTF-8 {path.name} > {path.stem}.utf8.txt"
    )


def _count_lines(path: Path, stop: int) -> int:
    lines = 0
    with open(path, "rb") as file:
        while stop > 0 and (data := file.read(min(stop, MIB))):
            lines += data.count(b"\n")
            stop -= len(data)
    return lines
