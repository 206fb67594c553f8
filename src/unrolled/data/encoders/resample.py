"""Change of the sampling rate."""

from fractions import Fraction
from importlib import import_module

import numpy as np

_LARGEST = 10_000


def resample(signal: np.ndarray, rate: float | int, to_rate: float | int) -> np.ndarray:
    """The signal `[time, channels]` (or `[time]`) at `rate` steps per second, at `to_rate` instead, as float32.

    A polyphase filter (`scipy.signal.resample_poly`, Kaiser window) after taking away the line through the ends, so
    that an offset makes no edge. The result has ceil(time * to_rate / rate) steps. The ratio of the rates is rounded to
    a fraction whose smaller term is at most 10,000: exact for whole rates below that and for the usual ones above.
    """
    ratio = Fraction(to_rate) / Fraction(rate)
    ratio = ratio.limit_denominator(_LARGEST) if ratio > 1 else 1 / (1 / ratio).limit_denominator(_LARGEST)
    signal = np.asarray(signal, dtype=np.float32)
    if ratio == 1 or not len(signal):
        return signal
    filtering = import_module("scipy.signal")  # it takes a while to import
    slope = (signal[-1] - signal[0]) / max(1, len(signal) - 1)
    line = signal[0] + np.multiply.outer(np.arange(len(signal), dtype=np.float32), slope)
    resampled = filtering.resample_poly(signal - line, ratio.numerator, ratio.denominator, axis=0)
    steps = np.arange(len(resampled), dtype=np.float32) * np.float32(1 / ratio)
    return np.asarray(resampled + signal[0] + np.multiply.outer(steps, slope), dtype=np.float32)
