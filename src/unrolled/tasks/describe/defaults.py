"""What "auto" becomes for describe: family, size and schedule."""

from dataclasses import replace

from unrolled.data.config import DataConfig
from unrolled.models.config import ModelConfig
from unrolled.training.config import TrainConfig

MANY_TOKENS = 500_000
"""Tokens in training from which on a wider model pays."""


def choose_for_descriptions(
    data: DataConfig, model: ModelConfig, train: TrainConfig, *, records: int, tokens: int, longest: int
) -> tuple[DataConfig, ModelConfig, TrainConfig]:
    """Complete configurations; what was given is kept. `records` and `tokens` are those of the training part."""
    family = "lstm" if model.family == "auto" else model.family
    transformer = family == "transformer"
    width = model.width or (256 if tokens >= MANY_TOKENS else 128)
    heads = model.heads or max(1, width // 32)
    # What does not apply stays as it was given: what has been chosen can be given again (see `applicable`).
    model = replace(
        model,
        family=family,
        width=width,
        layers=model.layers or {"transformer": 3, "convolution": 6}.get(family, 1),
        heads=heads if transformer else model.heads,
        kv_heads=model.kv_heads or heads if transformer else model.kv_heads,
        positions="rotary" if model.positions == "auto" and transformer else model.positions,
        embedding_size=width if transformer else model.embedding_size or width,
        dropout=0.1 if model.dropout is None else model.dropout,
    )
    batch_size = train.batch_size or (16 if records < 1000 else 32)
    an_epoch = -(-records // batch_size)
    limited = any(limit is not None for limit in (train.max_steps, train.max_epochs, train.max_time))
    epochs = train.max_epochs if limited else float(max(10, min(200, round(3000 / an_epoch))))
    updates = train.max_steps or (round(epochs * an_epoch) if epochs else 2000)
    train = replace(
        train,
        batch_size=batch_size,
        optimizer="adamw" if train.optimizer == "auto" else train.optimizer,
        learning_rate=(2e-3 if transformer else 4e-3) if train.learning_rate is None else train.learning_rate,
        weight_decay=0.01 if train.weight_decay is None else train.weight_decay,
        schedule="cosine" if train.schedule == "auto" else train.schedule,
        warmup_steps=min(100, max(1, updates // 10)) if train.warmup_steps is None else train.warmup_steps,
        max_epochs=epochs,
        max_time=train.max_time if limited else "10m",
    )
    return replace(data, context=data.context or longest), model, train
