"""Texts and categories as numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.encoders.categories import TokenTable
from unrolled.data.encoders.encoding import INPUTS
from unrolled.data.encoders.texts import KmerEncoder, TextEncoder, fit_vocabulary, pieces

TEXTS = ["the cat sat on the mat", "a dog sat", "the end"]


@pytest.mark.parametrize("kind", ["word", "byte", "bpe"])
def test_a_text_is_its_tokens_from_one_on(kind: str) -> None:
    encoder = TextEncoder("x", fit_vocabulary(kind, lambda: iter(TEXTS), size=280))
    numbers = encoder.encode(TEXTS[0])
    assert numbers.min() >= 1
    assert numbers.max() < len(encoder)
    assert encoder.vocabulary.decode(numbers - 1) == TEXTS[0]
    for empty in ("", " " if kind == "word" else ""):
        assert encoder.encode(empty).tolist() == [0]
    again = INPUTS["text"].from_json(encoder.to_json())
    assert again.encode(TEXTS[1]).tolist() == encoder.encode(TEXTS[1]).tolist()
    assert len(again) == len(encoder)


def test_unknown_words_and_rare_ones() -> None:
    encoder = TextEncoder("x", fit_vocabulary("word", lambda: iter(TEXTS), min_count=2))
    numbers = encoder.encode("the zebra sat")
    assert numbers[1] == encoder.unknown
    assert encoder.encode("cat")[0] == encoder.unknown, "seen once, and asked for twice"
    assert encoder.unknown not in (numbers[0], numbers[2])


@given(st.text(alphabet="ACGT", max_size=12), st.integers(1, 5))
def test_kmers_are_all_windows_of_k_letters(text: str, k: int) -> None:
    wanted = [text[start : start + k] for start in range(len(text)) if start + k <= len(text)]
    assert pieces(text, k) == wanted
    encoder = KmerEncoder.fit("x", [text], k)
    numbers = encoder.encode(text)
    assert len(numbers) == max(1, len(wanted))
    assert [encoder.table.tokens[number - 1] for number in numbers if number] == wanted
    assert len(encoder) == len(set(wanted)) + 1
    assert KmerEncoder.from_json(encoder.to_json()) == encoder


def test_unknown_and_rare_kmers_are_zero() -> None:
    encoder = KmerEncoder.fit("x", ["ACGACG", "TT"], 2, min_count=2)
    assert set(encoder.table.tokens) == {"AC", "CG"}
    assert encoder.encode("ACTT").tolist()[1:] == [0, 0]
    assert encoder.encode("A").tolist() == [0]


def test_the_most_frequent_token_is_the_first() -> None:
    table = TokenTable.fit("x", [["b", "a", "c"], ["b", "a"], ["b"]])
    assert table.tokens == ("b", "a", "c")
    assert table.encode(["c", "b", "new"]).tolist() == [3, 1, 0]
    assert table.encode("a").tolist() == [2], "one category is one step, whatever its letters"
    assert TokenTable.from_json(table.to_json()) == table
    assert TokenTable.fit("x", [["b", "b", "a"]], min_count=2).tokens == ("b",)
