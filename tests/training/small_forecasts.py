"""Forecasting runs of a moment, and what they predict."""

from pathlib import Path
from typing import Any

from unrolled.data.config import DataConfig
from unrolled.data.records import Notes
from unrolled.models.config import ModelConfig
from unrolled.tasks.forecast.files import read_series
from unrolled.tasks.forecast.load import load_forecast
from unrolled.tasks.forecast.predict import predictions
from unrolled.tasks.train_files import train_files
from unrolled.training.config import TrainConfig


def train(file: Path, run: Path, task: str | None = None, **data: Any) -> dict[str, Any]:
    """Two updates on a file; settings of the data as named."""
    return train_files(
        [str(file)],
        task=task,
        run=str(run),
        data=DataConfig(**{"context": 8, "horizon": 4, **data}),
        model=ModelConfig(width=8, patch=4),
        train_config=TrainConfig(max_steps=2, batch_size=8),
        silent=True,
    )


def predicted(run: Path, file: Path) -> list[dict[str, Any]]:
    """The rows that the run predicts for a file."""
    loaded = load_forecast(run)
    return list(predictions(loaded, read_series(loaded, [str(file)], Notes())).rows)
