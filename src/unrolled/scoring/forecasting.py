"""How good forecasts are: squared, absolute and scaled errors, quantiles and the coverage of intervals."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from unrolled.scoring.bootstrap import Measure, Metric, measure


def forecast_metrics(
    truth: Float[np.ndarray, "windows horizon channels"],
    predicted: Float[np.ndarray, "windows horizon channels"],
    *,
    scale: Float[np.ndarray, "*windows channels"] | None = None,
    stride: int = 1,
    series: Int[np.ndarray, " windows"] | None = None,
    seed: int = 0,
) -> dict[str, Metric]:
    """MSE, MAE and, with `scale`, MASE over all windows, steps and channels; truth that is NaN is left out.

    `scale` is `seasonal_scale` (`unrolled.tasks.forecast.naive`) of the training part, for all windows or for each.
    Windows stand in order of time, `stride` steps apart, one series after the other; `series` numbers them. Windows
    that overlap are alike, so what is resampled is blocks of neighbouring windows.

    MASE: Hyndman and Koehler 2006, "Another look at measures of forecast accuracy", section 3.
    """
    known = ~np.isnan(truth)
    error = np.where(known, predicted.astype(np.float64) - truth, 0.0)
    columns = [_per_window(error**2), _per_window(np.abs(error)), _per_window(known)]
    measures = [
        Measure("mse", "lower", lambda s: s[..., 0] / s[..., 2], "no truth is known, or a forecast is not finite"),
        Measure("mae", "lower", lambda s: s[..., 1] / s[..., 2], "no truth is known, or a forecast is not finite"),
    ]
    if scale is not None:
        by_window = np.broadcast_to(scale.astype(np.float64), (len(truth), truth.shape[2]))[:, None, :]
        usable = known & (by_window > 0)
        scaled = np.divide(np.abs(error), by_window, out=np.zeros_like(error), where=usable)
        columns += [_per_window(scaled), _per_window(usable)]
        left_out = "without series that never change in training" if (usable != known).any() else ""
        constant = "the seasonal naive forecast makes no error in training"
        measures.append(Measure("mase", "lower", lambda s: s[..., 3] / s[..., 4], constant, left_out))
    return measure(np.stack(columns, axis=1), measures, seed=seed, block=_block(truth, stride), series=series)


def quantile_metrics(
    truth: Float[np.ndarray, "windows horizon channels"],
    quantiles: Float[np.ndarray, "windows horizon channels levels"],
    levels: Sequence[float],
    *,
    stride: int = 1,
    series: Int[np.ndarray, " windows"] | None = None,
    seed: int = 0,
) -> dict[str, Metric]:
    """Mean quantile loss, and the coverage of the interval between each two levels that mirror each other.

    Quantile (pinball) loss: max(q (y - f), (q - 1) (y - f)), the mean over levels q; Koenker and Bassett 1978.
    Levels .1 and .9 give `coverage_80`: the share of values in that interval, which ought to be .8.
    """
    known = ~np.isnan(truth)
    error = np.where(known[..., None], truth[..., None].astype(np.float64) - quantiles, 0.0)
    q = np.array(levels)
    loss = np.maximum(q * error, (q - 1) * error).mean(axis=-1)
    columns = [_per_window(loss), _per_window(known)]
    measures = [Measure("quantile_loss", "lower", lambda s: s[..., 0] / s[..., 1], "no truth is known")]
    for low, level in enumerate(levels):
        high = next((i for i, other in enumerate(levels) if abs(other - (1 - level)) < 1e-9), None)
        if level < 0.5 and high is not None:
            inside = known & (quantiles[..., low] <= truth) & (truth <= quantiles[..., high])
            columns.append(_per_window(inside))

            def coverage(s: np.ndarray, column: int = len(columns) - 1) -> np.ndarray:
                return s[..., column] / s[..., 1]

            name = f"coverage_{100 * (1 - 2 * level):.4g}"
            measures.append(Measure(name, "nominal", coverage, "no truth is known", trials=lambda s: s[..., 1]))
    return measure(np.stack(columns, axis=1), measures, seed=seed, block=_block(truth, stride), series=series)


def _per_window(values: np.ndarray) -> np.ndarray:
    return values.sum(axis=(1, 2), dtype=np.float64)


def _block(truth: np.ndarray, stride: int) -> int:
    """As many windows as share a step of the horizon, and at least the cube root of the number of windows."""
    return max(math.ceil(truth.shape[1] / stride), math.ceil(len(truth) ** (1 / 3)))
