"""How records become examples: fitted on the training part, saved beside the model, the same for training and use."""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.data.config import DataConfig
from unrolled.data.encoders.categories import TokenTable
from unrolled.data.encoders.characters import CharVocabulary
from unrolled.data.encoders.folding import most_usual
from unrolled.data.encoders.numbers import NumericEncoder, Scaler, Scaling
from unrolled.data.encoders.signals import FramesEncoder, SignalEncoder, SignalForm, transform
from unrolled.data.encoders.spelling import ASPECTS, SpellingTable, ends_of, is_open
from unrolled.data.encoders.targets import (
    ANY_EVENT,
    NO_TARGET,
    STRANGE,
    ClassTarget,
    EventTarget,
    NumberTarget,
    StepTarget,
    Target,
    TextTarget,
)
from unrolled.data.encoders.texts import KmerEncoder, TextEncoder, fit_vocabulary
from unrolled.data.encoders.token_counts import TokenCounts, count_tokens
from unrolled.data.encoders.vocabulary import infer_vocabulary
from unrolled.data.feeds.examples import Example
from unrolled.data.records import Field, Record
from unrolled.data.schema import Schema
from unrolled.errors import UserError
from unrolled.untrusted import parse_json

Words = TokenTable | TextEncoder | KmerEncoder
Input = NumericEncoder | SignalEncoder | FramesEncoder | Words | SpellingTable

INPUTS: dict[str, Any] = {
    "numeric": NumericEncoder,
    "signal": SignalEncoder,
    "frames": FramesEncoder,
    "tokens": TokenTable,
    "text": TextEncoder,
    "kmers": KmerEncoder,
    "spelling": SpellingTable,
}
TARGETS: dict[str, Any] = {
    "class": ClassTarget,
    "number": NumberTarget,
    "step": StepTarget,
    "event": EventTarget,
    "transcript": TextTarget,
}
FIT_ON = 2000
"""Records that scalers are fitted on, evenly spread, if the training part has more: they only need what is typical.
Tables of words, pieces and categories are of all records."""
HOPS = {"transcribe": 0.020}
"""Seconds between two frames of a spectrogram, where not 10 ms: letters last longer, and steps cost time."""
EVENT_RATE = 125.0
"""Steps per second that are enough to place events; faster signals are reduced to it by a whole factor."""
EVENT_REACH = 0.024
"""Seconds on either side of an event that are marked."""


