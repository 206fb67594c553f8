"""Signals and pictures as a network reads them."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.encoders.numbers import Scaler
from unrolled.data.encoders.resample import resample
from unrolled.data.encoders.signals import FramesEncoder, SignalEncoder, transform
from unrolled.data.encoders.spectrogram import log_mel

RANDOM = np.random.default_rng(3)
SIGNAL = RANDOM.normal(3, 5, size=(800, 2)).astype(np.float32)


def encoder(form: str, rate: float = 400.0) -> SignalEncoder:
    values = transform(SIGNAL, 400.0, rate, form, 8, 0.05)  # type: ignore[arg-type]
    return SignalEncoder("ecg", rate, form, 8, 0.05, Scaler.fit(values, "standard"))  # type: ignore[arg-type]


def test_raw_values_are_standardised_per_channel() -> None:
    signal_encoder = encoder("raw")
    encoded = signal_encoder.encode(SIGNAL, 400.0)
    wanted = (SIGNAL - SIGNAL.mean(axis=0)) / SIGNAL.std(axis=0)
    np.testing.assert_allclose(encoded, wanted, atol=1e-4)
    assert (encoded.dtype, signal_encoder.channels, signal_encoder.steps_per_second) == (np.dtype(np.float32), 2, 400.0)


def test_another_rate_is_resampled() -> None:
    signal_encoder = encoder("raw", rate=200.0)
    encoded = signal_encoder.encode(SIGNAL, 400.0)
    assert encoded.shape == (400, 2)
    half = resample(SIGNAL, 400.0, 200.0)
    np.testing.assert_allclose(encoded, (half - half.mean(axis=0)) / half.std(axis=0), atol=1e-4)
    np.testing.assert_array_equal(signal_encoder.encode(half, 200.0), encoded)
    assert signal_encoder.steps_per_second == 200.0


def test_a_spectrogram_has_frames_and_bands_of_all_channels() -> None:
    signal_encoder = encoder("log-mel")
    encoded = signal_encoder.encode(SIGNAL, 400.0)
    plain = log_mel(SIGNAL, 400.0, mels=8, hop_seconds=0.05)
    assert encoded.shape == plain.shape
    assert (signal_encoder.channels, signal_encoder.steps_per_second) == (16, 20.0)
    np.testing.assert_allclose(encoded, (plain - plain.mean(axis=0)) / plain.std(axis=0), atol=1e-3)


@pytest.mark.parametrize("form", ["raw", "log-mel"])
def test_what_is_saved_reads_alike(form: str) -> None:
    signal_encoder = encoder(form)
    again = SignalEncoder.from_json(json.loads(json.dumps(signal_encoder.to_json())))
    assert again == signal_encoder
    np.testing.assert_array_equal(again.encode(SIGNAL, 400.0), signal_encoder.encode(SIGNAL, 400.0))


@given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 5), st.integers(0, 9))
def test_pictures_are_flattened_channel_by_channel(time: int, height: int, width: int, seed: int) -> None:
    frames = np.random.default_rng(seed).integers(0, 256, size=(time, height, width, 3), dtype=np.uint8)
    frames_encoder = FramesEncoder("clip", height, width)
    encoded = frames_encoder.encode(frames)
    assert (encoded.shape, encoded.dtype) == ((time, frames_encoder.channels), np.dtype(np.float32))
    back = encoded.reshape(time, 3, height, width)
    for colour in range(3):
        np.testing.assert_allclose((back[:, colour] + 1) * 127.5, frames[..., colour], atol=1e-3)
    assert FramesEncoder.from_json(json.loads(json.dumps(frames_encoder.to_json()))) == frames_encoder


def test_black_and_white_are_minus_one_and_one() -> None:
    frames = np.zeros((2, 1, 1, 3), dtype=np.uint8)
    frames[1] = 255
    np.testing.assert_array_equal(FramesEncoder("clip", 1, 1).encode(frames), [[-1, -1, -1], [1, 1, 1]])
