"""Train a model that forecasts: from files with series to a run directory."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unrolled.atomic import write_atomically
from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.models.files import write_model
from unrolled.tasks.forecast.conclude import conclude_forecast
from unrolled.tasks.forecast.data import ForecastData, prepare_forecast
from unrolled.tasks.forecast.defaults import choose_for_forecast, network_config
from unrolled.tasks.forecast.forecast import ForecastScores, score_forecasts
from unrolled.tasks.forecast.network import ForecastNetwork
from unrolled.tasks.forecast.objective import ForecastObjective
from unrolled.tasks.forecast.open_series import Opened, open_for_forecast
from unrolled.tasks.forecast.windows import ForecastFeed
from unrolled.tasks.model_card import record_card
from unrolled.training.applicable import Situation
from unrolled.training.config import TrainConfig
from unrolled.training.loop import Position
from unrolled.training.precision import autocast, choose_precision
from unrolled.training.progress import Progress
from unrolled.training.run_training import Plan, begin, execute, limits_in_words, model_in_words, seed_beginning, settle

MOST_WEIGHTS = 200_000_000
"""of a network that forecasts"""


def train_forecast(
    files: list[str],
    *,
    run: str | None = None,
    data: DataConfig | None = None,
    model: ModelConfig | None = None,
    train_config: TrainConfig | None = None,
    silent: bool = False,
    opened: Opened | None = None,
) -> dict[str, Any]:
    """Train on series and return what came of it; all of it is in the run directory.

    `opened` are the files where they are open already, or series in memory. Raises `UserError` for what the user can
    mend.
    """
    start = begin(files, run, "forecast", data, model, train_config)
    data, model, config, accelerator = start.data, start.model, start.config, start.accelerator
    # A run that goes on reads the files with the settings it began with, which may be more than were given now.
    if opened is None or (start.checkpoint is not None and files):
        opened = open_for_forecast(files, data, "forecast")
    assert opened is not None
    found = prepare_forecast(opened, data)
    training = found.windows["train"]
    given = data, model, config
    data, model, config = choose_for_forecast(data, model, config, found.rules, len(training))
    here = Situation("forecast", model.family, frozenset(["numeric"]), "numeric", data=data, model=model)
    settings = settle(start, here, given, (data, model, config), found.fingerprint)
    network = make_network(found, data, model, config.seed)
    feed = ForecastFeed(
        training,
        batch_size=config.batch_size or 1,
        seed=config.seed,
        rank=accelerator.process_index,
        world=accelerator.num_processes,
    )
    context = autocast(choose_precision(config.precision, accelerator.device), accelerator.device)
    valid = found.windows.get("valid")

    def validate() -> ForecastScores:
        assert valid is not None
        with context:
            return score_forecasts(network, valid, period=found.rules.period)

    def save(folder: Path, position: Position, scores: Any, whole: dict[str, Tensor]) -> None:
        card = record_card("forecast", model, found.summary, scores, position.step)
        files = {"encoding.json": found.encoding.to_text(), "README.md": card}
        write_model(folder, network, facts={"task": "forecast", "step": position.step}, files=files, weights=whole)

    def finish(folder: Path, position: Position, reason: str, progress: Progress) -> dict[str, Any]:
        write_atomically(folder / "split.json", json.dumps(found.split) + "\n")
        return conclude_forecast(folder, found, position, settings, reason, progress, device=accelerator.device)

    plan = Plan(
        data=data,
        model=model,
        config=config,
        settings=settings,
        network=network,
        objective=ForecastObjective(network, autocast=context),
        feed=feed,
        validate=None if valid is None else validate,
        save=save,
        conclude=finish,
        opening=[
            found.summary,
            *found.notes,
            f"{model_in_words(model, network.parameters())}; segments of {model.patch} steps, channels "
            f"{model.channels}",
            f"training: {config.optimizer}, rate {config.learning_rate:g}, batches of {feed.batch_size}, "
            f"{len(training):,} windows, until {limits_in_words(config)}",
        ],
        unit="values",
        nats=False,
    )
    return execute(plan, start, silent=silent)


def make_network(found: ForecastData, data: DataConfig, model: ModelConfig, seed: int) -> ForecastNetwork:
    """The network for some series. Raises `UserError` for sizes that do not fit."""
    seed_beginning(seed)
    encoding = found.encoding
    config = network_config(
        model,
        found.rules,
        channels=encoding.channels,
        targets=encoding.target_channels,
        known=encoding.features,
        known_channels=encoding.known_channels,
        missing=found.missing,
        levels=encoding.levels,
        window_scaling=data.scaling == "window",
    )
    try:
        with torch.device("meta"):  # counted before anything is allocated
            weights = sum(parameter.numel() for parameter in ForecastNetwork(config).parameters())
        if weights > MOST_WEIGHTS:
            raise UserError(
                f"a look-back of {config.context:,} steps, a horizon of {config.horizon:,} and a width of "
                f"{config.width:,} make a network of {weights:,} weights, and {MOST_WEIGHTS:,} are the most; give a "
                "smaller --data.context, --data.horizon or --model.width"
            )
        return ForecastNetwork(config)
    except ValueError as error:
        raise UserError(f"the model cannot be built: {error}") from error
