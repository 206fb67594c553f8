"""Encoded records: kept in memory, or beyond a size in a file, and put together to batches."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from unrolled.data.encoders.targets import NO_TARGET

IN_MEMORY = 512 << 20
"""Bytes of one kind of array that are kept in memory; what is more goes to a file without a name."""


class Example(NamedTuple):
    """One record as a network reads it."""

    numbers: np.ndarray | None
    """float32 `[time, channels]`"""
    tokens: np.ndarray | None
    """int64 `[time, columns]`"""
    target: np.ndarray | None
    """what `unrolled.data.encoders.targets` makes of it; None if there is none"""

    @property
    def time(self) -> int:
        """Steps."""
        array = self.numbers if self.numbers is not None else self.tokens
        return 0 if array is None else len(array)


class ExampleBatch(NamedTuple):
    """Records side by side, or several in a row with `reset` between them; NumPy arrays, or tensors on a device."""

    numbers: np.ndarray | None
    """float32 `[rows, time, channels]`, 0 where there is no step"""
    tokens: np.ndarray | None
    """int64 `[rows, time, columns]`, 0 where there is no step"""
    mask: np.ndarray | None
    """bool `[rows, time]`; None if every step is there"""
    reset: np.ndarray | None
    """bool `[rows, time]`, True where another record begins in a row; None for one record a row"""
    targets: np.ndarray | None
    """per record: `[records, ...]` in the order of rows and, in a row, of time; per step: `[rows, time, ...]`; for
    texts int64 `[records, longest]`, 0 at the end"""
    lengths: np.ndarray | None
    """int64 `[records]`: of the texts"""
    fresh: bool = True

    @property
    def scored(self) -> int:
        """How many terms its loss has."""
        if self.targets is None:
            return 0
        if self.lengths is not None:
            return len(self.lengths)
        if np.issubdtype(self.targets.dtype, np.floating):
            return int(np.isfinite(self.targets).sum())
        return int((self.targets != NO_TARGET).sum())


class Spool:
    """Arrays of one type and unlike lengths, one after another. Large ones go to the disk and are mapped."""

    def __init__(self, dtype: np.dtype, folder: Path | None = None) -> None:
        self._dtype, self._folder = np.dtype(dtype), folder
        self._arrays: list[np.ndarray] = []
        self._shapes: list[tuple[int, ...]] = []
        self._starts: list[int] = []
        self._size = 0
        self._file: tempfile._TemporaryFileWrapper | None = None
        self._mapped: np.ndarray | None = None

    def append(self, array: np.ndarray) -> None:
        array = np.asarray(array, dtype=self._dtype, order="C")
        self._shapes.append(array.shape)
        self._starts.append(self._size)
        self._size += array.size
        if self._file is None and self._size * self._dtype.itemsize <= IN_MEMORY:
            self._arrays.append(array)
            return
        if self._file is None:
            self._file = tempfile.NamedTemporaryFile(dir=self._folder, prefix="unrolled-")  # noqa: SIM115 - it lives on
            for earlier in self._arrays:
                self._file.write(earlier.tobytes())
            self._arrays = []
        self._file.write(array.tobytes())
        self._mapped = None

    def __len__(self) -> int:
        return len(self._shapes)

    def __getitem__(self, index: int) -> np.ndarray:
        if self._file is None:
            return self._arrays[index]
        if self._mapped is None:
            self._file.flush()
            self._mapped = np.memmap(self._file.name, dtype=self._dtype, mode="r", shape=(self._size,))
        start, shape = self._starts[index], self._shapes[index]
        return np.asarray(self._mapped[start : start + int(np.prod(shape))]).reshape(shape)


class Examples:
    """Encoded records of one part."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._spools: dict[str, Spool] = {}
        self._places: dict[str, list[int | None]] = {name: [] for name in Example._fields}
        """of each record, where its array is; None if it has none"""
        self.lengths: list[int] = []
        """steps of each record"""
        self.origins: list[str] = []
        """where each was read"""
        self.groups: list[str] | None = None
        """whom each record belongs to; None where that is not known"""

    def append(self, example: Example, origin: str) -> None:
        for name, array in zip(Example._fields, example, strict=True):
            self._places[name].append(None if array is None else len(self._spools.get(name, ())))
            if array is not None:
                if name not in self._spools:
                    self._spools[name] = Spool(array.dtype, self._folder)
                self._spools[name].append(array)
        self.lengths.append(example.time)
        self.origins.append(origin)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> Example:
        places = ((name, self._places[name][index]) for name in Example._fields)
        return Example(*(None if place is None else self._spools[name][place] for name, place in places))


