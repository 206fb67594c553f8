"""What is chosen where nothing is asked for, held by a table: from facts of the data to the complete configuration.

Whoever changes a default changes `defaults.yaml` with it, and says in benchmarks/defaults/ what was measured.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from unrolled.data.config import DataConfig
from unrolled.models.config import ModelConfig
from unrolled.tasks.describe.defaults import choose_for_descriptions
from unrolled.tasks.forecast.defaults import choose_for_forecast
from unrolled.tasks.forecast.rules import ForecastRules
from unrolled.tasks.labels.defaults import Facts, choose_for_records
from unrolled.tasks.language.defaults import choose
from unrolled.tasks.translate.defaults import choose_for_translation
from unrolled.training.config import TrainConfig

TABLE = yaml.safe_load(Path(__file__).with_name("defaults.yaml").read_text())
CONFIGS = {"data": DataConfig, "model": ModelConfig, "train": TrainConfig}


def chosen(task: str, facts: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The complete configuration as `group.name`, as far as it is not what a config begins with."""
    groups = {
        group: config(**{name.split(".")[1]: value for name, value in given.items() if name.startswith(f"{group}.")})
        for group, config in CONFIGS.items()
    }
    configs: Any = tuple(groups.values())
    if task == "language":
        configs = choose(*configs, **facts)
    elif task == "forecast":
        windows = facts["windows"]
        rules = ForecastRules(**{name: value for name, value in facts.items() if name != "windows"})
        configs = choose_for_forecast(*configs, rules, windows)
    elif task == "translate":
        configs = choose_for_translation(*configs, **facts)
    elif task == "describe":
        configs = choose_for_descriptions(*configs, **facts)
    else:
        configs = choose_for_records(*configs, Facts(task, **facts))
    return {
        f"{group}.{name}": value
        for (group, config), made in zip(CONFIGS.items(), configs, strict=True)
        for name, value in asdict(made).items()
        if value != getattr(config(), name)
    }


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["what"])
def test_what_is_chosen(row: dict[str, Any]) -> None:
    assert chosen(row["task"], row["facts"], row.get("given", {})) == row["chosen"]


def test_the_table_has_every_task_and_says_nothing_twice() -> None:
    from unrolled.tasks.task import TASKS

    assert {row["task"] for row in TABLE} == set(TASKS)
    cases = [str((row["task"], row["facts"], row.get("given", {}))) for row in TABLE]
    assert len(set(cases)) == len(cases)
