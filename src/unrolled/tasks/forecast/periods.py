"""The period of a series: after how many steps it looks like itself again."""

import numpy as np

LEAST_CORRELATION = 0.2
"""With itself, one period later, below which a series has no period."""

NEARLY = 0.75
"""Part of the best correlation that a shorter period must reach: a day repeats after two days and a week too."""

DIP = 0.1
"""How far the correlation must fall before it rises to its period: neighbours of a smooth series are alike anyway."""

AGAIN = 0.5
"""Part of its correlation that a period must have after two periods as well: a wave that came by chance has not."""

SHORT = 1000
"""Steps"""


def repeats_better(series: np.ndarray, period: int, *, horizon: int | None = None, origins: int = 300) -> float:
    """How the error of forecasting by the last period, again and again, compares with that of the last value.

    `series` `[time, channels]`, `horizon` steps ahead, without it a period; mean absolute errors, each channel in its
    own unit, over origins evenly spread: their ratio, below 1 if the last period is better. 1 for a series of fewer
    than three periods, or without movement.
    """
    horizon = period if horizon is None else horizon
    if len(series) < max(3 * period, period + horizon):
        return 1.0
    starts = np.unique(np.linspace(period, len(series) - horizon, origins).astype(np.int64))[:, None]
    ahead = np.arange(horizon)
    truth = series[starts + ahead].astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        errors = [
            np.array([_mean(np.abs(truth[..., channel] - other[..., channel])) for channel in range(series.shape[1])])
            for other in (series[starts - period + ahead % period], series[starts - 1])
        ]
        ratios = errors[0] / errors[1]
    known = ratios[np.isfinite(ratios)]
    return float(known.mean()) if len(known) else 1.0


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def find_period(series: np.ndarray) -> int | None:
    """Steps in the most obvious period of `[time, channels]`, or None: at least 2, and it must come three times, one of
    more than `SHORT` steps eight times, since slow chance movements look like a few waves.

    It is where the autocorrelation, the mean of the channels' after their linear trend is taken out, has its highest
    peak, or a lower one that is nearly as high and comes first. Missing values (NaN) count as the mean.
    Give only channels of interest: others without the period hide it.
    """
    series = series[-(2**17) :]  # the last 100,000 steps say it as well as all
    correlation = _autocorrelation(series)
    longest = min(max(min(len(series) // 3, SHORT), len(series) // 8), len(correlation) - 2)
    if longest < 2:
        return None
    lags = np.arange(2, longest + 1)
    here = correlation[lags]
    peaks = (here >= correlation[lags - 1]) & (here > correlation[lags + 1]) & (here >= LEAST_CORRELATION)
    peaks &= np.minimum.accumulate(correlation)[lags] <= here - DIP
    peaks &= correlation[2 * lags] >= AGAIN * here
    if not peaks.any():
        return None
    first = lags[peaks & (here >= NEARLY * here[peaks].max())][0]
    # A long period has many small peaks around it.
    around = peaks & (lags >= first) & (lags < 1.5 * first)
    return int(lags[around][here[around].argmax()])


def _autocorrelation(series: np.ndarray) -> np.ndarray:
    """Of lags 0 to time - 1, `[time]`; all channels with any movement weigh the same."""
    values = np.array(series, dtype=np.float64)
    observed = np.isfinite(values)
    count = np.maximum(observed.sum(axis=0), 1)

    def centred(x: np.ndarray) -> np.ndarray:
        x = np.where(observed, x, 0)
        return np.where(observed, x - x.sum(axis=0) / count, 0)

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
