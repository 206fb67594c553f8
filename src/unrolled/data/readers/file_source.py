"""Records that are one file each, decoded when asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.data.readers.names import LabelledFiles
from unrolled.data.records import Field, Kind, Record, Source
from unrolled.errors import UserError


class NoNumber(UserError):
    """The label of a file is a word, and numbers were wanted."""


class FileSource(Source):
    """A signal or frames from each file, and what is known about the file as a label.

    `read(path)` decodes one file; it is pickled for worker processes. `kind` is that of the label: categorical, text,
    or numeric, of which float32 `[1]` is made. Raises `UserError` for a label that is not a number then.
    """

    slow = True

    def __init__(self, files: LabelledFiles, content: Field, read: Callable[[Path], np.ndarray], kind: Kind) -> None:
        self.files = files
        self._content, self._read, self._kind = content, read, kind
        self._values: list[Any] | None = files.labels
        self.fields = (content,)
        if files.labels is None:
            return
        channels = (files.name,) if kind == "numeric" else ()
        self.fields += (Field(files.name, kind, timed=kind == "text", channels=channels),)
        if kind == "numeric":
            self._values = [_number(path, text) for path, text in zip(files.paths, files.labels, strict=True)]

    def __len__(self) -> int:
        return len(self.files.paths)

    def record(self, index: int) -> Record:
        path = self.files.paths[index]
        values = {self._content.name: self._read(path)}
        if self._values is not None:
            values[self.files.name] = self._values[index]
        return Record(values, str(path), self._content.rate)

    def labels(self, name: str) -> list[str] | None:
        return self.files.labels if self._kind == "categorical" and name == self.files.name else None

    def groups(self, name: str) -> list[str] | None:
        return self.files.groups


def _number(path: Path, text: str) -> np.ndarray:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise NoNumber(f"the label of {path} is {text!r}, expected a number")
    return np.array([value], dtype=np.float32)
