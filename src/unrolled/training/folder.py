"""The run directory: a name that is free, its configuration, and the checkpoint to go on from."""

import contextlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import yaml

from unrolled.atomic import cannot_write, write_atomically
from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.models.files import recover_folder
from unrolled.training.checkpoints import Checkpoint, CheckpointDamaged, latest_checkpoint, load_checkpoint
from unrolled.training.config import TrainConfig
from unrolled.untrusted import fits, parse_yaml, read_text

RUNS = Path("runs")


def find_resume(files: list[str], run: str | None, config: TrainConfig) -> tuple[Path | None, Checkpoint | None]:
    """The folder to go on in and the checkpoint to go on from; (None, None) if the run begins anew.

    `--train.resume auto` looks into the run's folder, or without one into the newest run of these files; it begins
    anew where there is no checkpoint. A folder given by name must hold one. Raises `UserError` where going on or
    beginning would overwrite something.
    """
    if config.resume is None:
        if run is not None and (Path(run).is_file() or _content(Path(run))):
            raise UserError(
                f"{run} already exists; go on with it by --train.resume auto, or choose another folder with --run"
            )
        return (None, None) if run is None else (Path(run), None)
    if config.resume == "auto":
        folder = Path(run) if run is not None else _newest(files)
        if folder is None:
            return None, None
        if _content(folder) and not (folder / "config.yaml").is_file():
            raise UserError(f"{folder} already exists and is not a run; choose another folder with --run")
        checkpoint = _latest(folder)
        return (folder, checkpoint) if checkpoint is not None or run is not None else (None, None)
    path = Path(config.resume)
    folder = path.parent.parent if re.fullmatch(r"step-\d+", path.name) else path
    if run is not None and Path(run).resolve() != folder.resolve():
        raise UserError(f"a run goes on in its own folder: leave out --run {run}, or make it {folder}")
    if not path.is_dir():
        raise UserError(f"--train.resume {path} does not exist; give a run folder, a checkpoint folder, or auto")
    if folder is path:
        if (checkpoint := _latest(folder)) is None:
            raise UserError(f"--train.resume {path} holds no checkpoint; give a run folder, or auto")
        return folder, checkpoint
    try:
        tensors, meta = load_checkpoint(path)
    except CheckpointDamaged as error:
        raise UserError(f"{error}; use --train.resume {folder} for the newest whole one") from error
    return folder, Checkpoint(tensors, meta, path)


def require_empty(folder: Path) -> None:
    """Raises `UserError` if another training has begun and ended in the folder since `find_resume`."""
    if _content(folder):
        raise UserError(f"{folder} was made by another training meanwhile; choose another folder with --run")


def new_folder(files: list[str], family: str) -> Path:
    """A name below `runs/` that no other run has."""
    name = f"{_stem(files)}-{family}"
    names = (RUNS / (name if number == 1 else f"{name}-{number}") for number in range(1, 1_000_000))
    return next(folder for folder in names if not folder.exists())


def claimed_folder(files: list[str], family: str) -> Path:
    """A new folder of such a name, which no other training has taken. Raises `UserError` if the system refuses."""
    while True:
        folder = new_folder(files, family)
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue  # another one was quicker
        except OSError as error:
            raise cannot_write(folder, error) from error
        return folder


def made_folder(folder: Path) -> Path:
    """A folder, made if it is not there. Raises `UserError` if the system refuses."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    return folder


def write_config(
    folder: Path, files: list[str], task: str, data: DataConfig, model: ModelConfig, train: TrainConfig
) -> None:
    """config.yaml: everything that was given or chosen, in the form `--config` reads."""
    content = {
        "files": _resolved(files),
        "task": task,
        "data": asdict(data),
        "model": asdict(model),
        "train": asdict(replace(train, resume=None)),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "config.yaml", yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    except OSError as error:
        raise cannot_write(folder, error) from error


@contextlib.contextmanager
def still_there(folder: Path) -> Iterator[None]:
    """While a run trains. Raises `UserError` if it fails since its folder was deleted or moved meanwhile."""
    try:
        yield
    except OSError as error:
        if (folder / "config.yaml").is_file():
            raise
        raise UserError(
            f"the folder {folder} of the run was deleted or moved while it trained; train again, and leave it in its "
            "place until the end"
        ) from error


def clear_leftovers(folder: Path) -> None:
    """Remove what a kill left of a model that was being written, and bring back the one it was to replace."""
    recover_folder(folder / "best")
    for path in (*folder.glob(".best.*.new"), *folder.glob(".best.old")):
        shutil.rmtree(path, ignore_errors=True)


def _stem(files: list[str]) -> str:
    first = Path(files[0]).resolve()
    return re.sub(r"[^\w.-]+", "-", first.name if first.is_dir() else first.stem) or "run"


def _newest(files: list[str]) -> Path | None:
    """The run of these files that was started last."""
    wanted = _resolved(files)
    configs = [config for config in RUNS.glob("*/config.yaml") if _files_of(config) == wanted]
    return max(configs, key=lambda config: config.stat().st_mtime_ns).parent if configs else None


def _files_of(config: Path) -> list[str] | None:
    try:
        content = parse_yaml(read_text(config))
    except (OSError, ValueError):
        return None
    files = content.get("files") if isinstance(content, dict) else None
    return files if fits(files, list[str]) else None


def _resolved(files: list[str]) -> list[str]:
    return [str(Path(file).resolve()) for file in files]


def _content(folder: Path) -> bool:
    """Whether something is in a folder, besides what a killed run leaves behind half-written."""
    return folder.is_dir() and any(not path.name.startswith(".") for path in folder.iterdir())


def _latest(folder: Path) -> Checkpoint | None:
    """The newest whole checkpoint of a run, or None if it has none yet."""
    checkpoint = latest_checkpoint(folder / "checkpoints")
    if checkpoint is None and any((folder / "checkpoints").glob("step-*")):
        raise UserError(
            f"all checkpoints in {folder / 'checkpoints'} are damaged; the best model in {folder / 'best'} may still "
            "be whole: use it, or train into another folder with --run"
        )
    return checkpoint
