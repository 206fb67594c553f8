"""From files to a run directory: the one wiring of training for all tasks."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import Tensor

from unrolled.atomic import write_atomically
from unrolled.data.config import DataConfig
from unrolled.data.given import given_paths
from unrolled.models.config import ModelConfig
from unrolled.models.files import write_model
from unrolled.tasks.causal import check_causal
from unrolled.tasks.choose_reading import choose_task
from unrolled.tasks.end_of_run import end_run
from unrolled.tasks.model_card import model_card
from unrolled.tasks.task import Prepared, Shard, Task, task_named
from unrolled.training.config import TrainConfig
from unrolled.training.loop import Position, Scores
from unrolled.training.progress import Progress
from unrolled.training.run_training import (
    Beginning,
    Plan,
    check_settings,
    run_training,
    seed_beginning,
    start_run,
)


def train_files(
    files: list[str],
    *,
    task: str | None = None,
    run: str | None = None,
    data: DataConfig | None = None,
    model: ModelConfig | None = None,
    train_config: TrainConfig | None = None,
    silent: bool = False,
    opened: Any = None,
) -> dict[str, Any]:
    """Train on any files, for the task given or the one that they and the settings suggest; or on data in memory,
    `opened` for the task as its `prepare` takes it.

    What came of it is returned, and all of it is in the run directory; nothing with several processes for those that do
    not write. Raises `UserError` for what the user can mend.
    """
    if opened is None:
        given_paths(files, "file")
    start = start_run(files, run, data, model, train_config)
    if opened is None:
        chosen, opened = choose_task(files, start.data, task)
    else:
        assert task is not None
        chosen = task_named(task)
    check_causal(chosen, start.model)
    with _preparing(start, silent) as progress:
        prepared = chosen.prepare(opened, start, progress)
    del opened  # it has been read, and training needs the memory
    return _train(chosen, prepared, start, silent=silent)


def _train(task: Task, prepared: Prepared, start: Beginning, *, silent: bool) -> dict[str, Any]:
    chosen = prepared.configure()
    settings = check_settings(
        start, prepared.situation(chosen), prepared.given, chosen, prepared.fingerprint, noun=task.noun
    )
    plan = _plan(task, prepared, chosen, settings, start)
    return run_training(plan, start, silent=silent)


@contextlib.contextmanager
def _preparing(start: Beginning, silent: bool) -> Iterator[Progress]:
    """Where reading shows how far it is. Of several processes the first one reads first, and the others may find what
    it kept."""
    with Progress(silent=silent or not start.main) as progress, start.accelerator.main_process_first():
        yield progress


def _plan(
    task: Task,
    prepared: Prepared,
    chosen: tuple[DataConfig, ModelConfig, TrainConfig],
    settings: dict[str, Any],
    start: Beginning,
) -> Plan:
    data, model, config = chosen
    device = start.accelerator.device
    seed_beginning(config.seed)
    shard = Shard(start.accelerator.process_index, start.accelerator.num_processes)
    assembly = prepared.assemble(chosen, device, shard)

    def save(folder: Path, position: Position, scores: Scores | None, weights: dict[str, Tensor]) -> None:
        card = model_card(task, model, prepared.summary, scores, position.step)
        facts = {"task": prepared.task} | assembly.facts | {"step": position.step}
        write_model(folder, assembly.network, facts=facts, files=assembly.files | {"README.md": card}, weights=weights)

    def conclude(folder: Path, position: Position, reason: str, progress: Progress) -> dict[str, Any]:
        if prepared.split is not None:
            write_atomically(folder / "split.json", json.dumps(prepared.split) + "\n")
        return end_run(folder, task, prepared, assembly, position, settings, reason, progress, device=device)

    return Plan(
        task=prepared.task,
        data=data,
        model=model,
        config=config,
        settings=settings,
        network=assembly.network,
        objective=assembly.objective,
        feed=assembly.feed,
        validate=assembly.validate,
        save=save,
        conclude=conclude,
        opening=[prepared.summary, *prepared.notes, *assembly.opening],
        is_matrix=assembly.is_matrix,
        carry=assembly.carry,
        bytes_per_token=assembly.bytes_per_token,
        unit=assembly.counted or assembly.unit,
        nats=assembly.nats,
    )
