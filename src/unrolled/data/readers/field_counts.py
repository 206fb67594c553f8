"""How many fields the records of a delimited file have, counted without parsing them one by one."""

from pathlib import Path

import numpy as np

from unrolled.data.readers.text import MIB

BLOCK = 4 * MIB
"""bytes looked at together"""
_NEWLINE, _RETURN, _QUOTE = ord("\n"), ord("\r"), ord('"')


def may_be_ragged(path: Path, separator: str, quote: str | None, width: int) -> bool:
    """Whether some record of a file may have another number of fields than `width`; empty lines are no records.

    False is certain. True only says that it takes a closer look: also where a quote stands within a field, which
    readers understand in several ways.
    """
    rest = b""
    with open(path, "rb") as file:
        while True:
            data = file.read(BLOCK)
            whole = rest + (data or (b"" if rest.endswith(b"\n") or not rest else b"\n"))
            checked = _check(np.frombuffer(whole, dtype=np.uint8), ord(separator), quote is not None, width)
            if checked is None:
                return True
            if not data:
                return checked < len(whole)  # a quote is left open
            rest = whole[checked:]


def _check(text: np.ndarray, separator: int, quoted: bool, width: int) -> int | None:
    """How many bytes the whole records at the beginning have; None if one of them may have another width."""
    between, newline = text == separator, text == _NEWLINE
    if quoted and (quotes := text == _QUOTE).any():
        inside = np.cumsum(quotes) % 2 == 1
        opening = np.flatnonzero(quotes & inside)
        before = text[opening[opening > 0] - 1]
        if not np.isin(before, (separator, _NEWLINE, _QUOTE)).all():
            return None
        between, newline = between & ~inside, newline & ~inside
    ends = np.flatnonzero(newline)
    if not len(ends):
        return 0
    lengths = np.diff(ends, prepend=-1)
    empty = (lengths == 1) | ((lengths == 2) & (text[ends - 1] == _RETURN))
    fields = np.diff(np.cumsum(between, dtype=np.int64)[ends], prepend=0) + 1
    return int(ends[-1]) + 1 if (empty | (fields == width)).all() else None
