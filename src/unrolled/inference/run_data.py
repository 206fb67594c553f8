"""What data a run was trained with, as its folder says."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from unrolled.data.config import DataConfig
from unrolled.errors import UserError


class RunData(NamedTuple):
    files: list[str]
    data: DataConfig
    seed: int
    split: dict[str, Any]
    """split.json: how the parts came about, and what is in each"""


def data_of_run(model: Path) -> RunData:
    """The data of the run that a model directory belongs to. Raises `UserError` if it does not say."""
    run = model.parent
    path = run / "config.yaml"
    if not path.is_file():
        raise UserError(f"{model} does not say what it was trained with; name the files to judge")
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        files, data, seed = config["files"], DataConfig(**config["data"]), config["train"]["seed"]
        path = run / "split.json"
        split = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, KeyError, TypeError, OSError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path} is damaged or missing ({reason}); name the files to judge") from error
    if not files:
        raise UserError(f"{run} was trained with data in memory, which is not here; name the files to judge")
    return RunData(files, data, seed, split)
