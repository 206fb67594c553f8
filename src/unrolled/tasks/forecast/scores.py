"""How good the forecasts of a model are on some windows, beside forecasts without a model."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unrolled.errors import UserError
from unrolled.scoring.bootstrap import Metric
from unrolled.scoring.forecasting import forecast_metrics, quantile_metrics
from unrolled.tasks.forecast.encoding import ForecastEncoding
from unrolled.tasks.forecast.forecast import forecast_windows, point_of
from unrolled.tasks.forecast.naive import naive_periods, naive_windows
from unrolled.tasks.forecast.network import ForecastNetwork
from unrolled.tasks.forecast.windows import ForecastWindows

MOST_VALUES = 20_000_000
"""Values that are held in memory to be judged; of more, every second, third, ... window is judged."""


@dataclass
class ForecastJudgement:
    """Errors in units of each channel's standard deviation in training, with 95 % intervals."""

    metrics: dict[str, Metric]
    baselines: dict[str, dict[str, Metric]]
    """of forecasts without a model, by name, the best first"""
    windows: int
    channels: dict[str, float]
    """MAE of each channel in its own units"""
    unscored: int
    """values that are missing"""
    examples: list["Example"] = field(default_factory=list)
    main: str = "mse"

    def to_json(self) -> dict[str, Any]:
        best = next(iter(self.baselines))
        return {
            "windows": self.windows,
            "unscored": self.unscored,
            "main": self.main,
            "units": "standard deviations of each channel in training",
            "metrics": {name: metric.to_json() for name, metric in self.metrics.items()},
            "baseline": {"name": best, **{name: metric.to_json() for name, metric in self.baselines[best].items()}},
            "baselines": {
                name: {metric: value.to_json() for metric, value in metrics.items()}
                for name, metrics in self.baselines.items()
            },
            "channels": self.channels,
        }


@dataclass
class Example:
    """One channel of one window, in its own units."""

    channel: str
    series: int
    origin: int
    past: np.ndarray
    truth: np.ndarray
    forecast: np.ndarray
    quantiles: np.ndarray | None
    """`[horizon, levels]`"""


def judge_forecasts(
    network: ForecastNetwork,
    encoding: ForecastEncoding,
    windows: ForecastWindows,
    series: Sequence[np.ndarray],
    *,
    seed: int = 0,
    examples: int = 0,
) -> ForecastJudgement:
    """Scores over all windows, and some examples. `series` are the scaled values that the windows lie in.

    Raises `UserError` if not one value to compare with is there.
    """
    every = max(1, round(len(windows) * windows.horizon * len(encoding.targets) / MOST_VALUES))
    chosen = windows.every(every)
    truths, points, levels, naive, places = [], [], [], [], []
    names = {
        "last value" if period == 1 else f"value {period} steps before": period
        for period in naive_periods(encoding.period)
    }
    for batch, predicted in forecast_windows(network, chosen):
        truths.append(batch.future)
        points.append(point_of(network, predicted))
        if encoding.levels:
            levels.append(predicted)
        naive.append([naive_windows(series, batch, chosen, size) for size in names.values()])
        places.append(np.stack([batch.series, batch.origin], axis=1))
    truth, point, positions = np.concatenate(truths), np.concatenate(points), np.concatenate(places)
    if np.isnan(truth).all():
        raise UserError(
            "not one value to compare a forecast with is there; give a file whose last columns are not all missing"
        )
    scale = np.array(encoding.scale, dtype=np.float64)
    common: dict[str, Any] = {"stride": chosen.stride, "series": positions[:, 0], "seed": seed}
    metrics = forecast_metrics(truth, point, scale=scale, **common)
    quantiles = np.concatenate(levels) if levels else None
    if quantiles is not None:
        metrics |= quantile_metrics(truth, quantiles, encoding.levels, **common)
    baselines = {}
    for number, (name, period) in enumerate(names.items()):
        constant = np.concatenate([forecasts[number] for forecasts in naive])
        baselines[name] = forecast_metrics(truth, constant, scale=scale, **common)
        if str(period) in encoding.naive_spread:
            around = constant[..., None] + np.array(encoding.naive_spread[str(period)])
            baselines[name] |= quantile_metrics(truth, around, encoding.levels, **common)
    error = np.abs(truth - point) * np.array(encoding.scaler.spread)[list(encoding.target_channels)]
    observed = ~np.isnan(truth)
    own = np.where(observed, error, 0).sum(axis=(0, 1)) / np.maximum(observed.sum(axis=(0, 1)), 1)
    return ForecastJudgement(
        metrics,
        dict(
            sorted(baselines.items(), key=lambda pair: np.inf if pair[1]["mae"].value is None else pair[1]["mae"].value)
        ),
        len(truth),
        {name: float(value) for name, value in zip(encoding.targets, own, strict=True)},
        int((~observed).sum()),
        examples=_examples(encoding, series, truth, point, quantiles, positions, examples),
    )


def _examples(
    encoding: ForecastEncoding,
    series: Sequence[np.ndarray],
    truth: np.ndarray,
    point: np.ndarray,
    quantiles: np.ndarray | None,
    positions: np.ndarray,
    count: int,
) -> list[Example]:
    """For some channels, spread over all of them, the window whose error is the middle one."""
    examples = []
    horizon, channels = truth.shape[1], truth.shape[2]
    for channel in np.unique(np.linspace(0, channels - 1, min(count, channels)).round().astype(int)).tolist():
        error = np.abs(truth[:, :, channel] - point[:, :, channel]).mean(axis=1)
        known = np.flatnonzero(np.isfinite(error))
        if not len(known):
            continue
        window = int(known[np.argsort(error[known])[len(known) // 2]])
        number, origin = positions[window].tolist()
        column = encoding.target_channels[channel]
        past = series[number][max(0, origin - max(2 * horizon, 48)) : origin, column]

        def own(values: np.ndarray, column: int = column) -> np.ndarray:
            return values * encoding.scaler.spread[column] + encoding.scaler.centre[column]

        examples.append(
            Example(
                encoding.targets[channel],
                number,
                origin,
                own(past),
                own(truth[window, :, channel]),
                own(point[window, :, channel]),
                None if quantiles is None else own(quantiles[window, :, channel]),
            )
        )
    return examples
