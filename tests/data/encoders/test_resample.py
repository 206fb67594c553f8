import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import resample_poly

from unrolled.data.encoders.resample import resample


@pytest.mark.parametrize(("rate", "to_rate"), [(8000, 16000), (44100, 16000), (16000, 8000), (360, 250), (1, 100)])
def test_a_slow_sine_stays_the_sine(rate: int, to_rate: int) -> None:
    seconds, hertz = 200 / min(rate, to_rate), min(rate, to_rate) / 40
    signal = np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)[:, None]
    result = resample(signal, rate, to_rate)
    expected = np.sin(2 * np.pi * hertz * np.arange(len(result)) / to_rate)
    inner = slice(len(result) // 5, -len(result) // 5)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result[inner, 0], expected[inner], atol=0.01)


def test_what_the_new_rate_cannot_hold_is_filtered_out() -> None:
    signal = np.sin(2 * np.pi * 3000 * np.arange(16000) / 16000).astype(np.float32)[:, None]
    assert np.abs(resample(signal, 16000, 4000)[200:-200]).max() < 0.01


@given(steps=st.integers(1, 500), rates=st.tuples(st.integers(1, 400), st.integers(1, 400)))
def test_length_offset_and_channels(steps: int, rates: tuple[int, int]) -> None:
    signal = np.ones((steps, 2)) * [3, -5]
    result = resample(signal, *map(float, rates))
    assert result.shape == (math.ceil(steps * rates[1] / rates[0]), 2)
    np.testing.assert_allclose(result, np.ones_like(result) * [3, -5], atol=1e-4)


def test_agrees_with_scipy_on_a_signal_without_offset() -> None:
    signal = np.random.default_rng(0).normal(size=300)
    signal[[0, -1]] = 0
    np.testing.assert_allclose(resample(signal, 44100, 16000), resample_poly(signal, 160, 441), atol=1e-5)


def test_nothing_stays_nothing_and_the_same_rate_is_exact() -> None:
    assert resample(np.zeros((0, 3)), 8000, 16000).shape == (0, 3)
    signal = np.random.default_rng(0).normal(size=(20, 1)).astype(np.float32)
    np.testing.assert_array_equal(resample(signal, 8000, 8000), signal)


def test_a_ratio_that_is_no_small_fraction() -> None:
    assert len(resample(np.zeros((100_000, 1)), 1, 1 / math.pi)) == pytest.approx(100_000 / math.pi, abs=2)


def test_a_ramp_has_no_edges() -> None:
    ramp = np.arange(50.0)
    np.testing.assert_allclose(resample(ramp, 100, 250), np.arange(125) * 0.4, atol=1e-4)
