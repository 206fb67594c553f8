"""A signal in pieces of any size becomes what the whole becomes; the filter is that of SciPy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import resample_poly

from unrolled.data.encoders.resample import Resampler, resample
from unrolled.data.encoders.spectrogram import MelFrames, log_mel

RATES = [(360, 120), (8000, 16000), (44100, 16000), (250, 360), (1, 7), (1000, 3), (100, 99.9)]
PIECES = st.lists(st.integers(0, 60), max_size=8)


def noise(steps: int, channels: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(5, 2, size=(steps, channels)).astype(np.float32)


def cut(signal: np.ndarray, pieces: list[int]) -> list[np.ndarray]:
    return np.split(signal, np.minimum(np.cumsum(pieces), len(signal)).astype(int))


@given(steps=st.integers(1, 300), pieces=PIECES, rates=st.sampled_from(RATES))
def test_resampled_in_pieces(steps: int, pieces: list[int], rates: tuple[float, float]) -> None:
    signal, resampler = noise(steps), Resampler(*rates, 2)
    rows, state = [], resampler.begin()
    for piece in cut(signal, pieces):
        ready, state = resampler.feed(piece, state)
        resampler.check(state)
        assert len(state.tail) <= 2 * resampler.delay + 2
        rows.append(ready)
    streamed = np.concatenate([*rows, resampler.finish(state)])
    whole = resample(signal, *rates, edges="hold")
    assert streamed.dtype == whole.dtype == np.float32
    np.testing.assert_allclose(streamed, whole, atol=1e-5)


@pytest.mark.parametrize(("rate", "to_rate"), [(360, 120), (250, 360), (44100, 16000)])
def test_held_ends_are_those_of_scipy(rate: int, to_rate: int) -> None:
    signal, common = noise(400).astype(np.float64), math.gcd(rate, to_rate)
    wanted = resample_poly(signal - signal[0], to_rate // common, rate // common, padtype="edge") + signal[0]
    np.testing.assert_allclose(resample(signal, rate, to_rate, edges="hold"), wanted, atol=1e-4)


@pytest.mark.parametrize("rates", RATES)
def test_a_step_is_ready_after_the_delay_and_knows_nothing_later(rates: tuple[float, float]) -> None:
    """One step at a time: new step n is there as soon as `delay` steps after its place have come, and not before."""
    resampler, signal = Resampler(*rates, 1), noise(120, 1)
    state, made = resampler.begin(), 0
    for number, step in enumerate(signal):
        rows, state = resampler.feed(step[None], state)
        made += len(rows)
        last_place, next_place = (made - 1) * resampler.down / resampler.up, made * resampler.down / resampler.up
        assert not made or last_place + resampler.delay < number + 1
        assert next_place + resampler.delay >= number + 1


def test_a_constant_stays_constant_and_missing_steps_stay_near() -> None:
    resampler = Resampler(250, 360, 1)
    rows, state = resampler.feed(np.full((300, 1), 1000.0), resampler.begin())
    np.testing.assert_array_equal(np.concatenate([rows, resampler.finish(state)]), 1000.0)
    signal = noise(100, 1)
    signal[[0, 50]] = np.nan
    rows, state = resampler.feed(signal, resampler.begin())
    streamed = np.concatenate([rows, resampler.finish(state)])[:, 0]
    missing = np.isnan(resample(signal, 250, 360, edges="hold")[:, 0])
    np.testing.assert_array_equal(np.isnan(streamed), missing)
    assert 0 < missing.sum() < 60


@given(
    steps=st.integers(0, 400),
    pieces=PIECES,
    rate=st.sampled_from([100.0, 360.0, 2000.0]),
    hop=st.sampled_from([0.01, 0.02, 0.05]),
)
def test_a_spectrogram_in_pieces(steps: int, pieces: list[int], rate: float, hop: float) -> None:
    signal, frames = noise(steps), MelFrames(rate, 2, mels=3, hop_seconds=hop)
    rows, state, came = [], frames.begin(), 0
    for piece in cut(signal, pieces):
        ready, state = frames.feed(piece, state)
        frames.check(state)
        came += len(piece)
        rows.append(ready)
        window, pace = round(0.025 * rate), round(hop * rate)
        assert sum(map(len, rows)) == max(0, 1 + (came - window) // pace)  # a frame as soon as its window is full
    streamed = np.concatenate([*rows, frames.finish(state)])
    np.testing.assert_allclose(streamed, log_mel(signal, rate, mels=3, hop_seconds=hop), atol=1e-4)


def test_states_that_cannot_be() -> None:
    resampler, frames = Resampler(360, 120, 1), MelFrames(8000, 1)
    _, resampled = resampler.feed(noise(50, 1), resampler.begin())
    _, framed = frames.feed(noise(50, 1), frames.begin())
    for seen in (-1, 49, 51, 1 << 62):
        with pytest.raises(ValueError, match="has a length that does not fit"):
            resampler.check(resampled._replace(seen=np.array(seen)))
        with pytest.raises(ValueError, match="has a length that does not fit"):
            frames.check(framed._replace(seen=np.array(seen)))
