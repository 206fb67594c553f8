"""Pairs of texts for translation: tokens of both sides, and batches of them."""

import json
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from unrolled.data.encoders.characters import UnknownCharacters
from unrolled.data.encoders.codec import Vocabulary
from unrolled.data.encoders.token_counts import unseen
from unrolled.data.encoders.vocabulary import vocabulary_from_json
from unrolled.data.feeds.buckets import Buckets
from unrolled.data.feeds.examples import Spool
from unrolled.data.records import Notes
from unrolled.untrusted import parse_json

LONGEST = 512
"""Tokens of a side that are read or written at most, unless `data.context` says how many; pairs with a longer side are
left out and counted."""
USUAL = 0.999
"""The share of training pairs that the longest translation of a source of some length must leave room for."""


MANY_PAIRS = 10_000
"""From so many pairs on, most batches are of equal lengths on both sides, so that nothing is padded."""


class PairBatch(NamedTuple):
    """Pairs side by side; NumPy arrays, or tensors on a device. Padded on the right."""

    source: np.ndarray
    """int64 `[batch, source]`"""
    source_mask: np.ndarray
    """bool `[batch, source]`"""
    target: np.ndarray
    """int64 `[batch, target]`"""
    target_mask: np.ndarray
    """bool `[batch, target]`"""
    is_scored: np.ndarray
    """bool `[]`, False for a batch that is not scored"""
    fresh: bool = True

    @property
    def scored(self) -> int:
        """How many tokens are predicted: those of the targets and an end for each."""
        return int(self.target_mask.sum() + len(self.target)) if bool(self.is_scored) else 0


@dataclass(frozen=True)
class PairEncoding:
    """The vocabularies of both sides."""

    source_field: str
    target_field: str
    source: Vocabulary
    target: Vocabulary
    shared: bool

    def encode_source(self, text: str) -> np.ndarray:
        """Token numbers; see `encode`."""
        return encode(self.source, text)

    def encode_target(self, text: str) -> np.ndarray:
        """Token numbers; see `encode`."""
        return encode(self.target, text)

    def to_text(self) -> str:
        """As JSON."""
        return (
            json.dumps(
                {
                    "format": "unrolled pair encoding",
                    "source_field": self.source_field,
                    "target_field": self.target_field,
                    "source": self.source.to_json(),
                    "target": None if self.shared else self.target.to_json(),
                },
                indent=1,
            )
            + "\n"
        )

    @classmethod
    def from_text(cls, text: str) -> "PairEncoding":
        """The inverse of `to_text`. Raises `ValueError` or `KeyError` for anything else."""
        data = parse_json(text)
        source = vocabulary_from_json(data["source"])
        shared = data["target"] is None
        target = source if shared else vocabulary_from_json(data["target"])
        return cls(data["source_field"], data["target_field"], source, target, shared)


class Pairs:
    """Pairs as text and as tokens."""

    def __init__(
        self,
        texts: list[tuple[str, str]],
        encoding: PairEncoding,
        *,
        longest: int = LONGEST,
        notes: Notes | None = None,
    ) -> None:
        """Pairs with a side of more than `longest` tokens are left out. They are counted in `notes`, and so is what the
        vocabularies do not know."""
        notes = Notes() if notes is None else notes
        not_seen = unseen(max(encoding.source.min_count, encoding.target.min_count) == 1)
        self.texts: list[tuple[str, str]] = []
        self.source, self.target = Spool(np.dtype(np.int32)), Spool(np.dtype(np.int32))
        for pair in texts:
            source, target = encoding.encode_source(pair[0]), encoding.encode_target(pair[1])
            if max(len(source), len(target)) > longest:
                notes.add(f"pairs left out, since a side has more than {longest:,} tokens (see --data.context)")
                continue
            unknown = unknown_in(encoding.source, pair[0], source) + unknown_in(encoding.target, pair[1], target)
            notes.add(f"characters or words {not_seen}, left out or read as unknown", unknown)
            self.texts.append(pair)
            self.source.append(source)
            self.target.append(target)
        lengths = [(len(self.target[number]), len(self.source[number])) for number in range(len(self.texts))]
        self.target_lengths = np.array([target for target, _ in lengths], dtype=np.int64)
        """int64 `[pairs]`"""
        self.source_lengths = np.array([source for _, source in lengths], dtype=np.int64)
        """int64 `[pairs]`"""

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def lengths(self) -> np.ndarray:
        """What pairs are sorted by: int64 `[pairs]`, first the length of the target, then that of the source."""
        return self.target_lengths * 4096 + np.minimum(self.source_lengths, 4095)

    @property
    def growth(self) -> int:
        """The smallest whole number, from 2 on, so that nearly all targets are no longer than so many times their
        source, and 10 tokens more."""
        over = (self.target_lengths - 10) / np.maximum(self.source_lengths, 1)
        return max(2, math.ceil(float(np.quantile(over, USUAL)))) if len(over) else 2

    def spread(self, count: int) -> np.ndarray:
        """The numbers of at most `count` pairs from all over, int64: files are often sorted, so not the first ones."""
        return np.linspace(0, len(self) - 1, min(count, len(self))).round().astype(np.int64)

    def batch(self, numbers: np.ndarray, *, is_scored: bool = True) -> PairBatch:
        """Some pairs side by side."""
        source, source_mask = _padded([self.source[int(number)] for number in numbers])
        target, target_mask = _padded([self.target[int(number)] for number in numbers])
        return PairBatch(source, source_mask, target, target_mask, np.array(is_scored))


def encode(vocabulary: Vocabulary, text: str) -> np.ndarray:
    """Token numbers. Characters that a character vocabulary does not hold are left out."""
    try:
        return vocabulary.encode(text)
    except UnknownCharacters:
        known = set(vocabulary.tokens).intersection(text)
        return vocabulary.encode("".join(character for character in text if character in known))


def unknown_in(vocabulary: Vocabulary, text: str, tokens: np.ndarray) -> int:
    """How much of a text its tokens do not hold: characters left out, or words read as unknown."""
    if vocabulary.kind == "char":
        return len(text) - len(tokens)
    return 0 if vocabulary.unknown is None else int((tokens == vocabulary.unknown).sum())


class PairFeed:
    """Batches of pairs in the order of `Buckets`."""

    def __init__(self, pairs: Pairs, *, batch_size: int, seed: int, rank: int = 0, world: int = 1) -> None:
        self._pairs, self._rank, self._world = pairs, rank, world
        self._buckets = Buckets(
            pairs.lengths, batch_size=max(batch_size, world), seed=seed, whole=len(pairs) >= MANY_PAIRS
        )
        self.batch_size, self.batches_per_epoch = self._buckets.batch_size, self._buckets.batches_per_epoch

    def batch(self, index: int) -> PairBatch:
        """Batch number `index`, from 0 on without end."""
        chosen = self._buckets.members(index)
        mine = chosen[self._rank :: self._world]
        return self._pairs.batch(mine if len(mine) else chosen[:1], is_scored=bool(len(mine)))


def _padded(rows: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    mask = np.arange(lengths.max(initial=0)) < lengths[:, None]
    tokens = np.zeros(mask.shape, dtype=np.int64)
    tokens[mask] = np.concatenate(rows)
    return tokens, mask
