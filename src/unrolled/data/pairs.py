"""Pairs of texts for translation: split, vocabularies, tokens and batches."""

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from unrolled.data.buckets import Buckets
from unrolled.data.codec import Vocabulary
from unrolled.data.config import DataConfig
from unrolled.data.dataset import open_parts, reading_of
from unrolled.data.encoders.texts import fit_vocabulary
from unrolled.data.examples import Spool
from unrolled.data.readers.registry import find_reader
from unrolled.data.record_splits import hold_out
from unrolled.data.records import Notes, Source
from unrolled.data.schema import Schema, infer_schema
from unrolled.data.split_names import find_parts
from unrolled.data.vocabulary import vocabulary_from_json
from unrolled.errors import UserError

MOST_HELD_OUT = 2000
"""Pairs that are enough to validate on."""
FEW_PAIRS = 2000
"""Below so many pairs the tokens are characters: pieces of words would be too rare to learn."""


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
    there: np.ndarray
    """bool `[]`, False for a batch that is not scored"""
    fresh: bool = True

    @property
    def scored(self) -> int:
        """How many tokens are predicted: those of the targets and an end for each."""
        return int(self.target_mask.sum() + len(self.target)) if bool(self.there) else 0


@dataclass(frozen=True)
class PairEncoding:
    """The vocabularies of both sides."""

    source_field: str
    target_field: str
    source: Vocabulary
    target: Vocabulary
    shared: bool

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
        data = json.loads(text)
        source = vocabulary_from_json(data["source"])
        shared = data["target"] is None
        target = source if shared else vocabulary_from_json(data["target"])
        return cls(data["source_field"], data["target_field"], source, target, shared)


class Pairs:
    """Pairs as text and as tokens."""

    def __init__(self, texts: list[tuple[str, str]], encoding: PairEncoding) -> None:
        self.texts = texts
        self.source, self.target = Spool(np.dtype(np.int32)), Spool(np.dtype(np.int32))
        for source, target in texts:
            self.source.append(encode(encoding.source, source))
            self.target.append(encode(encoding.target, target))

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def lengths(self) -> np.ndarray:
        """What pairs are sorted by: int64 `[pairs]`, first the length of the target, then that of the source."""
        pairs = [(len(self.target[number]), len(self.source[number])) for number in range(len(self))]
        return np.array([target * 4096 + min(source, 4095) for target, source in pairs], dtype=np.int64)

    def batch(self, numbers: np.ndarray, *, there: bool = True) -> PairBatch:
        source, source_mask = _padded([self.source[int(number)] for number in numbers])
        target, target_mask = _padded([self.target[int(number)] for number in numbers])
        return PairBatch(source, source_mask, target, target_mask, np.array(there))


def encode(vocabulary: Vocabulary, text: str) -> np.ndarray:
    """Token numbers. Characters that a character vocabulary does not hold are left out."""
    if vocabulary.kind == "char":
        known = set(vocabulary.tokens)
        text = "".join(character for character in text if character in known)
    return vocabulary.encode(text)


class PairFeed:
    """Batches of pairs in the order of `Buckets`."""

    def __init__(self, pairs: Pairs, *, batch_size: int, seed: int, rank: int = 0, world: int = 1) -> None:
        self._pairs, self._rank, self._world = pairs, rank, world
        self._buckets = Buckets(pairs.lengths, batch_size=max(batch_size, world), seed=seed)
        self.batch_size, self.batches_per_epoch = self._buckets.batch_size, self._buckets.batches_per_epoch

    def batch(self, index: int) -> PairBatch:
        """Batch number `index`, from 0 on without end."""
        chosen = self._buckets.members(index)
        mine = chosen[self._rank :: self._world]
        return self._pairs.batch(mine if len(mine) else chosen[:1], there=bool(len(mine)))


@dataclass(frozen=True)
class PairData:
    """Pairs ready for training."""

    parts: dict[str, Pairs]
    encoding: PairEncoding
    summary: str
    notes: list[str]
    fingerprint: str
    split: dict[str, Any]


class OpenedPairs(NamedTuple):
    """Files opened to translate."""

    sources: dict[str, Source]
    """by part: train, and valid and test where they are files of their own"""
    schema: Schema
    how: str
    notes: Notes