def collate(examples: Sequence[Example], *, per_step: bool, texts: bool = False, packed: bool = False) -> ExampleBatch:
    """Records as one batch, padded on the right.

    `per_step`: targets are per step; `texts`: they are texts. `packed` lays records one after another into rows as
    long as the longest of them (first fit, longest first), with `reset` at their borders; losses are then the same as
    one record a row.
    """
    lengths = [example.time for example in examples]
    longest = max(lengths)
    places = _pack(lengths, longest) if packed else [(row, 0) for row in range(len(examples))]
    rows = max(row for row, _ in places) + 1
    mask = np.zeros((rows, longest), dtype=bool)
    reset = np.zeros((rows, longest), dtype=bool)
    first = examples[0]
    numbers = None if first.numbers is None else np.zeros((rows, longest, first.numbers.shape[1]), dtype=np.float32)
    tokens = None if first.tokens is None else np.zeros((rows, longest, first.tokens.shape[1]), dtype=np.int64)
    steps = None
    if per_step and first.target is not None:
        nothing = np.nan if np.issubdtype(first.target.dtype, np.floating) else NO_TARGET
        steps = np.full((rows, longest, *first.target.shape[1:]), nothing, dtype=first.target.dtype)
    for (row, start), example in zip(places, examples, strict=True):
        stop = start + example.time
        mask[row, start:stop] = True
        reset[row, start] = start > 0
        if numbers is not None and example.numbers is not None:
            numbers[row, start:stop] = example.numbers
        if tokens is not None and example.tokens is not None:
            tokens[row, start:stop] = example.tokens
        if steps is not None and example.target is not None:
            steps[row, start:stop] = example.target
    order = sorted(range(len(examples)), key=lambda number: places[number])
    targets, text_lengths = steps, None
    if not per_step and first.target is not None:
        values = [examples[number].target for number in order]
        if texts:
            targets, text_lengths = _pad([value for value in values if value is not None])
        else:
            targets = np.stack([value for value in values if value is not None])
    return ExampleBatch(
        numbers,
        tokens,
        None if mask.all() else mask,
        reset if reset.any() else None,
        targets,
        text_lengths,
    )


def packed_order(examples: Sequence[Example]) -> list[int]:
    """In which order the records of a packed batch come."""
    lengths = [example.time for example in examples]
    places = _pack(lengths, max(lengths))
    return sorted(range(len(examples)), key=lambda number: places[number])


def _pack(lengths: list[int], size: int) -> list[tuple[int, int]]:
    """Row and first step of each record."""
    free: list[int] = []
    places = [(0, 0)] * len(lengths)
    for number in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        row = next((row for row, room in enumerate(free) if room >= lengths[number]), None)
        if row is None:
            row = len(free)
            free.append(size)
        places[number] = (row, size - free[row])
        free[row] -= lengths[number]
    return places


def _pad(values: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    lengths = np.array([len(value) for value in values], dtype=np.int64)
    padded = np.zeros((len(values), max(1, int(lengths.max()))), dtype=np.int64)
    for row, value in zip(padded, values, strict=True):
        row[: len(value)] = value
    return padded, lengths
