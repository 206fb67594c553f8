"""What "auto" becomes for tasks on records: family, size, schedule and regularisation, from the task and the data.

The rules were found by the experiments in `benchmarks/defaults/`.
"""

from dataclasses import replace
from typing import NamedTuple

from unrolled.data.config import DataConfig
from unrolled.models.config import ModelConfig
from unrolled.training.config import TrainConfig


class Facts(NamedTuple):
    """What the choices depend on."""

    task: str
    records: int
    """in the training part"""
    steps: int
    """of a typical record (or window)"""
    channels: int
    tokens: bool
    """whether steps are tokens"""
    signal: bool
    """whether steps are samples or frames of a signal"""
    embeds: bool = False
    """whether there is anything to embed"""


def choose_for_records(
    data: DataConfig, model: ModelConfig, train: TrainConfig, facts: Facts
) -> tuple[DataConfig, ModelConfig, TrainConfig]:
    """Complete configurations; what was given is kept."""
    model = _choose_model(model, facts)
    data = replace(
        data,
        augment=data.augment if data.augment != "auto" or facts.tokens else "none" if facts.steps == 1 else "signal",
    )
    return data, model, _choose_training(train, facts)


def _choose_model(model: ModelConfig, facts: Facts) -> ModelConfig:
    family = model.family
    if family == "auto":
        family = "feedforward" if facts.steps == 1 else "lstm" if facts.tokens else "inception"
        if facts.task == "transcribe":
            family = "lstm"
    width = model.width or {"inception": 64, "convolution": 64}.get(family, 128)
    layers = model.layers or {"inception": 6, "convolution": 4, "feedforward": 2, "transformer": 3}.get(family, 2)
    transformer = family == "transformer"
    heads = model.heads or max(1, width // 32)
    # What does not apply stays as it was given: what has been chosen can be given again (see `applicable`).
    both_ends = facts.task in ("classify", "regress", "tag", "transcribe")
    either = family not in ("inception", "feedforward")
    pooled = facts.task in ("classify", "regress")
    few = facts.records < 1000 and not facts.tokens
    return replace(
        model,
        family=family,
        width=width,
        layers=layers,
        heads=heads if transformer else model.heads,
        kv_heads=model.kv_heads or heads if transformer else model.kv_heads,
        positions="rotary" if model.positions == "auto" and transformer else model.positions,
        bidirectional=both_ends if model.bidirectional is None and either else model.bidirectional,
        embedding_size=model.embedding_size or (min(width, 64) if facts.embeds else None),
        pooling="mean" if model.pooling == "auto" and pooled else model.pooling,
        dropout=(0.3 if facts.tokens else 0.1) if model.dropout is None else model.dropout,
        members=model.members or (3 if few and facts.task in ("classify", "regress") else 1),
    )


def _choose_training(train: TrainConfig, facts: Facts) -> TrainConfig:
    limited = any(limit is not None for limit in (train.max_steps, train.max_epochs, train.max_time))
    batch_size = train.batch_size or (16 if facts.records < 1000 else 32)
    updates = -(-facts.records // batch_size)
    epochs = None if limited else float(max(10, min(300, round(3000 / max(1, updates)))))
    return replace(
        train,
        batch_size=batch_size,
        optimizer="adamw" if train.optimizer == "auto" else train.optimizer,
        learning_rate=2e-3 if train.learning_rate is None else train.learning_rate,
        weight_decay=0.02 if train.weight_decay is None else train.weight_decay,
        schedule="cosine" if train.schedule == "auto" else train.schedule,
        warmup_steps=20 if train.warmup_steps is None else train.warmup_steps,
        max_epochs=train.max_epochs if limited else epochs,
        max_time=train.max_time if limited else "10m",
    )