@dataclass(frozen=True)
class Encoding:
    """The encoders of a schema."""

    task: str
    inputs: tuple[Input, ...]
    target: Target | None

    @property
    def channels(self) -> int:
        """Numeric channels of a step."""
        return sum(encoder.channels for encoder in self._numeric())

    @property
    def tables(self) -> tuple[int, ...]:
        """Sizes of the tables of the token columns of a step."""
        return tuple(map(len, self._token_columns()))

    @property
    def words(self) -> list[list[str]]:
        """For each of the token columns the tokens its numbers from 1 on stand for; none for a spelling."""
        return [list(_words_of(encoder)) for encoder in self._token_columns()]

    def shown_word(self, row: np.ndarray) -> str:
        """The first word of a step, from its token columns `[columns]`; of an unknown one what its spelling says."""
        columns = self._token_columns()
        if row[0]:
            return _words_of(columns[0])[int(row[0]) - 1]
        known = {
            one.aspect: one.table.tokens[number - 1]
            for one, number in zip(columns, row.tolist(), strict=True)
            if isinstance(one, SpellingTable) and number
        }
        return ends_of(known) or "?"

    @property
    def frame(self) -> tuple[int, int] | None:
        """Height and width, if the numeric channels of a step are one picture."""
        found = [(encoder.height, encoder.width) for encoder in self.inputs if isinstance(encoder, FramesEncoder)]
        return found[0] if found and self.channels == 3 * found[0][0] * found[0][1] else None

    @property
    def outputs(self) -> int:
        """Outputs of the network's head. Raises `ValueError` if there is no target."""
        target = self.target
        if target is None:
            raise ValueError("it has no target")
        if isinstance(target, ClassTarget | StepTarget):
            return len(target.labels)
        if isinstance(target, EventTarget):
            return len(target.labels) + 1
        return len(target.names) if isinstance(target, NumberTarget) else len(target.vocabulary) + 1

    @property
    def pooled(self) -> bool:
        """Whether there is one answer for a whole record."""
        return self.task in ("classify", "regress")

    @property
    def per_step(self) -> bool:
        """Whether there is a target for every step."""
        return isinstance(self.target, StepTarget | EventTarget) or (
            isinstance(self.target, NumberTarget) and self.task == "tag"
        )

    def _token_columns(self) -> list[Words | SpellingTable]:
        return [encoder for encoder in self.inputs if isinstance(encoder, Words | SpellingTable)]

    def _numeric(self) -> list[NumericEncoder | SignalEncoder | FramesEncoder]:
        return [e for e in self.inputs if isinstance(e, NumericEncoder | SignalEncoder | FramesEncoder)]

    def encode(self, record: Record, *, targets: bool = True) -> Example:
        """One record. Raises `UserError` naming it if its fields do not fit together or lack a step."""
        numbers, tokens = [], []
        for encoder in self.inputs:
            try:
                value = record.values[encoder.field]
            except KeyError:
                raise UserError(f"{record.origin} has no field {encoder.field}, which the model reads") from None
            if isinstance(encoder, SignalEncoder):
                numbers.append(encoder.encode(value, record.rate or encoder.rate))
            elif isinstance(encoder, NumericEncoder | FramesEncoder):
                numbers.append(encoder.encode(value))
            else:
                tokens.append(encoder.encode(value))
        lengths = [len(column) for column in (*numbers, *tokens)]
        steps = max(lengths)
        if 0 in lengths:
            raise UserError(f"{record.origin} has a sequence of length 0; leave it out")
        example = Example(_joined(numbers, steps, record), _joined(tokens, steps, record), None)
        if self.target is None or not targets:
            return example
        return example._replace(target=self._encode_target(record, steps))

    def _encode_target(self, record: Record, steps: int) -> np.ndarray | None:
        if self.target is None:
            return None
        value: Any = record.values.get(self.target.field)
        if value is None and self.per_step:
            return self._nothing_known(steps)
        if isinstance(self.target, EventTarget):
            return self.target.encode(value, steps, record.rate or self.target.rate)
        target = self.target.encode(value)
        if self.per_step and len(target) != steps:
            raise UserError(
                f"{record.origin} has {steps:,} steps and {len(target):,} values of {self.target.field}; "
                "there must be one for each step"
            )
        return target

    def count_rare(self, record: Record) -> int | None:
        """How many of the unknown tokens of a record training saw, if too rarely to know them; None where that cannot
        be told."""
        rare = [
            encoder.count_rare(record.values[encoder.field])
            for encoder in self._token_columns()
            if isinstance(encoder, Words)
        ]
        return None if None in rare else sum(number for number in rare if number is not None)

    @property
    def complete(self) -> bool:
        """Whether all categories that training saw have a number."""
        return all(one.rare == () for one in self._token_columns() if isinstance(one, TokenTable))

    def unknown_columns(self, record: Record, example: Example) -> dict[str, int]:
        """How many tokens or categories of a record are unknown, by the name of their field; a category counts once."""
        if example.tokens is None:
            return {}
        counts = {}
        for place, encoder in enumerate(self._token_columns()):
            if isinstance(encoder, Words):
                unknown = int((example.tokens[:, place] == encoder.unknown).sum())
                whole = isinstance(record.values[encoder.field], str) and isinstance(encoder, TokenTable)
                counts[encoder.field] = min(unknown, 1) if whole else unknown
        return counts

    def count_unknown(self, example: Example) -> int:
        """How many tokens of an example are unknown: training did not see them, or too rarely (see `count_rare`)."""
        if example.tokens is None:
            return 0
        return sum(
            int((column == encoder.unknown).sum())
            for column, encoder in zip(example.tokens.T, self._token_columns(), strict=True)
            if isinstance(encoder, Words)
        )

    def _nothing_known(self, steps: int) -> np.ndarray:
        if isinstance(self.target, NumberTarget):
            return np.full((steps, len(self.target.names)), np.nan, dtype=np.float32)
        return np.full(steps, NO_TARGET, dtype=np.int64)

    def to_text(self) -> str:
        """As JSON."""
        content = {
            "format": "unrolled encoding",
            "task": self.task,
            "inputs": [encoder.to_json() for encoder in self.inputs],
            "target": None if self.target is None else self.target.to_json(),
        }
        return json.dumps(content, indent=1) + "\n"

    @classmethod
    def from_text(cls, text: str) -> "Encoding":
        """The inverse of `to_text`. Raises `ValueError` or `KeyError` for anything else."""
        data = parse_json(text)
        target = data["target"]
        return cls(
            data["task"],
            tuple(INPUTS[one["kind"]].from_json(one) for one in data["inputs"]),
            None if target is None else TARGETS[target["kind"]].from_json(target),
        )


