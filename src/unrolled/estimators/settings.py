"""The settings of an estimator: the options of the command line without their group, as parameters with names."""

import difflib
import inspect
import typing
from collections.abc import Iterable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.data.config import DataConfig
from unrolled.data.given import given_path
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.settings import settings_in
from unrolled.tasks.task import task_named
from unrolled.training.applicable import CONFIGS
from unrolled.training.config import TrainConfig


class UnknownSetting(UserError, TypeError):
    """A setting that an estimator does not have."""


def settings_of(name: str) -> frozenset[str]:
    """The settings, without their group, that do something for a task: with some family, on some data."""
    kinds = frozenset(task_named(name).input_kinds)
    return frozenset(
        key
        for config in CONFIGS.values()
        for key, setting in settings_in(config).items()
        if setting.fits(task=name, inputs=kinds)
    )


def signature(task: str, *, silent: bool) -> inspect.Signature:
    """Of the `__init__` of an estimator, which scikit-learn reads: the settings that its task has, beside `run`,
    `silent` and `random_state`, each with its default.

    Lists are tuples there, since a default must not change.
    """
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    parameters.append(inspect.Parameter("run", keyword, default=None, annotation=str | Path | None))
    parameters.append(inspect.Parameter("silent", keyword, default=silent, annotation=bool))
    parameters.append(inspect.Parameter("random_state", keyword, default=None, annotation=Any))
    mine = settings_of(task)
    for config in CONFIGS.values():
        hints = typing.get_type_hints(config)
        for field in (field for field in fields(config) if field.name in mine):
            default = () if field.default is MISSING else field.default
            parameters.append(inspect.Parameter(field.name, keyword, default=default, annotation=hints[field.name]))
    return inspect.Signature(parameters)


def require_known(name: str, known: Iterable[str], who: str, noun: str = "setting") -> None:
    """Raises `UnknownSetting` for a name that is not among those known, with the nearest."""
    names = sorted(known)
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        advice = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(names)}"
        raise UnknownSetting(f"{who} has no {noun} {name!r}; {advice}")


def configs(estimator: Any, **instead: Any) -> tuple[DataConfig, ModelConfig, TrainConfig]:
    """The settings by group, some of them replaced; those that the estimator does not have are at their defaults.

    Raises `UserError` for a `random_state` that is none, or one beside a seed, and for a `run` that is no folder.
    """
    if estimator.run is not None:
        given_path(estimator.run, "run")
    made = []
    for config in CONFIGS.values():
        names = [field.name for field in fields(config) if hasattr(estimator, field.name)]
        values = {name: instead.get(name, getattr(estimator, name)) for name in names}
        made.append(config(**{name: _plain(value) for name, value in values.items()}))
    data, model, train = made
    if estimator.random_state is not None:
        if train.seed != TrainConfig.seed:
            raise UserError(f"seed is {train.seed} and there is a random_state too; give one of the two")
        train.seed = seed_of(estimator.random_state)
    return data, model, train


def seed_of(random_state: Any) -> int:
    """What a `random_state` makes of `seed`: the number itself, or one drawn from a generator of NumPy."""
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31 - 1))
    if isinstance(random_state, bool) or not isinstance(random_state, int | np.integer) or random_state < 0:
        raise UserError(
            f"random_state is {random_state!r}; give a whole number from 0 on, a generator of NumPy, or None"
        )
    return int(random_state)


def _plain(value: Any) -> Any:
    """As a config holds it: lists for tuples, Python's numbers for those of NumPy, of which grids are made."""
    if isinstance(value, tuple):
        return list(value)
    return value.item() if isinstance(value, np.generic) else value
