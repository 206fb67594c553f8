import math
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import stft

from python_calls import python_calls
from unrolled.data.encoders.spectrogram import log_mel, mel_bank
from unrolled.errors import UserError


def slow_log_mel(signal: np.ndarray, rate: float, mels: int, window: int, hop: int, bins: int) -> np.ndarray:
    """The definition, written out for one channel: a discrete Fourier transform by its sum."""

    def mel(frequency: float) -> float:
        return 2595 * math.log10(1 + frequency / 700)

    hann = np.array([0.5 - 0.5 * math.cos(2 * math.pi * n / window) for n in range(window)])
    edges = [mel(20) + (mel(rate / 2) - mel(20)) * m / (mels + 1) for m in range(mels + 2)]
    rows = []
    for start in range(0, len(signal) - window + 1, hop):
        frame = signal[start : start + window] * hann / hann.sum()
        bands = [0.0] * mels
        for k in range(bins // 2 + 1):
            power = abs(sum(x * np.exp(-2j * math.pi * k * n / bins) for n, x in enumerate(frame))) ** 2
            pitch = mel(k * rate / bins)
            for m in range(mels):
                low, peak, high = edges[m : m + 3]
                bands[m] += power * max(0, min((pitch - low) / (peak - low), (high - pitch) / (high - peak)))
        rows.append([math.log(max(band, 1e-10)) for band in bands])
    return np.array(rows)


def test_agrees_with_the_definition() -> None:
    signal = np.random.default_rng(0).normal(size=150)
    result = log_mel(signal[:, None], 1000, mels=5)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, slow_log_mel(signal, 1000, 5, 25, 10, 32), atol=1e-4)


def test_agrees_with_the_magnitude_of_scipy() -> None:
    rate, signal = 16000, np.random.default_rng(1).normal(size=16000)
    _, _, spectrum = stft(signal, rate, "hann", 400, 240, 512, boundary=None, padded=False)
    expected = np.log(np.abs(spectrum.T) ** 2 @ mel_bank(rate, 512, 64, 20, 8000))
    np.testing.assert_allclose(log_mel(signal[:, None], rate)[: len(expected)], expected, atol=1e-3)


def test_a_tone_is_in_its_band_with_power_one_quarter() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)[:, None]
    bands = log_mel(tone, 16000, mels=20).mean(axis=0)
    centres = np.linspace(2595 * np.log10(1 + 20 / 700), 2595 * np.log10(1 + 8000 / 700), 22)[1:-1]
    assert bands.argmax() == np.abs(centres - 2595 * np.log10(1 + 1000 / 700)).argmin()
    # A Hann window spreads a tone over three bins with powers 1/4, 1 and 1/4 of 1/4; zeros up to 512 give more bins.
    assert np.exp(bands).sum() == pytest.approx(0.25 * 1.5 * 512 / 400, rel=0.02)


@given(steps=st.integers(0, 900), channels=st.integers(1, 3), rate=st.sampled_from([100.0, 360.0, 8000.0]))
def test_frames_channels_and_silence(steps: int, channels: int, rate: float) -> None:
    signal = np.zeros((steps, channels))
    result = log_mel(signal, rate, mels=7, window_seconds=0.05)
    window, hop = round(0.05 * rate), round(0.01 * rate)
    assert result.shape == (1 + max(0, steps - window) // hop, 7 * channels)
    np.testing.assert_allclose(result, math.log(1e-10), rtol=1e-6)


@given(rate=st.sampled_from([4000.0, 8000.0, 11025.0, 16000.0, 48000.0]))
def test_no_band_is_empty(rate: float) -> None:
    noise = np.random.default_rng(2).normal(size=(round(rate), 1))
    assert (log_mel(noise, rate) > math.log(1e-10) + 1).all()


def test_channels_are_apart() -> None:
    signal = np.random.default_rng(3).normal(size=(2000, 2))
    both = log_mel(signal, 8000, mels=10)
    np.testing.assert_array_equal(both[:, :10], log_mel(signal[:, :1], 8000, mels=10))
    np.testing.assert_array_equal(both[:, 10:], log_mel(signal[:, 1:], 8000, mels=10))


def test_sizes_that_cannot_work() -> None:
    with pytest.raises(UserError, match="fewer than 2 steps at 50 steps per second"):
        log_mel(np.zeros((100, 1)), 50)
    with pytest.raises(UserError, match="do not fit below half the rate"):
        log_mel(np.zeros((100, 1)), 8000, high=5000)


def test_it_takes_little_more_than_its_transforms() -> None:
    signal = np.random.default_rng(4).normal(size=(30 * 16000, 1)).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(signal[:, 0], 400)[::160]

    def ours() -> None:
        log_mel(signal, 16000)

    def frame_by_frame() -> None:
        for frame in frames:
            np.abs(np.fft.rfft(frame * np.hanning(400), 512)) ** 2

    assert quickest(ours) < quickest(frame_by_frame)
    assert python_calls(ours) < len(frames) / 5


def quickest(work: Callable[[], None]) -> float:
    """Processor time, which neighbours on a busy machine do not count in."""
    seconds = []
    for _ in range(5):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return min(seconds)
