"""The period of a series: how many steps until it repeats itself."""

import numpy as np
from jaxtyping import Float

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_CALENDAR = (  # steps of so many seconds, from and to, have so many steps per period
    (_HOUR, _HOUR, 24),
    (_DAY, _DAY, 7),
    (7 * _DAY, 7 * _DAY, 52),
    (28 * _DAY, 31 * _DAY, 12),
    (90 * _DAY, 92 * _DAY, 4),
    (365 * _DAY, 366 * _DAY, 1),
)


def guess_period(values: Float[np.ndarray, "time channels"], times: np.ndarray | None = None) -> int:
    """Steps per period of a series: by the calendar if its `times` (datetime64) tell, else by autocorrelation.

    Hourly steps repeat after 24, daily after 7, weekly after 52, monthly after 12, quarterly after 4; shorter steps
    that divide a day after a day. If the series has not two such periods, or times do not tell, the period is the lag
    of the highest peak of the autocorrelation, averaged over channels; 1 if there is no clear peak.
    """
    period = _from_times(times) if times is not None and np.issubdtype(times.dtype, np.datetime64) else None
    if period is not None and 2 * period <= len(values):
        return period
    return _from_values(values)


def _from_times(times: np.ndarray) -> int | None:
    if len(times) < 2:
        return None
    step = float(np.median(np.diff(times) / np.timedelta64(1, "ns"))) / 1e9
    for low, high, period in _CALENDAR:
        if low <= step <= high:
            return period
    if _MINUTE <= step < _DAY and (_DAY / step).is_integer():
        return int(_DAY / step)
    return None


def _from_values(values: np.ndarray) -> int:
    count = len(values)
    longest = count // 3
    if longest < 3:
        return 1
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0).astype(np.float64)
    time = np.linspace(-1.0, 1.0, count)
    total = np.zeros(longest + 2)
    channels = 0
    for column, there in zip(filled.T, known.T, strict=True):
        if there.sum() < 8:
            continue
        level = np.polyval(np.polyfit(time[there], column[there], 1), time)
        rest = np.where(there, column - level, 0.0)
        power = np.abs(np.fft.rfft(rest, 2 * count)) ** 2
        correlation = np.fft.irfft(power)[: longest + 2]
        # A straight line leaves rounding errors only, whose correlation means nothing.
        if correlation[0] > 1e-20 * count * (1.0 + np.abs(column).max()) ** 2:
            overlap = (count - np.arange(longest + 2)) / count
            total += correlation / correlation[0] / overlap
            channels += 1
    if not channels:
        return 1
    mean = total / channels
    peaks = 1 + np.flatnonzero((mean[1:-1] > mean[:-2]) & (mean[1:-1] >= mean[2:]))
    peaks = peaks[peaks >= 2]
    clear = max(0.2, 3 / np.sqrt(count))
    if not len(peaks) or mean[peaks].max() < clear:
        return 1
    # Multiples of the period peak nearly as high as it does: the first that comes close is the period itself.
    return int(peaks[mean[peaks] >= 0.9 * mean[peaks].max()][0])
