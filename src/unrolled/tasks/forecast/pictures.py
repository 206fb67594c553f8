"""What a report shows of forecasts: a table beside forecasts without a model, and typical windows."""

from html import escape

from unrolled.data.readers.time_formats import written
from unrolled.reports.forecast import forecast_chart
from unrolled.scoring.bootstrap import Metric
from unrolled.scoring.names import metric_in_words
from unrolled.tasks.forecast.data import ForecastData
from unrolled.tasks.forecast.scores import Example, ForecastJudgement
from unrolled.tasks.words import PARTS

PICTURES = 4
"""Channels that are shown."""


def tiles(judgement: ForecastJudgement) -> dict[str, str]:
    """The headline numbers, beside those of the best forecast without a model."""
    naive = next(iter(judgement.baselines.values()), {})
    tiles = {}
    for name, metric in judgement.metrics.items():
        if metric.value is None:
            continue
        if name in ("mse", "mae"):
            tiles[_label(name)] = f"{metric.value:.4g}{_beside(naive, name)}"
        elif name.startswith("coverage"):
            tiles[_label(name)] = f"{metric.value:.1%}"
    return tiles


def _beside(naive: dict[str, Metric], name: str) -> str:
    value = naive[name].value if name in naive else None
    return "" if value is None else f", baseline {value:.4g}"


def _label(name: str) -> str:
    if name.startswith("coverage_"):
        return f"values inside the {name.removeprefix('coverage_')} % interval"
    return metric_in_words(name)


def table(part: str, judgement: ForecastJudgement) -> tuple[str, str]:
    """All metrics with their intervals, and below those of forecasts without a model."""
    names = list(judgement.metrics)
    rows = {"this model": judgement.metrics, **judgement.baselines}
    head = "".join(f"<td>{escape(_label(name))}</td>" for name in names)
    body = "".join(
        f'<tr><th style="width:auto">{escape(row)}</th>'
        + "".join(f"<td>{_cell(metrics[name]) if name in metrics else ''}</td>" for name in names)
        + "</tr>"
        for row, metrics in rows.items()
    )
    note = "Errors in standard deviations of each channel in training; below them 95 % intervals."
    title = f"{part[0].upper()}{part[1:]} part: {judgement.windows:,} windows"
    return title, f'<table><tr><th style="width:auto"></th>{head}</tr>{body}</table><p>{note}</p>'


def _cell(metric: Metric) -> str:
    value = "" if metric.value is None else f"{metric.value:.4g}"
    spread = "" if metric.low is None else f"<br><small>{metric.low:.3g} to {metric.high:.3g}</small>"
    return value + spread


def picture(example: Example, data: ForecastData, part: str) -> tuple[str, str]:
    encoding = data.encoding
    series = data.series[part][example.series]
    low = high = None
    interval = ""
    if example.quantiles is not None and len(encoding.levels) > 1:
        low, high = example.quantiles[:, 0], example.quantiles[:, -1]
        interval = f"{100 * (encoding.levels[-1] - encoding.levels[0]):.3g} % interval"
    first = None if series.times is None else written(series.times[example.origin : example.origin + 1], series.form)
    since = "" if first is None else f" from {first[0]}"
    name = f" of {series.name}" if series.name else ""
    title = f"{example.channel}{name}, {len(example.truth)} steps{since}"
    chart = forecast_chart(example.past, example.truth, example.forecast, low, high, title=title, interval=interval)
    return f"A typical forecast of {example.channel} in the {PARTS[part]} part", chart
