"""Log-mel spectrograms."""

from functools import lru_cache

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
    window_steps, hop_steps = round(window_seconds * rate), max(1, round(hop_seconds * rate))
    if window_steps < 2:
        raise UserError(
            f"a window of {window_seconds} s has fewer than 2 steps at {rate:g} steps per second; use the values as "
            "they are, or give a longer window"
        )
    window, bank = _tables(float(rate), window_steps, mels, float(low), float(high or rate / 2))
    signal = np.asarray(signal, dtype=np.float32)
    if len(signal) < window_steps:
        signal = np.pad(signal, ((0, window_steps - len(signal)), (0, 0)))
    bands = [_bands(np.ascontiguousarray(column), window, bank, hop_steps) for column in signal.T]
    return np.log(np.maximum(np.concatenate(bands, axis=1), np.float32(floor)))


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
    place = 2595 * np.log10(1 + np.fft.rfftfreq(fft_steps, 1 / rate)[:, None] / 700)
    rising = (place - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - place) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling))
