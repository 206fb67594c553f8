"""Windows answer for every step of a record exactly once, and never see less than they could."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.feeds.examples import NO_TARGET, Example, Examples
from unrolled.data.feeds.long_records import Windows


def records(lengths: list[int], *, floats: bool = False) -> Examples:
    made = Examples()
    for number, length in enumerate(lengths):
        target = np.arange(length) + 1000 * number
        numbers = target[:, None].astype(np.float32)
        made.append(Example(numbers, None, target[:, None].astype(np.float32) if floats else target), "")
    return made


@given(st.lists(st.integers(1, 50), min_size=1, max_size=4), st.integers(1, 20), st.data(), st.booleans())
def test_every_step_has_one_answer(lengths: list[int], size: int, data: st.DataObject, floats: bool) -> None:
    margin = data.draw(st.integers(0, (size - 1) // 2))
    examples = records(lengths, floats=floats)
    windows = Windows(examples, size, margin)
    answered: list[int] = []
    for number, span in enumerate(windows.spans):
        window = windows[number]
        assert window.time == windows.lengths[number] == span.stop - span.start <= size
        target = window.target.reshape(window.time, -1)[:, 0]  # type: ignore[union-attr]
        known = np.isfinite(target) if floats else target != NO_TARGET
        np.testing.assert_array_equal(target[known], window.numbers[known, 0])  # type: ignore[index]
        answered += target[known].astype(int).tolist()
        length = lengths[span.record]
        # A full margin on both sides, or the end of the record.
        assert span.first - span.start >= min(margin, span.first)
        assert span.stop - span.last >= min(margin, length - span.last)
        assert window.time == min(size, length)
    assert sorted(answered) == sorted(step + 1000 * number for number, n in enumerate(lengths) for step in range(n))


def test_targets_of_the_record_stay_as_they_are() -> None:
    examples = records([10])
    windows = Windows(examples, 4, 1)
    for number in range(len(windows)):
        windows[number]
    assert examples[0].target.tolist() == list(range(10))  # type: ignore[union-attr]


def test_a_margin_that_leaves_nothing() -> None:
    with pytest.raises(ValueError, match="leaves nothing of windows of 4 steps"):
        Windows(records([10]), 4, 2)
