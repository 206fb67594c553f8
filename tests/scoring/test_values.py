"""Regression and forecasts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from unrolled.scoring.forecasting import forecast_metrics, quantile_metrics
from unrolled.scoring.regression import regression_metrics
from unrolled.tasks.forecast.naive import seasonal_scale


@settings(max_examples=25)
@given(st.integers(1, 3), st.floats(-1e6, 1e6), st.integers(0, 1000))
def test_regression_is_that_of_scikit_learn(targets, offset, seed):
    random = np.random.default_rng(seed)
    truth = random.normal(size=(40, targets)) + offset
    predicted = truth + random.normal(size=truth.shape) * 0.5
    metrics = regression_metrics(truth, predicted)
    assert metrics["mse"].value == pytest.approx(sklearn_metrics.mean_squared_error(truth, predicted))
    assert metrics["mae"].value == pytest.approx(sklearn_metrics.mean_absolute_error(truth, predicted))
    assert metrics["r2"].value == pytest.approx(sklearn_metrics.r2_score(truth, predicted), abs=1e-6)
    assert metrics["r2"].low < metrics["r2"].value < metrics["r2"].high


def test_regression_without_variance_or_with_nan():
    metrics = regression_metrics(np.ones((5, 1)), np.zeros((5, 1)))
    assert metrics["r2"].value is None
    assert metrics["mse"].value == 1.0
    metrics = regression_metrics(np.arange(5.0)[:, None], np.array([[0.0], [1.0], [np.nan], [3.0], [4.0]]))
    assert metrics["mse"].note == "not all values are finite"
    assert metrics["r2"].value is None


def test_forecast_errors_by_hand():
    truth = np.array([[[1.0, 10.0], [2.0, 20.0]], [[3.0, 30.0], [np.nan, 40.0]]])
    predicted = truth + np.array([1.0, -2.0])
    scale = np.array(seasonal_scale([np.array([[0.0, 0.0], [2.0, 1.0], [4.0, 8.0]])]))
    assert scale.tolist() == [2.0, 4.0]
    metrics = forecast_metrics(truth, predicted, scale=scale)
    assert metrics["mse"].value == pytest.approx((3 * 1 + 4 * 4) / 7)
    assert metrics["mae"].value == pytest.approx((3 * 1 + 4 * 2) / 7)
    assert metrics["mase"].value == pytest.approx(0.5)
    per_window = forecast_metrics(truth, predicted, scale=np.array([[1.0, 1.0], [2.0, 4.0]]))
    assert per_window["mase"].value == pytest.approx((2 * 1 + 2 * 2 + 1 * 0.5 + 2 * 0.5) / 7)


def test_series_that_never_change_have_no_scale():
    truth = np.zeros((3, 2, 2))
    metrics = forecast_metrics(truth, truth + 1.0, scale=np.array([0.0, 2.0]))
    assert metrics["mase"].value == 0.5
    assert "never change" in metrics["mase"].note
    assert forecast_metrics(truth, truth, scale=np.zeros(2))["mase"].value is None


def test_overlapping_windows_give_a_wider_interval_than_if_each_counted_alone():
    random = np.random.default_rng(0)
    noise = random.normal(size=3000 + 24) * (1 + np.sin(np.arange(3024) / 60))
    truth = np.lib.stride_tricks.sliding_window_view(noise, 24)[:3000, :, None].copy()
    zeros = np.zeros_like(truth)
    overlapping = forecast_metrics(truth, zeros)["mse"]
    alone = forecast_metrics(truth, zeros, stride=24)["mse"]
    assert overlapping.value == alone.value
    assert overlapping.high - overlapping.low > 1.2 * (alone.high - alone.low)


def test_single_windows_of_many_series_are_resampled_as_series():
    truth = np.random.default_rng(1).normal(size=(400, 6, 1))
    mse = forecast_metrics(truth, np.zeros_like(truth), series=np.arange(400))["mse"]
    spread = (truth**2).mean(axis=(1, 2)).std() / np.sqrt(400)
    assert mse.high - mse.low == pytest.approx(2 * 1.96 * spread, rel=0.15)


def test_a_forecast_that_is_not_finite():
    truth = np.zeros((4, 2, 1))
    assert "not finite" in forecast_metrics(truth, truth + np.nan)["mse"].note
    assert forecast_metrics(truth[:0], truth[:0])["mae"].value is None


def test_quantile_loss_is_that_of_scikit_learn_and_coverage_counts():
    random = np.random.default_rng(2)
    truth = random.normal(size=(500, 4, 1))
    levels = (0.1, 0.5, 0.9)
    quantiles = np.broadcast_to([-1.2816, 0.0, 1.2816], (500, 4, 1, 3)).copy()
    metrics = quantile_metrics(truth, quantiles, levels)
    expected = [
        sklearn_metrics.mean_pinball_loss(truth.ravel(), quantiles[..., i].ravel(), alpha=level)
        for i, level in enumerate(levels)
    ]
    assert metrics["quantile_loss"].value == pytest.approx(np.mean(expected))
    inside = np.abs(truth) <= 1.2816
    assert metrics["coverage_80"].value == pytest.approx(inside.mean())
    assert metrics["coverage_80"].low < 0.8 < metrics["coverage_80"].high
    assert metrics["coverage_80"].better == "nominal"
    truth[:250] = np.nan
    assert quantile_metrics(truth, quantiles, levels)["coverage_80"].value == pytest.approx(inside[250:].mean())
