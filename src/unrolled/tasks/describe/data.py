"""From files to sequences to write, with what is known of each: opened, split and encoded."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from unrolled.data.config import DataConfig
from unrolled.data.encoders.categories import TokenTable
from unrolled.data.encoders.encoding import FIT_ON, Encoding, fit_inputs
from unrolled.data.encoders.texts import fit_vocabulary
from unrolled.data.encoders.vocabulary import infer_vocabulary
from unrolled.data.readers.open_parts import with_own_groups
from unrolled.data.readers.read_like_training import Recipe, recipe_of
from unrolled.data.records import Field, Record, Source
from unrolled.data.splits.hold_out import hold_out
from unrolled.errors import UserError
from unrolled.tasks.choose_reading import Opened
from unrolled.tasks.describe.output_sequences import Written, WrittenLevels, WrittenText, WrittenTokens
from unrolled.tasks.describe.reads import by_channel
from unrolled.tasks.describe.sequences import DescriptionEncoding, Descriptions
from unrolled.tasks.schema import Schema, roles_in_words

LONGEST = 1024
"""Tokens of a sequence at most, unless `data.context` says how many."""


@dataclass(frozen=True)
class DescriptionData:
    """Records ready for training."""

    parts: dict[str, Descriptions]
    encoding: DescriptionEncoding
    recipe: Recipe
    """how other files are read"""
    longest: int
    """tokens of a sequence"""
    summary: str
    notes: list[str]
    fingerprint: str
    split: dict[str, Any]


class _Part(NamedTuple):
    source: Source
    numbers: np.ndarray


def prepare_descriptions(opened: Opened, data: DataConfig, *, seed: int) -> DescriptionData:
    """Split and encode what is open. Raises `UserError` for data that cannot be used."""
    sources, how, notes = opened.sources, opened.how, opened.notes
    source = sources["train"]
    schema = _as_conditions(opened.schema, source)
    target = schema.target
    assert target is not None
    parts, way = _split(sources, with_own_groups(data, source), seed)
    kept = parts["train"].numbers

    def training() -> Iterator[Record]:
        return (source.record(int(number)) for number in kept)

    known = Encoding(fit_inputs(schema.inputs, training, len(kept), data))
    encoding = DescriptionEncoding(known, _fit_written(target, training, len(kept), data))
    longest = data.context or LONGEST
    encoded: dict[str, Descriptions] = {}
    for name, part in parts.items():
        encoded[name] = Descriptions(encoding, longest=longest, notes=notes, part=name)
        for number in part.numbers:
            encoded[name].append(part.source.record(int(number)))
    if not len(encoded["train"]):
        raise UserError(f"no record of the training part has a {target.name}; check --target")
    encoded = {name: part for name, part in encoded.items() if len(part)}
    counts = ", ".join(f"{len(part):,} {name}" for name, part in encoded.items())
    words = "; ".join(sentence for sentence in (how, way) if sentence)
    lengths = encoded["train"].lengths
    summary = (
        f"{roles_in_words(by_channel(schema))}, {len(encoding.written):,} "
        f"{_KINDS[type(encoding.written)]}, {lengths.min():,} to {lengths.max():,} steps; {counts} records"
    )
    return DescriptionData(
        encoded,
        encoding,
        recipe_of(source, schema.inputs, target, data, opened.recipe.reading.wish),
        longest,
        f"{summary}; {words}" if words else summary,
        notes.lines(),
        _fingerprint(encoded, encoding),
        {"how": words, **{name: part.numbers.tolist() for name, part in parts.items()}},
    )


_KINDS = {WrittenText: "tokens", WrittenTokens: "words", WrittenLevels: "levels"}


def _as_conditions(schema: Schema, source: Source) -> Schema:
    """The schema with labels and numbers as inputs: a text with few different values is a label.

    Raises `UserError` for inputs that describe cannot read and targets that it cannot write.
    """
    target = schema.target
    if target is not None and target.kind == "numeric" and len(target.channels) > 1:
        raise UserError(
            f"describe writes one channel, and {target.name} has {len(target.channels)} "
            f"({', '.join(target.channels[:4])}, ...); give a file with one of them"
        )
    inputs = tuple(_as_label(field, source) if field.kind == "text" else field for field in schema.inputs)
    for field in inputs:
        if field.timed or field.kind not in ("categorical", "numeric"):
            raise UserError(
                f"describe reads labels and numbers of a record, and {field.name} has a value for each step; choose "
                "the others with --inputs"
            )
    return Schema(schema.task, inputs, target)


def _as_label(field: Field, source: Source) -> Field:
    values = [source.record(number).values[field.name] for number in range(0, len(source), -(-len(source) // FIT_ON))]
    if 2 * len(set(values)) > len(values):
        raise UserError(
            f"describe reads labels and numbers, and {field.name} is a text with {len(set(values)):,} different values "
            f"in {len(values):,} records; choose others with --inputs, or --task translate for a text from a text"
        )
    return replace(field, kind="categorical", timed=False)


def _split(sources: dict[str, Source], data: DataConfig, seed: int) -> tuple[dict[str, _Part], str]:
    source = sources["train"]
    shares = {"test": data.test_fraction, "valid": data.valid_fraction}
    shares = {name: share for name, share in shares.items() if share and name not in sources}
    if sum(shares.values()) >= 1:
        raise UserError("--data.valid_fraction and --data.test_fraction leave nothing for training")
    groups = None if data.group is None else source.groups(data.group)
    if data.group is not None and groups is None:
        raise UserError("the groups are not known; name their column with --group")
    kept, parts, ways = np.arange(len(source)), dict[str, _Part](), list[str]()
    for name, share in shares.items():
        if len(kept) < 2:
            ways.append("one record, none held out")
            break
        own = None if groups is None else [groups[number] for number in kept]
        by_time = data.split == "time"
        fraction = share * len(source) / len(kept)
        first, second, way = hold_out(len(kept), fraction, seed=seed, groups=own, by_time=by_time)
        kept, parts[name] = kept[first], _Part(source, kept[second])
        ways.append(f"{'validation' if name == 'valid' else name}: {len(second):,} records, {way}")
    given = {name: _Part(other, np.arange(len(other))) for name, other in sources.items() if name != "train"}
    by_name = {"train": _Part(source, kept)} | parts | given
    return {name: by_name[name] for name in ("train", "valid", "test") if name in by_name}, "; ".join(ways)


def _fit_written(target: Field, training: Callable[[], Iterator[Record]], count: int, data: DataConfig) -> Written:
    def values() -> Iterator[Any]:
        return (value for record in training() if (value := record.values.get(target.name)) is not None)

    if target.kind == "text":
        kind: str = data.vocabulary
        if kind == "auto":
            sample = "\n".join(text for text, _ in zip(values(), range(1000), strict=False))
            kind, _ = infer_vocabulary(sample, len(sample) * max(1, count // 1000))
        vocabulary = fit_vocabulary(kind, values, size=data.vocabulary_size, min_count=data.min_count)
        return WrittenText(target.name, vocabulary)
    if target.kind == "numeric":
        step = max(1, count // FIT_ON)
        some = [value for number, value in enumerate(values()) if number % step == 0]
        known = np.concatenate([*some, np.zeros((0, 1), dtype=np.float32)])[:, 0]
        if np.isnan(known).all():
            raise UserError(f"{target.name} has no value in the training part; check --target")
        return WrittenLevels.fit(target.name, known)
    return WrittenTokens(target.name, TokenTable.fit(target.name, values(), min_count=data.min_count))


def _fingerprint(parts: dict[str, Descriptions], encoding: DescriptionEncoding) -> str:
    digest = hashlib.sha256(encoding.to_text().encode())
    for name, part in parts.items():
        digest.update(f"{name} {len(part)}".encode())
        for number in range(len(part)):
            for array in (part.targets(number), *part.condition(number)):
                digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:32]
