"""The end of a run that forecasts: the best model beside forecasts without a model, its intervals, the report."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from unrolled.data.forecast_data import SPOKEN, ForecastData
from unrolled.data.time_steps import Step
from unrolled.inference.forecast_loading import load_forecast
from unrolled.inference.forecast_quantiles import calibrated
from unrolled.inference.forecast_scores import Example, ForecastJudgement, judge_forecasts
from unrolled.models.files import write_model
from unrolled.training.environment import environment
from unrolled.training.formats import format_duration
from unrolled.training.loop import Position
from unrolled.training.metrics import read_metrics
from unrolled.training.pictures.forecast import forecast_chart
from unrolled.training.progress import Progress
from unrolled.training.report import write_report

PICTURES = 4
"""Channels that are shown."""


def conclude_forecast(
    folder: Path,
    data: ForecastData,
    position: Position,
    settings: dict[str, Any],
    reason: str,
    progress: Progress,
    *,
    device: torch.device,
) -> dict[str, Any]:
    """Evaluate the best model, widen its intervals, write report.html, and return the result of the run."""
    network, encoding, config, place = load_forecast(folder / "best")
    network.to(device)
    progress.message(f"{reason}; evaluating the model of step {position.best_step:,}")
    result: dict[str, Any] = {
        "run": str(folder),
        "model": str(folder / "best"),
        "report": str(folder / "report.html"),
        "task": "forecast",
        "reason": reason,
        "steps": position.step,
        "best_step": position.best_step,
        "seconds": position.elapsed,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "context": data.rules.context,
        "horizon": data.rules.horizon,
    }
    judged = [name for name in ("valid", "test") if name in data.windows]
    summary: dict[str, Any] = {}
    pictures: list[tuple[str, str]] = []
    for name in judged:
        windows, values = data.windows[name], data.values[name]
        # What calibrates the intervals cannot tell how good they are.
        found = judge_forecasts(
            network, encoding, windows, values, calibrated=name == "test", examples=PICTURES * (name == judged[-1])
        )
        if name == "valid":
            encoding = calibrated(network, encoding, windows)
        result[name] = found.to_json()
        summary |= _tiles(SPOKEN[name], found)
        pictures += [_picture(example, data, name) for example in found.examples]
    if encoding.offsets is not None:
        facts = {key: value for key, value in config.items() if key not in ("format", "model")}
        card = (place / "README.md").read_text(encoding="utf-8")
        write_model(place, network, facts=facts, files={"encoding.json": encoding.to_text(), "README.md": card})
    summary |= {
        "updates": f"{position.step:,}",
        "training time": format_duration(position.elapsed),
        "parameters": f"{result['parameters']:,}",
    }
    kind = "quantile loss" if encoding.levels else "absolute error"
    write_report(
        folder / "report.html",
        title=f"{folder.name}: {data.summary}",
        metrics=read_metrics(folder / "metrics.jsonl"),
        settings={name: settings[name] for name in ("data", "model", "train")},
        environment=environment(),
        samples=[],
        summary=summary,
        pictures=pictures,
        loss=f"Loss ({kind}, in standard deviations of each channel)",
    )
    return result


def _tiles(part: str, found: ForecastJudgement) -> dict[str, str]:
    """Each metric with its interval, and beside it that of the best forecast without a model."""
    name, baseline = next(iter(found.baselines.items()))
    shown = {}
    for metric in found.metrics.values():
        naive = baseline.get(metric.name)
        beside = "" if naive is None or naive.value is None else f"; {name}: {naive.value:.4g}"
        label = metric.name.upper() if metric.name in ("mse", "mae", "mase") else metric.name.replace("_", " ")
        label = label.replace("coverage ", "coverage of the ") + (" % interval" if "coverage" in metric.name else "")
        shown[f"{part} {label}"] = f"{metric}{beside}"
    return shown


def _picture(example: Example, data: ForecastData, part: str) -> tuple[str, str]:
    encoding = data.encoding
    series = data.series[part][example.series]
    low = high = None
    interval = ""
    if example.quantiles is not None and len(encoding.levels) > 1:
        low, high = example.quantiles[:, 0], example.quantiles[:, -1]
        interval = f"{100 * (encoding.levels[-1] - encoding.levels[0]):.3g} % interval"
    since = f" from {_when(series.times[example.origin], series.step)}" if series.times is not None else ""
    name = f" of {series.name}" if series.name else ""
    title = f"{example.channel}{name}, {len(example.truth)} steps{since}"
    chart = forecast_chart(example.past, example.truth, example.forecast, low, high, title=title, interval=interval)
    return f"A typical forecast of {example.channel} in the {SPOKEN[part]} part", chart


def _when(time: Any, step: Step | None) -> str:
    """A time for a person."""
    if not isinstance(time, np.datetime64):
        return f"{time:g}"
    whole_days = step is not None and (step.unit != "seconds" or step.size % 86400 == 0)
    return str(time.astype("datetime64[D]" if whole_days else "datetime64[m]")).replace("T", " ")
