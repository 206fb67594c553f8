"""Which settings belong to which tasks, families and data: one that would be ignored is refused. Light: no torch."""

from dataclasses import fields
from typing import NamedTuple

from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.settings import Setting, settings_in
from unrolled.training.config import TrainConfig


class Situation(NamedTuple):
    """What is trained, on what."""

    task: str
    family: str
    """the one chosen, not "auto" """
    inputs: frozenset[str]
    """kinds of the fields that are read, see `unrolled.data.records`"""
    target: str | None = None
    """kind of the field that is learned"""
    multilabel: bool = False
    """whether several labels hold at once"""
    data: DataConfig = DataConfig()
    """as chosen"""
    model: ModelConfig = ModelConfig()
    """as chosen"""

    def __str__(self) -> str:
        kinds = " and ".join(sorted(self.inputs)) or "no"
        return f"{self.task} with family {self.family} on {kinds} inputs"


CONFIGS = {"data": DataConfig, "model": ModelConfig, "train": TrainConfig}

RULES: dict[str, Setting] = {
    f"{group}.{name}": setting
    for group, config in CONFIGS.items()
    for name, setting in settings_in(config).items()
    if not setting.everywhere
}
"""Every setting that is not for everything."""


def check_applicable(here: Situation, data: DataConfig, model: ModelConfig, train: TrainConfig) -> None:
    """Raises `UserError` for the first setting, as given, that differs from its default and would be ignored."""
    for group, config in (("data", data), ("model", model), ("train", train)):
        default = type(config)()
        for field in fields(config):
            rule = RULES.get(f"{group}.{field.name}")
            value = getattr(config, field.name)
            if value == getattr(default, field.name):
                continue
            if rule is not None and not rule.holds(here):
                raise UserError(
                    f"--{group}.{field.name} {_said(value)} would have no effect: it is for {rule.where}, and this is "
                    f"{here}; leave it out"
                )


def _said(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
