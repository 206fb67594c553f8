"""Pairs ready for training, and the network that learns to translate them."""

import contextlib
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from unrolled.errors import UserError
from unrolled.layers.state import State
from unrolled.models.evaluating import evaluating
from unrolled.models.on_device import on_device
from unrolled.tasks.task import Assembly, Part, Shard
from unrolled.tasks.token_loss import TokenLoss
from unrolled.tasks.translate.data import PairData
from unrolled.tasks.translate.defaults import at_equal_parameters, choose_for_translation
from unrolled.tasks.translate.load import build_translation_network
from unrolled.tasks.translate.network import TranslationNetwork
from unrolled.tasks.translate.pairs import PairBatch, PairFeed, Pairs
from unrolled.tasks.translate.trained import TextPairs
from unrolled.tasks.words import PARTS
from unrolled.training.applicable import Situation
from unrolled.training.loop import Position
from unrolled.training.precision import autocast, choose_precision
from unrolled.training.run_training import Configs, model_in_words, training_in_words

VALIDATION_PAIRS = 1000
"""Validations during training read at most so many pairs, always the same ones."""
MOST_JUDGED = 2000
"""Pairs of a part that are translated for its scores."""


class PreparedPairs:
    """Pairs of texts, and a network that translates."""

    task = "translate"

    def __init__(self, pairs: PairData, given: Configs) -> None:
        self.pairs, self.given = pairs, given
        self.summary, self.notes, self.fingerprint = pairs.summary, pairs.notes, pairs.fingerprint
        self.split: dict[str, Any] | None = pairs.split

    def configure(self) -> Configs:
        data, model, config = choose_for_translation(*self.given, len(self.pairs.parts["train"]))
        if self.given[1].width is None:
            model = at_equal_parameters(model, self.pairs)
        return data, model, config

    def situation(self, chosen: Configs) -> Situation:
        data, model, _ = chosen
        return Situation(self.task, model.family, frozenset(["text"]), "text", data=data, model=model)

    def assemble(self, chosen: Configs, device: torch.device, shard: Shard) -> Assembly:
        _, model, config = chosen
        pairs, encoding = self.pairs, self.pairs.encoding
        feed = PairFeed(
            pairs.parts["train"],
            batch_size=config.batch_size or 1,
            seed=config.seed,
            rank=shard.rank,
            world=shard.world,
        )
        sizes = len(encoding.source), len(encoding.target)
        try:
            network = build_translation_network(*sizes, model, shared=encoding.shared, context=pairs.longest)
        except ValueError as error:
            raise UserError(f"this model cannot be built: {error}") from error
        context = autocast(choose_precision(config.precision, device), device)
        valid = pairs.parts.get("valid")
        return Assembly(
            network=network,
            objective=TranslationObjective(network, label_smoothing=config.label_smoothing or 0.0, autocast=context),
            feed=feed,
            validate=None if valid is None else lambda: _validate(network, valid, context),
            facts={
                "sizes": list(sizes),
                "shared": encoding.shared,
                "context": pairs.longest,
                "growth": pairs.parts["train"].growth,
                "read": pairs.recipe.to_json(),
            },
            files={"encoding.json": encoding.to_text()},
            opening=[
                f"{model_in_words(model, network.parameters())}, {model.attention} attention",
                training_in_words(config, f"batches of {feed.batch_size}"),
            ],
            is_matrix=network.is_matrix,
        )

    def held_out(self) -> list[Part]:
        """A part's content are texts: pairs, and how many of the part they leave out."""
        parts = []
        for name, part in self.pairs.parts.items():
            if name != "train":
                chosen = [part.texts[number] for number in part.spread(MOST_JUDGED).tolist()]
                parts.append(Part(name, PARTS[name], TextPairs(chosen, len(part) - len(chosen))))
        return parts

    def facts(self, position: Position) -> dict[str, Any]:
        return {"tokens": position.tokens}


class TranslationObjective(nn.Module):
    """The summed loss of a batch of pairs in nats; there is no state between batches."""

    def __init__(
        self, network: TranslationNetwork, *, label_smoothing: float, autocast: contextlib.AbstractContextManager
    ) -> None:
        super().__init__()
        self.network, self.label_smoothing, self.autocast = network, label_smoothing, autocast

    def forward(self, batch: PairBatch, state: State | None) -> tuple[Tensor, State]:
        source, source_mask, target, target_mask, is_scored, _ = cast(tuple[Any, ...], batch)
        with self.autocast:
            loss, _ = self.network.token_losses(
                source,
                target,
                source_mask=source_mask,
                target_mask=target_mask,
                label_smoothing=self.label_smoothing,
            )
        return loss * is_scored, ()


def _validate(network: TranslationNetwork, pairs: Pairs, context: contextlib.AbstractContextManager) -> TokenLoss:
    device = next(network.parameters()).device
    chosen = pairs.spread(VALIDATION_PAIRS)
    order = chosen[np.argsort(pairs.lengths[chosen], kind="stable")]
    total, count = 0.0, 0
    with torch.inference_mode(), context, evaluating(network):
        for start in range(0, len(order), 64):
            batch = on_device(pairs.batch(order[start : start + 64]), device)
            source, source_mask, target, target_mask, *_ = cast(tuple[Any, ...], batch)
            loss, tokens = network.token_losses(source, target, source_mask=source_mask, target_mask=target_mask)
            total, count = total + float(loss), count + int(tokens)
    return TokenLoss(total / max(count, 1))
