"""What data a run was trained with, as its folder says."""

from collections.abc import Container
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.untrusted import parse_json, parse_yaml, read_text, sound, typed


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
    with _sound(path):
        config = parse_yaml(read_text(path))
        run_data = typed(RunData(config["files"], DataConfig(**config["data"]), config["train"]["seed"]))
    if not run_data.files:
        raise UserError(f"{run} was trained with data in memory, which is not here; name the files to judge")
    return run_data


def split_of_run(model: Path) -> dict[str, Any]:
    """split.json: how the parts of the run came about, and what is in each. Raises `UserError` as `data_of_run`."""
    path = model.parent / "split.json"
    with _sound(path):
        split = parse_json(read_text(path))
        if not isinstance(split, dict):
            raise ValueError("it holds no object")
    return split


def held_out(wanted: str, parts: Container[str], model: Path) -> list[str]:
    """The part that was asked for, or for "auto" all that were held out. Raises `UserError` if there is none."""
    if wanted != "auto":
        return [wanted]
    names = [name for name in ("valid", "test") if name in parts]
    if not names:
        raise UserError(f"nothing was held out of the training of {model.parent}; name files to judge, or --part train")
    return names


def _sound(path: Path) -> AbstractContextManager[None]:
    return sound(f"{path} is damaged or missing", "name the files to judge")
