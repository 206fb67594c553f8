import numpy as np
import pytest

from unrolled.data.feeds.delayed_records import Delayed
from unrolled.data.feeds.examples import NO_TARGET, Example, Examples
from unrolled.data.feeds.long_records import Windows


@pytest.mark.parametrize("floats", [False, True])
def test_targets_come_later_and_inputs_end_in_blanks(floats: bool) -> None:
    examples = Examples()
    for length in (4, 1):
        steps = np.arange(1, length + 1)
        target = steps[:, None].astype(np.float32) if floats else steps
        examples.append(Example(steps[:, None].astype(np.float32), 10 * steps[:, None], target), "")
    delayed = Delayed(examples, 2)
    assert delayed.lengths == [6, 3]
    numbers, tokens, target, _ = delayed[0]
    assert numbers[:, 0].tolist() == [1, 2, 3, 4, 0, 0]
    assert tokens[:, 0].tolist() == [10, 20, 30, 40, 0, 0]
    known = np.isfinite(target[:, 0]) if floats else target != NO_TARGET
    assert known.tolist() == [False, False, True, True, True, True]
    assert target[known].ravel().tolist() == [1, 2, 3, 4]
    assert [array.dtype for array in delayed[1][:3]] == [array.dtype for array in examples[1][:3]]
    # In windows too every step is answered for once.
    windows = Windows(delayed, 3, 0)
    pieces = [windows[number].target.ravel() for number in range(len(windows))]
    assert sum(int((np.isfinite(piece) if floats else piece != NO_TARGET).sum()) for piece in pieces) == 5


def test_a_text_of_a_whole_record_stays_as_it_is() -> None:
    examples = Examples()
    examples.append(Example(np.ones((4, 2), dtype=np.float32), None, np.array([1, 2, 1])), "")
    record = Delayed(examples, 3, per_step=False)[0]
    assert record.time == 7
    assert record.target.tolist() == [1, 2, 1]  # type: ignore[union-attr]


def test_without_a_target() -> None:
    examples = Examples()
    examples.append(Example(None, np.ones((2, 1), dtype=np.int64), None), "")
    assert Delayed(examples, 1)[0].target is None
