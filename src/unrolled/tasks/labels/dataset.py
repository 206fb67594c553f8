"""From files to encoded records in parts, ready for training."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.data.config import DataConfig
from unrolled.data.encoders.token_counts import unseen
from unrolled.data.encoders.token_parts import Progress, naming
from unrolled.data.feeds.examples import Example, Examples
from unrolled.data.feeds.workers import read_and_encode
from unrolled.data.readers.open_parts import with_own_groups
from unrolled.data.readers.read_like_training import Recipe
from unrolled.data.records import Field, Notes, Record, Source
from unrolled.data.splits.part_names import find_parts
from unrolled.data.splits.record_parts import split_records
from unrolled.errors import UserError
from unrolled.plural import counted
from unrolled.tasks.choose_reading import Opened, open_files, opened_source
from unrolled.tasks.labels.encoding import RecordEncoding, fit_encoding
from unrolled.tasks.schema import Schema, roles_in_words


@dataclass
class Dataset:
    """Encoded records."""

    train: Examples
    valid: Examples | None
    test: Examples | None
    schema: Schema
    encoding: RecordEncoding
    summary: str
    """one line for a person: what was found"""
    notes: list[str]
    """what was mended or left out"""
    fingerprint: str
    """hexadecimal; the same exactly if examples, splits and encoders are the same"""
    recipe: Recipe
    """how other files are read"""
    split: dict[str, Any] = field(default_factory=dict)
    """how the parts came about, and which records are in each"""

    @property
    def parts(self) -> dict[str, Examples]:
        parts = {"train": self.train, "valid": self.valid, "test": self.test}
        return {name: part for name, part in parts.items() if part is not None}


def prepare_records(files: list[str], data: DataConfig, *, task: str | None, seed: int = 0) -> Dataset:
    """Open, split and encode files. Raises `UserError` for data that cannot be used, with file and row."""
    return prepare_opened(open_files(files, data, task), data, seed=seed)


def prepare_source(
    source: Source, data: DataConfig, *, task: str | None, seed: int = 0, weights: np.ndarray | None = None
) -> Dataset:
    """The same for records that are already open, such as arrays. `weights`: how much each counts in the loss, which is
    seen in proportion to the others of the training part; above 0."""
    return prepare_opened(replace(opened_source(source, data, task), weights=weights), data, seed=seed)


def prepare_opened(opened: Opened, data: DataConfig, *, seed: int = 0, progress: Progress | None = None) -> Dataset:
    """The same for what is open, as it was chosen."""
    try:
        return _prepare(opened, data, seed=seed, progress=progress)
    except UserError as error:
        if not opened.files:
            raise
        parts = find_parts([Path(file) for file in opened.files], data).parts.values()
        named = any(str(path) in str(error) for paths in parts for path in paths)
        raise error if named else naming(Path(opened.files[0]), error) from None


def _prepare(opened: Opened, data: DataConfig, *, seed: int, progress: Progress | None) -> Dataset:
    sources, schema, notes = opened.sources, opened.schema, opened.notes
    source = sources["train"]
    for name, part in sources.items():
        if not len(part):
            raise UserError(f"the {name} part has no record; give a file with some in it, or leave it out")
    data = with_own_groups(data, source)
    picks, way = split_records(sources, schema.target, data, seed)
    source, kept = picks["train"]

    def training() -> Iterator[Record]:
        return (source.record(int(number)) for number in kept)

    encoding = fit_encoding(schema, training, len(kept), data)
    total = sum(len(numbers) for _, numbers in picks.values())
    parts: dict[str, Examples] = {}
    for name, (origin, numbers) in picks.items():
        before = sum(map(len, parts.values()))
        report = None if progress is None else partial(_report, progress, before, total)
        own = None
        if opened.weights is not None and name == "train":
            own = opened.weights[numbers] / opened.weights[numbers].mean()
        parts[name] = encode_part(origin, numbers, encoding, notes, name, report, group=data.group, weights=own)
    words = "; ".join(part for part in (opened.how, way) if part)
    numbers_of = {name: numbers.tolist() for name, (_, numbers) in picks.items()}
    return Dataset(
        parts["train"],
        parts.get("valid"),
        parts.get("test"),
        schema,
        encoding,
        _summary(schema, encoding, parts, words),
        notes.lines(),
        _fingerprint(parts, encoding),
        replace(opened.recipe, reading=replace(opened.recipe.reading, group=data.group)),
        {"how": words, **numbers_of},
    )


def _report(progress: Progress, before: int, total: int, done: int) -> None:
    progress("reading", before + done, total)


def encode_part(
    source: Source,
    numbers: np.ndarray | range,
    encoding: RecordEncoding,
    notes: Notes,
    name: str,
    report: Callable[[int], None] | None = None,
    *,
    group: str | None = None,
    weights: np.ndarray | None = None,
) -> Examples:
    """Some records of a source with their targets, and with the name of a group column with their groups; `weights`:
    how much each of them counts.

    `report` is told how many are done.
    """
    examples = Examples()
    groups = None if group is None else source.groups(group)
    examples.groups = None if groups is None else [groups[int(number)] for number in numbers]
    for record, example in read_and_encode(source, [int(number) for number in numbers], encoding):
        if weights is not None:
            example = example._replace(weight=np.asarray(weights[len(examples)], dtype=np.float32))
        examples.append(example, record.origin)
        _count_unseen(record, example, encoding, notes, name)
        for what, number in record.mended:
            notes.add(what, number)
        if report is not None:
            report(len(examples))
    return examples


def own_part(
    files: list[str],
    data: DataConfig,
    encoding: RecordEncoding,
    name: str,
    *,
    seed: int,
    split: dict[str, Any],
    notes: Notes,
    report: Callable[[int], None] | None = None,
) -> Examples:
    """A part of the files that a model was trained with, as they were split then.

    Raises `UserError` if there is no such part, or the files have changed since.
    """
    opened = open_files(files, data, encoding.task)
    notes.update(opened.notes)
    data = with_own_groups(data, opened.sources["train"])
    picks, _ = split_records(opened.sources, opened.schema.target, data, seed)
    if {name: numbers.tolist() for name, (_, numbers) in picks.items()} != {
        name: numbers for name, numbers in split.items() if name != "how"
    }:
        raise UserError(
            f"the records of the run ({', '.join(files)}) have changed since, so its parts are others now; "
            "name the files to judge"
        )
    if name not in picks:
        raise UserError(f"the run has no {name} part; it has {', '.join(picks)}")
    return encode_part(*picks[name], encoding, notes, name, report, group=data.group)


def _count_unseen(record: Record, example: Example, encoding: RecordEncoding, notes: Notes, part: str) -> None:
    if part != "train":
        _count_unknown(record, example, encoding, notes, part)
    value = record.values.get(encoding.target.field)
    if value is not None:
        notes.add(*encoding.target.unseen(value, part))


def _count_unknown(record: Record, example: Example, encoding: RecordEncoding, notes: Notes, part: str) -> None:
    unknown, rare = encoding.count_unknown(example), encoding.count_rare(record)
    what = f"tokens or categories in {part}"
    notes.add(f"{what} {unseen(rare is not None)}, read as unknown", unknown - (rare or 0))
    notes.add(f"{what} that training saw too rarely to know them, read as unknown", rare or 0)


def _summary(schema: Schema, encoding: RecordEncoding, parts: dict[str, Examples], how: str) -> str:
    """What was found, in one line."""
    train = parts["train"]
    shortest, longest = min(train.lengths), max(train.lengths)
    steps = f"{longest:,}" if shortest == longest else f"{shortest:,} to {longest:,}"
    facts = {field.name: _in_words(field, encoding) for field in schema.inputs}
    if encoding.target.in_words != encoding.target.field:
        facts[encoding.target.field] = encoding.target.in_words
    roles = roles_in_words(schema, facts, "" if longest == 1 else f"{steps} steps")
    counts = ", ".join(f"{len(part):,} {name}" for name, part in parts.items())
    records = "record" if sum(map(len, parts.values())) == 1 else "records"
    return f"{roles}; {counts} {records}{f'; {how}' if how else ''}"


def _in_words(field: Field, encoding: RecordEncoding) -> str:
    encoder = next(encoder for encoder in encoding.inputs if encoder.field == field.name)
    if field.kind in ("numeric", "signal"):
        return counted(getattr(encoder, "channels", 0), "channel")
    return "" if field.kind == "frames" else f"{len(encoder):,} tokens"  # type: ignore[arg-type]


def _fingerprint(parts: dict[str, Examples], encoding: RecordEncoding) -> str:
    digest = hashlib.sha256(encoding.to_text().encode())
    for name, examples in parts.items():
        digest.update(name.encode())
        for number in range(len(examples)):
            _digest(digest, examples[number])
    return digest.hexdigest()[:32]


def _digest(digest: Any, example: Example) -> None:
    for array in example:
        if array is not None:
            digest.update(str(array.shape).encode())
            digest.update(np.ascontiguousarray(array))
