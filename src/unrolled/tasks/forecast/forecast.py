"""Forecasts of a trained network: for any horizon, and over all windows of a part."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from unrolled.errors import UserError
from unrolled.models.evaluating import evaluating
from unrolled.tasks.forecast.naive import seasonal_naive
from unrolled.tasks.forecast.network import ForecastNetwork
from unrolled.tasks.forecast.windows import ForecastBatch, ForecastWindows


def forecast(
    network: ForecastNetwork, past: Tensor, known: Tensor | None = None, *, horizon: int | None = None
) -> Tensor:
    """The steps after a window, `[batch, horizon, targets]` or `[..., quantiles]`, also beyond the network's horizon.

    `past`: `[batch, context, channels]`, missing values NaN. `known`: `[batch, context + horizon, features]`.
    Up to the network's own horizon (the default) the forecast is direct. Beyond it is recursive: the network's point
    forecasts are put behind the window and it goes on from there, with the values of the channels known ahead; all
    other channels are missing.
    Quantiles of the recursive part take these points for the truth, so they are too narrow.
    Raises `UserError` if `known` is absent where the network needs it, or ends too early.
    """
    config = network.config
    horizon = config.horizon if horizon is None else horizon
    if bool(config.known) != (known is not None) or (known is not None and known.shape[1] < config.context + horizon):
        given = "none" if known is None else f"{known.shape[1]} steps of {known.shape[2]}"
        raise UserError(
            f"the model forecasts with {config.known} features known ahead, which it needs for "
            f"{config.context} + {horizon} steps, found {given}; give exactly these features for all these steps"
        )
    parts: list[Tensor] = []
    for done in range(0, horizon, config.horizon):
        ahead = None if known is None else _span(known, done, config.context + config.horizon)
        part = network.from_windows(past, ahead)
        parts.append(part)
        if done + config.horizon < horizon:
            fed = past.new_full((len(past), config.horizon, config.channels), torch.nan)
            fed[:, :, network.target_index] = network.point(part).to(past.dtype)
            if ahead is not None and config.known_channels:
                count = len(config.known_channels)
                fed[:, :, list(config.known_channels)] = ahead[:, config.context :, -count:].to(past.dtype)
            past = torch.cat([past, fed], dim=1)[:, -config.context :]
    return torch.cat(parts, dim=1)[:, :horizon]


def forecast_windows(
    network: ForecastNetwork, windows: ForecastWindows, *, batch_size: int = 256
) -> Iterator[tuple[ForecastBatch, np.ndarray]]:
    """Every window in order, in batches, with its forecast over the windows' horizon (see `forecast`)."""
    device = next(network.parameters()).device
    with torch.inference_mode(), evaluating(network):
        for batch in windows.in_order(batch_size):
            past = torch.from_numpy(batch.past).to(device)
            known = None if batch.known is None else torch.from_numpy(batch.known).to(device)
            yield batch, forecast(network, past, known, horizon=windows.horizon).float().cpu().numpy()


@dataclass
class ForecastScores:
    """Errors over all windows, steps and targets whose value is there, in units of the series as given."""

    windows: int
    values: int
    """values scored"""
    mse: float
    mae: float
    naive: dict[str, tuple[float, float]]
    """MSE and MAE of forecasts without a model, on the same values: "last value", and "value of a period ago" """
    mase: float
    """MAE over that of the better naive forecast, after Hyndman and Koehler 2006; but here on the same windows"""
    quantile_loss: float | None = None
    """mean pinball loss over the levels"""
    coverage: dict[float, float] | None = None
    """for each level, the part of the values at or below its forecast: what it promises is the level itself"""

    @property
    def loss(self) -> float:
        """What training makes small: the quantile loss, or the mean absolute error."""
        return self.mae if self.quantile_loss is None else self.quantile_loss

    @property
    def criterion(self) -> float:
        """What the best model has least of."""
        return self.mae

    def facts(self) -> dict[str, float]:
        """The scores by name, for the records of a run."""
        return {"loss": self.loss, "mse": self.mse, "mae": self.mae, "mase": self.mase}

    def words(self) -> str:
        """The scores for a person."""
        return f"MSE {self.mse:.4f}, MAE {self.mae:.4f}"


def score_forecasts(
    network: ForecastNetwork, windows: ForecastWindows, *, period: int | None = None, batch_size: int = 256
) -> ForecastScores:
    """The errors of a network over all windows, beside those of naive forecasts on the same values.

    Raises `UserError` if not one value of the windows is there.
    """
    levels = np.array(network.config.quantiles)
    periods = {"last value": 1} | ({"value of a period ago": period} if period and period > 1 else {})
    sums = {name: np.zeros(2) for name in ("model", *periods)}
    count, pinball, below = 0, 0.0, np.zeros(len(levels))
    for batch, predicted in forecast_windows(network, windows, batch_size=batch_size):
        observed = ~np.isnan(batch.future)
        truth = batch.future[observed].astype(np.float64)
        points = point_of(network, predicted)
        for name in sums:
            guess = points
            if name in periods:
                guess = seasonal_naive(batch.past[:, :, windows.targets], windows.horizon, periods[name])
            error = truth - guess[observed]
            sums[name] += [np.square(error).sum(), np.abs(error).sum()]
        count += len(truth)
        if len(levels):
            error = truth[:, None] - predicted[observed]
            pinball += np.maximum(levels * error, (levels - 1) * error).mean(axis=1).sum()
            below += (error <= 0).sum(axis=0)
    if not count:
        raise UserError(
            "not one value to compare a forecast with is there; give a part whose targets are not all missing"
        )
    (mse, mae), *_ = means = [total / count for total in sums.values()]
    naive = {name: (float(mean[0]), float(mean[1])) for name, mean in zip(periods, means[1:], strict=True)}
    best = min(error for _, error in naive.values())
    scores = ForecastScores(len(windows), count, float(mse), float(mae), naive, float(mae / best) if best else np.inf)
    if len(levels):
        scores.quantile_loss = pinball / count
        scores.coverage = {float(q): float(part) for q, part in zip(levels, below / count, strict=True)}
    return scores


def point_of(network: ForecastNetwork, predicted: np.ndarray) -> np.ndarray:
    """One value for each step and target of a forecast as an array: `[windows, horizon, targets]`."""
    return network.point(torch.from_numpy(predicted)).numpy()


def _span(known: Tensor, begin: int, length: int) -> Tensor:
    """Steps from `begin` on; the last is repeated beyond the end, where forecasts are cut off anyway."""
    part = known[:, begin : begin + length]
    missing = length - part.shape[1]
    return part if not missing else torch.cat([part, part[:, -1:].expand(-1, missing, -1)], dim=1)