def open_for_translation(files: list[str], data: DataConfig, task: str | None) -> OpenedPairs | None:
    """The files opened, if their task is to translate: because the user says so, or because they are pairs of texts.

    Raises `UserError` for files that cannot be read.
    """
    if task not in (None, "translate"):
        return None
    if task is None:
        reader = find_reader(find_parts([Path(file) for file in files], data).parts["train"], reading_of(data, task))
        if reader is None or reader[0] not in ("tables", "parallel_text"):
            return None
    notes = Notes()
    sources, how = open_parts(files, data, task, notes)
    schema = infer_schema(sources["train"], task=task, target=data.target, inputs=data.inputs)
    return OpenedPairs(sources, schema, how, notes) if schema.task == "translate" else None


def prepare_pairs(opened: OpenedPairs, data: DataConfig, *, seed: int) -> PairData:
    """Split and encode the pairs of open sources. Pairs with the same source text never stand on both sides of a split.

    Raises `UserError` if there are too few pairs.
    """
    sources, schema, how, notes = opened
    if schema.target is None or len(schema.inputs) != 1:
        raise UserError("translate needs one text to read and one to write; name them with --inputs and --target")
    fields = schema.inputs[0].name, schema.target.name
    texts = {name: list(_texts(source, *fields)) for name, source in sources.items()}
    if len(texts["train"]) < 2:
        raise UserError(f"{len(texts['train'])} pair(s) are too few to learn to translate from; give more")
    parts, ways, split = _split(texts, data, seed)
    encoding = _fit(parts["train"], fields, data)
    pairs = {name: Pairs(part, encoding) for name, part in parts.items() if part}
    kind = f"{encoding.source.kind} vocabularies of {len(encoding.source):,} and {len(encoding.target):,}"
    if encoding.shared:
        kind = f"one {encoding.source.kind} vocabulary of {len(encoding.source):,}"
    counts = ", ".join(f"{len(part):,} {name}" for name, part in pairs.items())
    words = "; ".join(way for way in (how, *ways) if way)
    digest = hashlib.sha256(encoding.to_text().encode())
    for name, part in parts.items():
        digest.update(json.dumps([name, part]).encode())
    return PairData(
        pairs,
        encoding,
        f"translate: {fields[0]} -> {fields[1]}, {kind}; {counts} pairs{f'; {words}' if words else ''}",
        notes.lines(),
        digest.hexdigest()[:32],
        {"how": words, **split},
    )


def _texts(source: Source, inputs: str, target: str) -> Iterator[tuple[str, str]]:
    for record in source:
        yield record.values[inputs], record.values[target]


def _split(
    texts: dict[str, list[tuple[str, str]]], data: DataConfig, seed: int
) -> tuple[dict[str, list[tuple[str, str]]], list[str], dict[str, list[int]]]:
    count = len(texts["train"])
    numbers = {"train": np.arange(count)}
    ways = []
    for name, share in (("test", data.test_fraction), ("valid", min(data.valid_fraction, MOST_HELD_OUT / count))):
        if name in texts or not share:
            continue
        kept = numbers["train"]
        groups = [texts["train"][number][0] for number in kept]
        first, second, _ = hold_out(len(kept), share * count / len(kept), seed=seed, groups=groups)
        numbers["train"], numbers[name] = kept[first], kept[second]
        ways.append(f"{len(second):,} pairs for {'validation' if name == 'valid' else 'test'}")
    parts = {name: [texts["train"][number] for number in numbers[name]] for name in numbers}
    parts |= {name: part for name, part in texts.items() if name != "train"}
    said = f"held out at random, no source text on both sides: {', '.join(ways)}" if ways else ""
    order = [name for name in ("train", "valid", "test") if name in parts]
    return {name: parts[name] for name in order}, [said], {name: part.tolist() for name, part in numbers.items()}


def _fit(texts: list[tuple[str, str]], fields: tuple[str, str], data: DataConfig) -> PairEncoding:
    kind: str = data.vocabulary
    if kind == "auto":
        kind = "bpe" if len(texts) >= FEW_PAIRS else "char"
    size = min(data.vocabulary_size, max(300, round(18 * math.sqrt(len(texts)))))

    def learn(*sides: int) -> Vocabulary:
        return fit_vocabulary(
            kind, lambda: (pair[side] for side in sides for pair in texts), size=size, min_count=data.min_count
        )

    if data.share_vocabulary:
        both = learn(0, 1)
        return PairEncoding(*fields, both, both, shared=True)
    return PairEncoding(*fields, learn(0), learn(1), shared=False)


def _padded(rows: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    mask = np.arange(lengths.max(initial=0)) < lengths[:, None]
    tokens = np.zeros(mask.shape, dtype=np.int64)
    tokens[mask] = np.concatenate(rows)
    return tokens, mask
