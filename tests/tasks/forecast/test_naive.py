"""The naive forecast against loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.tasks.forecast.naive import naive_periods, naive_spread, naive_windows, seasonal_naive, seasonal_scale
from unrolled.tasks.forecast.windows import ForecastWindows


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 9), st.integers(1, 10))
def test_against_a_loop(seed: int, time: int, horizon: int, period: int) -> None:
    draw = np.random.default_rng(seed)
    past = draw.normal(size=(3, time, 2))
    past[draw.random(past.shape) < 0.3] = np.nan
    forecasts = seasonal_naive(past, horizon, period)
    assert forecasts.shape == (3, horizon, 2)
    for row in range(3):
        for channel in range(2):
            values = past[row, :, channel].tolist()
            observed = [value for value in values if value == value]
            last = observed[0] if observed else 0.0
            filled = []
            for value in values:
                last = value if value == value else last
                filled.append(last)
            season = filled[-min(period, time) :]
            assert forecasts[row, :, channel].tolist() == [season[step % len(season)] for step in range(horizon)]


def test_the_scale_is_the_mean_change_over_a_period() -> None:
    series = np.array([1.0, 5.0, 2.0, 5.0, 4.0, np.nan])[:, None]
    assert seasonal_scale([series], 2) == (pytest.approx((1 + 0 + 2) / 3),)
    assert seasonal_scale([series, series + 7], 2) == seasonal_scale([series], 2)
    assert seasonal_scale([np.ones((9, 1))]) == (0.0,)
    assert seasonal_scale([np.ones((3, 1))], 5) == (0.0,)


def test_windows_look_back_as_far_as_the_period_needs() -> None:
    series = [np.arange(40, dtype=np.float32)[:, None]]
    windows = ForecastWindows(series, context=3, horizon=2)
    batch = windows.batch(np.array([10, 0]))
    assert batch.origin.tolist() == [13, 3]
    assert naive_windows(series, batch, windows, 7)[:, :, 0].tolist() == [[6, 7], [0, 0]]
    assert naive_windows(series, batch, windows, 1)[:, :, 0].tolist() == [[12, 12], [2, 2]]
    assert [naive_periods(period) for period in (None, 1, 7)] == [[1], [1], [1, 7]]


def test_quantiles_of_the_errors_cover_what_they_say() -> None:
    walk = np.random.default_rng(1).normal(size=(3000, 2)).cumsum(axis=0).astype(np.float32)
    walk[::17, 0] = np.nan
    windows = ForecastWindows([walk], context=5, horizon=4, targets=[1, 0])
    spread = np.array(naive_spread([walk], windows, 1, (0.1, 0.9)))
    batch = windows.batch(np.arange(len(windows)))
    around = naive_windows([walk], batch, windows, 1)[..., None] + spread
    inside = (around[..., 0] <= batch.future) & (batch.future <= around[..., 1])
    assert inside[~np.isnan(batch.future)].mean() == pytest.approx(0.8, abs=0.03)
    nothing = np.full((20, 1), np.nan, dtype=np.float32)
    assert naive_spread([nothing], ForecastWindows([nothing], context=5, horizon=4), 1, (0.5,)) == ((0.0,),)
