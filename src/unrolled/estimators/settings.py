"""The settings of an estimator: the options of the command line without their group, as parameters with names."""

import inspect
import typing
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from unrolled.data.config import DataConfig
from unrolled.models.config import ModelConfig
from unrolled.training.config import TrainConfig

GROUPS = {"data": DataConfig, "model": ModelConfig, "train": TrainConfig}


def signature() -> inspect.Signature:
    """Of an estimator's `__init__`, which scikit-learn reads: all settings, `run` and `silent`, each with its default.

    Lists are tuples there, since a default must not change.
    """
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    parameters.append(inspect.Parameter("run", keyword, default=None, annotation=str | Path | None))
    parameters.append(inspect.Parameter("silent", keyword, default=True, annotation=bool))
    for config in GROUPS.values():
        hints = typing.get_type_hints(config)
        for field in fields(config):
            default = () if field.default is MISSING else field.default
            parameters.append(inspect.Parameter(field.name, keyword, default=default, annotation=hints[field.name]))
    return inspect.Signature(parameters)


def configs(settings: dict[str, Any]) -> tuple[DataConfig, ModelConfig, TrainConfig]:
    """The settings by group."""
    made = []
    for config in GROUPS.values():
        values = {field.name: settings[field.name] for field in fields(config)}
        made.append(config(**{k: list(value) if isinstance(value, tuple) else value for k, value in values.items()}))
    data, model, train = made
    return data, model, train
