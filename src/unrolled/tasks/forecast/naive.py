"""The forecast that needs no model: what a model has to beat."""

from collections.abc import Iterator, Sequence

import numpy as np

from unrolled.data.pieces import PIECE, in_pieces
from unrolled.tasks.forecast.windows import ForecastBatch, ForecastWindows

SPREAD_ON = 1000
"""Windows that the errors of a naive forecast are measured on, evenly spread, if there are more."""
BLOCK_VALUES = 1 << 20
"""Values that naive forecasts are made from at once."""


def seasonal_naive(past: np.ndarray, horizon: int, period: int = 1) -> np.ndarray:
    """The values of the last `period` steps, again and again; with a period of 1 the last value.

    `past`: float `[batch, time, channels]`, to `[batch, horizon, channels]`. A missing value (NaN) is taken from the
    last step before it, at the beginning from the first after it; 0 if a channel has none. A past shorter than the
    period is repeated whole.
    """
    observed = ~np.isnan(past)
    steps = np.arange(past.shape[1])[:, None]
    before = np.maximum.accumulate(np.where(observed, steps, -1), axis=1)
    index = np.where(before < 0, observed.argmax(axis=1)[:, None], before)
    filled = np.nan_to_num(np.take_along_axis(past, index, axis=1))
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
    count = len(windows.targets)
    error = np.empty((len(chosen), windows.horizon, count), dtype=np.float32)
    rows = max(1, BLOCK_VALUES // (max(windows.context, period) * count))
    for begin in range(0, len(chosen), rows):
        batch = windows.batch(chosen[begin : begin + rows])
        error[begin : begin + rows] = batch.future - naive_windows(series, batch, windows, period)
    spread = []
    for column in error.reshape(-1, count).T:
        known = column[~np.isnan(column)].astype(np.float64)
        spread.append(tuple(np.quantile(known, levels).tolist()) if len(known) else (0.0,) * len(levels))
    return tuple(spread)


def seasonal_scale(training: Sequence[np.ndarray], period: int = 1) -> tuple[float, ...]:
    """Mean absolute error of the seasonal naive forecast within the training parts `[time, targets]`: the unit of MASE.

    q = mean |y_t - y_{t-m}| over t > m, with m = `period`; missing values are left out. 0 where nothing is known.
    Source: Hyndman and Koehler 2006, "Another look at measures of forecast accuracy", section 3, with the seasonal
    naive method in place of the random walk.
    """
    changes = (np.abs(x[period:] - x[:-period]) for x in _cut(training, period))
    total, known = np.zeros(training[0].shape[1]), np.zeros(training[0].shape[1], dtype=np.int64)
    for piece in in_pieces(changes):
        change = piece.astype(np.float64)
        observed = ~np.isnan(change)
        total += np.where(observed, change, 0).sum(axis=0)
        known += observed.sum(axis=0)
    return tuple((total / np.maximum(known, 1)).tolist())


def _cut(series: Sequence[np.ndarray], overlap: int) -> Iterator[np.ndarray]:
    """The series, long ones cut so that each cut begins with the last `overlap` steps of the one before."""
    for x in series:
        step = max(1, PIECE // x.shape[1])
        for begin in range(0, len(x) - overlap, step):
            yield x[begin : begin + overlap + step]
