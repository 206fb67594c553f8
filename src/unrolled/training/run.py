"""From files to a run directory: prepare, choose, train, keep the best model, report."""

import contextlib
import random
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator

from unrolled.data.config import DataConfig
from unrolled.data.feeds import StreamFeed, WindowFeed
from unrolled.data.store import TextData, prepare_text
from unrolled.errors import UserError
from unrolled.inference.evaluate import Evaluation, evaluate_part
from unrolled.models.config import ModelConfig
from unrolled.models.files import save_model
from unrolled.models.language import LanguageNetwork
from unrolled.training.card import model_card
from unrolled.training.checkpoints import Checkpoint
from unrolled.training.choices import choose
from unrolled.training.conclude import conclude, start_tokens
from unrolled.training.config import TrainConfig
from unrolled.training.folder import clear_leftovers, find_resume, new_folder, write_config
from unrolled.training.interruption import watch_for_interruption
from unrolled.training.loop import Feed, Position, Training, train
from unrolled.training.metrics import MetricsLog, TensorBoardLog
from unrolled.training.objective import LanguageObjective
from unrolled.training.optimizers import make_optimizers
from unrolled.training.parallel import full_weights, make_accelerator, wrap
from unrolled.training.precision import autocast, choose_precision
from unrolled.training.progress import Progress
from unrolled.training.ranges import check_settings
from unrolled.training.resume import as_begun, require_same_settings, restore, write_checkpoint

VALIDATION_TOKENS = 32_768
"""Validations during training read about so many tokens, always the same ones."""


def train_language(
    files: list[str],
    *,
    run: str | None = None,
    data: DataConfig | None = None,
    model: ModelConfig | None = None,
    train_config: TrainConfig | None = None,
    silent: bool = False,
) -> dict[str, Any]:
    """Train a language model on text files and return what came of it; all of it is in the run directory.

    Raises `UserError` for what the user can mend: files, settings, a full disk, a loss that is no number.
    """
    data, model, config = data or DataConfig(), model or ModelConfig(), train_config or TrainConfig()
    check_settings(data, model, config)
    accelerator = make_accelerator()
    main = accelerator.is_main_process
    folder, checkpoint = find_resume(files, run, config)
    if checkpoint is not None:
        before = checkpoint.meta["settings"]
        data, model = as_begun(data, before["data"]), as_begun(model, before["model"])
        config = as_begun(config, before["train"])
    with Progress(silent=silent or not main) as progress, accelerator.main_process_first():
        text = prepare_text(files, data, progress.work)
    vocabulary = text.vocabulary
    data, model, config = choose(data, model, config, tokens=len(text.train), vocabulary_size=len(vocabulary))
    settings = {
        "data": asdict(data),
        "model": asdict(model),
        "train": asdict(config),
        "fingerprint": text.fingerprint,
        "processes": accelerator.num_processes,
    }
    if checkpoint is not None:
        require_same_settings(checkpoint.meta["settings"], settings)
    feed = _make_feed(text, data, config, accelerator)
    network = _make_network(len(vocabulary), model, data, config)
    # Processes begin with equal weights and go on with random numbers of their own.
    _seed_everything(config.seed + 1 + accelerator.process_index)
    precision = choose_precision(config.precision, accelerator.device)
    context = autocast(precision, accelerator.device)
    objective = LanguageObjective(network, label_smoothing=config.label_smoothing, autocast=context)
    wrapped = wrap(objective, config.parallel, accelerator)
    if folder is None:
        folder = new_folder(files, model.family)
    if main:
        write_config(folder, files, data, model, config)
        clear_leftovers(folder)
    accelerator.wait_for_everyone()
    valid = text.valid or text.train

    def validate() -> Evaluation:
        with context:
            return evaluate_part(
                network, valid, stride=network.horizon, batch_size=16, chunk=256, limit=VALIDATION_TOKENS
            )

    def save_best(position: Position, found: Evaluation) -> None:
        weights = full_weights(network)
        if main:
            facts = {"feed": data.feed, "carry": data.carry, "start": start_tokens(text), "step": position.step}
            files = {
                "vocabulary.json": vocabulary.to_text(),
                "README.md": model_card(model, text.summary, found, position.step),
            }
            save_model(folder / "best", network, facts=facts, files=files, weights=weights)

    log = folder / "log.txt" if main else None
    with _records(folder, config, checkpoint, main) as record, Progress(silent=silent or not main, log=log) as progress:
        for line in _opening(text, data, model, config, network, precision, folder, checkpoint):
            progress.message(line)
        training = Training(
            network=network,
            objective=wrapped,
            optimizers=make_optimizers(
                network,
                "adamw" if config.optimizer == "adamw" else "muon",
                config.learning_rate or 0.0,
                config.weight_decay or 0.0,
                is_matrix=network.is_matrix,
            ),
            feed=feed,
            config=config,
            carry=data.carry and data.feed == "streams",
            accelerator=accelerator,
            progress=progress,
            validate=validate,
            save_best=save_best,
            checkpoint=lambda run: write_checkpoint(run, folder / "checkpoints", settings),
            record=record,
            bytes_per_token=text.train.bytes / max(len(text.train), 1),
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
            raise KeyboardInterrupt
        result: dict[str, Any] = {}
        if main:
            result = conclude(folder, text, training.position, settings, reason, progress, device=accelerator.device)
    accelerator.wait_for_everyone()
    return result


def _make_feed(text: TextData, data: DataConfig, config: TrainConfig, accelerator: Accelerator) -> Feed:
    kind = StreamFeed if data.feed == "streams" else WindowFeed
    return kind(
        text.train,
        batch_size=config.batch_size or 1,
        context=data.context or 1,
        seed=config.seed,
        rank=accelerator.process_index,
        world=accelerator.num_processes,
    )


def _make_network(vocabulary_size: int, model: ModelConfig, data: DataConfig, config: TrainConfig) -> LanguageNetwork:
    torch.manual_seed(config.seed)
    try:
        return LanguageNetwork(vocabulary_size, model, context=data.context or 1024)
    except ValueError as error:
        raise UserError(f"this model cannot be built: {error}") from error


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


def _opening(
    text: TextData,
    data: DataConfig,
    model: ModelConfig,
    config: TrainConfig,
    network: LanguageNetwork,
    precision: str,
    folder: Path,
    checkpoint: Checkpoint | None,
) -> Iterator[str]:
    """What the run is, in a few lines, before it begins."""
    yield text.summary
    parameters = sum(parameter.numel() for parameter in network.parameters())
    layers = "1 layer" if model.layers == 1 else f"{model.layers} layers"
    heads = f", {model.heads} heads, {model.positions} positions" if model.family == "transformer" else ""
    yield f"model: {model.family}, {layers} of width {model.width}{heads}, {parameters:,} parameters"
    limits = [
        f"{config.max_steps:,} updates" if config.max_steps else "",
        f"{config.max_epochs:g} epochs" if config.max_epochs else "",
        config.max_time or "",
    ]
    fed = (
        f"{config.batch_size} streams in chunks of {data.context}, state {'carried' if data.carry else 'dropped'}"
        if data.feed == "streams"
        else f"{config.batch_size} random windows of {data.context}"
    )
    kind = "bfloat16 matrix products" if precision == "bf16" else "float32"
    until = " or ".join(limit for limit in limits if limit)
    yield f"training: {config.optimizer}, rate {config.learning_rate:g}, {fed}, {kind}, until {until}"
    going_on = "" if checkpoint is None else f", going on from step {checkpoint.meta['position']['step']:,}"
    yield f"run: {folder}{going_on}"
