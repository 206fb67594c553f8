"""Change of the sampling rate: of a whole signal, or of one that comes piece by piece."""

from fractions import Fraction
from functools import lru_cache
from importlib import import_module
from typing import Literal, NamedTuple

import numpy as np

Edges = Literal["line", "hold"]
"""What a signal is taken for beyond its ends: the `line` through its ends goes on, or each end value `hold`s on, which
needs no knowledge of the other end and so can be done while the signal comes."""
_LARGEST = 10_000


def resample(signal: np.ndarray, rate: float | int, to_rate: float | int, *, edges: Edges = "line") -> np.ndarray:
    """The signal `[time, channels]` (or `[time]`) at `rate` steps per second, at `to_rate` instead, as float32.

    A polyphase filter (`scipy.signal.resample_poly`, Kaiser window) after taking away the line through the ends, or
    with `hold` the first value, so that an offset makes no edge. The result has ceil(time * to_rate / rate) steps. The
    ratio of the rates is rounded to a fraction whose smaller term is at most 10,000: exact for whole rates below that
    and for the usual ones above.
    """
    ratio = _ratio(rate, to_rate)
    signal = np.asarray(signal, dtype=np.float32)
    if ratio == 1 or not len(signal):
        return signal
    filtering = import_module("scipy.signal")  # it takes a while to import
    if edges == "hold":
        first = _offset(signal)
        moved = filtering.resample_poly(signal - first, ratio.numerator, ratio.denominator, axis=0, padtype="edge")
        return np.asarray(moved + first, dtype=np.float32)
    slope = (signal[-1] - signal[0]) / max(1, len(signal) - 1)
    line = signal[0] + np.multiply.outer(np.arange(len(signal), dtype=np.float32), slope)
    resampled = filtering.resample_poly(signal - line, ratio.numerator, ratio.denominator, axis=0)
    steps = np.arange(len(resampled), dtype=np.float32) * np.float32(1 / ratio)
    return np.asarray(resampled + signal[0] + np.multiply.outer(steps, slope), dtype=np.float32)


class ResampleState(NamedTuple):
    """What is kept of a signal that comes piece by piece."""

    seen: np.ndarray
    """int64 `[]`: steps that came"""
    first: np.ndarray
    """float32 `[channels]`: the first step, which is taken away before the filter"""
    tail: np.ndarray
    """float32 `[steps, channels]`: what the filter still needs of the steps that came, without `first`"""


class Resampler:
    """`resample(..., edges="hold")` of a signal that comes in pieces of any size: what `feed` returns, and at last
    `finish`, joined, is the whole at once (to the rounding of float32).

    A step is ready when the filter has seen all it looks at, `delay` steps of the signal later.
    """

    def __init__(self, rate: float | int, to_rate: float | int, channels: int) -> None:
        ratio = _ratio(rate, to_rate)
        self.up, self.down, self.channels = ratio.numerator, ratio.denominator, channels
        self._half = 10 * max(self.up, self.down)

    @property
    def delay(self) -> float:
        """Steps of the signal that a new step looks ahead."""
        return self._half / self.up

    def begin(self) -> ResampleState:
        """Before the first step."""
        nothing = np.zeros((0, self.channels), dtype=np.float32)
        return ResampleState(np.array(0), np.zeros(self.channels, dtype=np.float32), nothing)

    def feed(self, signal: np.ndarray, state: ResampleState) -> tuple[np.ndarray, ResampleState]:
        """The next steps `[time, channels]` to the new steps that are ready, float32 `[time, channels]`."""
        signal = np.asarray(signal, dtype=np.float32)
        if not len(signal):
            return np.zeros((0, self.channels), dtype=np.float32), state
        before, first = int(state.seen), state.first if state.seen else _offset(signal)
        seen = before + len(signal)
        start, block = before - len(state.tail), np.concatenate([state.tail, signal - first])
        made, ready = self._ready(before), self._ready(seen)
        rows = self._filtered(block, start, made, ready) + first
        return rows, ResampleState(np.array(seen), first, block[self._start(seen) - start :].copy())

    def finish(self, state: ResampleState) -> np.ndarray:
        """The steps that are left, float32 `[time, channels]`: after its end the signal keeps its last value."""
        seen, made = int(state.seen), self._ready(int(state.seen))
        ahead = np.repeat(state.tail[-1:], -(-self._half // self.up), axis=0)
        block = np.concatenate([state.tail, ahead])
        return self._filtered(block, seen - len(state.tail), made, -(-seen * self.up // self.down)) + state.first

    def check(self, state: ResampleState) -> None:
        """Raises `ValueError` for a state that no signal leaves behind."""
        seen = int(state.seen)
        if not 0 <= seen < 1 << 62 or len(state.tail) != seen - self._start(seen):
            raise ValueError("the saved state of a signal has a length that does not fit")

    def _ready(self, seen: int) -> int:
        """New steps whose filter ends within the first `seen` steps."""
        return max(0, -(-(seen * self.up - self._half) // self.down))

    def _start(self, seen: int) -> int:
        """The first of `seen` steps that is still needed; the last one always is."""
        needed = -((self._half - self._ready(seen) * self.down) // self.up)
        return max(0, min(needed, seen - 1))

    def _filtered(self, block: np.ndarray, start: int, made: int, ready: int) -> np.ndarray:
        """The new steps from `made` to before `ready`, from the steps from `start` on, 0 before the first."""
        if made >= ready:
            return np.zeros((0, self.channels), dtype=np.float32)
        filtering = import_module("scipy.signal")
        # The filter lies so that its middle is over the first new step, which is then a multiple of `down` away.
        begin = made * self.down + self._half - start * self.up
        shift = -begin % self.down
        taps = np.concatenate([np.zeros(shift, dtype=np.float32), _filter(self.up, self.down)])
        first = (begin + shift) // self.down
        moved = filtering.upfirdn(taps, block, self.up, self.down, axis=0)
        return np.asarray(moved[first : first + ready - made], dtype=np.float32)


@lru_cache(maxsize=8)
def _filter(up: int, down: int) -> np.ndarray:
    """The low-pass filter of `scipy.signal.resample_poly`, float32 `[2 * 10 * max(up, down) + 1]`."""
    most = max(up, down)
    return (up * import_module("scipy.signal").firwin(20 * most + 1, 1 / most, window=("kaiser", 5.0))).astype(
        np.float32
    )


def _ratio(rate: float | int, to_rate: float | int) -> Fraction:
    ratio = Fraction(to_rate) / Fraction(rate)
    return ratio.limit_denominator(_LARGEST) if ratio > 1 else 1 / (1 / ratio).limit_denominator(_LARGEST)


def _offset(signal: np.ndarray) -> np.ndarray:
    """The first step, 0 where it is missing."""
    return np.where(np.isnan(signal[0]), np.float32(0), signal[0])
