"""Settings are checked before anything is read; every number has a range, and the defaults are within."""

import copy
import subprocess
import sys
import typing
from dataclasses import fields

import pytest

from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.training.config import TrainConfig
from unrolled.training.ranges import RANGES, check_ranges

CONFIGS = {"data": DataConfig(), "model": ModelConfig(), "train": TrainConfig()}


def refused(name: str, value: object) -> str:
    group, field = name.split(".")
    changed = copy.copy(CONFIGS[group])
    setattr(changed, field, value)  # past the run-time type checks of the tests
    with pytest.raises(UserError) as error:
        check_ranges(*{**CONFIGS, group: changed}.values())
    return str(error.value)


def numbers() -> list[str]:
    names = []
    for group, config in CONFIGS.items():
        hints = typing.get_type_hints(type(config))
        for field in fields(config):
            parts = {hints[field.name], *typing.get_args(hints[field.name])}
            if parts & {int, float}:
                names.append(f"{group}.{field.name}")
    return names


def test_the_defaults_are_fine() -> None:
    check_ranges(*CONFIGS.values())


def test_every_number_has_a_range() -> None:
    assert sorted(RANGES) == sorted(numbers())


@pytest.mark.parametrize("name", RANGES)
def test_below_zero_nothing_is_allowed(name: str) -> None:
    assert refused(name, -1).startswith(f"--{name} is -1; give ")


def test_it_does_not_import_torch() -> None:
    script = "import sys, unrolled.training.ranges; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
