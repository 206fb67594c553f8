"""Sequences that are written, as tokens and back."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.encoders.categories import TokenTable
from unrolled.data.encoders.vocabulary import CharVocabulary
from unrolled.tasks.describe.output_sequences import LEVELS, WRITTEN, WrittenLevels, WrittenText, WrittenTokens


def column(values: Any) -> np.ndarray:
    return np.array(values, dtype=np.float32)[:, None]


def test_no_token_is_the_end() -> None:
    text = WrittenText("t", CharVocabulary.fit(["abc"]))
    words = WrittenTokens("w", TokenTable.fit("w", [["do", "re"], ["do"]]))
    levels = WrittenLevels.fit("v", np.linspace(0, 1, 100))
    assert text.encode("cab?").tolist() == [3, 1, 2]
    assert words.encode(["re", "mi", "do"]).tolist() == [2, 1]
    assert min(levels.encode(column([-9, 0, 1, 99]))) == 1
    assert max(levels.encode(column([-9, 0, 1, 99]))) == len(levels) == LEVELS
    assert text.unknown("cab?", text.encode("cab?")) == 1
    assert words.unknown(["re", "mi", "do"], words.encode(["re", "mi", "do"])) == 1


def test_decoding() -> None:
    assert WrittenText("t", CharVocabulary.fit(["abc"])).decode([3, 1]) == "ca"
    assert WrittenText("t", CharVocabulary.fit(["abc"])).decode([]) == ""
    assert WrittenTokens("w", TokenTable.fit("w", [["do", "re"]])).decode([2, 1]) == ["re", "do"]


def test_levels_hold_equally_many_values_and_mean_them() -> None:
    values = np.random.default_rng(0).exponential(size=6400).astype(np.float32)
    levels = WrittenLevels.fit("v", values)
    tokens = levels.encode(column(values))
    assert np.bincount(tokens)[1:].tolist() == pytest.approx([100] * LEVELS, abs=1)
    for token in (1, 17, LEVELS):
        assert levels.decode([token])[0] == pytest.approx(values[tokens == token].mean(), rel=1e-4)
    # What is lost is less than the spread within a level.
    assert np.abs(np.array(levels.decode(tokens.tolist())) - values)[tokens < LEVELS].max() < 1.0


def test_equal_values_share_a_level() -> None:
    levels = WrittenLevels.fit("v", np.array([0.0] * 90 + [1.0, 2.0] * 5))
    assert levels.decode(levels.encode(column([0, 1, 2])).tolist()) == [0, 1, 2]
    constant = WrittenLevels.fit("v", np.full(10, 3.5))
    assert (len(constant), constant.decode(constant.encode(column([3.5])).tolist())) == (1, [3.5])


def test_missing_values_are_the_last_known() -> None:
    levels = WrittenLevels.fit("v", np.arange(64.0))
    tokens = levels.encode(column([np.nan, 5, np.nan, 9]))
    assert tokens[1] == tokens[2] != tokens[3]
    assert tokens[0] == levels.encode(column([0]))[0]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300))
def test_any_values_have_levels(values: list[float]) -> None:
    levels = WrittenLevels.fit("v", np.array(values))
    assert np.isfinite(levels.values).all()
    assert (np.diff(levels.values) > 0).all()
    tokens = levels.encode(column(values))
    assert 1 <= tokens.min() <= tokens.max() <= len(levels)


@pytest.mark.parametrize(
    "written",
    [
        WrittenText("t", CharVocabulary.fit(["abc"])),
        WrittenTokens("w", TokenTable.fit("w", [["do", "re"]])),
        WrittenLevels.fit("v", np.arange(9.0)),
    ],
)
def test_json_round_trip(written: Any) -> None:
    data = written.to_json()
    assert WRITTEN[data["kind"]].from_json(data).to_json() == data
