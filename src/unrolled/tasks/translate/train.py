"""Train a translation model: from pairs of texts to a run directory."""

import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from torch import Tensor, nn

from unrolled.atomic import write_atomically
from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.layers.state import State
from unrolled.models.config import ModelConfig
from unrolled.models.files import write_model
from unrolled.models.on_device import on_device
from unrolled.tasks.model_card import translation_card
from unrolled.tasks.token_loss import TokenLoss
from unrolled.tasks.translate.conclude import conclude_translation
from unrolled.tasks.translate.data import OpenedPairs, PairData, prepare_pairs
from unrolled.tasks.translate.load import build_translation_network
from unrolled.tasks.translate.network import TranslationNetwork, equal_parameters
from unrolled.tasks.translate.pairs import LONGEST, MANY_PAIRS, PairBatch, PairFeed, Pairs
from unrolled.training.applicable import Situation
from unrolled.training.config import TrainConfig
from unrolled.training.loop import Position
from unrolled.training.precision import autocast, choose_precision
from unrolled.training.progress import Progress
from unrolled.training.run_training import Plan, begin, execute, limits_in_words, model_in_words, seed_beginning, settle

VALIDATION_PAIRS = 1000
"""Validations during training read at most so many pairs, always the same ones."""
FAMILIES = ("rnn", "lstm", "gru", "transformer")
"""Those that have a decoder."""


def train_translation(
    files: list[str],
    opened: OpenedPairs,
    *,
    run: str | None = None,
    data: DataConfig | None = None,
    model: ModelConfig | None = None,
    train_config: TrainConfig | None = None,
    silent: bool = False,
) -> dict[str, Any]:
    """Train on pairs and return what came of it; all of it is in the run directory. Raises `UserError`."""
    start = begin(files, run, "translate", data, model, train_config)
    accelerator = start.accelerator
    pairs = prepare_pairs(opened, start.data, seed=start.config.seed)
    data, model, config = choose_for_translation(start.data, start.model, start.config, len(pairs.parts["train"]))
    here = Situation("translate", model.family, frozenset(["text"]), "text", data=data, model=model)
    if start.model.width is None:
        model = at_equal_parameters(model, pairs)
    settings = settle(start, here, (start.data, start.model, start.config), (data, model, config), pairs.fingerprint)
    feed = PairFeed(
        pairs.parts["train"],
        batch_size=config.batch_size or 1,
        seed=config.seed,
        rank=accelerator.process_index,
        world=accelerator.num_processes,
    )
    seed_beginning(config.seed)
    sizes = len(pairs.encoding.source), len(pairs.encoding.target)
    try:
        network = build_translation_network(*sizes, model, shared=pairs.encoding.shared, context=pairs.longest)
    except ValueError as error:
        raise UserError(f"this model cannot be built: {error}") from error
    precision = choose_precision(config.precision, accelerator.device)
    context = autocast(precision, accelerator.device)
    valid = pairs.parts.get("valid")
    lasting = {
        "task": "translate",
        "sizes": list(sizes),
        "shared": pairs.encoding.shared,
        "context": pairs.longest,
        "growth": pairs.parts["train"].growth,
        "read": pairs.recipe.to_json(),
    }

    def save(folder: Path, position: Position, found: Any, weights: dict[str, Tensor]) -> None:
        facts = lasting | {"step": position.step}
        card = translation_card(model, pairs.summary, found, position.step)
        files = {"encoding.json": pairs.encoding.to_text(), "README.md": card}
        write_model(folder, network, facts=facts, files=files, weights=weights)

    def finish(folder: Path, position: Position, reason: str, progress: Progress) -> dict[str, Any]:
        write_atomically(folder / "split.json", json.dumps(pairs.split) + "\n")
        return conclude_translation(folder, pairs, position, settings, reason, progress, device=accelerator.device)

    plan = Plan(
        data=data,
        model=model,
        config=config,
        settings=settings,
        network=network,
        objective=TranslationObjective(network, label_smoothing=config.label_smoothing or 0.0, autocast=context),
        feed=feed,
        validate=None if valid is None else lambda: _validate(network, valid, context),
        save=save,
        conclude=finish,
        opening=[
            pairs.summary,
            *pairs.notes,
            f"{model_in_words(model, network.parameters())}, {model.attention} attention",
            f"training: {config.optimizer}, rate {config.learning_rate:g}, batches of {feed.batch_size}, "
            f"until {limits_in_words(config)}",
        ],
        is_matrix=network.is_matrix,
    )
    return execute(plan, start, silent=silent)


