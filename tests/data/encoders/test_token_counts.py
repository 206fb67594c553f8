"""Counts in bounded memory, against counts of everything."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.encoders.categories import TokenTable
from unrolled.data.encoders.token_counts import count_tokens
from unrolled.data.encoders.words import WordVocabulary

VALUES = st.lists(st.lists(st.sampled_from("abcdefghijklmnop"), max_size=4), max_size=60)


@given(values=VALUES, at_once=st.integers(1, 8))
def test_what_is_dropped_came_no_more_often_than_is_said(values: list[list[str]], at_once: int) -> None:
    exact = Counter(token for value in values for token in value)
    counted = count_tokens(values, at_once)
    assert len(counted.counts) <= at_once
    assert all(counted.counts[token] <= count <= counted.counts[token] + counted.lost for token, count in exact.items())
    assert set(counted.counts) <= set(exact)
    assert count_tokens(values) == (exact, 0)
    assert count_tokens(counted) is counted


@given(values=VALUES, count=st.integers(1, 3), most=st.integers(1, 8))
def test_the_most_frequent_are_kept(values: list[list[str]], count: int, most: int) -> None:
    exact = Counter(token for value in values for token in value)
    least, kept = count_tokens(values).at_least(count, most)
    assert kept == sorted((t for t in exact if exact[t] >= least), key=lambda t: (-exact[t], t))
    assert len(kept) <= most
    assert least >= count
    if least > count:
        assert sum(number >= least - 1 for number in exact.values()) > most


def test_a_table_knows_what_it_left_out() -> None:
    table = TokenTable.fit("x", [["a", "b"], ["a", "b", "c"], ["d"]], min_count=2)
    assert (table.tokens, table.rare) == (("a", "b"), ("c", "d"))
    assert [table.count_rare(value) for value in (["a", "c", "new"], "d", "new", ["c", "c"])] == [1, 1, 0, 2]
    assert TokenTable.from_json(table.to_json()) == table
    small = TokenTable.fit("x", [["a", "a", "a", "b", "b", "c", "d"]], most=1)
    assert (small.tokens, small.rare) == (("a",), ("b", "c", "d"))
    cut = TokenTable.fit("x", count_tokens([["a", "a", "a"], ["b", "c", "d"]], 3))
    assert (cut.tokens, cut.rare, cut.count_rare("b")) == (("a",), None, None)
    assert TokenTable.from_json(cut.to_json()) == cut
    assert TokenTable.from_json({"kind": "tokens", "field": "x", "tokens": ["a"]}).rare == ()


def test_a_vocabulary_of_words_has_no_more_than_the_most_frequent() -> None:
    text = "a a a b b b c c d d e\n"
    few = WordVocabulary.fit([text], tokenisation="spaces", most=3)
    assert few.tokens == ["<unk>", "<eos>", "a", "b"], "c and d are as frequent as each other"
    assert few.min_count == 3
    assert WordVocabulary.fit([text], tokenisation="spaces", most=6).min_count == 1
