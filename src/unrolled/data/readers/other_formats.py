"""Formats that nothing here reads: known by name, first bytes or first lines, so that none is learned as characters."""

import codecs
import json
import re
import zipfile
from pathlib import Path

from unrolled.data.readers.known_formats import (
    BY_SUFFIX,
    DOCUMENT,
    FIRST,
    GZIP,
    JSON,
    MAGIC,
    MODEL,
    PICKLE,
    PLAIN,
    TAR,
    XML,
    ZIP,
    Format,
    named,
)
from unrolled.errors import UserError
from unrolled.plural import counted

LOOKED_AT = 64 << 10
"""bytes at the beginning of a file that are looked at"""
_SOME = 50
"""files of a folder that are looked at"""
_BOM = b"\xef\xbb\xbf"
_NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?|nan", re.IGNORECASE)
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\v\x1b\x08")) + b"\x7f"


class RunningText(UserError):
    """Files are refused as records, and can be read as running text if somebody says so."""


def refuse_other_format(path: Path, *, by_name: bool = True, as_text: bool = False) -> None:
    """Raises `UserError` with what to do if a file is in a format that nothing reads, or in one that its name hides.

    `as_text` lets pass what can be read as text too; without `by_name` only the content counts.
    """
    known = BY_SUFFIX.get(path.suffix.lower()) if by_name else None
    if known is GZIP and path.with_suffix("").suffix.lower() == ".tar":
        known = TAR
    if known is None:
        known = _by_content(path)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    endings = suffixes[-2:] if suffixes[-1:] == [".gz"] else suffixes[-1:]
    if known is None or (as_text and known.text) or any(ending in endings for ending in known.endings):
        return
    unread = "" if known.endings or ", which" in known.words else ", which is not read"
    sentence = f"{path} is {known.words}{unread}; {known.advice.replace('FILE', path.name)}"
    raise RunningText(sentence) if known.readable else UserError(sentence)


def refuse_other_folder(folder: Path, files: list[Path]) -> None:
    """The same for the files of a folder: raises `UserError` if most of those looked at are such files."""
    looked_at = sorted(files)[:_SOME]
    others = [(path, known) for path in looked_at if (known := _known(path)) is not None]
    if len(others) * 2 > len(looked_at):
        path, known = others[0]
        text = "no text file but " if len(others) == len(looked_at) else ""
        many = counted(len(others), "file")
        sentence = (
            f"{folder} holds {text}{many} like {path.name}, which is {known.words} and not read; "
            f"{known.advice.replace('FILE', path.name)}"
        )
        raise RunningText(sentence) if known.readable else UserError(sentence)


def refuse_table(path: Path) -> None:
    """Raises `UserError` for a text file of another name than a table's whose lines are rows, mostly of numbers."""
    try:
        with open(path, "rb") as file:
            head = file.read(LOOKED_AT).removeprefix(_BOM)
    except OSError:
        return
    lines = [line for line in head.decode(errors="replace").splitlines() if line.strip()]
    rows = lines[1 : _SOME + 1] if len(head) < LOOKED_AT else lines[1:-1][:_SOME]
    for separator, ending in (("\t", ".tsv"), (",", ".csv"), (";", ".csv")):
        widths = {row.count(separator) for row in rows}
        if len(rows) < 3 or len(widths) != 1 or not widths.pop():
            continue
        cells = [cell.strip() for row in rows for cell in row.split(separator)]
        if sum(bool(_NUMBER.fullmatch(cell)) for cell in cells) >= len(cells) / 2:
            raise RunningText(
                f"{path} looks like a table with {len(rows[0].split(separator))} columns; let its name end in {ending} "
                "to read it as one"
            )


def is_other_binary(path: Path, head: bytes) -> bool:
    """Whether a file with this beginning is in a known format that is no text."""
    known = BY_SUFFIX.get(path.suffix.lower()) or _by_magic(path, head)
    return known is not None and not known.text


def is_binary(head: bytes) -> bool:
    """Whether the beginning of a file is no text in any encoding with one byte or UTF-8: by its control characters."""
    control = len(head) - len(head.translate(None, _CONTROL))
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # the last character may be cut
    except UnicodeDecodeError:
        return control > 0.02 * len(head)
    return control > 0.3 * len(head)


def _known(path: Path) -> Format | None:
    return BY_SUFFIX.get(path.suffix.lower()) or _by_content(path)


def _by_content(path: Path) -> Format | None:
    try:
        with open(path, "rb") as file:
            head = file.read(LOOKED_AT)
    except OSError:  # whoever reads it says so
        return None
    known = _by_magic(path, head)
    if known is not None or b"\0" in head:
        return known
    text = head.removeprefix(_BOM).decode(errors="replace").lstrip()
    known = next((known for pattern, known in FIRST if pattern.match(text)), None)
    return known or _whole_json(text, head) or (XML if _is_element(path, text) else None)


def _is_element(path: Path, text: str) -> bool:
    """Whether all of a file is one element, as XML without its first line is; texts may have several in a row."""
    root = re.match(r"<([A-Za-z_][\w:.-]*)(\s[^<>]*)?>", text)
    if root is None or len(re.findall(rf"<{re.escape(root[1])}[\s>]", text)) > 1:
        return False
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - 1000))
        return file.read().decode(errors="replace").rstrip().endswith(f"</{root[1]}>")


def _whole_json(text: str, head: bytes) -> Format | None:
    """JSON that does not begin with an object of names: lists of numbers and the like, or an object per line."""
    if not text.startswith(("[", "{")):
        return None
    whole = len(head) < LOOKED_AT
    try:
        value = json.loads(text if whole else text.partition("\n")[0])
    except (ValueError, RecursionError):
        return None
    return JSON if value and isinstance(value, dict | list if whole else dict) else None


def _by_magic(path: Path, head: bytes) -> Format | None:
    known = next((known for start, magic, known in MAGIC if head.startswith(magic, start)), None)
    if known is not None and not head.startswith(PLAIN) and b"\0" not in head and not is_binary(head):
        return None  # a text may begin with such letters
    if known is None and head.startswith(b"PK\x03\x04"):
        return _in_zip(path)
    if known is None and re.match(rb"\x80[\x02-\x05][\x8a\x8c\x95c}\](KX]", head):
        return PICKLE
    return known


def _in_zip(path: Path) -> Format | None:
    """What a zip archive is; None if it is not a whole one."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return None
    if any(name.startswith("xl/") for name in names) or "content.xml" in names:
        return Format("a spreadsheet or a document of an office program", "save a sheet as CSV, a document as text")
    if any(name.startswith(("word/", "ppt/", "OEBPS/")) for name in names):
        return DOCUMENT
    if any(name.endswith("data.pkl") for name in names):
        return MODEL
    return named(".npz", "an archive of NumPy arrays") if names and names[0].endswith(".npy") else ZIP
