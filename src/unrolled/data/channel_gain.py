"""Whether the channels of a series say something about each other's future."""

import numpy as np

LAGS = 8
RIDGE = 10.0
MOST_CHANNELS = 16
"""Beyond, nothing is tried, and 0 is the answer: the equations grow with the cube of the number of channels."""


def channel_gain(series: np.ndarray, horizon: int) -> float:
    """What part of the squared error of a linear forecast is saved when it reads all channels and not its own alone.

    `series`: `[time, channels]`, missing values NaN. Each channel's change from its last value, 1, horizon / 2 and
    horizon steps ahead, is predicted by ridge regression from its own last 8 values, and from those of all channels;
    fitted on the first 80 % of the time, judged on the rest. Negative where the others only make it worse; 0 for one
    channel, for more than 16, and for a series too short to judge.
    """
    time, channels = series.shape
    lags = min(LAGS, time // 10)
    places = np.arange(lags, time - horizon)
    cut = int(0.8 * len(places))
    if not 1 < channels <= MOST_CHANNELS or lags < 1 or cut < 2 * lags * channels or cut == len(places):
        return 0.0
    there = np.isfinite(series)
    values = np.where(there, series, 0).astype(np.float64)
    count = np.maximum(there.sum(axis=0), 1)
    values = np.where(there, values - values.sum(axis=0) / count, 0)
    values /= np.sqrt(np.square(values).sum(axis=0) / count) + 1e-9
    past = np.stack([values[places - lag - 1] for lag in range(lags)], axis=2)  # [place, channel, lag]
    everything = np.concatenate([past.reshape(len(places), -1), np.ones((len(places), 1))], axis=1)
    alone = together = 0.0
    for ahead in sorted({1, max(1, horizon // 2), horizon}):
        change = values[places + ahead - 1] - past[:, :, 0]
        together += _error(everything, change, cut)
        for channel in range(channels):
            own = np.concatenate([past[:, channel], np.ones((len(places), 1))], axis=1)
            alone += _error(own, change[:, channel : channel + 1], cut)
    return 1 - together / alone if alone > 0 else 0.0


def _error(features: np.ndarray, targets: np.ndarray, cut: int) -> float:
    """Mean squared error behind `cut`, summed over the targets, of a ridge regression fitted before it."""
    seen = features[:cut]
    weights = np.linalg.solve(seen.T @ seen + RIDGE * np.eye(seen.shape[1]), seen.T @ targets[:cut])
    return float(np.square(targets[cut:] - features[cut:] @ weights).mean(axis=0).sum())
