"""What "auto" becomes for forecasts: sizes, family, schedule and regularisation, from the series.

The rules were found on hourly and daily series of several channels; see `unrolled.tasks.forecast.rules` for the sizes
in time.
"""

from dataclasses import replace

from unrolled.data.config import DataConfig
from unrolled.models.config import ModelConfig
from unrolled.tasks.forecast.network_config import SHARED, ForecastConfig
from unrolled.tasks.forecast.rules import ForecastRules
from unrolled.training.config import TrainConfig

SHORT = 5_000
"""Up to so many windows for training, the network is smaller, and learns for longer with more weight decay."""
RECURRENT = ("rnn", "lstm", "gru")
FEWEST_UPDATES = 1_000
"""A short series is gone through until about so many updates are done, if validation goes on to improve."""


def choose_for_forecast(
    data: DataConfig, model: ModelConfig, train: TrainConfig, rules: ForecastRules, windows: int
) -> tuple[DataConfig, ModelConfig, TrainConfig]:
    """Complete configurations; what was given is kept. `windows`: how many there are to learn from."""
    short = windows <= SHORT
    family = "gru" if model.family == "auto" else model.family
    width = model.width or (64 if short else 128)
    heads = model.heads or max(1, width // 32)
    # Other families read short steps; a recurrent one is quicker, and no worse, with few long ones.
    patch = rules.patch if family in RECURRENT else max(1, min(16, rules.context // 6))
    model = replace(
        model,
        family=family,
        layers=model.layers or (1 if family in RECURRENT else 2),
        width=width,
        heads=heads if family == "transformer" else model.heads,
        positions="rotary" if model.positions == "auto" else model.positions,
        patch=min(model.patch or patch, rules.context),
        channels=("independent" if rules.channel_independent else "mixed")
        if model.channels == "auto"
        else model.channels,
        dropout=(0.3 if short else 0.5) if model.dropout is None else model.dropout,
    )
    data = replace(data, context=rules.context, horizon=rules.horizon)
    return data, model, _choose_training(train, windows, short)


def _choose_training(train: TrainConfig, windows: int, short: bool) -> TrainConfig:
    limited = any(limit is not None for limit in (train.max_steps, train.max_epochs, train.max_time))
    batch_size = train.batch_size or 64
    updates = -(-windows // batch_size)
    epochs = float(max(30, min(300, FEWEST_UPDATES // updates))) if short else 8.0
    # Once an epoch, but not after every few updates of a short one.
    every = max(updates, 25)
    return replace(
        train,
        batch_size=batch_size,
        optimizer="adamw" if train.optimizer == "auto" else train.optimizer,
        learning_rate=(2e-3 if short else 1e-3) if train.learning_rate is None else train.learning_rate,
        weight_decay=(1e-2 if short else 1e-4) if train.weight_decay is None else train.weight_decay,
        schedule="cosine" if train.schedule == "auto" else train.schedule,
        warmup_steps=50 if train.warmup_steps is None else train.warmup_steps,
        max_epochs=train.max_epochs if limited else epochs,
        max_time=train.max_time if limited else "10m",
        # The network is small, and a forecast adds small changes to the last value: bfloat16 would only round them.
        precision="32" if train.precision == "auto" else train.precision,
        validate_every=every if train.validate_every is None else train.validate_every,
        patience=(6 if short else 3) if train.patience is None else train.patience,
    )


def network_config(
    model: ModelConfig,
    rules: ForecastRules,
    *,
    channels: int,
    targets: tuple[int, ...],
    known: int,
    known_channels: tuple[int, ...],
    missing: bool,
    levels: tuple[float, ...],
    window_scaling: bool,
) -> ForecastConfig:
    """The settings of the network, from completed settings of the model."""
    given = {name: getattr(model, name) for name in SHARED}
    return ForecastConfig(
        context=rules.context,
        horizon=rules.horizon,
        channels=channels,
        targets=targets,
        known=known,
        known_channels=known_channels,
        missing=missing,
        channel_independent=model.channels == "independent",
        normalise="standard" if window_scaling else "last",
        quantiles=levels,
        **{name: value for name, value in given.items() if value is not None},
    )
