"""From a plan to a run directory."""

import contextlib
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from unrolled.data.config import DataConfig
from unrolled.models.config import ModelConfig
from unrolled.plural import counted
from unrolled.training.applicable import Situation, check_applicable
from unrolled.training.checkpoints import Checkpoint
from unrolled.training.config import TrainConfig
from unrolled.training.folder import (
    claimed_folder,
    clear_leftovers,
    find_resume,
    made_folder,
    new_folder,
    require_empty,
    still_there,
    write_config,
)
from unrolled.training.interruption import watch_for_interruption
from unrolled.training.limits import duration_in_words, parse_duration
from unrolled.training.loop import Feed, Position, Scores, Training, train
from unrolled.training.metrics import MetricsLog, TensorBoardLog
from unrolled.training.optimizers import make_optimizers
from unrolled.training.parallel import full_weights, make_accelerator, wrap
from unrolled.training.progress import Progress
from unrolled.training.ranges import check_ranges, check_values
from unrolled.training.resume import (
    as_begun,
    check_meta,
    file_facts,
    require_same_settings,
    restore,
    sound_checkpoint,
    write_checkpoint,
)
from unrolled.training.run_lock import refuse_live, run_locked
from unrolled.training.threads import threads_asked_for


class Beginning(NamedTuple):
    """Where a training begins: the settings as given, or as they were when the run that goes on began."""

    files: list[str]
    data: DataConfig
    model: ModelConfig
    config: TrainConfig
    accelerator: Accelerator
    folder: Path | None
    checkpoint: Checkpoint | None
    anew: bool
    """whether the run was not asked to go on from anything"""

    @property
    def main(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.accelerator.is_main_process


def start_run(
    files: list[str],
    run: str | None,
    data: DataConfig | None,
    model: ModelConfig | None,
    config: TrainConfig | None,
) -> Beginning:
    """Check the settings and find the run to go on with, if that was asked for. Raises `UserError`."""
    data, model, config = data or DataConfig(), model or ModelConfig(), config or TrainConfig()
    check_ranges(data, model, config)
    accelerator = make_accelerator()
    folder, checkpoint = find_resume(files, run, config)
    if folder is not None and accelerator.is_main_process:  # the others belong to the same training
        refuse_live(folder)
    anew = config.resume is None
    if checkpoint is not None:
        with sound_checkpoint(checkpoint):
            check_meta(checkpoint.meta)
            before = checkpoint.meta["settings"]
            data, model = as_begun(data, before["data"]), as_begun(model, before["model"])
            config = as_begun(config, before["train"])
            check_values(data, model, config)
    return Beginning(files, data, model, config, accelerator, folder, checkpoint, anew)


Configs = tuple[DataConfig, ModelConfig, TrainConfig]


def check_settings(
    start: Beginning, here: Situation, given: Configs, chosen: Configs, fingerprint: str, *, noun: str
) -> dict[str, Any]:
    """What must be the same when the run goes on. `here` is what the settings are checked against, and `noun` what is
    learned from, for a person.

    Raises `UserError` for a setting given that would have no effect, or where a run goes on with another one.
    """
    data, model, config = chosen
    settings = {
        "data": asdict(data),
        "model": asdict(model),
        "train": asdict(config),
        "fingerprint": fingerprint,
        "files": file_facts(start.files),
        "noun": noun,
        "processes": start.accelerator.num_processes,
        "threads": torch.get_num_threads(),
    }
    if start.checkpoint is None:
        check_applicable(here, *given)
    else:
        with sound_checkpoint(start.checkpoint):
            require_same_settings(start.checkpoint.meta["settings"], settings)
    return settings


@dataclass
class Plan:
    """What is trained. The configurations are complete."""

    task: str
    data: DataConfig
    model: ModelConfig
    config: TrainConfig
    settings: dict[str, Any]
    """all that must be the same when the run goes on"""
    network: nn.Module
    objective: nn.Module
    """called with a batch and a state; holds the network as `network`"""
    feed: Feed
    validate: Callable[[], Scores] | None
    save: Callable[[Path, Position, Scores | None, dict[str, Tensor]], None]
    """write the model directory, with the whole weights"""
    conclude: Callable[[Path, Position, str, Progress], dict[str, Any]]
    """judge the best model, write the report, and return the result of the run"""
    opening: list[str]
    """what the run is, in a few lines"""
    is_matrix: Callable[[str, nn.Parameter], bool] | None = None
    carry: bool = False
    bytes_per_token: float | None = None
    unit: str = "tokens"
    nats: bool = True


def seed_beginning(seed: int) -> None:
    """Before a network is made, so that processes begin with equal weights."""
    torch.manual_seed(seed)


def run_training(plan: Plan, start: Beginning, *, silent: bool) -> dict[str, Any]:
    """Train as planned; what came of it. Raises `KeyboardInterrupt` when stopped, with the run ready to go on."""
    accelerator, config = start.accelerator, plan.config
    # Processes begin with equal weights and go on with random numbers of their own.
    _seed_everything(config.seed + 1 + accelerator.process_index)
    wrapped = wrap(plan.objective, config.parallel, accelerator)
    if start.folder is None:
        make = claimed_folder if start.main else new_folder
        folder = make(start.files, plan.model.family)
    else:
        folder = start.folder
    with run_locked(made_folder(folder)) if start.main else contextlib.nullcontext():
        if start.main and start.anew:
            require_empty(folder)
        with still_there(folder):
            return _run_training(plan, start, folder, wrapped, silent=silent)


def _run_training(plan: Plan, start: Beginning, folder: Path, wrapped: nn.Module, *, silent: bool) -> dict[str, Any]:
    accelerator, config, checkpoint = start.accelerator, plan.config, start.checkpoint
    if start.main:
        write_config(folder, start.files, plan.task, plan.data, plan.model, config)
        clear_leftovers(folder)
    accelerator.wait_for_everyone()

    def save_best(position: Position, scores: Scores | None) -> None:
        weights = full_weights(plan.network)
        if start.main:
            plan.save(folder / "best", position, scores, weights)

    log = folder / "log.txt" if start.main else None
    with (
        _records(folder, config, checkpoint, start.main) as record,
        Progress(silent=silent or not start.main, log=log) as progress,
    ):
        going_on = "" if checkpoint is None else f", going on from step {checkpoint.meta['position']['step']:,}"
        for line in (*plan.opening, f"run: {folder}{going_on}"):
            progress.message(line)
        training = Training(
            network=plan.network,
            objective=wrapped,
            optimizers=make_optimizers(
                plan.network,
                "adamw" if config.optimizer == "adamw" else "muon",
                config.learning_rate or 0.0,
                config.weight_decay or 0.0,
                is_matrix=plan.is_matrix,
            ),
            feed=plan.feed,
            config=config,
            carry=plan.carry,
            accelerator=accelerator,
            progress=progress,
            validate=plan.validate,
            save_best=save_best,
            checkpoint=lambda run: write_checkpoint(run, folder / "checkpoints", plan.settings),
            record=record,
            bytes_per_token=plan.bytes_per_token,
            unit=plan.unit,
            nats=plan.nats,
            threads=_threads_to_keep(config, checkpoint, progress),
        )
        if checkpoint is not None:
            restore(training, checkpoint)
        with watch_for_interruption() as interruption:
            reason = train(training, interruption)
        if reason == "interrupted":
            progress.message(
                f"stopped at step {training.position.step:,}; go on with the same command and "
                f"--run {folder} --train.resume auto"
            )
            raise KeyboardInterrupt(interruption.number)
        result: dict[str, Any] = {}
        if start.main:
            result = plan.conclude(folder, training.position, reason, progress)
    accelerator.wait_for_everyone()
    return result


def _threads_to_keep(config: TrainConfig, checkpoint: Checkpoint | None, progress: Progress) -> int | None:
    """How many threads a run computes with to its end, so that it gives the same bits: as many as it began with.

    None for a run with a limit of time, which is not the same twice. The user's word counts more.
    """
    now = torch.get_num_threads()
    if config.max_time is not None:
        return None
    before = now if checkpoint is None else checkpoint.meta["settings"].get("threads", now)
    if before != now and (asked := threads_asked_for()) is not None:
        progress.message(
            f"the run began with {counted(before, 'thread')} and goes on with {now} (OMP_NUM_THREADS={asked}), so the "
            "last digits may differ from those of a run without interruption"
        )
        return now
    return before


def limits_in_words(config: TrainConfig) -> str:
    """When a run ends, for its opening line."""
    limits = [
        counted(config.max_steps, "update") if config.max_steps else "",
        counted(config.max_epochs, "epoch") if config.max_epochs else "",
        duration_in_words(parse_duration(config.max_time)) if config.max_time else "",
    ]
    return " or ".join(limit for limit in limits if limit)


def training_in_words(config: TrainConfig, fed: str) -> str:
    """How it is trained, for an opening line; `fed`: from what batches."""
    return f"training: {config.optimizer}, rate {config.learning_rate:g}, {fed}, until {limits_in_words(config)}"


def model_in_words(model: ModelConfig, parameters: Iterable[nn.Parameter]) -> str:
    """The model, for an opening line."""
    layers = "1 layer" if model.layers == 1 else f"{model.layers} layers"
    heads = f", {model.heads} heads, {model.positions} positions" if model.family == "transformer" else ""
    count = sum(parameter.numel() for parameter in parameters)
    return f"model: {model.family}, {layers} of width {model.width}{heads}, {count:,} parameters"


def _seed_everything(seed: int) -> None:
    """All generators whose states a checkpoint holds."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)


@contextlib.contextmanager
def _records(
    folder: Path, config: TrainConfig, checkpoint: Checkpoint | None, main: bool
) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Where measurements go: metrics.jsonl, and TensorBoard if asked for; nowhere for the other processes."""
    if not main:
        yield lambda record: None
        return
    # A run that was killed before its first checkpoint begins anew in its folder, and so does its log.
    step = 0 if checkpoint is None else checkpoint.meta["position"]["step"]
    with contextlib.ExitStack() as stack:
        logs: list[Any] = [stack.enter_context(MetricsLog(folder / "metrics.jsonl", resume_step=step))]
        if config.tensorboard:
            board = TensorBoardLog(folder / "tensorboard", resume_step=step)
            stack.callback(board.close)
            logs.append(board)

        def record(values: dict[str, Any]) -> None:
            for log in logs:
                log.write(values)

        yield record
