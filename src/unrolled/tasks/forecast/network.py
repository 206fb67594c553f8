"""Forecasting: from a window of the past of some channels to the values, or quantiles, of the steps ahead."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from unrolled.layers import state as states
from unrolled.layers.families import build_backbone
from unrolled.objectives.quantiles import ascending, pinball_loss
from unrolled.objectives.regression import regression_loss
from unrolled.tasks.forecast.network_config import ForecastConfig
from unrolled.tasks.forecast.window_scale import Level, fill, level


class ForecastState(NamedTuple):
    """What a live forecast remembers: the window it reads. Its steps before the first value are NaN."""

    window: Float[Tensor, "batch context channels"]


class ForecastNetwork(nn.Module):
    """A window `[batch, context, channels]` to a forecast `[batch, horizon, targets]`, or `[..., quantiles]`.

    1. Gaps (NaN) are filled, and each window's level is taken out (`window_scale`).
    2. With `channel_independent` every target becomes a row of its own; all rows share the weights. A row holds the
       values of its target, of the channels that are no targets, their mask channels, and the known features.
    3. Segments of `patch` steps become one step of the backbone each (Lin et al. 2023, SegRNN, arXiv:2308.11200;
       Nie et al. 2023, PatchTST, arXiv:2211.14730). A window that is no multiple of it begins with copies of its
       first step.
    4. Decoder `steps` takes one step of the backbone per segment ahead, all at once from the state after the window,
       from a learned position (SegRNN's parallel multi-step forecasting); `flatten` maps all outputs to the horizon
       (PatchTST). `auto` is steps for recurrent families, flatten for the others.
    5. A linear map of the window of each target, shared by all targets, is added (Zeng et al. 2022, arXiv:2205.13504).
       The rest begins at zero, so the network begins as the linear model, whose weights begin as the mean of the
       window. The level is put back.
    6. The channels known ahead act on the targets of the same step by a linear map, which begins at zero; 1 to 5 work
       on what it leaves of the window (a regression whose errors are a time series: Hyndman and Athanasopoulos 2021,
       Forecasting: Principles and Practice, chapter 10).

    Beyond `horizon` its own forecasts are fed back (`forecast.py`), channels that are neither targets nor known
    ahead being missing there. Live, `step` takes one time step and returns the forecast from it: the state is the
    window, and the same function of it is computed. Raises `ValueError` for settings that do not fit.
    """

    target_index: Tensor
    other_index: Tensor

    def __init__(self, config: ForecastConfig) -> None:
        super().__init__()
        _check(config)
        self.config = config
        targets, others = len(config.targets), config.channels - len(config.targets)
        self.rows, self.values = (targets, 1) if config.channel_independent else (1, targets)
        """rows a window becomes, and targets in each"""
        self.outputs = self.values * max(1, len(config.quantiles))
        self.segments, self.ahead = -(-config.context // config.patch), -(-config.horizon // config.patch)
        features = (self.values + others) * (2 if config.missing else 1) + config.known
        width, drop = config.width, config.dropout
        settings = {"heads": config.heads} if config.family == "transformer" else {}
        self.embedding = nn.Linear(config.patch * features, width)
        self.register_buffer("target_index", torch.tensor(config.targets), persistent=False)
        rest = [channel for channel in range(config.channels) if channel not in config.targets]
        self.register_buffer("other_index", torch.tensor(rest, dtype=torch.long), persistent=False)
        self.backbone = build_backbone(
            config.family, input_size=width, width=width, layers=config.layers, dropout=drop, **settings
        )
        self.decoder = config.decoder
        if self.decoder == "auto":
            self.decoder = "steps" if config.family in ("rnn", "lstm", "gru") else "flatten"
        if self.decoder == "steps" and not self.backbone.supports_step:
            raise ValueError(f"family {config.family} cannot go on by steps; use the decoder flatten")
        self.channel = nn.Parameter(torch.zeros(self.rows, width)) if self.rows > 1 else None
        self.position = nn.Parameter(torch.randn(self.ahead, width)) if self.decoder == "steps" else None
        self.future = nn.Linear(config.patch * config.known, width, bias=False) if config.known else None
        if self.decoder == "steps":
            self.head = nn.Linear(width, config.patch * self.outputs)
        else:
            self.head = nn.Linear(self.segments * width, self.ahead * config.patch * self.outputs)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.known_head = None
        if config.known and self.decoder == "flatten":
            self.known_head = nn.Linear(width, config.patch * self.outputs, bias=False)
            nn.init.zeros_(self.known_head.weight)
        self.linear = nn.Linear(config.context, config.horizon) if config.linear else None
        if self.linear is not None:
            nn.init.constant_(self.linear.weight, 1 / config.context)
            nn.init.zeros_(self.linear.bias)
        self.effect = nn.Linear(len(config.known_channels), targets, bias=False) if config.known_channels else None
        """of the channels known ahead on the targets of the same step"""
        if self.effect is not None:
            nn.init.zeros_(self.effect.weight)

    def forward(
        self,
        past: Float[Tensor, "batch context channels"],
        known: Float[Tensor, "batch context_and_horizon known"] | None = None,
    ) -> Float[Tensor, "batch horizon targets *quantiles"]:
        """The forecast of the steps after the window. Missing values of `past` are NaN."""
        config, batch = self.config, len(past)
        explained = None
        if self.effect is not None and known is not None:
            explained = self.effect(known[:, :, -len(config.known_channels) :]).to(past.dtype)
            past = past.index_add(2, self.target_index, explained[:, : config.context], alpha=-1)
        values, there = fill(past)
        scale = level(values, there, config.normalise)
        values = (values - scale.centre) / scale.scale
        encoded, state = self.backbone(self._embed(values, there, known))
        y = self._decode(encoded, state, known)
        y = y.view(batch, self.rows, self.ahead * config.patch, self.values, -1)[:, :, : config.horizon]
        y = y.permute(0, 2, 1, 3, 4).flatten(2, 3)
        if self.linear is not None:
            straight = self.linear(values[:, :, self.target_index].transpose(1, 2)).transpose(1, 2)
            middle = functional.one_hot(torch.tensor(y.shape[-1] // 2), y.shape[-1]).to(y)
            y = y + straight[..., None] * middle
        if config.quantiles:
            y = ascending(y)
        target = Level(*(part[:, :, self.target_index, None] for part in scale))
        y = y * target.scale + target.centre
        if explained is not None:
            y = y + explained[:, config.context :, :, None]
        return y if config.quantiles else y[..., 0]

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> ForecastState:
        """An empty window."""
        device = self.embedding.weight.device if device is None else device
        shape = (batch_size, self.config.context, self.config.channels)
        return ForecastState(torch.full(shape, torch.nan, device=device))

    def step(
        self,
        values: Float[Tensor, "batch channels"],
        state: ForecastState,
        known: Float[Tensor, "batch context_and_horizon known"] | None = None,
        *,
        mask: Bool[Tensor, " batch"] | None = None,
        reset: Bool[Tensor, " batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch horizon targets *quantiles"], ForecastState]:
        """One time step in (NaN where a value is missing): the forecast from it, and the window after it.

        `known` covers the window that ends with this step and the horizon after it. A row masked out keeps its window
        and forecasts from that.
        """
        if reset is not None:
            state = ForecastState(torch.where(reset[:, None, None], torch.nan, state.window))
        window = torch.cat([state.window[:, 1:], values[:, None]], dim=1)
        if mask is not None:
            window = torch.where(mask[:, None, None], window, state.window)
        return self(window, known), ForecastState(window)

    def losses(
        self,
        past: Float[Tensor, "batch context channels"],
        future: Float[Tensor, "batch horizon targets"],
        known: Float[Tensor, "batch context_and_horizon known"] | None = None,
    ) -> tuple[Float[Tensor, ""], Int[Tensor, ""]]:
        """The summed loss over the values of `future` that are there (not NaN), and their number."""
        predicted = self(past, known)
        if self.config.quantiles:
            return pinball_loss(predicted, future, self.config.quantiles)
        return regression_loss(predicted, future, self.config.loss)

    def point(
        self, forecast: Float[Tensor, "batch horizon targets *quantiles"]
    ) -> Float[Tensor, "batch horizon targets"]:
        """One value per step: of quantiles, the one nearest the median."""
        levels = self.config.quantiles
        if not levels:
            return forecast
        return forecast[..., min(range(len(levels)), key=lambda i: abs(levels[i] - 0.5))]

    def _embed(self, values: Tensor, there: Tensor, known: Tensor | None) -> Tensor:
        """Segments as steps of the backbone: `[batch * rows, segments, width]`."""
        config = self.config
        batch, time = values.shape[:2]

        def by_row(x: Tensor) -> Tensor:
            own = x[:, :, self.target_index].view(batch, time, self.rows, self.values)
            return torch.cat([own, x[:, :, None, self.other_index].expand(-1, -1, self.rows, -1)], dim=-1)

        parts = [by_row(values)]
        if config.missing:
            parts.append(by_row(there.to(values.dtype)))
        if known is not None:
            parts.append(known[:, :time, None].expand(-1, -1, self.rows, -1))
        x = torch.cat(parts, dim=-1)
        pad = self.segments * config.patch - time
        if pad:
            x = torch.cat([x[:, :1].expand(-1, pad, -1, -1), x], dim=1)
        x = x.transpose(1, 2).reshape(batch, self.rows, self.segments, -1)
        x = functional.relu(self.embedding(x))
        if self.channel is not None and self.decoder == "flatten":
            x = x + self.channel[:, None]
        return x.flatten(0, 1)

    def _decode(self, encoded: Tensor, state: states.State, known: Tensor | None) -> Tensor:
        """`[batch, rows, segments ahead * patch * outputs]`"""
        config, rows = self.config, self.rows
        batch = len(encoded) // rows
        ahead = self._known_ahead(known)
        if self.decoder == "flatten":
            x = functional.dropout(encoded.flatten(1), config.dropout, self.training)
            y = self.head(x).view(batch, rows, self.ahead, -1)
            if ahead is not None and self.known_head is not None:
                y = y + self.known_head(ahead.relu())[:, None]
            return y.flatten(2)
        assert self.position is not None
        query = self.position.expand(batch, rows, -1, -1)
        if self.channel is not None:
            query = query + self.channel[:, None]
        if ahead is not None:
            query = query + ahead[:, None]
        repeated = torch.arange(len(encoded), device=encoded.device).repeat_interleave(self.ahead)
        x, _ = self.backbone(query.reshape(-1, 1, config.width), states.gather(state, repeated))
        x = functional.dropout(x, config.dropout, self.training)
        return self.head(x).view(batch, rows, -1)

    def _known_ahead(self, known: Tensor | None) -> Tensor | None:
        """What is known of each segment ahead: `[batch, segments ahead, width]`."""
        if known is None or self.future is None:
            return None
        config = self.config
        x = known[:, config.context :]
        pad = self.ahead * config.patch - config.horizon
        if pad:
            x = torch.cat([x, x[:, -1:].expand(-1, pad, -1)], dim=1)
        return self.future(x.reshape(len(x), self.ahead, -1))


def _check(config: ForecastConfig) -> None:
    sizes = {"context": config.context, "horizon": config.horizon, "width": config.width, "patch": config.patch}
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} must be at least 1, got {size}")
    if not 0 <= config.dropout < 1:
        raise ValueError(f"dropout must be from 0 to below 1, got {config.dropout}")
    if not config.targets or len(set(config.targets)) < len(config.targets):
        raise ValueError(f"targets must be one or more different channels, got {config.targets}")
    if not all(0 <= target < config.channels for target in config.targets):
        raise ValueError(f"targets {config.targets} must be channels from 0 to {config.channels - 1}")
    ahead = config.known_channels
    if set(ahead) & set(config.targets) or len(ahead) > config.known or any(c >= config.channels for c in ahead):
        raise ValueError(
            f"channels known ahead must be others than the targets, each one of the {config.known} known features, "
            f"got {ahead}"
        )
    levels = config.quantiles
    if any(not 0 < level < 1 for level in levels) or list(levels) != sorted(set(levels)):
        raise ValueError(f"quantiles must ascend between 0 and 1, got {levels}")
