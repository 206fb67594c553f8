import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.training.optimizers import WSD_DECAY, learning_rate_factor

KINDS = ("cosine", "constant", "wsd")


def test_known_values():
    at = {kind: [learning_rate_factor(kind, p, 100, 0) for p in (0.0, 0.25, 0.5, 1.0)] for kind in KINDS}
    assert at["constant"] == [1, 1, 1, 1]
    assert at["cosine"] == pytest.approx([1, (1 + math.sqrt(0.5)) / 2, 0.5, 0])
    assert at["wsd"] == pytest.approx([1, 1, 1, 0])


def test_wsd_is_flat_then_linear():
    start = 1 - WSD_DECAY
    assert learning_rate_factor("wsd", start - 1e-6, 9, 0) == 1
    for part in (0.25, 0.5, 0.75):
        assert learning_rate_factor("wsd", start + part * WSD_DECAY, 9, 0) == pytest.approx(1 - part)


def test_warm_up_is_linear_and_meets_the_schedule():
    factors = [learning_rate_factor("constant", 0.0, step, 4) for step in range(6)]
    assert factors == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    assert [learning_rate_factor("cosine", 0.5, step, 2) for step in (0, 1, 2)] == pytest.approx([0.25, 0.5, 0.5])


@given(st.sampled_from(KINDS), st.floats(-0.1, 1.1), st.floats(-0.1, 1.1), st.integers(0, 10**6), st.integers(0, 1000))
def test_bounded_and_never_rising_with_progress(kind, first, second, step, warmup):
    first, second = sorted((first, second))
    early, late = (learning_rate_factor(kind, p, step, warmup) for p in (first, second))
    assert 0 <= late <= early <= 1
