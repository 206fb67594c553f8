from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.readers.arrays import read_arrays
from unrolled.data.records import Notes
from unrolled.errors import UserError
from unrolled.tasks.reads import wish_of

X3 = np.arange(24, dtype=np.float64).reshape(2, 4, 3)


def test_three_axes_in_both_orders() -> None:
    source = read_arrays(X3, ["a", "b"], ["p", "q"])
    np.testing.assert_array_equal(source.record(1).values["X"], X3[1])
    assert source.record(1).values["X"].dtype == np.float32
    assert source.field("X").channels == ("channel_0", "channel_1", "channel_2")
    assert source.labels("y") == ["a", "b"]
    assert source.groups("group") == ["p", "q"]
    turned = read_arrays(np.swapaxes(X3, 1, 2), layout="channels-time")
    np.testing.assert_array_equal(turned.record(1).values["X"], X3[1])


def test_two_axes_are_series_or_vectors() -> None:
    assert read_arrays(X3[0]).record(2).values["X"].tolist() == [[6], [7], [8]]
    vectors = read_arrays(X3[0], vectors=True)
    assert not vectors.field("X").timed
    assert vectors.record(2).values["X"].tolist() == [6, 7, 8]


@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=6), width=st.integers(1, 3))
def test_ragged_lists(lengths: list[int], width: int) -> None:
    arrays = [np.full((length, width), number + 0.5) for number, length in enumerate(lengths)]
    for source in (
        read_arrays(arrays),
        read_arrays([array.T for array in arrays], layout="channels-time"),
        read_arrays([array.tolist() for array in arrays]),
        read_arrays([torch.from_numpy(array) for array in arrays]),
    ):
        for array, record in zip(arrays, source, strict=True):
            np.testing.assert_array_equal(record.values["X"], array)


def test_texts_and_words() -> None:
    assert read_arrays(["good", "bad"], [1, 0]).record(0).values == {"X": "good", "y": "1"}
    assert read_arrays(np.array(["good", "bad"])).field("X").kind == "text"
    source = read_arrays([["a", "b"], ["c"]], [["N", "V"], ["N"]])
    assert source.field("X").kind == "token"
    assert source.record(0).values == {"X": ["a", "b"], "y": ["N", "V"]}
    assert read_arrays(["go", "hi"], ["geh", "hallo"], wish=wish_of("translate")).field("y").kind == "text"
    with pytest.raises(UserError, match=r"y\[1\] is 3, where a text is expected"):
        read_arrays(["go", "hi"], ["geh", 3], wish=wish_of("translate"))


@pytest.mark.parametrize(
    ("y", "task", "kind", "timed", "second"),
    [
        ([0, 1], None, "categorical", False, "1"),
        (np.array([0.0, 1.0]), "classify", "categorical", False, "1"),
        ([0.5, np.nan], None, "numeric", False, None),
        ([1, 2], "regress", "numeric", False, [2]),
        ([("a",), ("a", "b")], None, "categorical", False, ("a", "b")),
        ([{"b"}, {"b", "a"}], "classify", "categorical", False, ("a", "b")),
        (np.array([[1, 0, 0], [0, 1, 1]]), "classify", "categorical", False, ("1", "2")),
        (np.array([[1.5, 0], [0, 2.5]]), None, "numeric", False, [0, 2.5]),
        (np.array([[0, 1, 1, 0], [1, 0, 0, 0]]), None, "categorical", True, ["1", "0", "0", "0"]),
        (np.array([[0, 1, 1, 0], [1, 0, 0, 0.5]]), "tag", "numeric", True, [[1], [0], [0], [0.5]]),
    ],
)
def test_targets(y: Any, task: str | None, kind: str, timed: bool, second: Any) -> None:
    source = read_arrays(X3, y, wish=wish_of(task))
    assert (source.field("y").kind, source.field("y").timed) == (kind, timed)
    value = source.record(1).values["y"]
    assert (value.tolist() if isinstance(value, np.ndarray) else value) == second


def test_missing_values_are_counted() -> None:
    notes = Notes()
    X = X3.copy()
    X[0, 1, 2] = X[1, 0, 0] = np.nan
    read_arrays(X, notes=notes)
    assert notes.counts == {"missing values": 2}


def with_infinity() -> np.ndarray:
    X = X3.copy()
    X[1, 3, 2] = -np.inf
    return X


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (with_infinity(), None, r"X\[1, 3, 2\] is -inf"),
        (np.zeros(3), None, r"shape \(3,\); expected \[n, time, features\]"),
        (np.zeros((0, 3, 1)), None, "no records"),
        (np.zeros((3, 0, 1)), None, "no steps"),
        ([np.zeros((3, 2)), np.zeros((0, 2))], None, r"X\[1\] has the shape \(0, 2\)"),
        ([np.zeros((3, 2)), np.zeros((4, 3))], None, r"X\[1\] has 3 channels, expected 2"),
        ([np.zeros(3), np.array([1, np.inf])], None, r"X\[1, 1\] is inf"),
        ([np.zeros(3), "word"], None, r"X\[1\] is a str"),
        (["word", np.zeros(3)], None, r"X\[1\] is a ndarray"),
        ([["a"], [1]], None, r"X\[1\] is not a list of words"),
        (["good", ""], None, r"X\[1\] is empty"),
        ("text", None, "X is a str"),
        (np.zeros((2, 2), dtype=complex), None, "complex128"),
        (X3, ["a"], "y has 1 entries, but X has 2 records"),
        (X3, [0.5, np.inf], "y has an infinite value"),
        (X3, ["a", ["b"]], r"y\[1\] is \['b'\]"),
    ],
)
def test_what_cannot_be_used(X: Any, y: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_arrays(X, y)


def test_tags_of_another_length() -> None:
    with pytest.raises(UserError, match=r"y\[1\] has 1 steps, but X\[1\] has 2"):
        read_arrays([["a", "b"], ["c", "d"]], [["N", "V"], ["N"]], wish=wish_of("tag"))
    with pytest.raises(UserError, match="groups has 1 entries, expected 2"):
        read_arrays(X3, groups=["p"])
