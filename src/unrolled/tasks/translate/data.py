"""From files of pairs to pairs ready for training: opened, split, with vocabularies fitted on the training part."""

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.data.config import DataConfig
from unrolled.data.encoders.codec import Vocabulary
from unrolled.data.encoders.texts import fit_vocabulary
from unrolled.data.readers.read_like_training import Recipe
from unrolled.data.records import Field, Notes, Record, Source
from unrolled.data.splits.hold_out import hold_out
from unrolled.errors import UserError
from unrolled.tasks.choose_reading import Opened, open_files, opened_source
from unrolled.tasks.schema import roles_in_words
from unrolled.tasks.translate.pairs import LONGEST, PairEncoding, Pairs

MOST_HELD_OUT = 2000
"""Pairs that are enough to validate on."""
FEW_PAIRS = 2000
"""Below so many pairs the tokens are characters: pieces of words would be too rare to learn."""


@dataclass(frozen=True)
class PairData:
    """Pairs ready for training."""

    parts: dict[str, Pairs]
    encoding: PairEncoding
    summary: str
    notes: list[str]
    fingerprint: str
    split: dict[str, Any]
    """how the parts came about, and which pairs of the training file are in each"""
    longest: int
    """tokens of a side at most"""
    recipe: Recipe
    """how other files are read"""


class PairList(Source):
    """Pairs that are in memory."""

    def __init__(self, texts: list[tuple[str, str]]) -> None:
        self.fields = (Field("source", "text", timed=False), Field("target", "text", timed=False))
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts)

    def record(self, index: int) -> Record:
        source, target = self._texts[index]
        return Record({"source": source, "target": target}, f"pair {index + 1:,}")


def opened_pairs(texts: list[tuple[str, str]]) -> Opened:
    """Pairs in memory as if they had been opened. A pair with an empty side is left out and counted."""
    kept = [pair for pair in texts if pair[0].strip() and pair[1].strip()]
    opened = opened_source(PairList(kept), DataConfig(), "translate")
    opened.notes.add("pairs left out, since one side is empty", len(texts) - len(kept))
    return opened


def prepare_pairs(opened: Opened, data: DataConfig, *, seed: int) -> PairData:
    """Split and encode the pairs of open sources. Pairs with the same source text never stand on both sides of a split.

    Raises `UserError` if there are too few pairs.
    """
    sources, schema, how, notes = opened.sources, opened.schema, opened.how, opened.notes
    if schema.target is None or len(schema.inputs) != 1 or schema.inputs[0].kind != "text":
        raise UserError("translate needs one text to read and one to write; name them with --inputs and --target")
    fields = schema.inputs[0].name, schema.target.name
    texts = {name: list(_texts(source, *fields)) for name, source in sources.items()}
    if len(texts["train"]) < 2:
        raise UserError(f"{len(texts['train'])} pair is too little to learn to translate from; give more")
    parts, ways, split = _split(texts, data, seed)
    _count_common(parts, notes)
    encoding = _fit(parts["train"], fields, data)
    longest = data.context or LONGEST
    pairs = {name: Pairs(part, encoding, longest=longest, notes=notes) for name, part in parts.items()}
    if not len(pairs["train"]):
        raise UserError(
            f"every pair of the training part has a side of more than {longest:,} tokens; give one sentence a line, or "
            "a larger --data.context"
        )
    pairs = {name: part for name, part in pairs.items() if len(part)}
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
        f"{roles_in_words(schema)}, {kind}; {counts} pairs{f'; {words}' if words else ''}",
        notes.lines(),
        digest.hexdigest()[:32],
        {"how": words, **split},
        longest,
        opened.recipe,
    )


def own_pairs(
    files: list[str], data: DataConfig, *, seed: int, split: dict[str, Any]
) -> dict[str, list[tuple[str, str]]]:
    """The parts of the files that a model was trained with, as they were split then.

    Raises `UserError` if the files have changed since.
    """
    opened = open_files(files, data, "translate")
    sources, schema = opened.sources, opened.schema
    if schema.target is None or len(schema.inputs) != 1 or schema.inputs[0].kind != "text":
        raise UserError("translate needs one text to read and one to write; name the files to judge")
    texts = {name: list(_texts(source, schema.inputs[0].name, schema.target.name)) for name, source in sources.items()}
    parts, _, current = _split(texts, data, seed)
    if current != {name: numbers for name, numbers in split.items() if name != "how"}:
        raise UserError(
            f"the pairs of the run ({', '.join(files)}) have changed since, so its parts are others now; "
            "name the files to judge"
        )
    return parts


def _texts(source: Source, inputs: str, target: str) -> Iterator[tuple[str, str]]:
    for record in source:
        yield record.values[inputs], record.values[target]


def _split(
    texts: dict[str, list[tuple[str, str]]], data: DataConfig, seed: int
) -> tuple[dict[str, list[tuple[str, str]]], list[str], dict[str, list[int]]]:
    """The pairs of each part, how they were chosen, and for parts of the training file which of its pairs they are."""
    count = len(texts["train"])
    shares = {"test": data.test_fraction, "valid": min(data.valid_fraction, MOST_HELD_OUT / count)}
    shares = {name: share for name, share in shares.items() if share and name not in texts}
    if sum(shares.values()) >= 1:
        raise UserError("--data.valid_fraction and --data.test_fraction leave nothing for training")
    # Numbers, not the texts themselves: they are sorted and shuffled as one array, as wide as the longest of them.
    number_of: dict[str, int] = {}
    groups = [str(number_of.setdefault(source, len(number_of))) for source, _ in texts["train"]]
    numbers = {"train": np.arange(count)}
    ways = []
    for name, share in shares.items():
        kept = numbers["train"]
        own = [groups[number] for number in kept]
        if len(set(own)) < 2:
            ways.append("one source text, none held out")
            continue
        first, second, _ = hold_out(len(kept), share * count / len(kept), seed=seed, groups=own)
        numbers["train"], numbers[name] = kept[first], kept[second]
        ways.append(f"{len(second):,} pairs for {'validation' if name == 'valid' else 'test'}")
    parts = {name: [texts["train"][number] for number in numbers[name]] for name in numbers}
    parts |= {name: part for name, part in texts.items() if name != "train"}
    summary = f"held out at random, no source text on both sides: {', '.join(ways)}" if ways else ""
    order = [name for name in ("train", "valid", "test") if name in parts]
    return {name: parts[name] for name in order}, [summary], {name: part.tolist() for name, part in numbers.items()}


def _count_common(parts: dict[str, list[tuple[str, str]]], notes: Notes) -> None:
    """Count what the user's own files have in common."""
    seen = {source for source, _ in parts["train"]}
    for name, part in parts.items():
        if name != "train":
            notes.add(f"pairs in {name} whose source text is in training too", sum(s in seen for s, _ in part))


def _fit(texts: list[tuple[str, str]], fields: tuple[str, str], data: DataConfig) -> PairEncoding:
    kind: str = data.vocabulary
    if kind == "auto":
        kind = "bpe" if len(texts) >= FEW_PAIRS else "char"
    size = data.vocabulary_size
    if size == DataConfig().vocabulary_size:  # not asked for: few pairs cannot teach many tokens
        size = min(size, max(300, round(18 * math.sqrt(len(texts)))))

    def learn(*sides: int) -> Vocabulary:
        return fit_vocabulary(
            kind, lambda: (pair[side] for side in sides for pair in texts), size=size, min_count=data.min_count
        )

    if data.share_vocabulary:
        both = learn(0, 1)
        return PairEncoding(*fields, both, both, shared=True)
    return PairEncoding(*fields, learn(0), learn(1), shared=False)
