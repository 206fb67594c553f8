"""The period of a series: after how many steps it looks like itself again."""

import numpy as np

LEAST_CORRELATION = 0.2
"""With itself, one period later, below which a series has no period."""

NEARLY = 0.75
"""Part of the best correlation that a shorter period must reach: a day repeats after two days and a week too."""

DIP = 0.1
"""How far the correlation must fall before it rises to its period: neighbours of a smooth series are alike anyway."""


def find_period(series: np.ndarray) -> int | None:
    """Steps in the most obvious period of `[time, channels]`, at least 2 and at most a third of the series, or None.

    It is where the autocorrelation, the mean of the channels' after their linear trend is taken out, has its highest
    peak, or a lower one that is nearly as high and comes first. Missing values (NaN) count as the mean.
    Give only channels of interest: others without the period hide it.
    """
    correlation = _autocorrelation(series[-(2**17) :])  # the last 100,000 steps say it as well as all
    longest = min(len(series) // 3, len(correlation) - 2)
    if longest < 2:
        return None
    lags = np.arange(2, longest + 1)
    here = correlation[lags]
    peaks = (here >= correlation[lags - 1]) & (here > correlation[lags + 1]) & (here >= LEAST_CORRELATION)
    peaks &= np.minimum.accumulate(correlation)[lags] <= here - DIP
    if not peaks.any():
        return None
    first = lags[peaks & (here >= NEARLY * here[peaks].max())][0]
    # A long period has many small peaks around it.
    around = peaks & (lags >= first) & (lags < 1.5 * first)
    return int(lags[around][here[around].argmax()])


def _autocorrelation(series: np.ndarray) -> np.ndarray:
    """Of lags 0 to time - 1, `[time]`; all channels with any movement weigh the same."""
    values = np.array(series, dtype=np.float64)
    there = np.isfinite(values)
    count = np.maximum(there.sum(axis=0), 1)

    def centred(x: np.ndarray) -> np.ndarray:
        x = np.where(there, x, 0)
        return np.where(there, x - x.sum(axis=0) / count, 0)

    values, time = centred(values), centred(np.arange(len(values), dtype=np.float64)[:, None])
    values -= time * (time * values).sum(axis=0) / np.maximum((time**2).sum(axis=0), 1)
    spectrum = np.fft.rfft(values, 2 * len(values), axis=0)
    products = np.fft.irfft(np.abs(spectrum) ** 2, axis=0)[: len(values)]
    moving = products[0] > 1e-12 * count
    if not moving.any():
        return np.zeros(len(values))
    # Fewer pairs at long lags: divided by their own number, a peak is as high there as at short ones.
    pairs = np.arange(len(values), 0, -1)
    return (products[:, moving] / products[0, moving]).mean(axis=1) * len(values) / pairs
