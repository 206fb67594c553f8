"""The run directory: a name that is free, its configuration, and the checkpoint to go on from."""

import re
from dataclasses import asdict, replace
from pathlib import Path

import yaml

from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.training.atomic import cannot_write, write_atomically
from unrolled.training.checkpoints import Checkpoint, CheckpointDamaged, latest_checkpoint, load_checkpoint
from unrolled.training.config import TrainConfig

RUNS = Path("runs")


def find_resume(files: list[str], run: str | None, config: TrainConfig) -> tuple[Path | None, Checkpoint | None]:
    """The folder to go on in and the checkpoint to go on from; (None, None) if the run begins anew.

    `--train.resume auto` looks into the run's folder, or without one into the newest run of these files; it begins
    anew where there is no checkpoint. A folder given by name must hold one.
    """
    if config.resume is None:
        if run is not None and Path(run).exists() and (not Path(run).is_dir() or any(Path(run).iterdir())):
            raise UserError(
                f"{run} already exists; go on with it by --train.resume auto, or choose another folder with --run"
            )
        return (None, None) if run is None else (Path(run), None)
    if config.resume == "auto":
        folder = Path(run) if run is not None else _newest(files)
        found = None if folder is None else latest_checkpoint(folder / "checkpoints")
        return (folder, found) if found is not None or run is not None else (None, None)
    place = Path(config.resume)
    if re.fullmatch(r"step-\d+", place.name):
        try:
            tensors, meta = load_checkpoint(place)
        except CheckpointDamaged as error:
            raise UserError(f"{error}; use --train.resume {place.parent.parent} for the newest whole one") from error
        return place.parent.parent, Checkpoint(tensors, meta, place)
    found = latest_checkpoint(place / "checkpoints") if place.is_dir() else None
    if found is None:
        raise UserError(f"--train.resume {place} holds no checkpoint; give a run folder, or auto")
    return place, found


def new_folder(files: list[str], family: str) -> Path:
    """A name below `runs/` that no other run has."""
    name = f"{_stem(files)}-{family}"
    names = (RUNS / (name if number == 1 else f"{name}-{number}") for number in range(1, 1_000_000))
    return next(folder for folder in names if not folder.exists())


def write_config(folder: Path, files: list[str], data: DataConfig, model: ModelConfig, train: TrainConfig) -> None:
    """config.yaml: everything that was given or chosen, in the form `--config` reads."""
    content = {
        "files": [str(Path(file).resolve()) for file in files],
        "task": "language",
        "data": asdict(data),
        "model": asdict(model),
        "train": asdict(replace(train, resume=None)),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "config.yaml", yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    except OSError as error:
        raise cannot_write(folder, error) from error


def _stem(files: list[str]) -> str:
    first = Path(files[0]).resolve()
    return re.sub(r"[^\w.-]+", "-", first.name if first.is_dir() else first.stem) or "run"


def _newest(files: list[str]) -> Path | None:
    """The run of these files that was changed last."""
    pattern = re.compile(re.escape(_stem(files)) + r"-[a-z]+(-\d+)?")
    folders = [folder for folder in RUNS.glob("*") if pattern.fullmatch(folder.name) and folder.is_dir()]
    return max(folders, key=lambda folder: (folder / "checkpoints").stat().st_mtime, default=None) if folders else None
