"""Forecasts for any horizon, over all windows, and their intervals, against slow second ways."""

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_absolute_error, mean_pinball_loss, mean_squared_error

from unrolled.errors import UserError
from unrolled.layers import state as states
from unrolled.layers.inputs import map_inputs
from unrolled.tasks.forecast.forecast import forecast, forecast_windows, score_forecasts
from unrolled.tasks.forecast.network import ForecastNetwork, series_inputs
from unrolled.tasks.forecast.network_config import ForecastConfig
from unrolled.tasks.forecast.windows import ForecastWindows

LEVELS = (0.1, 0.5, 0.9)


def make(**settings: object) -> ForecastNetwork:
    torch.manual_seed(2)
    sizes = {"context": 6, "horizon": 2, "channels": 2, "targets": (0,), "width": 8, "patch": 2, **settings}
    network = ForecastNetwork(ForecastConfig(**sizes))  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return network.eval()


def series_of(length: int, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    values = np.sin(np.arange(length)[:, None] / 3) + 0.1 * draw.normal(size=(length, 2))
    return values.astype(np.float32)


def test_beyond_its_horizon_a_network_reads_its_own_forecasts() -> None:
    network = make(known=1, quantiles=LEVELS)
    past, known = torch.randn(3, 6, 2), torch.randn(3, 6 + 5, 1)
    with torch.inference_mode():
        forecasts = forecast(network, past, known, horizon=5)
        first = network.from_windows(past, known[:, :8])
        fed = torch.stack([first[:, :, 0, 1], torch.full((3, 2), torch.nan)], dim=-1)
        second = network.from_windows(torch.cat([past[:, 2:], fed], 1), known[:, 2:10])
        fed = torch.stack([second[:, :, 0, 1], torch.full((3, 2), torch.nan)], dim=-1)
        third = network.from_windows(
            torch.cat([past[:, 4:], first_fed(first), fed], 1), torch.cat([known[:, 4:], known[:, -1:]], 1)
        )
    assert forecasts.shape == (3, 5, 1, 3)
    torch.testing.assert_close(forecasts, torch.cat([first, second, third], 1)[:, :5])


def first_fed(first: torch.Tensor) -> torch.Tensor:
    return torch.stack([first[:, :, 0, 1], torch.full((3, 2), torch.nan)], dim=-1)


def test_beyond_its_horizon_a_network_reads_what_is_known_ahead() -> None:
    network = make(known=2, known_channels=(1,))
    past, known = torch.randn(3, 6, 2), torch.randn(3, 6 + 4, 2)
    with torch.inference_mode():
        forecasts = forecast(network, past, known, horizon=4)
        first = network.from_windows(past, known[:, :8])
        fed = torch.cat([first, known[:, 6:8, 1:]], dim=-1)
        second = network.from_windows(torch.cat([past[:, 2:], fed], 1), known[:, 2:])
    torch.testing.assert_close(forecasts, torch.cat([first, second], 1))


def test_a_shorter_horizon_is_the_beginning_of_the_forecast() -> None:
    network, past = make(), torch.randn(3, 6, 2)
    assert torch.equal(forecast(network, past, horizon=1), network.from_windows(past)[:, :1])


@pytest.mark.parametrize(("features", "steps"), [(1, 10), (0, 11), (1, 0)])
def test_known_features_that_do_not_fit(features: int, steps: int) -> None:
    known = torch.randn(3, steps, 1) if steps else None
    with pytest.raises(UserError, match=f"forecasts with {features} features known ahead"):
        forecast(make(known=features), torch.randn(3, 6, 2), known, horizon=5)


def test_scores_over_all_windows() -> None:
    network = make(quantiles=LEVELS)
    series = series_of(40)
    series[20, 0] = np.nan
    windows = ForecastWindows([series], context=6, horizon=3, targets=[0])
    scores = score_forecasts(network, windows, period=4, batch_size=7)
    truth, predicted, last, season = [], [], [], []
    for origin in range(6, 38):
        past = torch.from_numpy(series[None, origin - 6 : origin])
        with torch.inference_mode():
            ahead = forecast(network, past, horizon=3)[0, :, 0].numpy()
        column = series[:origin, 0]
        filled = column.copy()
        filled[20:21] = filled[19] if origin > 20 else filled[20:21]
        if origin - 6 == 20:
            filled[20] = column[21]  # first of its window: from the first value after it
        for step in range(3):
            if series[origin + step, 0] == series[origin + step, 0]:
                truth.append(series[origin + step, 0])
                predicted.append(ahead[step])
                last.append(filled[-1])
                season.append(filled[origin - 4 + step])
    assert (scores.windows, scores.values) == (32, len(truth))
    levels = np.array(predicted)
    assert scores.mse == pytest.approx(mean_squared_error(truth, levels[:, 1]), rel=1e-5)
    assert scores.mae == pytest.approx(mean_absolute_error(truth, levels[:, 1]), rel=1e-5)
    expected = {
        name: (mean_squared_error(truth, guess), mean_absolute_error(truth, guess))
        for name, guess in {"last value": last, "value of a period ago": season}.items()
    }
    for name, pair in expected.items():
        assert scores.naive[name] == pytest.approx(pair, rel=1e-5)
    assert scores.mase == pytest.approx(scores.mae / min(mae for _, mae in expected.values()), rel=1e-5)
    pinball = [mean_pinball_loss(truth, levels[:, i], alpha=q) for i, q in enumerate(LEVELS)]
    assert scores.quantile_loss == pytest.approx(np.mean(pinball), rel=1e-5)
    below = {q: pytest.approx(np.mean(np.array(truth) <= levels[:, i])) for i, q in enumerate(LEVELS)}
    assert scores.coverage == below


def test_the_mode_of_the_network_is_kept_and_dropout_is_off() -> None:
    network = make(dropout=0.5).train()
    windows = ForecastWindows([series_of(20)], context=6, horizon=2, targets=[0])
    first, second = (np.concatenate([p for _, p in forecast_windows(network, windows)]) for _ in range(2))
    assert network.training
    assert np.array_equal(first, second)


def test_nothing_to_compare_with() -> None:
    series = series_of(20)
    series[6:, 0] = np.nan
    windows = ForecastWindows([series], context=6, horizon=2, targets=[0])
    with pytest.raises(UserError, match="not one value to compare"):
        score_forecasts(make(), windows)


@pytest.mark.parametrize("family", ["gru", "transformer", "inception"])
def test_a_long_series_in_ragged_chunks_is_forecast_as_its_windows_are(family: str) -> None:
    network = make(known=1, quantiles=LEVELS, family=family, members=2)
    series = series_of(40)
    series[[3, 20, 21], 0] = np.nan
    known = np.random.default_rng(1).normal(size=(42, 1)).astype(np.float32)
    windows = ForecastWindows([series], context=6, horizon=2, targets=[0], known=[known[:40]], least_context=1)
    (batch, expected), *more = forecast_windows(network, windows)
    assert not more
    inputs = series_inputs(torch.from_numpy(series)[None], torch.from_numpy(known)[None], 2)
    state, begin, outputs = network.initial_state(1), 0, []
    for length in (1, 5, 0, 17, 2, 15):
        with torch.inference_mode():
            y, state = network(map_inputs(lambda leaf, t=begin, n=length: leaf[:, t : t + n], inputs), state)
        outputs.append(y)
        begin += length
        state = states.load(states.save(state), like=network.initial_state(1))
    assert begin == 40
    assert len(batch.origin) == 40 - 2
    together = torch.cat(outputs, dim=1)[0, batch.origin - 1]
    np.testing.assert_allclose(together.numpy(), expected, rtol=1e-4, atol=1e-5)
