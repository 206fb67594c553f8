"""What the verbs say and do where the model forecasts."""

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from unrolled.scoring.names import metric_in_words
from unrolled.visible import say

if TYPE_CHECKING:
    from unrolled.data.records import Notes
    from unrolled.tasks.prediction_tables import Predictions


def evaluate_forecast(options: Namespace) -> dict[str, Any]:
    """`unrolled evaluate RUN [FILE...]`: all windows of the files, or of the parts that the run held out."""
    from unrolled.data.records import Notes
    from unrolled.tasks.forecast.files import own_parts, part_of, read_series
    from unrolled.tasks.forecast.load import load_forecast
    from unrolled.tasks.forecast.scores import judge_forecasts

    loaded = load_forecast(options.model)
    notes = Notes()
    if options.files:
        series = read_series(loaded, options.files, notes)
        parts = {"file": part_of(loaded, series, notes, ", ".join(options.files))}
    else:
        parts = own_parts(loaded, options.part)
    result: dict[str, Any] = {"task": "forecast", "model": str(loaded.folder)}
    for name, part in parts.items():
        found = judge_forecasts(loaded.network, loaded.encoding, part.windows, part.values)
        result[name] = found.to_json()
        say_scores(", ".join(options.files) if name == "file" else f"{name} part", result[name])
    result["notes"] = notes.lines()
    for line in result["notes"]:
        say(line, file=sys.stderr)
    return result


def forecast_predictions(options: Namespace) -> "tuple[Predictions, int, Notes]":
    """The steps after the end of the series in some files, how many there are, and where what was mended is counted."""
    from unrolled.data.records import Notes
    from unrolled.tasks.forecast.files import read_series
    from unrolled.tasks.forecast.load import load_forecast
    from unrolled.tasks.forecast.predict import predictions

    loaded = load_forecast(options.model)
    notes = Notes()
    series = read_series(loaded, options.files, notes)
    return predictions(loaded, series, horizon=options.horizon, notes=notes), len(series), notes


def say_scores(part: str, scores: dict[str, Any]) -> None:
    """The scores of a part, and below them those of forecasts without a model."""
    shown = [_metric(name, metric) for name, metric in scores["metrics"].items() if metric["value"] is not None]
    say(f"{part}: {', '.join(shown)}; {scores['windows']:,} windows, in standard deviations of each channel")
    for name, metrics in scores["baselines"].items():
        known = [_metric(one, metric) for one, metric in metrics.items() if metric["value"] is not None]
        say(f"  {name}: {', '.join(known)}")


def _metric(name: str, metric: dict[str, Any]) -> str:
    if name.startswith("coverage_"):
        return f"{name.removeprefix('coverage_')} % interval holds {100 * metric['value']:.1f} %"
    spread = "" if metric["low"] is None or name != "mse" else f" ({metric['low']:.3g} to {metric['high']:.3g})"
    return f"{metric_in_words(name)} {metric['value']:.4f}{spread}"
