"""How what is read of records becomes numbers: fitted on the training part, the same for training and use."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.data.config import DataConfig
from unrolled.data.encoders.categories import TokenTable
from unrolled.data.encoders.numbers import NumericEncoder, Scaler, Scaling
from unrolled.data.encoders.signals import FramesEncoder, SignalEncoder, SignalForm, transform
from unrolled.data.encoders.spelling import ASPECTS, SpellingTable, ends_of, is_open
from unrolled.data.encoders.texts import KmerEncoder, TextEncoder, fit_vocabulary
from unrolled.data.encoders.token_counts import TokenCounts, count_tokens
from unrolled.data.encoders.vocabulary import infer_vocabulary
from unrolled.data.feeds.examples import Example
from unrolled.data.records import Field, Record
from unrolled.errors import UserError

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
FIT_ON = 2000
"""Records that scalers are fitted on, evenly spread, if the training part has more: they only need what is typical.
Tables of words, pieces and categories are of all records."""
HOP = 0.010
"""Seconds between two frames of a spectrogram."""


@dataclass(frozen=True)
class Encoding:
    """The encoders of what is read."""

    inputs: tuple[Input, ...]

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
            column.aspect: column.table.tokens[number - 1]
            for column, number in zip(columns, row.tolist(), strict=True)
            if isinstance(column, SpellingTable) and number
        }
        return ends_of(known) or "?"

    @property
    def frame(self) -> tuple[int, int] | None:
        """Height and width, if the numeric channels of a step are one picture."""
        sizes = [(encoder.height, encoder.width) for encoder in self.inputs if isinstance(encoder, FramesEncoder)]
        return sizes[0] if sizes and self.channels == 3 * sizes[0][0] * sizes[0][1] else None

    def _token_columns(self) -> list[Words | SpellingTable]:
        return [encoder for encoder in self.inputs if isinstance(encoder, Words | SpellingTable)]

    def _numeric(self) -> list[NumericEncoder | SignalEncoder | FramesEncoder]:
        return [e for e in self.inputs if isinstance(e, NumericEncoder | SignalEncoder | FramesEncoder)]

    def encode(self, record: Record) -> Example:
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
        return Example(_joined(numbers, steps, record), _joined(tokens, steps, record), None)

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
        return all(column.rare == () for column in self._token_columns() if isinstance(column, TokenTable))

    def unknown_columns(self, record: Record, example: Example) -> dict[str, int]:
        """How many tokens or categories of a record are unknown, by the name of their field; a category counts once."""
        if example.tokens is None:
            return {}
        counts = {}
        for column, encoder in enumerate(self._token_columns()):
            if isinstance(encoder, Words):
                unknown = int((example.tokens[:, column] == encoder.unknown).sum())
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

    def inputs_to_json(self) -> list[dict[str, Any]]:
        """The encoders as JSON values."""
        return [encoder.to_json() for encoder in self.inputs]


def inputs_from_json(encoders: list[dict[str, Any]]) -> tuple[Input, ...]:
    """The inverse of `Encoding.inputs_to_json`. Raises `ValueError` or `KeyError` for anything else."""
    return tuple(INPUTS[encoder["kind"]].from_json(encoder) for encoder in encoders)


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


def fit_inputs(
    fields: Iterable[Field],
    records: Callable[[], Iterable[Record]],
    count: int,
    data: DataConfig,
    *,
    spelling: bool = False,
    hop: float = HOP,
    enough_rate: float | None = None,
) -> tuple[Input, ...]:
    """The encoders of the fields that are read, from the `count` training records.

    `records` gives them anew each time. Tables are of all of them; scalers, with more than `FIT_ON`, of some.
    `spelling`: words of an open vocabulary show how they are spelled, unless the settings decide. `hop`: seconds
    between two frames of a spectrogram. `enough_rate`: steps per second that are enough; faster signals are reduced to
    it by a whole factor. Raises `UserError` for data that cannot be expressed.
    """
    step = max(1, count // FIT_ON)

    def some() -> Iterable[Record]:
        return (record for number, record in enumerate(records()) if number % step == 0)

    inputs: list[Input] = []
    for field in fields:
        if field.kind == "token":
            inputs.extend(_fit_words(field, records, step, data, spelling))
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
            inputs.append(_fit_signal(field, some, data, hop, enough_rate))
        else:
            shape = next(iter(some())).values[field.name].shape
            inputs.append(FramesEncoder(field.name, int(shape[1]), int(shape[2])))
    return tuple(inputs)


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
    field: Field, records: Callable[[], Iterable[Record]], step: int, data: DataConfig, spelling: bool
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
        spelled = spelling and (is_open(counts) or is_open(TokenCounts(some)))
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
    field: Field, some: Callable[[], Iterable[Record]], data: DataConfig, hop: float, enough_rate: float | None
) -> SignalEncoder:
    own = field.rate or next(iter(some())).rate or 1.0
    rate = data.rate or own
    if enough_rate is not None and data.rate is None and own > 1.5 * enough_rate:
        rate = own / round(own / enough_rate)
    form: SignalForm = data.features if data.features != "auto" else "log-mel" if own >= 2000 else "raw"
    # Held ends rather than a line through them, so that a model that reads forwards can be given a signal as it comes.
    values = np.concatenate(
        [transform(r.values[field.name], r.rate or own, rate, form, data.mels, hop, edges="hold") for r in some()]
    )
    scaling: Scaling = "standard" if data.scaling == "auto" else data.scaling
    return SignalEncoder(field.name, rate, form, data.mels, hop, Scaler.fit(values, scaling), "hold")
