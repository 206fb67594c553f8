"""Which training some files need."""

from typing import Any

from unrolled.data.config import DataConfig
from unrolled.data.given import given_paths
from unrolled.data.readers.registry import is_plain_text
from unrolled.models.config import ModelConfig
from unrolled.training.config import TrainConfig


def train_files(
    files: list[str],
    *,
    task: str | None = None,
    run: str | None = None,
    data: DataConfig | None = None,
    model: ModelConfig | None = None,
    train_config: TrainConfig | None = None,
    silent: bool = False,
) -> dict[str, Any]:
    """Train on any files, for the task given or the one that they and the settings suggest. Raises `UserError`."""
    paths = given_paths(files, "file")
    if task is None and data is not None and data.known:
        task = "forecast"  # the only one that knows columns ahead
    if task == "language" or (task is None and is_plain_text(paths)):
        from unrolled.tasks.language.train import train_language

        return train_language(files, run=run, data=data, model=model, train_config=train_config, silent=silent)
    if task == "describe":
        from unrolled.tasks.describe.train import train_description

        return train_description(files, run=run, data=data, model=model, train_config=train_config, silent=silent)
    from unrolled.data.readers.table_cache import tables_kept

    with tables_kept():
        return _train_opened(files, task, run=run, data=data, model=model, train_config=train_config, silent=silent)


def _train_opened(files: list[str], task: str | None, *, data: DataConfig | None, **settings: Any) -> dict[str, Any]:
    from unrolled.data.readers.table_cache import forget_tables
    from unrolled.tasks.forecast.open_series import open_for_forecast
    from unrolled.tasks.translate.data import open_for_translation

    opened = open_for_forecast(files, data or DataConfig(), task)
    if opened is not None:
        forget_tables()
        from unrolled.tasks.forecast.train import train_forecast

        return train_forecast(files, data=data, opened=opened, **settings)
    pairs = open_for_translation(files, data or DataConfig(), task)
    if pairs is not None:
        from unrolled.tasks.translate.train import train_translation

        forget_tables()
        return train_translation(files, pairs, data=data, **settings)
    from unrolled.tasks.labels.train import train_records

    return train_records(files, task=task, data=data, **settings)
