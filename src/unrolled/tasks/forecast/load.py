"""A trained model that forecasts, from a run directory or a model directory."""

from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

from unrolled.data.encoders.calendar import CYCLES
from unrolled.data.records import Reading
from unrolled.models.files import read_model
from unrolled.tasks.forecast.encoding import ForecastEncoding
from unrolled.tasks.forecast.network import ForecastNetwork, name_today
from unrolled.tasks.forecast.network_config import ForecastConfig
from unrolled.tasks.forecast.reads import ReadsSeries
from unrolled.tasks.load import ADVICE, model_for
from unrolled.untrusted import read_text, sound, typed


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
    return typed(ForecastConfig(**{name: value for name, value in saved.items() if name in known} | lists))


def load_forecast(path: str | Path) -> LoadedForecast:
    """The model in a run directory (its best one) or in a model directory.

    Raises `UserError` if there is none, it is damaged, or a newer version wrote it.
    """
    folder = model_for(path, "forecast")
    network, config = read_model(
        folder, lambda _, settings: ForecastNetwork(settings), _settings, name_today=name_today
    )
    with sound(f"{folder} holds a damaged encoding.json", ADVICE):
        encoding = typed(ForecastEncoding.from_text(read_text(folder / "encoding.json")))
        typed(reading_by(encoding))
        _check_fit(encoding, network.config)
    return LoadedForecast(network, encoding, config, folder)


def reading_by(encoding: ForecastEncoding) -> Reading:
    """How a model's files are read: as those of its training."""
    reading = encoding.reading
    return Reading(
        wish=ReadsSeries.wish,
        id=reading["id"],
        time=reading["time"],
        time_form=encoding.time_form,
        decimal=reading.get("decimal", "auto"),
        formats={name: (decimal, unit) for name, (decimal, unit) in reading.get("formats", {}).items()},
    )


def _check_fit(encoding: ForecastEncoding, config: ForecastConfig) -> None:
    """Raises `ValueError` unless the encoders give what the network reads."""
    sizes = encoding.channels, encoding.target_channels, encoding.known_channels, encoding.features
    if sizes != (config.channels, config.targets, config.known_channels, config.known):
        raise ValueError("its columns are others than those of the weights")
    if len(encoding.scaler.centre) != len(encoding.numbers) or not set(encoding.cycles) <= set(CYCLES):
        raise ValueError("its scaler or its calendar is not that of its columns")
