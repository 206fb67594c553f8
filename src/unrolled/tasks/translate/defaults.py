"""What is chosen for a translation model where nothing else was asked for."""

from dataclasses import replace
from typing import Literal

import torch
from torch import nn

from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.tasks.translate.data import PairData
from unrolled.tasks.translate.load import build_translation_network
from unrolled.tasks.translate.network import equal_parameters
from unrolled.tasks.translate.pairs import LONGEST, MANY_PAIRS
from unrolled.tasks.translate.task import Translate
from unrolled.training.config import TrainConfig


def choose_for_translation(
    data: DataConfig, model: ModelConfig, train: TrainConfig, pairs: int
) -> tuple[DataConfig, ModelConfig, TrainConfig]:
    """Complete configurations; what was given is kept."""
    family = "lstm" if model.family == "auto" else model.family
    if family not in Translate.families:
        *others, last = Translate.families
        raise UserError(f"translate has no {family} decoder; choose {', '.join(others)} or {last}")
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
