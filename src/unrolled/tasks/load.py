"""A trained model, whatever its task, from a run directory or a model directory."""

from pathlib import Path
from typing import Any

from unrolled.errors import UserError
from unrolled.models.files import read_config, recover_folder
from unrolled.tasks.task import TASKS, LiveStream, Task, Trained, task_named

ADVICE = "use another copy or train again"


def load(path: str | Path) -> Trained:
    """The model in a run directory (its best one) or in a model directory.

    Raises `UserError` if there is none, it is damaged, or a newer version wrote it.
    """
    folder = find_model(Path(path))
    return task_at(folder).load(folder)


def open_stream(path: str | Path, **options: Any) -> LiveStream:
    """The model in a run directory or in a model directory as a live stream; `options` are those of `stream` for its
    task. Raises `UserError` as `load`, and for a model that cannot run one step at a time."""
    folder = find_model(Path(path))
    return task_at(folder).stream(folder, **options)


def task_at(path: str | Path) -> Task:
    """The task that the model of a run directory or model directory was trained for. Raises `UserError` as `load`."""
    name = task_of(path)
    if name not in TASKS:
        raise UserError(f"{path} was trained for {name}, which this version of Unrolled does not know; upgrade it")
    return task_named(name)


def task_of(path: str | Path) -> str:
    """The task that the model of a run directory or model directory was trained for. Raises `UserError` as `load`."""
    return str(read_config(find_model(Path(path))).get("task", "language"))


def model_for(path: str | Path, *tasks: str) -> Path:
    """The model directory that a path means, of a model for one of these tasks. Raises `UserError` as `load`."""
    folder = find_model(Path(path))
    task = task_of(folder)
    if task not in tasks:
        raise UserError(f"{path} is a model for {task}, not one for {', '.join(tasks)}")
    return folder


def find_model(path: Path) -> Path:
    """The model directory that a path means."""
    if not path.exists():
        raise UserError(f"there is no run {path}; train one with: unrolled train FILE --run {path}")
    recover_folder(path / "best")
    for folder in (path / "best", path):
        if (folder / "config.json").is_file():
            return folder
    if (path / "checkpoints").is_dir() or (path / "config.yaml").is_file():
        raise UserError(
            f"the run {path} has no model yet: its first validation is still to come; "
            "wait for it, or go on with --train.resume auto"
        )
    raise UserError(f"{path} is not a run: it holds neither best/config.json nor config.json")
