"""How words are spelled: each aspect of known and unknown words, when it is worth showing, and how it is kept."""

import string
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.config import DataConfig
from unrolled.data.encoders.spelling import ASPECTS, SpellingTable, is_open, shape
from unrolled.data.records import Field, Record
from unrolled.tasks.labels.encoding import RecordEncoding, fit_encoding
from unrolled.tasks.schema import Schema

SENTENCES = [["Anna", "lives", "in", "Paris"], ["Hanna", "loves", "Paris"], ["anna", "42", "x-ray"]]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("Paris", "Xx"),
        ("NATO", "X"),
        ("2017", "d"),
        ("Mc-42", "Xx-d"),
        ("@anna", "@x"),
        ("...", "."),
        ("é", "x"),
        ("", ""),
    ],
)
def test_a_shape_shows_capitals_digits_and_signs(word: str, expected: str) -> None:
    assert shape(word) == expected


@given(st.text(string.printable))
def test_only_the_shape_sees_capitals(word: str) -> None:
    for name, look in ASPECTS.items():
        assert len(look(word)) <= len(word)
        assert name == "shape" or look(word) == look(word.upper()) == look(word.lower())


def test_words_that_training_did_not_see_are_known_by_their_spelling() -> None:
    first = SpellingTable.fit("words", "first 3 letters", SENTENCES)
    assert first.encode(["Annabel", "Par", "Zoe"]).tolist() == [*first.encode(["anna", "paris"]).tolist(), 0]
    assert 0 not in first.encode(["Annabel", "Par"])
    last = SpellingTable.fit("words", "last 3 letters", SENTENCES)
    assert last.encode(["Johanna"])[0] == last.encode(["Anna"])[0] != 0


@given(st.lists(st.lists(st.text(max_size=4), min_size=1, max_size=5), max_size=6), st.sampled_from(sorted(ASPECTS)))
def test_what_comes_twice_is_known_and_what_comes_once_is_not(values: list[list[str]], aspect: str) -> None:
    table = SpellingTable.fit("words", aspect, values)
    counts = Counter(ASPECTS[aspect](word) for value in values for word in value)
    for value in values:
        numbers = table.encode(value)
        assert (numbers > 0).tolist() == [counts[ASPECTS[aspect](word)] > 1 for word in value]
        assert numbers.max(initial=0) < len(table)
    assert SpellingTable.from_json(table.to_json()) == table


def test_a_vocabulary_is_open_if_much_comes_once() -> None:
    assert is_open([["a", "b", "c"], ["a", "a"]])
    assert not is_open([["a", "b"] * 50])
    assert not is_open([[f"word{n % 10}" for n in range(500)] + ["once"]])
    assert is_open([[f"word{n % 10}" for n in range(18)] + ["once"]])


def fitted(spelling: bool | None, task: str = "tag") -> RecordEncoding:
    words = Field("words", "token", True)
    target = Field("tags", "categorical", True) if task == "tag" else Field("kind", "categorical", False)
    records = [
        Record({"words": value, "tags": ["A" if w[0].isupper() else "O" for w in value], "kind": "ab"[n % 2]}, f"{n}")
        for n, value in enumerate(SENTENCES)
    ]
    return fit_encoding(Schema(task, (words,), target), lambda: records, len(records), DataConfig(spelling=spelling))


def test_tagging_words_shows_their_spelling_unless_told_otherwise() -> None:
    shown, plain = fitted(None), fitted(False)
    assert len(shown.tables) == 1 + len(ASPECTS)
    assert len(plain.tables) == 1 == len(fitted(None, "classify").tables)
    assert len(fitted(True, "classify").tables) == 1 + len(ASPECTS)
    record = Record({"words": ["Paris", "Hannover"], "tags": ["A", "O"]}, "here")
    example = shown.encode(record)
    assert example.tokens is not None
    assert example.tokens.shape == (2, 1 + len(ASPECTS))
    assert [shown.shown_word(row) for row in example.tokens] == ["Paris", "?"]
    anne = Record({"words": ["ANNA", "Anne", "Lives"], "tags": ["A", "A", "O"]}, "here")
    tokens = shown.encode(anne).tokens
    assert tokens is not None
    assert [shown.shown_word(row) for row in tokens] == ["anna", "ann…", "…ves"]
    # Hannover is unknown, once: its spelling is not counted.
    assert shown.count_unknown(example) == 1
    again = RecordEncoding.from_text(shown.to_text())
    np.testing.assert_array_equal(again.encode(record).tokens, example.tokens)
    assert again == shown
    # Word vectors are for words, so a spelling asks for none.
    assert [len(words) for words in shown.words] == [len(shown.inputs[0].tokens), *[0] * len(ASPECTS)]  # type: ignore[union-attr]
