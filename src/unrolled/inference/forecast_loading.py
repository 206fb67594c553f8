"""A trained model that forecasts, from a run directory or a model directory."""

from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

from unrolled.data.forecast_encoding import ForecastEncoding
from unrolled.errors import UserError
from unrolled.inference.loading import find_model
from unrolled.models.files import read_model
from unrolled.models.forecast_config import ForecastConfig
from unrolled.models.forecasting import ForecastNetwork


class LoadedForecast(NamedTuple):
    network: ForecastNetwork
    encoding: ForecastEncoding
    config: dict[str, Any]
    """config.json of the model directory"""
    folder: Path


def _settings(saved: dict[str, Any]) -> ForecastConfig:
    known = {field.name for field in fields(ForecastConfig)}
    lists = {name: tuple(saved[name]) for name in ("targets", "quantiles")}
    lists["known_channels"] = tuple(saved.get("known_channels", ()))
    return ForecastConfig(**{name: value for name, value in saved.items() if name in known} | lists)


def load_forecast(place: str | Path) -> LoadedForecast:
    """The model in a run directory (its best one) or in a model directory.

    Raises `UserError` if there is none, it is damaged, or a newer version wrote it.
    """
    folder = find_model(Path(place))
    network, config = read_model(folder, lambda _, settings: ForecastNetwork(settings), _settings)
    try:
        encoding = ForecastEncoding.from_text((folder / "encoding.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder} holds a damaged encoding.json: {error}; use another copy or train again") from error
    found = encoding.channels, encoding.target_channels, encoding.known_channels
    if found != (network.config.channels, network.config.targets, network.config.known_channels):
        raise UserError(f"{folder} holds a damaged model: its weights are for other columns; use another copy")
    return LoadedForecast(network, encoding, config, folder)
