"""Sequences ready for training, and the network that learns to write them."""

import contextlib
from typing import Any, cast

import torch
from torch import Tensor, nn

from unrolled.errors import UserError
from unrolled.layers.state import State
from unrolled.models.records import InputSizes
from unrolled.tasks.describe.data import DescriptionData
from unrolled.tasks.describe.defaults import choose_for_descriptions
from unrolled.tasks.describe.network import DescriptionNetwork
from unrolled.tasks.describe.scores import record_losses
from unrolled.tasks.describe.sequences import DescriptionBatch, DescriptionFeed, Descriptions
from unrolled.tasks.task import Assembly, Part, Shard
from unrolled.tasks.token_loss import TokenLoss
from unrolled.tasks.words import PARTS
from unrolled.training.applicable import Situation
from unrolled.training.loop import Position
from unrolled.training.precision import autocast, choose_precision
from unrolled.training.run_training import Configs, model_in_words, training_in_words


class PreparedDescriptions:
    """Sequences with what is known of each, and a network that writes them."""

    task = "describe"

    def __init__(self, sequences: DescriptionData, given: Configs) -> None:
        self.sequences, self.given = sequences, given
        self.summary, self.notes, self.fingerprint = sequences.summary, sequences.notes, sequences.fingerprint
        self.split: dict[str, Any] | None = sequences.split

    def configure(self) -> Configs:
        training = self.sequences.parts["train"]
        return choose_for_descriptions(
            *self.given,
            records=len(training),
            tokens=int(training.lengths.sum()),
            longest=self.sequences.longest,
        )

    def situation(self, chosen: Configs) -> Situation:
        data, model, _ = chosen
        target = self.sequences.recipe.target
        assert target is not None
        kinds: set[str] = {field.kind for field in self.sequences.recipe.inputs}
        if target.kind == "text":  # one that is written has a vocabulary as one that is read
            kinds.add("text")
        return Situation(self.task, model.family, frozenset(kinds), target.kind, data=data, model=model)

    def assemble(self, chosen: Configs, device: torch.device, shard: Shard) -> Assembly:
        _, model, config = chosen
        sequences, encoding = self.sequences, self.sequences.encoding
        training = sequences.parts["train"]
        feed = DescriptionFeed(
            training, batch_size=config.batch_size or 1, seed=config.seed, rank=shard.rank, world=shard.world
        )
        known = InputSizes(encoding.known.channels, encoding.known.tables)
        try:
            network = DescriptionNetwork(known, len(encoding.written), model, context=sequences.longest)
        except ValueError as error:
            raise UserError(f"this model cannot be built: {error}") from error
        context = autocast(choose_precision(config.precision, device), device)
        valid = sequences.parts.get("valid")

        def judged(part: Descriptions) -> TokenLoss:
            with context:
                return TokenLoss(float(record_losses(network, part).sum() / part.lengths.sum()))

        return Assembly(
            network=network,
            objective=DescriptionObjective(network, label_smoothing=config.label_smoothing or 0.0, autocast=context),
            feed=feed,
            validate=None if valid is None else lambda: judged(valid),
            facts={
                "known": {"channels": known.channels, "tables": list(known.tables)},
                "tokens": len(encoding.written),
                "context": sequences.longest,
                "longest": int(training.lengths.max()),
                "counts": training.counts().tolist(),
                "read": sequences.recipe.to_json(),
            },
            files={"encoding.json": encoding.to_text()},
            opening=[
                model_in_words(model, network.parameters()),
                training_in_words(config, f"batches of {feed.batch_size}"),
            ],
            is_matrix=network.is_matrix,
        )

    def held_out(self) -> list[Part]:
        return [Part(name, PARTS[name], part) for name, part in self.sequences.parts.items() if name != "train"]

    def facts(self, position: Position) -> dict[str, Any]:
        return {"tokens": position.tokens}


class DescriptionObjective(nn.Module):
    """The summed loss of a batch in nats; there is no state between batches."""

    def __init__(
        self, network: DescriptionNetwork, *, label_smoothing: float, autocast: contextlib.AbstractContextManager
    ) -> None:
        super().__init__()
        self.network, self.label_smoothing, self.autocast = network, label_smoothing, autocast

    def forward(self, batch: DescriptionBatch, state: State | None) -> tuple[Tensor, State]:
        numbers, categories, inputs, targets, _ = cast(tuple[Any, ...], batch)
        with self.autocast:
            loss, _ = self.network.token_losses(
                numbers, categories, inputs, targets, label_smoothing=self.label_smoothing
            )
        return loss, ()
