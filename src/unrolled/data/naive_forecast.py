"""The forecast that needs no model: what a model has to beat."""

from collections.abc import Sequence

import numpy as np

from unrolled.data.forecast_windows import ForecastBatch, ForecastWindows

SPREAD_ON = 1000
"""Windows that the errors of a naive forecast are measured on, evenly spread, if there are more."""


def seasonal_naive(past: np.ndarray, horizon: int, period: int = 1) -> np.ndarray:
    """The values of the last `period` steps, again and again; with a period of 1 the last value.

    `past`: float `[batch, time, channels]`, to `[batch, horizon, channels]`. A missing value (NaN) is taken from the
    last step before it, at the beginning from the first after it; 0 if a channel has none. A past shorter than the
    period is repeated whole.
    """
    there = ~np.isnan(past)
    steps = np.arange(past.shape[1])[:, None]
    before = np.maximum.accumulate(np.where(there, steps, -1), axis=1)
    place = np.where(before < 0, there.argmax(axis=1)[:, None], before)
    filled = np.nan_to_num(np.take_along_axis(past, place, axis=1))
    period = min(period, past.shape[1])
    return filled[:, -period:][:, np.arange(horizon) % period]


def naive_periods(period: int | None) -> list[int]:
    """Of the naive forecasts a model is compared with: the last value, and where there is a period the value before."""
    return [1, period] if period is not None and period > 1 else [1]


def naive_windows(
    series: Sequence[np.ndarray], batch: ForecastBatch, windows: ForecastWindows, period: int
) -> np.ndarray:
    """`seasonal_naive` for some windows over `series`, from as much before each of them as the period needs.

    float32 `[batch, horizon, targets]`.
    """
    size = max(windows.context, period)
    past = np.full((len(batch.series), size, len(windows.targets)), np.nan, dtype=np.float32)
    for row, (number, origin) in enumerate(zip(batch.series.tolist(), batch.origin.tolist(), strict=True)):
        part = series[number][max(0, origin - size) : origin, windows.targets]
        past[row, size - len(part) :] = part
    return seasonal_naive(past, windows.horizon, period)


def naive_spread(
    series: Sequence[np.ndarray], windows: ForecastWindows, period: int, levels: Sequence[float]
) -> tuple[tuple[float, ...], ...]:
    """Quantiles of the errors of the seasonal naive forecast over training windows, `[targets][levels]`.

    Added to the forecast they make quantiles of it, equally wide at every step ahead; 0 where nothing is known.
    """
    chosen = np.unique(np.linspace(0, len(windows) - 1, min(SPREAD_ON, len(windows))).astype(np.int64))
    batch = windows.batch(chosen)
    error = (batch.future - naive_windows(series, batch, windows, period)).reshape(-1, len(windows.targets))
    known = [column[~np.isnan(column)] for column in error.T.astype(np.float64)]
    return tuple(tuple(np.quantile(x, levels).tolist()) if len(x) else (0.0,) * len(levels) for x in known)


def seasonal_scale(training: Sequence[np.ndarray], period: int = 1) -> tuple[float, ...]:
    """Mean absolute error of the seasonal naive forecast within the training parts `[time, targets]`: the unit of MASE.

    q = mean |y_t - y_{t-m}| over t > m, with m = `period`; missing values are left out. 0 where nothing is known.
    Source: Hyndman and Koehler 2006, "Another look at measures of forecast accuracy", section 3, with the seasonal
    naive method in place of the random walk.
    """
    changes = [np.abs(x[period:] - x[:-period]) for x in training if len(x) > period]
    if not changes:
        return (0.0,) * training[0].shape[1]
    change = np.concatenate(changes).astype(np.float64)
    known = ~np.isnan(change)
    return tuple((np.where(known, change, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)).tolist())
