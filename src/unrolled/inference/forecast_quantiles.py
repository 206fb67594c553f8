"""The intervals of forecasts, made as wide as the errors on the validation part were."""

import numpy as np
import torch

from unrolled.data.forecast_encoding import ForecastEncoding
from unrolled.data.forecast_windows import ForecastWindows
from unrolled.inference.forecast import add_intervals, calibrate
from unrolled.models.forecasting import ForecastNetwork

ENOUGH = 10
"""Horizons that the validation part must be long: neighbouring windows err alike, so fewer say little."""


def calibrated(network: ForecastNetwork, encoding: ForecastEncoding, windows: ForecastWindows) -> ForecastEncoding:
    """The encoding with what brings each level to its share of the validation windows; the point forecast stays.

    Unchanged if there are no levels, or the validation part is shorter than `ENOUGH` horizons.
    """
    if not encoding.levels or len(windows) * windows.stride < ENOUGH * windows.horizon:
        return encoding
    offsets = calibrate(network, windows, encoding.levels)
    offsets[..., [level == 0.5 for level in encoding.levels]] = 0
    return encoding.with_offsets(offsets)


def point_of(network: ForecastNetwork, predicted: np.ndarray) -> np.ndarray:
    """One value for each step and target, of a forecast of the network."""
    return network.point(torch.from_numpy(predicted)).numpy()


def quantiles_of(network: ForecastNetwork, encoding: ForecastEncoding, predicted: np.ndarray) -> np.ndarray:
    """The levels of a forecast, `[windows, horizon, targets, levels]`, as wide as validation showed they must be.

    Beyond the horizon of the network as wide as at its end.
    """
    if encoding.offsets is None:
        return predicted
    offsets = np.array(encoding.offsets, dtype=np.float32)
    places = np.minimum(np.arange(predicted.shape[1]), len(offsets) - 1)
    return add_intervals(network, predicted, offsets[places], encoding.levels)
