"""What "auto" becomes: defaults for the model, the feeding and the optimisation, from the data and its size."""

from dataclasses import replace

from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.training.config import TrainConfig

SMALL_VOCABULARY = 1000
"""Up to here a token is about a character, and the output layer costs little."""


WORTH_MUON = 2048
"""Tokens per update from which on Muon pays: its orthogonalisation costs the same however small the batch is."""


FEW_PASSES = 3
"""Passes over the text below which dropout only slows learning."""


def choose(
    data: DataConfig, model: ModelConfig, train: TrainConfig, *, tokens: int, vocabulary_size: int
) -> tuple[DataConfig, ModelConfig, TrainConfig]:
    """Complete configurations; what was given is kept.

    `tokens` is the size of the training part. Raises `UserError` where choices contradict each other.
    """
    model = _choose_model(model, tokens, vocabulary_size)
    recurrent = model.family != "transformer"
    feed = data.feed
    if feed == "auto":
        feed = "streams" if recurrent else "windows"
    if feed == "streams" and not recurrent and (model.window is None or model.positions in ("sinusoidal", "learned")):
        raise UserError(
            "streams carry the state through the whole text, which a transformer without a window or with "
            f"{model.positions} positions cannot: add --model.window 64 and --model.positions rotary, "
            "or use --data.feed windows"
        )
    context = data.context
    if context is None:
        context = (64 if vocabulary_size <= SMALL_VOCABULARY else 35) if recurrent else 128
        context = max(2, min(context, tokens // 4))
    batch_size = train.batch_size
    if batch_size is None:
        batch_size = 32 if recurrent else 16
        while batch_size > 1 and batch_size * (context + 1) > tokens:
            batch_size //= 2
    data = replace(data, feed=feed, context=context)
    if model.dropout is None:
        model = replace(model, dropout=_choose_dropout(train, tokens, batch_size * context * train.accumulate))
    return data, model, _choose_training(train, batch_size, context)


def _choose_model(model: ModelConfig, tokens: int, vocabulary_size: int) -> ModelConfig:
    family = "lstm" if model.family == "auto" else model.family
    large_vocabulary = vocabulary_size > SMALL_VOCABULARY
    if family == "transformer":
        width = model.width or (192 if tokens >= 200_000 else 128)
        heads = model.heads or _heads(width)
        chosen = replace(
            model,
            layers=model.layers or 4,
            width=width,
            heads=heads,
            kv_heads=model.kv_heads or heads,
            positions="rotary" if model.positions == "auto" else model.positions,
            embedding_size=None,
        )
    else:
        width = model.width or (512 if tokens >= 200_000 else 256)
        if large_vocabulary and model.width is None:
            width = 256
        chosen = replace(model, layers=model.layers or (2 if large_vocabulary else 1), width=width)
        if family == "lstm" and model.forget_bias is None:
            # Characters: 0.02 nats better after 300 updates, since what is near matters most. Words: 0.01 worse.
            chosen = replace(chosen, forget_bias=1.0 if large_vocabulary else 0.0)
    tie = large_vocabulary and model.embedding == "learned" if model.tie_weights is None else model.tie_weights
    if model.embedding == "one-hot" or family == "transformer":
        size = None
    elif model.embedding_size is not None:
        size = model.embedding_size
        tie = tie and (model.tie_weights is not None or size == width)
    else:
        size = width if tie else min(width, 128)
    return replace(
        chosen,
        family=family,
        embedding_size=size,
        tie_weights=tie,
    )


def _choose_dropout(train: TrainConfig, tokens: int, tokens_per_update: int) -> float:
    """None where the limits say that the text is read only a few times: then there is nothing to overfit."""
    passes = [train.max_epochs] if train.max_epochs is not None else []
    if train.max_steps is not None:
        passes.append(train.max_steps * tokens_per_update / tokens)
    return 0.0 if passes and min(passes) < FEW_PASSES else 0.1


def _heads(width: int) -> int:
    """Heads of about 32 features, as many as divide the width."""
    return next(heads for heads in range(max(1, width // 32), 0, -1) if width % heads == 0)


def _choose_training(train: TrainConfig, batch_size: int, context: int) -> TrainConfig:
    limited = any(limit is not None for limit in (train.max_steps, train.max_epochs, train.max_time))
    optimizer = train.optimizer
    if optimizer == "auto":
        optimizer = "muon" if batch_size * context * train.accumulate >= WORTH_MUON else "adamw"
    decay = 0.5 if optimizer == "muon" else 0.1
    return replace(
        train,
        batch_size=batch_size,
        optimizer=optimizer,
        learning_rate=4e-3 if train.learning_rate is None else train.learning_rate,
        weight_decay=decay if train.weight_decay is None else train.weight_decay,
        schedule="wsd" if train.schedule == "auto" else train.schedule,
        warmup_steps=50 if train.warmup_steps is None else train.warmup_steps,
        max_time=train.max_time if limited else "10m",
    )
