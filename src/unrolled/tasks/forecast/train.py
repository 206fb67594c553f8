"""Series ready for training, and the network that learns to forecast them."""

import contextlib
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.layers.state import State
from unrolled.models.config import ModelConfig
from unrolled.tasks.forecast.data import ForecastData
from unrolled.tasks.forecast.defaults import choose_for_forecast, network_config
from unrolled.tasks.forecast.files import Windows
from unrolled.tasks.forecast.forecast import ForecastScores, score_forecasts
from unrolled.tasks.forecast.network import ForecastNetwork
from unrolled.tasks.forecast.windows import ForecastBatch, ForecastFeed
from unrolled.tasks.task import Assembly, Part, Shard
from unrolled.tasks.words import PARTS
from unrolled.training.applicable import Situation
from unrolled.training.loop import Position
from unrolled.training.precision import autocast, choose_precision
from unrolled.training.run_training import Configs, model_in_words, seed_beginning, training_in_words

MOST_WEIGHTS = 200_000_000
"""of a network that forecasts"""


class ForecastObjective(nn.Module):
    """The summed loss of some windows; there is no state between batches."""

    def __init__(self, network: ForecastNetwork, *, autocast: contextlib.AbstractContextManager) -> None:
        super().__init__()
        self.network, self.autocast = network, autocast

    def forward(self, batch: ForecastBatch, state: State | None) -> tuple[Float[Tensor, ""], State]:
        past, future, known, *_ = cast(tuple[Any, ...], batch)
        with self.autocast:
            loss, _ = self.network.losses(past, future, known)
        return loss, ()


class PreparedForecast:
    """Windows over series, and a network that forecasts."""

    task = "forecast"

    def __init__(self, series: ForecastData, given: Configs) -> None:
        self.series, self.given = series, given
        self.summary, self.notes, self.fingerprint = series.summary, series.notes, series.fingerprint
        self.split: dict[str, Any] | None = series.split

    def configure(self) -> Configs:
        return choose_for_forecast(*self.given, self.series.rules, len(self.series.windows["train"]))

    def situation(self, chosen: Configs) -> Situation:
        data, model, _ = chosen
        return Situation(self.task, model.family, frozenset(["numeric"]), "numeric", data=data, model=model)

    def assemble(self, chosen: Configs, device: torch.device, shard: Shard) -> Assembly:
        data, model, config = chosen
        series, training = self.series, self.series.windows["train"]
        network = make_network(series, data, model, config.seed)
        feed = ForecastFeed(
            training, batch_size=config.batch_size or 1, seed=config.seed, rank=shard.rank, world=shard.world
        )
        context = autocast(choose_precision(config.precision, device), device)
        valid = series.windows.get("valid")

        def validate() -> ForecastScores:
            assert valid is not None
            with context:
                return score_forecasts(network, valid, period=series.rules.period)

        kind = "quantile loss" if series.encoding.levels else "absolute error"
        return Assembly(
            network=network,
            objective=ForecastObjective(network, autocast=context),
            feed=feed,
            validate=None if valid is None else validate,
            facts={},
            files={"encoding.json": series.encoding.to_text()},
            opening=[
                f"{model_in_words(model, network.parameters())}; segments of {model.patch} steps, channels "
                f"{model.channels}",
                training_in_words(config, f"batches of {feed.batch_size}, {len(training):,} windows"),
            ],
            loss=f"Loss ({kind}, in standard deviations of each channel)",
            unit="values",
            nats=False,
        )

    def held_out(self) -> list[Part]:
        series = self.series
        return [
            Part(name, PARTS[name], Windows(series.windows[name], series.values[name]))
            for name in ("valid", "test")
            if name in series.windows
        ]

    def facts(self, position: Position) -> dict[str, Any]:
        return {"context": self.series.rules.context, "horizon": self.series.rules.horizon}


def make_network(prepared: ForecastData, data: DataConfig, model: ModelConfig, seed: int) -> ForecastNetwork:
    """The network for some series. Raises `UserError` for sizes that do not fit."""
    seed_beginning(seed)
    encoding = prepared.encoding
    config = network_config(
        model,
        prepared.rules,
        channels=encoding.channels,
        targets=encoding.target_channels,
        known=encoding.features,
        known_channels=encoding.known_channels,
        missing=prepared.missing,
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
