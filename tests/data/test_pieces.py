"""Long series are looked at a piece at a time, with the results of looking at all of them at once."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data import pieces
from unrolled.data.encoders import numbers
from unrolled.tasks.forecast import channel_gain as gain
from unrolled.tasks.forecast import naive as naive_forecast
from unrolled.tasks.forecast.windows import ForecastWindows


@given(st.lists(st.integers(0, 30), max_size=12), st.integers(1, 3), st.integers(1, 40))
def test_pieces_are_all_rows_in_order_and_none_is_larger(lengths: list[int], columns: int, most: int) -> None:
    count = itertools.count()
    arrays = [np.array([[next(count)] * columns for _ in range(length)]).reshape(length, columns) for length in lengths]
    cut = list(pieces.in_pieces(arrays, most))
    assert all(len(piece) and piece.size <= max(most, columns) for piece in cut)
    assert [row for piece in cut for row in piece.tolist()] == [[n] * columns for n in range(sum(lengths))]
    # No more of them than it takes: two neighbours would not fit into one, unless they lie in one long array.
    if all(length * columns <= most for length in lengths):
        assert all(a.size + b.size > most for a, b in itertools.pairwise(cut))


def walk(seed: int, time: int, channels: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    values = draw.normal(size=(time, channels)).cumsum(axis=0)
    values[:, 0] = np.roll(values[:, -1], -3) + draw.normal(size=time)
    values[draw.random(values.shape) < 0.03] = np.nan
    return values.astype(np.float32)


def gain_at_once(series: np.ndarray, horizon: int) -> float:
    """The definition, with all regressors of all places in memory."""
    time, channels = series.shape
    known = ~np.isnan(series)
    values = np.array([(column - np.nanmean(column)) / np.nanstd(column) for column in series.T.astype(np.float64)]).T
    values = np.where(known, values, 0)
    places = np.arange(gain.LAGS, time - horizon)
    cut = int(0.8 * len(places))
    lagged = np.stack([values[places - 1 - lag] for lag in range(gain.LAGS)], axis=-1)

    def error(inputs: np.ndarray, outputs: np.ndarray) -> float:
        inputs = np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1)
        seen = inputs[:cut]
        weights = np.linalg.inv(seen.T @ seen + gain.RIDGE * np.eye(seen.shape[1])) @ seen.T @ outputs[:cut]
        return float(((outputs[cut:] - inputs[cut:] @ weights) ** 2).sum())

    alone = together = 0.0
    for ahead in {1, max(1, horizon // 2), horizon}:
        for channel in range(channels):
            change = values[places + ahead - 1, channel] - values[places - 1, channel]
            alone += error(lagged[:, channel], change)
            together += error(lagged.reshape(len(places), -1), change)
    return 1 - together / alone


@pytest.mark.parametrize(("time", "channels", "horizon"), [(400, 2, 1), (900, 5, 24), (3000, 3, 7)])
def test_the_gain_is_that_of_the_definition_in_blocks_of_any_size(monkeypatch, time, channels, horizon) -> None:  # type: ignore[no-untyped-def]
    series = walk(time, time, channels)
    wanted = gain_at_once(series, horizon)
    assert abs(wanted) > 0.001
    for values in (50, 1000, 1 << 20):
        monkeypatch.setattr(gain, "BLOCK_VALUES", values)
        assert gain.channel_gain(series, horizon) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("values", [1, 50, 400])
def test_naive_errors_and_their_scale_are_the_same_in_pieces(monkeypatch, values) -> None:  # type: ignore[no-untyped-def]
    series = [walk(1, 300, 2), walk(2, 90, 2), walk(3, 7, 2)]
    windows = ForecastWindows(series, context=5, horizon=4, targets=[1])

    def measured() -> tuple:  # type: ignore[type-arg]
        spread = naive_forecast.naive_spread(series, windows, 7, (0.1, 0.5, 0.9))
        return *spread, naive_forecast.seasonal_scale(series, 7)

    changes = np.concatenate([np.abs(x[7:] - x[:-7]) for x in series if len(x) > 7])
    *spread, scale = measured()
    assert scale == pytest.approx(np.nanmean(changes, axis=0, dtype=np.float64), rel=1e-9)
    monkeypatch.setattr(naive_forecast, "BLOCK_VALUES", values)
    monkeypatch.setattr(naive_forecast, "PIECE", values)
    monkeypatch.setattr(pieces.in_pieces, "__defaults__", (values,))
    *spread_in_pieces, again = measured()
    assert spread_in_pieces == spread
    assert again == pytest.approx(scale, rel=1e-9)


def test_numbers_are_scaled_alike_in_blocks_of_any_size(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    values = walk(4, 200, 3)
    scaler = numbers.Scaler.fit(values, "standard")
    whole = scaler.scale(values)
    np.testing.assert_allclose(whole, (values - np.nanmean(values, 0)) / np.nanstd(values, 0), rtol=1e-3, atol=1e-4)
    for size in (1, 100, 599):
        monkeypatch.setattr(numbers, "BLOCK_VALUES", size)
        np.testing.assert_array_equal(scaler.scale(values), whole)
