"""Tables of words, pieces and categories hold what stands anywhere in the training part, not only in a sample of it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from unrolled.data.config import DataConfig
from unrolled.data.encoders.texts import TextEncoder
from unrolled.data.records import Field, Record, Source
from unrolled.tasks.labels.dataset import Dataset, prepare_source
from unrolled.tasks.labels.encoding import RecordEncoding, fit_encoding
from unrolled.tasks.schema import Schema

COUNT = 5000
"""Records, more than twice as many as scalers look at: with every second one read, the odd ones would be missed."""


class Rows(Source):
    def __init__(self, fields: tuple[Field, ...], values: Sequence[dict[str, Any]]) -> None:
        self.fields, self.values, self.target_guess = fields, values, fields[-1].name

    def __len__(self) -> int:
        return len(self.values)

    def record(self, index: int) -> Record:
        return Record(self.values[index], f"row {index}")


WORDS, TAGS = Field("form", "token", True), Field("upos", "categorical", True)
SENTENCES = 13_000


def treebank() -> list[list[tuple[str, str]]]:
    """Sentences of four words: two from a few, two rare ones. Of the 13,000 the words numbered w stand twice, once or
    nowhere in the first 12,000, and never in every sixth of them. What a rare word is, nothing but the word tells."""
    random = np.random.default_rng(3)
    rare = iter(random.permutation([*np.repeat(np.arange(8000), 2), *range(8000, 12_000)]))
    sentences = []
    for number in range(SENTENCES):
        held_out = number >= 12_000
        words = [f"w{random.integers(14_000)}" for _ in range(2)] if held_out else ["der", "die"]
        if not held_out and number % 6:
            words = [f"w{next(rare)}" for _ in range(2)]
        sentences.append([("und", "CCONJ"), *((w, tag_of(w)) for w in words), ("es", "PRON")])
    assert next(rare, None) is None
    return sentences


def tag_of(word: str) -> str:
    if word[0] != "w":
        return "DET"
    return ("NOUN", "VERB", "ADJ")[int(word[1:]) * 7919 % 3]


@pytest.fixture(scope="module")
def prepared() -> tuple[list[list[tuple[str, str]]], Dataset]:
    sentences = treebank()
    values = [{"form": [word for word, _ in sentence], "upos": [tag for _, tag in sentence]} for sentence in sentences]
    data = DataConfig(split="time", valid_fraction=1000 / SENTENCES)
    return sentences, prepare_source(Rows((WORDS, TAGS), values), data, task="tag")


def test_words_seen_twice_are_known_wherever_they_stand(
    prepared: tuple[list[list[tuple[str, str]]], Dataset],
) -> None:
    sentences, dataset = prepared
    assert dataset.valid is not None
    assert len(dataset.train) == 12_000
    counts = Counter(word for sentence in sentences[:12_000] for word, _ in sentence)
    held_out = [word for sentence in sentences[12_000:] for word, _ in sentence]
    never, once = sum(counts[w] == 0 for w in held_out), sum(counts[w] == 1 for w in held_out)
    assert min(never, once, sum(counts[word] == 2 for word in held_out)) > 100
    assert dataset.notes == [
        f"tokens or categories in valid that training did not see, read as unknown: {never:,}",
        f"tokens or categories in valid that training saw too rarely to know them, read as unknown: {once:,}",
    ]
    column = np.concatenate([dataset.valid[n].tokens[:, 0] for n in range(len(dataset.valid))])  # type: ignore[index]
    assert (column == 0).tolist() == [counts[word] < 2 for word in held_out]
    again = RecordEncoding.from_text(dataset.encoding.to_text())
    assert again == dataset.encoding


def test_the_naive_tagger_says_the_usual_tag_of_each_word(
    prepared: tuple[list[list[tuple[str, str]]], Dataset],
) -> None:
    sentences, dataset = prepared
    assert dataset.valid is not None
    counts = Counter(word for sentence in sentences[:12_000] for word, _ in sentence)
    tags: dict[str, Counter[str]] = defaultdict(Counter)
    for sentence in sentences[:12_000]:
        for word, tag in sentence:
            tags[word if counts[word] > 1 else "?"][tag] += 1
    right = [
        tags[word if counts[word] > 1 else "?"].most_common(1)[0][0] == tag
        for sentence in sentences[12_000:]
        for word, tag in sentence
    ]
    labels = len(dataset.encoding.target.labels)  # type: ignore[union-attr]
    answers = [np.full((length, labels), 1 / labels, dtype=np.float32) for length in dataset.valid.lengths]
    target = dataset.encoding.target
    scores = target.judge(dataset.valid, answers, target.naive(dataset.train, dataset.encoding))
    assert scores.baseline["accuracy"].value == pytest.approx(np.mean(right))


def fit(field: Field, value: Callable[[int], Any], task: str = "classify", **data: Any) -> RecordEncoding:
    def records() -> Iterator[Record]:
        return (Record({field.name: value(n), "y": "ab"[n % 2]}, f"row {n}") for n in range(COUNT))

    schema = Schema(task, (field,), Field("y", "categorical", False))
    return fit_encoding(schema, records, COUNT, DataConfig(**data))


def test_a_category_in_one_record_is_known() -> None:
    table = fit(Field("x", "categorical", False), lambda n: "rare" if n == 777 else "often").inputs[0]
    assert 0 not in table.encode(["rare", "often"])  # type: ignore[arg-type]


@pytest.mark.parametrize("kmer", [1, 3])
def test_a_piece_in_one_record_is_known(kmer: int) -> None:
    encoder = fit(Field("x", "text", False), lambda n: "ACGNA" if n == 777 else "ACGTA", kmer=kmer).inputs[0]
    assert 0 not in encoder.encode("CGNA")


def test_a_word_of_a_text_in_one_record_is_known() -> None:
    encoder = fit(
        Field("x", "text", False), lambda n: "it was a rare day" if n == 777 else "it was a day", vocabulary="word"
    ).inputs[0]
    assert isinstance(encoder, TextEncoder)
    assert encoder.unknown not in encoder.encode("rare day")
    assert encoder.encode("new")[0] == encoder.unknown


def test_byte_pairs_are_of_all_texts() -> None:
    encoder = fit(
        Field("x", "text", False), lambda n: "unusual" if n % 2 else "day", vocabulary="bpe", vocabulary_size=300
    ).inputs[0]
    assert len(encoder.encode("unusual")) == 1


def test_a_channel_with_one_gap_has_a_mark_for_it() -> None:
    values = lambda n: np.array([n, np.nan if n == 777 else n], dtype=np.float32)  # noqa: E731
    encoder = fit(Field("x", "numeric", False, ("a", "b")), values).inputs[0]
    assert encoder.gaps == (False, True)  # type: ignore[union-attr]
