"""Encoded records ready for training, and the network that learns from them."""

from typing import Any

import numpy as np
import torch

from unrolled.data.config import DataConfig
from unrolled.data.feeds.delayed_records import Delayed
from unrolled.data.feeds.examples import Examples
from unrolled.data.feeds.long_records import Windows
from unrolled.data.feeds.record_feed import RecordFeed
from unrolled.data.feeds.record_streams import RecordStreamFeed
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.models.records import InputSizes, RecordNetwork
from unrolled.tasks.labels.answers import RecordModel, margin
from unrolled.tasks.labels.dataset import Dataset
from unrolled.tasks.labels.defaults import Facts, choose_for_records
from unrolled.tasks.labels.encoding import RecordEncoding
from unrolled.tasks.labels.objective import RecordObjective
from unrolled.tasks.labels.scores import RecordScores
from unrolled.tasks.task import Assembly, Part, Shard
from unrolled.tasks.word_vectors import fill, read_vectors, with_size
from unrolled.tasks.words import PARTS
from unrolled.training.applicable import Situation
from unrolled.training.loop import Position
from unrolled.training.precision import autocast, choose_precision
from unrolled.training.run_training import Configs, model_in_words, seed_beginning, training_in_words

ENOUGH_ROWS = 32
"""Long records are cut until there are about so many rows to learn from."""
LONGEST = 2048
"""Longer records with a target per step are cut into windows, unless `data.context` says how long they may be."""


class PreparedRecords:
    """Encoded records, and a network that answers for each or for each of its steps."""

    def __init__(self, dataset: Dataset, given: Configs) -> None:
        data, model, config = given
        self.dataset, self.encoding, self.task = dataset, dataset.encoding, dataset.schema.task
        self.summary, self.notes, self.fingerprint = dataset.summary, dataset.notes, dataset.fingerprint
        self.split: dict[str, Any] | None = dataset.split
        self.vectors = read_vectors(model, self.encoding.words)
        for vectors in self.vectors:
            model = with_size(model, vectors.size)
        self.given = data, model, config
        self.records: Any = dataset.train
        target = self.encoding.target
        if model.lookahead and not target.pooled:
            self.records = Delayed(self.records, model.lookahead, per_step=target.per_step)
        self.window = data.context or window_for(self.records.lengths)
        self.training = self.records
        if target.per_step and max(self.records.lengths) > self.window:
            self.training = Windows(self.records, self.window, margin(self.window))

    def configure(self) -> Configs:
        data, model, config = self.given
        return choose_for_records(data, model, config, _facts(self.dataset, self.training, model))

    def situation(self, chosen: Configs) -> Situation:
        data, model, _ = chosen
        return _situation(self.dataset, data, model)

    def assemble(self, chosen: Configs, device: torch.device, shard: Shard) -> Assembly:
        data, model, config = chosen
        dataset, encoding = self.dataset, self.encoding
        feed, streams = self._feed(chosen, shard), data.feed == "streams"
        if not len(feed):
            raise UserError("no record of the training part has a known target; check --target")
        longest = max(self.window, *map(max, _lengths(dataset))) + (model.lookahead or 0)
        network = make_network(encoding, model, config.seed, steps=longest)
        for table, vectors in zip(network.embeddings, self.vectors * len(network.members), strict=bool(self.vectors)):
            fill(table, vectors, first=1)
        context = autocast(choose_precision(config.precision, device), device)
        judged = RecordModel(network, encoding, self.window)

        def scored(part: Examples) -> RecordScores:
            with context:
                return encoding.target.judge(part, judged.answers(part))

        valid = dataset.valid
        for name, part in dataset.parts.items():
            if name != "train":
                encoding.target.require_known(part, f"the {name} part")
        naive = encoding.target.naive(dataset.train, encoding)
        weights = encoding.target.class_weights(self.training, config.class_weights)
        return Assembly(
            network=network,
            objective=RecordObjective(
                network,
                encoding.target,
                autocast=context,
                label_smoothing=config.label_smoothing or 0.0,
                weights=None if weights is None else torch.from_numpy(weights),
                streams=streams,
            ),
            feed=feed,
            validate=None if valid is None else lambda: scored(valid),
            facts={
                "inputs": network.inputs._asdict(),
                "outputs": network.outputs,
                "pooled": network.pooled,
                "steps": network.steps,
                "window": self.window,
                "read": dataset.recipe.to_json(),
                "naive": None if naive is None else naive._asdict(),
            },
            files={"encoding.json": encoding.to_text()},
            opening=[
                *map(str, self.vectors),
                model_in_words(model, network.parameters()),
                training_in_words(config, _feed_in_words(feed, data)),
            ],
            loss=encoding.target.loss_in_words,
            unit="labels" if encoding.target.per_step else "records",
            counted="steps" if encoding.target.per_step else "records",
            nats=encoding.target.loss_in_nats,
            is_matrix=network.is_matrix,
            carry=streams and data.carry,
        )

    def _feed(self, chosen: Configs, shard: Shard) -> RecordFeed | RecordStreamFeed:
        data, _, config = chosen
        target = self.encoding.target
        shared: dict[str, Any] = {
            "batch_size": config.batch_size or 1,
            "seed": config.seed,
            "per_step": target.per_step,
            "augmentation": "none" if data.augment == "auto" else data.augment,
            "rank": shard.rank,
            "world": shard.world,
        }
        if data.feed == "streams":
            return RecordStreamFeed(self.records, context=self.window, **shared)
        texts = not (target.pooled or target.per_step)
        return RecordFeed(self.training, texts=texts, packed=data.batching == "packed", **shared)

    def held_out(self) -> list[Part]:
        return [Part(name, PARTS[name], part) for name, part in self.dataset.parts.items() if name != "train"]

    def facts(self, position: Position) -> dict[str, Any]:
        return {}


def _feed_in_words(feed: RecordFeed | RecordStreamFeed, data: DataConfig) -> str:
    if isinstance(feed, RecordFeed):
        return f"batches of {feed.batch_size}"
    carried = "carried" if data.carry else "dropped"
    return f"{feed.batch_size} streams in chunks of {feed.context} steps, state {carried}"


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
        cut=isinstance(training, Windows),
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
