"""Train a model of records: from files to a run directory."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unrolled.atomic import write_atomically
from unrolled.data.config import DataConfig
from unrolled.data.feeds.examples import Examples
from unrolled.data.feeds.long_records import Windows
from unrolled.data.feeds.record_feed import RecordFeed
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.models.records import InputSizes, RecordNetwork
from unrolled.tasks.labels.answers import RecordModel, margin
from unrolled.tasks.labels.conclude import conclude_records
from unrolled.tasks.labels.dataset import Dataset, prepare_records
from unrolled.tasks.labels.defaults import Facts, choose_for_records
from unrolled.tasks.labels.encoding import RecordEncoding
from unrolled.tasks.labels.evaluate import require_labels
from unrolled.tasks.labels.model_files import save_record_model
from unrolled.tasks.labels.objective import RecordObjective
from unrolled.tasks.labels.scores import RecordScores
from unrolled.tasks.model_card import record_card
from unrolled.tasks.word_vectors import fill, read_vectors, with_size, words_wanted
from unrolled.training.applicable import Situation
from unrolled.training.config import TrainConfig
from unrolled.training.loop import Position
from unrolled.training.precision import autocast, choose_precision
from unrolled.training.progress import Progress
from unrolled.training.run_training import Plan, begin, execute, limits_in_words, model_in_words, seed_beginning, settle

ENOUGH_ROWS = 32
"""Long records are cut until there are about so many rows to learn from."""
LONGEST = 2048
"""Longer records with a target per step are cut into windows, unless `data.context` says how long they may be."""


def train_records(
    files: list[str],
    *,
    task: str | None = None,
    run: str | None = None,
    data: DataConfig | None = None,
    model: ModelConfig | None = None,
    train_config: TrainConfig | None = None,
    silent: bool = False,
    dataset: Dataset | None = None,
) -> dict[str, Any]:
    """Train on records and return what came of it; all of it is in the run directory.

    `dataset` takes the place of reading the files, for records that are in memory. Raises `UserError` for what the
    user can mend.
    """
    start = begin(files, run, task or "auto", data, model, train_config)
    data, model, config, accelerator = start.data, start.model, start.config, start.accelerator
    data = words_wanted(data, model)
    if dataset is None:
        with Progress(silent=silent or not start.main) as progress, accelerator.main_process_first():
            dataset = prepare_records(
                files,
                data,
                task=task,
                seed=config.seed,
                progress=lambda label, done, total: progress.work(label, done, total, unit=" records"),
            )
    encoding, task = dataset.encoding, dataset.schema.task
    start = start._replace(task=task)
    window = data.context or window_for(dataset.train.lengths)
    training: Any = dataset.train
    if encoding.target.per_step and max(dataset.train.lengths) > window:
        training = Windows(dataset.train, window, margin(window))
    facts = _facts(dataset, training, model)
    given = data, model, config
    vectors = read_vectors(model, encoding.words)
    for one in vectors:
        model = with_size(model, one.size)
    data, model, config = choose_for_records(data, model, config, facts)
    settings = settle(start, _situation(dataset, data, model), given, (data, model, config), dataset.fingerprint)
    feed = RecordFeed(
        training,
        batch_size=config.batch_size or 1,
        seed=config.seed,
        per_step=encoding.target.per_step,
        texts=not (encoding.target.pooled or encoding.target.per_step),
        packed=data.batching == "packed",
        augmentation="none" if data.augment == "auto" else data.augment,
        rank=accelerator.process_index,
        world=accelerator.num_processes,
    )
    if not len(feed):
        raise UserError("no record of the training part has a known target; check --target")
    network = make_network(encoding, model, config.seed, steps=max(window, *map(max, _lengths(dataset))))
    for table, one in zip(network.embeddings, vectors * len(network.members), strict=bool(vectors)):
        fill(table, one, first=1)
    precision = choose_precision(config.precision, accelerator.device)
    context = autocast(precision, accelerator.device)
    judged = RecordModel(network, encoding, window)

    def scored(part: Examples) -> RecordScores:
        with context:
            return encoding.target.judge(part, judged.answers(part))

    valid = dataset.valid
    for name, part in dataset.parts.items():
        if name != "train":
            require_labels(judged, part, f"the {name} part")
    weights = encoding.target.class_weights(training, config.class_weights)
    naive = encoding.target.naive(dataset.train, encoding)
    lasting = {
        "window": window,
        "read": dataset.recipe.to_json(),
        "naive": None if naive is None else naive._asdict(),
    }

    def save(folder: Path, position: Position, found: Any, whole: dict[str, Tensor]) -> None:
        facts = lasting | {"step": position.step}
        card = record_card(task, model, dataset.summary, found, position.step)
        save_record_model(folder, network, encoding, facts=facts, card=card, weights=whole)

    def finish(folder: Path, position: Position, reason: str, progress: Progress) -> dict[str, Any]:
        write_atomically(folder / "split.json", json.dumps(dataset.split) + "\n")
        return conclude_records(folder, dataset, position, settings, reason, progress, device=accelerator.device)

    plan = Plan(
        data=data,
        model=model,
        config=config,
        settings=settings,
        network=network,
        objective=RecordObjective(
            network,
            encoding.target,
            autocast=context,
            label_smoothing=config.label_smoothing or 0.0,
            weights=None if weights is None else torch.from_numpy(weights),
        ),
        feed=feed,
        validate=None if valid is None else lambda: scored(valid),
        save=save,
        conclude=finish,
        opening=[
            dataset.summary,
            *dataset.notes,
            *map(str, vectors),
            model_in_words(model, network.parameters()),
            f"training: {config.optimizer}, rate {config.learning_rate:g}, batches of {feed.batch_size}, "
            f"until {limits_in_words(config)}",
        ],
        is_matrix=network.is_matrix,
        unit="steps" if encoding.target.per_step else "records",
        nats=encoding.target.loss_in_nats,
    )
    return execute(plan, start, silent=silent)


def make_network(encoding: RecordEncoding, model: ModelConfig, seed: int, *, steps: int) -> RecordNetwork:
    """The network for some encoded records. Raises `UserError` for sizes that do not fit."""
    seed_beginning(seed)
    sizes = InputSizes(encoding.channels, encoding.tables, encoding.frame)
    try:
        return RecordNetwork(sizes, encoding.target.outputs, model, pooled=encoding.target.pooled, steps=steps)
    except ValueError as error:
        raise UserError(f"this model cannot be built: {error}") from error


def window_for(lengths: list[int]) -> int:
    """Steps of a row: whole records where that gives enough of them, and shorter pieces of a few long ones."""
    longest = max(lengths)
    return min(longest, LONGEST, max(64, sum(lengths) // ENOUGH_ROWS))


def _facts(dataset: Dataset, training: Any, model: ModelConfig) -> Facts:
    """`training`: the records, or their windows."""
    encoding = dataset.encoding
    return Facts(
        task=dataset.schema.task,
        records=len(training),
        steps=int(np.median(training.lengths)),
        channels=encoding.channels,
        tokens=bool(encoding.tables) and not encoding.channels,
        signal=any(field.kind in ("signal", "frames") for field in dataset.schema.inputs),
        embeds=bool(encoding.tables) and model.embedding != "one-hot",
        aligned=min(training.lengths) == max(training.lengths),
        multilabel=encoding.target.multilabel,
    )


def _situation(dataset: Dataset, data: DataConfig, model: ModelConfig) -> Situation:
    schema = dataset.schema
    return Situation(
        schema.task,
        model.family,
        frozenset(field.kind for field in schema.inputs),
        None if schema.target is None else schema.target.kind,
        dataset.encoding.target.multilabel,
        data,
        model,
    )


def _lengths(dataset: Dataset) -> list[list[int]]:
    return [part.lengths for part in dataset.parts.values()]
