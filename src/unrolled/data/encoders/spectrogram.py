"""Log-mel spectrograms: of a whole signal, or of one that comes piece by piece."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from unrolled.errors import UserError

_BLOCK = 128  # frames


def log_mel(
    signal: np.ndarray,
    rate: float | int,
    *,
    mels: int = 64,
    window_seconds: float = 0.025,
    hop_seconds: float = 0.010,
    low: float | int = 20,
    high: float | int | None = None,
    floor: float = 1e-10,
) -> np.ndarray:
    """Logarithm of the power in bands of the mel scale, for each channel: float32 `[frames, mels * channels]`.

    `signal` is `[time, channels]` at `rate` steps per second. Frame i sees the steps from i * hop on, `window_seconds`
    of them, under a Hann window; steps at the end that fill no window are dropped, and a signal shorter than one is
    padded with zeros to one. The power is that of a sine whose amplitude is 1 being 1/4, and is not let below `floor`.
    Bands are triangles on the mel scale mel(f) = 2595 log10(1 + f / 700) of the HTK book (Young et al. 2006, equation
    5.13) between `low` and `high` Hz (default: half the rate), not normalised. The FFT is as long as the lowest band
    needs to contain a bin, so that no band is empty at low rates.

    Raises `UserError` if a window would have fewer than two steps.
    """
    window_steps, hop_steps = _sizes(rate, window_seconds, hop_seconds)
    window, bank = _tables(float(rate), window_steps, mels, float(low), float(high or rate / 2))
    signal = np.asarray(signal, dtype=np.float32)
    if len(signal) < window_steps:
        signal = np.pad(signal, ((0, window_steps - len(signal)), (0, 0)))
    bands = [_bands(np.ascontiguousarray(column), window, bank, hop_steps) for column in signal.T]
    return np.log(np.maximum(np.concatenate(bands, axis=1), np.float32(floor)))


class MelState(NamedTuple):
    """What is kept of a signal that comes piece by piece."""

    seen: np.ndarray
    """int64 `[]`: steps that came"""
    tail: np.ndarray
    """float32 `[steps, channels]`: the steps from where the next frame begins"""


class MelFrames:
    """`log_mel` of a signal that comes in pieces of any size: what `feed` returns, and at last `finish`, joined, is the
    whole at once (to rounding). A frame is ready when its window is full."""

    window_seconds = 0.025

    def __init__(self, rate: float | int, channels: int, *, mels: int = 64, hop_seconds: float = 0.010) -> None:
        """Raises `UserError` as `log_mel` does."""
        self.rate, self.channels, self.mels, self.hop_seconds = rate, channels, mels, hop_seconds
        self._window, self._hop = _sizes(rate, self.window_seconds, hop_seconds)

    def begin(self) -> MelState:
        """Before the first step."""
        return MelState(np.array(0), np.zeros((0, self.channels), dtype=np.float32))

    def feed(self, signal: np.ndarray, state: MelState) -> tuple[np.ndarray, MelState]:
        """The next steps `[time, channels]` to the frames that are full, float32 `[frames, mels * channels]`."""
        before, seen = int(state.seen), int(state.seen) + len(signal)
        start = before - len(state.tail)
        block = np.concatenate([state.tail, np.asarray(signal, dtype=np.float32)])
        first, last = self._full(before), self._full(seen)
        frames = np.zeros((0, self.mels * self.channels), dtype=np.float32)
        if last > first:
            frames = self._log_mel(block[first * self._hop - start : (last - 1) * self._hop + self._window - start])
        return frames, MelState(np.array(seen), block[self._start(seen) - start :].copy())

    def finish(self, state: MelState) -> np.ndarray:
        """The one frame of a signal shorter than a window, filled up with zeros; else none."""
        if self._full(int(state.seen)):
            return np.zeros((0, self.mels * self.channels), dtype=np.float32)
        return self._log_mel(state.tail)

    def check(self, state: MelState) -> None:
        """Raises `ValueError` for a state that no signal leaves behind."""
        seen = int(state.seen)
        if not 0 <= seen < 1 << 62 or len(state.tail) != seen - self._start(seen):
            raise ValueError("the saved state of a spectrogram has a length that does not fit")

    def _full(self, seen: int) -> int:
        """Frames whose window ends within the first `seen` steps."""
        return 0 if seen < self._window else 1 + (seen - self._window) // self._hop

    def _start(self, seen: int) -> int:
        """Where the next frame begins, or the end of what came, if that is earlier."""
        return min(self._full(seen) * self._hop, seen)

    def _log_mel(self, signal: np.ndarray) -> np.ndarray:
        return log_mel(
            signal, self.rate, mels=self.mels, window_seconds=self.window_seconds, hop_seconds=self.hop_seconds
        )


def _sizes(rate: float | int, window_seconds: float, hop_seconds: float) -> tuple[int, int]:
    """Steps of a window, and from one to the next."""
    window_steps = round(window_seconds * rate)
    if window_steps < 2:
        raise UserError(
            f"a window of {window_seconds} s has fewer than 2 steps at {rate:g} steps per second; use the values as "
            "they are, or give a longer window"
        )
    return window_steps, max(1, round(hop_seconds * rate))


def _bands(column: np.ndarray, window: np.ndarray, bank: np.ndarray, hop_steps: int) -> np.ndarray:
    """The power in each band, float32 `[frames, mels]`, some frames at a time so that they stay in the cache."""
    frames = np.lib.stride_tricks.sliding_window_view(column, len(window))[::hop_steps]
    powers = np.empty((len(frames), bank.shape[1]), dtype=np.float32)
    padded = np.zeros((min(_BLOCK, len(frames)), 2 * (len(bank) - 1)), dtype=np.float32)
    for start in range(0, len(frames), _BLOCK):
        block = frames[start : start + _BLOCK]
        np.multiply(block, window, out=padded[: len(block), : len(window)])
        spectrum = np.fft.rfft(padded[: len(block)])
        powers[start : start + _BLOCK] = (spectrum.real**2 + spectrum.imag**2) @ bank
    return powers


@lru_cache(maxsize=8)
def _tables(rate: float, window_steps: int, mels: int, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """The scaled Hann window and the bands `[bins, mels]`, both float32."""
    window = np.hanning(window_steps + 1)[:-1]
    fft_steps = 1 << (window_steps - 1).bit_length()
    bank = mel_bank(rate, fft_steps, mels, low, high)
    while not bank.any(axis=0).all():
        fft_steps *= 2
        bank = mel_bank(rate, fft_steps, mels, low, high)
    return (window / window.sum()).astype(np.float32), bank.astype(np.float32)


def mel_bank(rate: float | int, fft_steps: int, mels: int, low: float | int, high: float | int) -> np.ndarray:
    """The weight of each frequency of a real FFT in each band, float64 `[fft_steps // 2 + 1, mels]`."""
    if not 0 <= low < high <= rate / 2:
        raise UserError(
            f"bands between {low:g} and {high:g} Hz do not fit below half the rate ({rate / 2:g} Hz); choose others"
        )
    edges = np.linspace(2595 * np.log10(1 + low / 700), 2595 * np.log10(1 + high / 700), mels + 2)
    frequencies = 2595 * np.log10(1 + np.fft.rfftfreq(fft_steps, 1 / rate)[:, None] / 700)
    rising = (frequencies - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling))
