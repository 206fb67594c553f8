"""The naive forecast against loops."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.naive_forecast import seasonal_naive


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 9), st.integers(1, 10))
def test_against_a_loop(seed: int, time: int, horizon: int, period: int) -> None:
    draw = np.random.default_rng(seed)
    past = draw.normal(size=(3, time, 2))
    past[draw.random(past.shape) < 0.3] = np.nan
    found = seasonal_naive(past, horizon, period)
    assert found.shape == (3, horizon, 2)
    for row in range(3):
        for channel in range(2):
            values = past[row, :, channel].tolist()
            there = [value for value in values if value == value]
            last = there[0] if there else 0.0
            filled = []
            for value in values:
                last = value if value == value else last
                filled.append(last)
            season = filled[-min(period, time) :]
            assert found[row, :, channel].tolist() == [season[step % len(season)] for step in range(horizon)]
