"""What data a run was trained with, as its folder says."""

import json
from collections.abc import Container
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from unrolled.data.config import DataConfig
from unrolled.errors import UserError


class RunData(NamedTuple):
    files: list[str]
    data: DataConfig
    seed: int


def data_of_run(model: Path) -> RunData:
    """The data of the run that a model directory belongs to. Raises `UserError` if it does not say."""
    run = model.parent
    path = run / "config.yaml"
    if not path.is_file():
        raise UserError(f"{model} does not say which data it was trained with; name the files to judge")
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        found = RunData(config["files"], DataConfig(**config["data"]), config["train"]["seed"])
    except (ValueError, KeyError, TypeError, OSError, yaml.YAMLError) as error:
        raise _damaged(path, error) from error
    if not found.files:
        raise UserError(f"{run} was trained with data in memory, which is not here; name the files to judge")
    return found


def split_of_run(model: Path) -> dict[str, Any]:
    """split.json: how the parts of the run came about, and what is in each. Raises `UserError` as `data_of_run`."""
    path = model.parent / "split.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise _damaged(path, error) from error


def held_out(wanted: str, parts: Container[str], model: Path) -> list[str]:
    """The part that was asked for, or for "auto" all that were held out. Raises `UserError` if there is none."""
    if wanted != "auto":
        return [wanted]
    names = [name for name in ("valid", "test") if name in parts]
    if not names:
        raise UserError(f"nothing was held out of the training of {model.parent}; name files to judge, or --part train")
    return names


def _damaged(path: Path, error: Exception) -> UserError:
    return UserError(f"{path} is damaged or missing ({' '.join(str(error).split())}); name the files to judge")
