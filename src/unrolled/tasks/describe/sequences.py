"""Records for one-to-many: a sequence to write, and labels and numbers that say which; as batches for training."""

import json
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from unrolled.data.encoders.encoding import Encoding, inputs_from_json
from unrolled.data.encoders.token_counts import unseen
from unrolled.data.feeds.buckets import Buckets
from unrolled.data.feeds.examples import Spool
from unrolled.data.feeds.text_feeds import NO_TARGET
from unrolled.data.records import Notes, Record
from unrolled.errors import UserError
from unrolled.tasks.describe.output_sequences import WRITTEN, Written
from unrolled.untrusted import parse_json

END = 0
"""The token that begins and ends a sequence."""


class DescriptionBatch(NamedTuple):
    """Sequences side by side, padded on the right; NumPy arrays, or tensors on a device."""

    numbers: np.ndarray | None
    """float32 `[batch, channels]`, what is known of each"""
    categories: np.ndarray | None
    """int64 `[batch, columns]`"""
    inputs: np.ndarray
    """int64 `[batch, time]`: the beginning and the tokens"""
    targets: np.ndarray
    """int64 `[batch, time]`: the tokens and the end; -100 where there is none"""
    fresh: bool = True

    @property
    def scored(self) -> int:
        """How many tokens are predicted."""
        return int((self.targets != NO_TARGET).sum())


@dataclass(frozen=True)
class DescriptionEncoding:
    """What is known of a record and what is written, as numbers."""

    known: Encoding
    """of the fields that are read: one step"""
    written: Written

    def condition(self, record: Record) -> tuple[np.ndarray, np.ndarray]:
        """What is known: float32 `[channels]` and int64 `[columns]`, 0 for a label that is missing or that
        training did not see. Raises `UserError` for several labels at once."""
        values = {name: "" if value is None else value for name, value in record.values.items()}
        example = self.known.encode(record._replace(values=values))
        if example.time != 1:
            raise UserError(f"{record.origin} has {example.time} values where describe reads one label; keep one")
        numbers = np.zeros(0, dtype=np.float32) if example.numbers is None else example.numbers[0]
        categories = np.zeros(0, dtype=np.int64) if example.tokens is None else example.tokens[0]
        return numbers, categories

    def to_text(self) -> str:
        """As JSON."""
        known = {
            "format": "unrolled encoding",
            "task": "describe",
            "inputs": self.known.inputs_to_json(),
            "target": None,
        }
        content = {"format": "unrolled description encoding", "written": self.written.to_json(), "known": known}
        return json.dumps(content, indent=1) + "\n"

    @classmethod
    def from_text(cls, text: str) -> "DescriptionEncoding":
        """The inverse of `to_text`. Raises `ValueError` or `KeyError` for anything else."""
        data = parse_json(text)
        written = WRITTEN[data["written"]["kind"]].from_json(data["written"])
        return cls(Encoding(inputs_from_json(data["known"]["inputs"])), written)


class Descriptions:
    """Encoded records."""

    def __init__(self, encoding: DescriptionEncoding, *, longest: int, notes: Notes, part: str) -> None:
        """Sequences of more than `longest` tokens are cut and have no end; that is counted in `notes`."""
        self._encoding, self._longest, self._notes, self._part = encoding, longest, notes, part
        self._numbers: list[np.ndarray] = []
        self._categories: list[np.ndarray] = []
        self._targets = Spool(np.dtype(np.int32))
        self._lengths: list[int] = []

    def append(self, record: Record) -> None:
        """Add a record; one without a target is left out and counted."""
        written, notes = self._encoding.written, self._notes
        value = record.values.get(written.field)
        if value is None:
            notes.add(f"records in {self._part} without {written.field}, left out")
            return
        numbers, categories = self._encoding.condition(record)
        tokens = written.encode(value)
        if self._part != "train":
            notes.add(
                f"tokens in {self._part} {unseen(written.complete)}, left out or read as unknown",
                written.unknown(value, tokens),
            )
            notes.add(
                f"labels in {self._part} {unseen(self._encoding.known.complete)}, read as unknown",
                int((categories == 0).sum()),
            )
        if len(tokens) > self._longest:
            notes.add(f"sequences cut to {self._longest:,} tokens (see --data.context)")
        self._targets.append(np.append(tokens, END)[: self._longest])
        self._numbers.append(numbers)
        self._categories.append(categories)
        self._lengths.append(min(len(tokens) + 1, self._longest))

    def __len__(self) -> int:
        return len(self._lengths)

    @property
    def lengths(self) -> np.ndarray:
        """Tokens to predict of each: int64 `[records]`."""
        return np.array(self._lengths, dtype=np.int64)

    def targets(self, number: int) -> np.ndarray:
        """The tokens of a record and, unless it was cut, its end: int64 `[time]`."""
        return self._targets[number].astype(np.int64)

    def condition(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """See `DescriptionEncoding.condition`."""
        return self._numbers[number], self._categories[number]

    def counts(self) -> np.ndarray:
        """How often each token has to be predicted: int64 `[tokens + 1]`."""
        counts = np.zeros(len(self._encoding.written) + 1, dtype=np.int64)
        for number in range(len(self)):
            counts += np.bincount(self.targets(number), minlength=len(counts))
        return counts

    def batch(self, chosen: np.ndarray, *, is_scored: bool = True) -> DescriptionBatch:
        """Some records side by side; with `is_scored` False none of their tokens is scored."""
        rows = [self.targets(int(number)) for number in chosen]
        width = max(map(len, rows))
        inputs = np.zeros((len(rows), width), dtype=np.int64)
        targets = np.full((len(rows), width), NO_TARGET, dtype=np.int64)
        for index, row in enumerate(rows):
            inputs[index, 1 : len(row)] = row[:-1]
            if is_scored:
                targets[index, : len(row)] = row
        return DescriptionBatch(*stacked([self.condition(int(number)) for number in chosen]), inputs, targets)


def stacked(conditions: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray | None, np.ndarray | None]:
    """What is known of several records: float32 `[batch, channels]` and int64 `[batch, columns]`, None without any."""
    numbers, categories = (np.stack(values) for values in zip(*conditions, strict=True))
    return numbers if numbers.shape[1] else None, categories if categories.shape[1] else None


class DescriptionFeed:
    """Batches of records in the order of `Buckets`."""

    def __init__(self, records: Descriptions, *, batch_size: int, seed: int, rank: int = 0, world: int = 1) -> None:
        """`batch_size` counts all processes; process `rank` of `world` gets the records rank, rank + world, ..."""
        self._records, self._rank, self._world = records, rank, world
        self._buckets = Buckets(records.lengths, batch_size=max(batch_size, world), seed=seed)
        self.batch_size, self.batches_per_epoch = self._buckets.batch_size, self._buckets.batches_per_epoch

    def batch(self, index: int) -> DescriptionBatch:
        """Batch number `index`, from 0 on without end."""
        chosen = self._buckets.members(index)
        mine = chosen[self._rank :: self._world]
        return self._records.batch(mine if len(mine) else chosen[:1], is_scored=bool(len(mine)))
