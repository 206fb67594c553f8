"""Signals varied in training."""

import numpy as np
import pytest

from unrolled.data.feeds.augmentation import Augmentation, augment
from unrolled.data.feeds.examples import Example

NUMBERS = np.sin(np.linspace(0, 20, 300, dtype=np.float32))[:, None] * np.array([1.0, 3.0], dtype=np.float32)
EXAMPLE = Example(NUMBERS, None, np.array(1))


def varied(seed: int, kind: Augmentation = "signal", *, per_step: bool = False, example: Example = EXAMPLE) -> Example:
    return augment(example, np.random.default_rng(seed), kind, per_step=per_step)


@pytest.mark.parametrize("kind", ["signal", "noise"])
def test_the_shape_the_type_and_the_target_stay(kind: Augmentation) -> None:
    for seed in range(30):
        example = varied(seed, kind)
        assert example.numbers is not None
        assert example.numbers.shape == NUMBERS.shape
        assert example.numbers.dtype == np.float32
        assert np.isfinite(example.numbers).all()
        assert example.target is EXAMPLE.target
    np.testing.assert_array_equal(EXAMPLE.numbers[0], [0, 0])  # type: ignore[index]


def test_it_is_a_function_of_the_seed() -> None:
    np.testing.assert_array_equal(varied(3).numbers, varied(3).numbers)
    assert not np.array_equal(varied(3).numbers, varied(4).numbers)  # type: ignore[arg-type]


def test_steps_with_labels_of_their_own_stay_in_place() -> None:
    """Only the size and a little noise change: every step still goes with its label."""
    for seed in range(20):
        numbers = varied(seed, per_step=True).numbers
        for channel in range(2):
            assert np.corrcoef(numbers[:, channel], NUMBERS[:, channel])[0, 1] > 0.99  # type: ignore[index]
        noisy = varied(seed, "noise").numbers
        assert np.corrcoef(noisy[:, 0], NUMBERS[:, 0])[0, 1] > 0.9  # type: ignore[index]
    moved = [np.corrcoef(varied(seed).numbers[:, 0], NUMBERS[:, 0])[0, 1] for seed in range(20)]  # type: ignore[index]
    assert min(moved) < 0.98, "one target for the whole record: time is stretched and shifted too"


@pytest.mark.parametrize("time", [1, 7, 8])
def test_short_records(time: int) -> None:
    for seed in range(20):
        assert varied(seed, example=Example(NUMBERS[:time], None, None)).numbers.shape == (time, 2)  # type: ignore[union-attr]
    tokens = Example(None, np.ones((3, 1), dtype=np.int64), None)
    assert varied(0, example=tokens) is tokens
    assert varied(0, "none") is EXAMPLE
