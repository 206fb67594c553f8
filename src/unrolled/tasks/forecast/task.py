"""The task that tells what comes next in series of numbers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from unrolled.tasks.task import LiveStream, Prepared, Task, Trained, VerbOption

if TYPE_CHECKING:
    from unrolled.tasks.choose_reading import Opened
    from unrolled.tasks.reads import Reads
    from unrolled.training.progress import Progress
    from unrolled.training.run_training import Beginning


class Forecast(Task):
    """The next values of series, or their quantiles."""

    name = "forecast"
    models = "models that forecast"
    title = "A model that can forecast"
    estimator = "Forecaster"
    input_kinds = ("numeric",)
    options: ClassVar[Mapping[str, Sequence[VerbOption]]] = {
        "predict": (
            VerbOption(
                ("--horizon",),
                int | None,
                None,
                "steps ahead of the end of each series; by default as in training, beyond that its own "
                "forecasts are fed back",
            ),
        )
    }

    def reads(self) -> "Reads":
        from unrolled.tasks.forecast.reads import ReadsSeries

        return ReadsSeries()

    def prepare(self, opened: "Opened", start: "Beginning", progress: "Progress") -> Prepared:
        from unrolled.tasks.forecast.data import prepare_forecast
        from unrolled.tasks.forecast.train import PreparedForecast

        return PreparedForecast(prepare_forecast(opened, start.data), (start.data, start.model, start.config))

    def load(self, folder: Path) -> Trained:
        from unrolled.tasks.forecast.trained import TrainedForecast

        return TrainedForecast(folder)

    def stream(self, folder: Path, **options: Any) -> LiveStream:
        from unrolled.tasks.forecast.load import load_forecast
        from unrolled.tasks.forecast.stream import ForecastStream

        return ForecastStream(load_forecast(folder))

    def score_lines(self, scores: dict[str, Any]) -> list[str]:
        """The scores, and below them those of forecasts without a model."""
        shown = [_metric(name, metric) for name, metric in scores["metrics"].items() if metric["value"] is not None]
        lines = [f"{', '.join(shown)}; {scores['windows']:,} windows, in standard deviations of each channel"]
        for name, metrics in scores["baselines"].items():
            known = [_metric(metric, value) for metric, value in metrics.items() if value["value"] is not None]
            lines.append(f"  {name}: {', '.join(known)}")
        return lines


def _metric(name: str, metric: dict[str, Any]) -> str:
    from unrolled.scoring.names import metric_in_words

    if name.startswith("coverage_"):
        return f"{name.removeprefix('coverage_')} % interval holds {100 * metric['value']:.1f} %"
    spread = "" if metric["low"] is None or name != "mse" else f" ({metric['low']:.3g} to {metric['high']:.3g})"
    return f"{metric_in_words(name)} {metric['value']:.4f}{spread}"