def _words_of(encoder: Words | SpellingTable) -> Sequence[str]:
    if isinstance(encoder, SpellingTable):
        return ()
    if isinstance(encoder, TextEncoder):
        return encoder.vocabulary.tokens
    return encoder.table.tokens if isinstance(encoder, KmerEncoder) else encoder.tokens


def _joined(arrays: list[np.ndarray], steps: int, record: Record) -> np.ndarray | None:
    """Columns side by side; what has one step is repeated."""
    if not arrays:
        return None
    columns = [array[:, None] if array.ndim == 1 else array for array in arrays]
    if any(len(column) not in (1, steps) for column in columns):
        raise UserError(
            f"the fields of {record.origin} have unlike numbers of steps ({', '.join(str(len(c)) for c in columns)}); "
            "choose those that belong together with --data.inputs"
        )
    return np.concatenate([np.repeat(c, steps, axis=0) if len(c) == 1 < steps else c for c in columns], axis=1)


def fit_encoding(schema: Schema, records: Callable[[], Iterable[Record]], count: int, data: DataConfig) -> Encoding:
    """The encoders of a schema, from the `count` training records. Raises `UserError` for data they cannot express.

    `records` gives them anew each time. Tables are of all of them; scalers, with more than `FIT_ON`, of some.
    """
    step = max(1, count // FIT_ON)

    def some() -> Iterable[Record]:
        return (record for number, record in enumerate(records()) if number % step == 0)

    reduced = schema.target is not None and schema.target.kind == "event"
    inputs: list[Input] = []
    for field in schema.inputs:
        if field.kind == "token":
            inputs.extend(_fit_words(field, records, step, data, schema.task))
        elif field.kind == "text":
            inputs.append(_fit_text(field, records, step, data))
        elif field.kind == "categorical":
            # A single category counts as one token.
            values = (record.values[field.name] for record in records())
            values_of = ([value] if isinstance(value, str) else value for value in values)
            inputs.append(TokenTable.fit(field.name, values_of, min_count=data.min_count, folds=True))
        elif field.kind == "numeric":
            inputs.append(_fit_numbers(field, records, step, data))
        elif field.kind == "signal":
            inputs.append(_fit_signal(field, some, data, task=schema.task, reduced=reduced))
        else:
            shape = next(iter(some())).values[field.name].shape
            inputs.append(FramesEncoder(field.name, int(shape[1]), int(shape[2])))
    return Encoding(schema.task, tuple(inputs), _fit_target(schema, records, tuple(inputs), data))


def _fit_numbers(field: Field, records: Callable[[], Iterable[Record]], step: int, data: DataConfig) -> NumericEncoder:
    """Scaled by every `step`-th record; whether a channel has gaps is asked of all."""
    kept, gaps = [], None
    for number, record in enumerate(records()):
        values = np.atleast_2d(record.values[field.name])
        missing = np.isnan(values).any(axis=0)
        gaps = missing if gaps is None else gaps | missing
        if number % step == 0:
            kept.append(values)
    scaling: Scaling = "standard" if data.scaling == "auto" else data.scaling
    assert gaps is not None
    return NumericEncoder(field.name, Scaler.fit(np.concatenate(kept), scaling), tuple(gaps.tolist()))


def _fit_text(field: Field, records: Callable[[], Iterable[Record]], step: int, data: DataConfig) -> Words:
    """What a token is, is told from at most a thousand records from all over; the tokens are those of all."""

    def texts() -> Iterable[str]:
        return (record.values[field.name] for record in records())

    kind: str = data.vocabulary
    if kind == "auto":
        kind = _text_kind("\n".join(itertools.islice(texts(), 0, 1000 * step, step)))
    if kind == "char" or data.kmer > 1:
        return KmerEncoder.fit(field.name, texts(), data.kmer, min_count=data.min_count)
    return TextEncoder(field.name, fit_vocabulary(kind, texts, size=data.vocabulary_size, min_count=data.min_count))


def _fit_words(
    field: Field, records: Callable[[], Iterable[Record]], step: int, data: DataConfig, task: str
) -> list[TokenTable | SpellingTable]:
    """Words that come ready cut, and how they are spelled, where the network is to see that.

    In much data few words are left that come only once, and how new words are spelled is worth showing all the same: so
    every `step`-th record is asked, too, whether the vocabulary is open.
    """
    some = Counter[str]()

    def values() -> Iterator[Sequence[str]]:
        for number, record in enumerate(records()):
            words = record.values[field.name]
            if number % step == 0:
                some.update(words)
            yield words

    counts = count_tokens(values())
    spelled = data.spelling
    if spelled is None:
        spelled = task == "tag" and (is_open(counts) or is_open(TokenCounts(some)))
    if not spelled:
        return [TokenTable.fit(field.name, counts, min_count=data.min_count)]
    # Words that come once are unknown, so that the network learns what to make of unknown ones.
    words = TokenTable.fit(field.name, counts, min_count=max(2, data.min_count))
    return [words, *(SpellingTable.fit(field.name, aspect, counts) for aspect in ASPECTS)]


def _text_kind(sample: str) -> str:
    """Words where the text has them; single characters for what is a code, such as DNA."""
    if len(set(sample.upper())) <= 40 and sample.count(" ") < len(sample) / 50:
        return "char"
    kind, _ = infer_vocabulary(sample, len(sample))
    return "word" if sample.count(" ") > len(sample) / 50 else kind


def _fit_signal(
    field: Field, some: Callable[[], Iterable[Record]], data: DataConfig, *, task: str, reduced: bool
) -> SignalEncoder:
    own = field.rate or next(iter(some())).rate or 1.0
    rate = data.rate or own
    if reduced and data.rate is None and own > 1.5 * EVENT_RATE:
        rate = own / round(own / EVENT_RATE)
    form: SignalForm = data.features if data.features != "auto" else "log-mel" if own >= 2000 else "raw"
    mels, hop = data.mels, HOPS.get(task, 0.010)
    # Held ends rather than a line through them, so that a model that reads forwards can be given a signal as it comes.
    values = np.concatenate(
        [transform(r.values[field.name], r.rate or own, rate, form, mels, hop, edges="hold") for r in some()]
    )
    scaling: Scaling = "standard" if data.scaling == "auto" else data.scaling
    return SignalEncoder(field.name, rate, form, mels, hop, Scaler.fit(values, scaling), "hold")


def _fit_target(
    schema: Schema, records: Callable[[], Iterable[Record]], inputs: tuple[Input, ...], data: DataConfig
) -> Target | None:
    field = schema.target
    if field is None:
        return None
    values = (record.values.get(field.name) for record in records())
    if field.kind == "event":
        signal = next(encoder for encoder in inputs if isinstance(encoder, SignalEncoder))
        rate = signal.steps_per_second
        counts = Counter(label for events in values if events is not None for label in events.labels)
        labels = tuple(sorted(counts)) if data.event_labels else (ANY_EVENT,)
        return EventTarget(field.name, labels, rate, max(1, round(EVENT_REACH * rate)))
    if field.kind == "text":
        known_texts = (value for value in values if value is not None)
        return TextTarget(field.name, CharVocabulary.fit(itertools.chain([STRANGE], known_texts)))
    if field.kind == "numeric":
        known = np.concatenate([np.atleast_2d(value) for value in values if value is not None])
        return NumberTarget(field.name, field.channels or (field.name,), Scaler.fit(known, "standard"))
    if field.timed:
        labels = tuple(sorted({label for value in values if value is not None for label in value}))
        again = (record.values.get(field.name) for record in records())  # the labels have used the values up
        return StepTarget.fit(field.name, _require_several(labels, field.name), again)
    found = [value for value in values if value is not None]
    many = any(not isinstance(value, str) for value in found)
    counts = Counter(label for value in found for label in ([value] if isinstance(value, str) else value))
    labels = tuple(sorted(set(most_usual(counts).values())))
    return ClassTarget(field.name, _require_several(labels, field.name), many)


def _require_several(labels: tuple[str, ...], field: str) -> tuple[str, ...]:
    if len(labels) < 2:
        found = f"only the label {labels[0]!r}" if labels else "no label"
        raise UserError(f"the training part has {found} in {field}; there must be at least two to tell apart")
    return labels
