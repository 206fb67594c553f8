"""Scaling and filling against scikit-learn and pandas-like loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.preprocessing import RobustScaler, StandardScaler

from unrolled.data.encoders.numbers import NumericEncoder, Scaler, fill_forward, window_statistics
from unrolled.errors import UserError

RANDOM = np.random.default_rng(0)
VALUES = RANDOM.normal([3.0, -100.0, 0.01], [1.0, 20.0, 0.003], size=(200, 3)).astype(np.float32)
GAPS = VALUES.copy()
GAPS[RANDOM.random(GAPS.shape) < 0.2] = np.nan


@pytest.mark.parametrize("values", [VALUES, GAPS], ids=["whole", "gaps"])
def test_standard_is_that_of_scikit_learn(values: np.ndarray) -> None:
    wanted = StandardScaler().fit_transform(values.astype(np.float64))
    scaler = Scaler.fit(values, "standard")
    np.testing.assert_allclose(scaler.scale(values), wanted, atol=1e-5)
    np.testing.assert_allclose(scaler.unscale(scaler.scale(values)), values, rtol=1e-4, atol=1e-4)


def test_robust_is_that_of_scikit_learn_and_blind_to_outliers() -> None:
    wanted = RobustScaler(unit_variance=True).fit_transform(VALUES.astype(np.float64))
    # scikit-learn divides by the interquartile range of a normal distribution to more digits than 1.349.
    np.testing.assert_allclose(Scaler.fit(VALUES, "robust").scale(VALUES), wanted, rtol=1e-3, atol=1e-4)
    wild = VALUES.copy()
    wild[:5] = 1e9
    np.testing.assert_allclose(Scaler.fit(wild, "robust").centre, Scaler.fit(VALUES, "robust").centre, rtol=0.02)


def test_window_scales_each_record_by_itself() -> None:
    scaler = Scaler.fit(VALUES, "window")
    np.testing.assert_allclose(scaler.scale(VALUES * 7 + 5), scaler.scale(VALUES), atol=1e-3)
    np.testing.assert_allclose(scaler.scale(VALUES), StandardScaler().fit_transform(VALUES), atol=1e-3)
    centre, spread = window_statistics(np.array([[np.nan, 1.0], [np.nan, 3.0], [np.nan, np.nan]]))
    assert centre.tolist() == [0.0, 2.0]
    assert spread.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("kind", ["none", "standard", "robust", "window"])
def test_constant_and_empty_channels_stay_finite(kind: str) -> None:
    values = np.stack([np.full(6, 5.0), np.full(6, np.nan), np.arange(6.0)], axis=1)
    scaler = Scaler.fit(values, kind)  # type: ignore[arg-type]
    scaled = scaler.scale(values)
    assert np.isfinite(scaled[:, [0, 2]]).all()
    assert np.isnan(scaled[:, 1]).all()
    assert Scaler.from_json(scaler.to_json()) == scaler
    assert Scaler.fit(np.zeros((0, 2)), kind).spread == (1.0, 1.0)  # type: ignore[arg-type]


@given(
    arrays(
        np.float64, st.tuples(st.integers(1, 8), st.integers(1, 3)), elements=st.sampled_from([np.nan, 1.0, 2.0, -3.0])
    )
)
def test_filling_forward_is_a_loop(values: np.ndarray) -> None:
    wanted = values.copy()
    for channel in range(values.shape[1]):
        last = 0.0
        for step in range(len(values)):
            last = last if np.isnan(values[step, channel]) else values[step, channel]
            wanted[step, channel] = last
    np.testing.assert_array_equal(fill_forward(values), wanted)


def test_gaps_of_training_are_marked_and_others_filled() -> None:
    encoder = NumericEncoder("x", Scaler.fit(GAPS, "standard"), (True, False, True))
    assert encoder.channels == 5
    record = np.array([[np.nan, 1.0, 1.0], [2.0, np.nan, np.nan], [np.nan, 3.0, 2.0]])
    encoded = encoder.encode(record)
    assert encoded.shape == (3, 5)
    assert encoded.dtype == np.float32
    assert np.isfinite(encoded).all()
    assert encoded[:, 3].tolist() == [1, 0, 1]
    assert encoded[:, 4].tolist() == [0, 1, 0]
    assert encoded[0, 0] == 0
    assert encoded[2, 0] == encoded[1, 0]
    assert encoded[1, 1] == encoded[0, 1]
    assert NumericEncoder.from_json(encoder.to_json()) == encoder
    assert encoder.encode(record[0]).shape == (1, 5)
    whole = NumericEncoder("x", Scaler.fit(VALUES, "standard"), (False, False, False))
    assert whole.encode(record).shape == (3, 3)
    with pytest.raises(UserError, match="field x has 2 channels, the model expects 3"):
        whole.encode(record[:, :2])