def choose_for_translation(
    data: DataConfig, model: ModelConfig, train: TrainConfig, pairs: int
) -> tuple[DataConfig, ModelConfig, TrainConfig]:
    """Complete configurations; what was given is kept."""
    family = "lstm" if model.family == "auto" else model.family
    if family not in FAMILIES:
        raise UserError(f"translate has no {family} decoder; choose {', '.join(FAMILIES[:-1])} or {FAMILIES[-1]}")
    width = model.width or (256 if pairs >= 20_000 else 128)
    transformer = family == "transformer"
    heads = model.heads or max(1, width // 64)
    # What does not apply stays as it was given: what has been chosen can be given again (see `applicable`).
    model = replace(
        model,
        family=family,
        width=width,
        layers=model.layers or (3 if transformer else 1),
        heads=heads if transformer else model.heads,
        kv_heads=model.kv_heads or heads if transformer else model.kv_heads,
        positions="rotary" if model.positions == "auto" and transformer else model.positions,
        embedding_size=width if transformer else model.embedding_size or width,
        attention="multiplicative" if model.attention == "auto" else model.attention,
        tie_weights=True if model.tie_weights is None else model.tie_weights,
        dropout=0.2 if model.dropout is None else model.dropout,
    )
    limited = any(limit is not None for limit in (train.max_steps, train.max_epochs, train.max_time))
    batch_size = train.batch_size or (128 if pairs >= MANY_PAIRS else 32 if pairs >= 2000 else 16)
    an_epoch = -(-pairs // batch_size)
    epochs = train.max_epochs if limited else float(max(10, min(100, round(3000 / an_epoch))))
    updates = train.max_steps or (round(epochs * an_epoch) if epochs else 2000)
    # Larger batches bear a higher rate: on 48,000 short pairs 43 BLEU instead of 39 in the same time. A transformer
    # needs a low one: at 5e-4 it learned all of the guide's phrases in six passes (BLEU 99 to 100, three seeds), and at
    # 2e-3 little of them (16).
    rates = (1e-3, 8e-3) if batch_size >= 128 else (5e-4, 4e-3)
    rate = rates[0] if transformer else rates[1]
    train = replace(
        train,
        batch_size=batch_size,
        optimizer="adamw" if train.optimizer == "auto" else train.optimizer,
        learning_rate=rate if train.learning_rate is None else train.learning_rate,
        weight_decay=0.01 if train.weight_decay is None else train.weight_decay,
        schedule="cosine" if train.schedule == "auto" else train.schedule,
        warmup_steps=min(200, max(1, updates // 10)) if train.warmup_steps is None else train.warmup_steps,
        label_smoothing=0.1 if train.label_smoothing is None else train.label_smoothing,
        max_epochs=epochs,
        max_time=train.max_time if limited else "10m",
    )
    return replace(data, context=data.context or LONGEST), model, train


def at_equal_parameters(model: ModelConfig, pairs: PairData) -> ModelConfig:
    """Without attention the network is made wider until it has as many parameters, so that both cost the same."""
    if model.attention != "none" or model.family == "transformer":
        return model
    sizes = len(pairs.encoding.source), len(pairs.encoding.target)

    def build(width: int, attention: Literal["multiplicative", "none"] = "none") -> nn.Module:
        changed = replace(model, width=width, attention=attention)
        return build_translation_network(*sizes, changed, shared=pairs.encoding.shared)

    with torch.random.fork_rng(devices=[]):
        wanted = sum(parameter.numel() for parameter in build(model.width or 1, "multiplicative").parameters())
    return replace(model, width=equal_parameters(build, wanted, start=model.width or 64))


class TranslationObjective(nn.Module):
    """The summed loss of a batch of pairs in nats; there is no state between batches."""

    def __init__(
        self, network: TranslationNetwork, *, label_smoothing: float, autocast: contextlib.AbstractContextManager
    ) -> None:
        super().__init__()
        self.network, self.label_smoothing, self.autocast = network, label_smoothing, autocast

    def forward(self, batch: PairBatch, state: State | None) -> tuple[Tensor, State]:
        source, source_mask, target, target_mask, there, _ = cast(tuple[Any, ...], batch)
        with self.autocast:
            loss, _ = self.network.token_losses(
                source,
                target,
                source_mask=source_mask,
                target_mask=target_mask,
                label_smoothing=self.label_smoothing,
            )
        return loss * there, ()


def _validate(network: TranslationNetwork, pairs: Pairs, context: contextlib.AbstractContextManager) -> TokenLoss:
    device = next(network.parameters()).device
    chosen = pairs.spread(VALIDATION_PAIRS)
    order = chosen[np.argsort(pairs.lengths[chosen], kind="stable")]
    total, count = 0.0, 0
    network.eval()
    with torch.inference_mode(), context:
        for start in range(0, len(order), 64):
            batch = on_device(pairs.batch(order[start : start + 64]), device)
            source, source_mask, target, target_mask, *_ = cast(tuple[Any, ...], batch)
            loss, tokens = network.token_losses(source, target, source_mask=source_mask, target_mask=target_mask)
            total, count = total + float(loss), count + int(tokens)
    network.train()
    return TokenLoss(total / max(count, 1))
