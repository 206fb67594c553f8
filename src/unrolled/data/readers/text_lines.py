"""Any line of a text file, read when asked for."""

from array import array
from pathlib import Path

from unrolled.data.readers.lines import numbered_lines
from unrolled.data.readers.text import BOM


class TextLines:
    """The lines of a UTF-8 file by number from 0. Only where they begin is held in memory.

    Raises `UserError` for a file that is missing, empty or not UTF-8.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.blank = bytearray(not line.strip() for _, line in numbered_lines(path))
        """1 for lines of spaces or nothing"""
        self.starts = array("q", [0])
        with open(path, "rb") as file:
            for raw in file:
                self.starts.append(self.starts[-1] + len(raw))

    def __len__(self) -> int:
        return len(self.blank)

    def line(self, index: int) -> str:
        """One line, without spaces around it."""
        return self.lines(index, index + 1)[0]

    def lines(self, start: int, stop: int) -> list[str]:
        """The lines `start <= line < stop`, without spaces around them."""
        with open(self.path, "rb") as file:
            file.seek(self.starts[start])
            data = file.read(self.starts[stop] - self.starts[start])
        return [line.strip() for line in data.removeprefix(BOM).decode().removesuffix("\n").split("\n")]
