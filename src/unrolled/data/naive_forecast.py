"""The forecast that needs no model: what a model has to beat."""

import numpy as np


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
