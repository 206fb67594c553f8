"""Encoded records: kept in memory, or beyond a size in a file, and put together to batches."""

import tempfile
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

NO_TARGET = -100
"""Where a label is missing, or one that training did not see: it is not learned from and not scored."""
BLOCK = 1 << 20
"""Bytes that short arrays share."""
IN_MEMORY = 512 << 20
"""Bytes of one kind of array that are kept in memory; what is more goes to a file without a name."""


class Example(NamedTuple):
    """One record as a network reads it."""

    numbers: np.ndarray | None
    """float32 `[time, channels]`"""
    tokens: np.ndarray | None
    """int64 `[time, columns]`"""
    target: np.ndarray | None
    """what is to be learned, see `unrolled.tasks.labels.target`; None if there is nothing"""
    weight: np.ndarray | None = None
    """float32 `[]`, or `[time]` where several records follow each other: how much it counts in the loss; None for 1"""

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
    weights: np.ndarray | None = None
    """float32, how much what is scored counts: per record `[records]`, in the order of the targets, or per step
    `[rows, time]`; None if all count alike"""
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
        self._blocks: list[np.ndarray] = []
        """flat; many short arrays lie in each, which by themselves would take more memory than their values"""
        self._block_starts: list[int] = []
        self._shapes: list[tuple[int, ...]] = []
        self._same: dict[tuple[int, ...], tuple[int, ...]] = {}
        self._starts = array("q")
        self._size = 0
        self._file: IO[bytes] | None = None
        self._mapped: np.ndarray | None = None

    def append(self, values: np.ndarray) -> None:
        values = np.asarray(values, dtype=self._dtype, order="C")
        self._shapes.append(self._same.setdefault(values.shape, values.shape))
        self._starts.append(self._size)
        if self._file is None and (self._size + values.size) * self._dtype.itemsize <= IN_MEMORY:
            self._keep(values.ravel())
            self._size += values.size
            return
        if self._file is None:
            self._file = tempfile.NamedTemporaryFile(dir=self._folder, prefix="unrolled-")  # noqa: SIM115 - it lives on
            for block, (begin, end) in zip(self._blocks, pairwise([*self._block_starts, self._size]), strict=True):
                self._file.write(block[: end - begin].tobytes())
            self._blocks, self._block_starts = [], []
        self._file.write(values.tobytes())
        self._size += values.size
        self._mapped = None

    def _keep(self, values: np.ndarray) -> None:
        offset = self._size - self._block_starts[-1] if self._blocks else 0
        if not self._blocks or offset + len(values) > len(self._blocks[-1]):
            self._blocks.append(np.empty(max(len(values), BLOCK // self._dtype.itemsize), self._dtype))
            self._block_starts.append(self._size)
            offset = 0
        self._blocks[-1][offset : offset + len(values)] = values

    def __len__(self) -> int:
        return len(self._shapes)

    def __getitem__(self, index: int) -> np.ndarray:
        if self._file is None:
            number = bisect_right(self._block_starts, self._starts[index]) - 1
            begin, shape = self._starts[index] - self._block_starts[number], self._shapes[index]
            return self._blocks[number][begin : begin + int(np.prod(shape))].reshape(shape)
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
        self._index = {name: array("q") for name in Example._fields}
        """of each record, where its array is; -1 if it has none"""
        self.lengths: list[int] = []
        """steps of each record"""
        self.origins: list[str] = []
        """where each was read"""
        self.groups: list[str] | None = None
        """whom each record belongs to; None where that is not known"""

    def append(self, example: Example, origin: str) -> None:
        for name, values in zip(Example._fields, example, strict=True):
            self._index[name].append(-1 if values is None else len(self._spools.get(name, ())))
            if values is not None:
                if name not in self._spools:
                    self._spools[name] = Spool(values.dtype, self._folder)
                self._spools[name].append(values)
        self.lengths.append(example.time)
        self.origins.append(origin)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> Example:
        entries = ((name, self._index[name][index]) for name in Example._fields)
        return Example(*(None if entry < 0 else self._spools[name][entry] for name, entry in entries))

    def targets(self) -> list[np.ndarray]:
        """The targets of all records. Raises `ValueError` if one has none."""
        entries = self._index["target"]
        if -1 in entries:
            raise ValueError(f"record {entries.index(-1)} has no target")
        return [self._spools["target"][entry] for entry in entries]

    def group_numbers(self, chosen: np.ndarray | list[int] | None = None) -> np.ndarray | None:
        """The group of each chosen record (a mask or numbers; by default all), int64 `[records]`; None without any."""
        if self.groups is None:
            return None
        numbers = np.unique(self.groups, return_inverse=True)[1].astype(np.int64)
        return numbers if chosen is None else numbers[chosen]


def steps_of(example: Example, part: slice) -> Example:
    """Some steps of an example whose target, if there is one, is one for each of them."""
    numbers, tokens, target = (None if values is None else values[part] for values in example[:3])
    return Example(numbers, tokens, target, example.weight)


def collate(examples: Sequence[Example], *, per_step: bool, texts: bool = False, packed: bool = False) -> ExampleBatch:
    """Records as one batch, padded on the right.

    `per_step`: targets are per step; `texts`: they are texts. `packed` lays records one after another into rows as
    long as the longest of them (first fit, longest first), with `reset` at their borders; losses are then the same as
    one record a row.
    """
    lengths = [example.time for example in examples]
    longest = max(lengths)
    positions = _pack(lengths, longest) if packed else [(row, 0) for row in range(len(examples))]
    rows = max(row for row, _ in positions) + 1
    mask = np.zeros((rows, longest), dtype=bool)
    reset = np.zeros((rows, longest), dtype=bool)
    first = examples[0]
    numbers = None if first.numbers is None else np.zeros((rows, longest, first.numbers.shape[1]), dtype=np.float32)
    tokens = None if first.tokens is None else np.zeros((rows, longest, first.tokens.shape[1]), dtype=np.int64)
    steps = weights = None
    weighted = any(example.weight is not None for example in examples)
    if per_step and weighted:
        weights = np.ones((rows, longest), dtype=np.float32)
    if per_step and first.target is not None:
        nothing = np.nan if np.issubdtype(first.target.dtype, np.floating) else NO_TARGET
        steps = np.full((rows, longest, *first.target.shape[1:]), nothing, dtype=first.target.dtype)
    for (row, start), example in zip(positions, examples, strict=True):
        stop = start + example.time
        mask[row, start:stop] = True
        reset[row, start] = start > 0
        if numbers is not None and example.numbers is not None:
            numbers[row, start:stop] = example.numbers
        if tokens is not None and example.tokens is not None:
            tokens[row, start:stop] = example.tokens
        if steps is not None and example.target is not None:
            steps[row, start:stop] = example.target
        if weights is not None and example.weight is not None:
            weights[row, start:stop] = example.weight
    order = sorted(range(len(examples)), key=lambda number: positions[number])
    targets, text_lengths = steps, None
    if not per_step and first.target is not None:
        values = [examples[number].target for number in order]
        if texts:
            targets, text_lengths = _pad([value for value in values if value is not None])
        else:
            targets = np.stack([value for value in values if value is not None])
        if weighted:
            own = [examples[number].weight for number in order]
            weights = np.array([1.0 if weight is None else weight for weight in own], dtype=np.float32)
    return ExampleBatch(
        numbers,
        tokens,
        None if mask.all() else mask,
        reset if reset.any() else None,
        targets,
        text_lengths,
        weights,
    )


def packed_order(examples: Sequence[Example]) -> list[int]:
    """In which order the records of a packed batch come."""
    lengths = [example.time for example in examples]
    positions = _pack(lengths, max(lengths))
    return sorted(range(len(examples)), key=lambda number: positions[number])


def _pack(lengths: list[int], size: int) -> list[tuple[int, int]]:
    """Row and first step of each record."""
    free: list[int] = []
    positions = [(0, 0)] * len(lengths)
    for number in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        row = next((row for row, room in enumerate(free) if room >= lengths[number]), None)
        if row is None:
            row = len(free)
            free.append(size)
        positions[number] = (row, size - free[row])
        free[row] -= lengths[number]
    return positions


def _pad(values: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    lengths = np.array([len(value) for value in values], dtype=np.int64)
    padded = np.zeros((len(values), max(1, int(lengths.max()))), dtype=np.int64)
    for row, value in zip(padded, values, strict=True):
        row[: len(value)] = value
    return padded, lengths
