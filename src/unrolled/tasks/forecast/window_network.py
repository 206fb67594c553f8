"""From a window of the past of some channels to the values, or quantiles, of the steps ahead: one network."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from unrolled.layers import state as states
from unrolled.layers.dropout import dropout
from unrolled.layers.families import build_backbone
from unrolled.models.family_settings import family_settings
from unrolled.objectives.quantiles import ascending
from unrolled.tasks.forecast.network_config import ForecastConfig, model_config
from unrolled.tasks.forecast.window_scale import fill, level

RECURRENT = ("rnn", "lstm", "gru")


class WindowNetwork(nn.Module):
    """A window `[batch, context, channels]` to a forecast `[batch, horizon, targets, quantiles]` (without quantiles the
    last axis has size 1).

    1. Gaps (NaN) are filled, and each window's level is taken out (`window_scale`).
    2. With `channel_independent` every target becomes a row of its own; all rows share the weights. A row holds the
       values of its target, of the channels that are no targets, their mask channels, and the known features.
    3. Segments of `patch` steps become one step of the backbone each (Lin et al. 2023, SegRNN, arXiv:2308.11200;
       Nie et al. 2023, PatchTST, arXiv:2211.14730). A window that is no multiple of it begins with copies of its
       first step. Since all of a window is past, a backbone that reads from both ends is as good a one.
    4. Decoder `steps` takes one step of the backbone per segment ahead, all at once from the state after the window,
       from a learned position (SegRNN's parallel multi-step forecasting); `flatten` maps all outputs to the horizon
       (PatchTST). `auto` is steps for recurrent families that read forward, flatten for the others.
    5. A linear map of the window of each target, shared by all targets, is added (Zeng et al. 2022, arXiv:2205.13504).
       The rest begins at zero, so the network begins as the linear model, whose weights begin as the mean of the
       window. The level is put back.
    6. The channels known ahead act on the targets of the same step by a linear map, which begins at zero; 1 to 5 work
       on what it leaves of the window (a regression whose errors are a time series: Hyndman and Athanasopoulos 2021,
       Forecasting: Principles and Practice, chapter 10).

    Raises `ValueError` for settings that do not fit.
    """

    target_index: Tensor
    other_index: Tensor
    middle: Tensor

    def __init__(self, config: ForecastConfig) -> None:
        super().__init__()
        _check(config)
        self.config = config
        targets, others = len(config.targets), config.channels - len(config.targets)
        self.rows, self.values = (targets, 1) if config.channel_independent else (1, targets)
        """rows a window becomes, and targets in each"""
        quantiles = max(1, len(config.quantiles))
        self.outputs = self.values * quantiles
        self.segments, self.ahead = -(-config.context // config.patch), -(-config.horizon // config.patch)
        features = (self.values + others) * (2 if config.missing else 1) + config.known
        width = config.width
        self.embedding = nn.Linear(config.patch * features, width)
        self.register_buffer("target_index", torch.tensor(config.targets), persistent=False)
        rest = [channel for channel in range(config.channels) if channel not in config.targets]
        self.register_buffer("other_index", torch.tensor(rest, dtype=torch.long), persistent=False)
        middle = (torch.arange(quantiles) == quantiles // 2).to(torch.get_default_dtype())
        self.register_buffer("middle", middle, persistent=False)
        self.all_targets = config.targets == tuple(range(config.channels))
        # One more position than the window has: that of the segments ahead.
        settings = family_settings(model_config(config), self.segments + 1)
        self.backbone = build_backbone(config.family, input_size=width, width=width, layers=config.layers, **settings)
        self.decoder = config.decoder
        if self.decoder == "auto":
            self.decoder = "steps" if config.family in RECURRENT and self.backbone.supports_step else "flatten"
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
        observed: Bool[Tensor, "batch context channels"] | None = None,
    ) -> Float[Tensor, "batch horizon targets quantiles"]:
        """The forecast of the steps after the window. Missing values of `past` are NaN, or what `observed` says."""
        config, batch = self.config, len(past)
        explained = None
        if self.effect is not None and known is not None:
            explained = self.effect(known[:, :, -len(config.known_channels) :]).to(past.dtype)
            past = past.index_add(2, self.target_index, explained[:, : config.context], alpha=-1)
        values, observed = fill(past, observed)
        scale = level(values, observed, config.normalise)
        values = scale.take_out(values)
        own = self._of_targets(values)
        y = self._decode(self._embed(values, own, observed, known), known)
        y = y.view(batch, self.rows, -1, self.values, len(self.middle)).transpose(2, 3).flatten(1, 2)
        y = y[:, :, : config.horizon]
        if self.linear is not None:
            straight = self.linear(own)[..., None]
            y = y + (straight * self.middle if config.quantiles else straight)
        if config.quantiles:
            y = ascending(y)
        y = scale.map(lambda part: self._of_targets(part)[..., None]).put_back(y).transpose(1, 2)
        return y if explained is None else y + explained[:, config.context :, :, None]

    def _of_targets(self, x: Tensor) -> Tensor:
        """The channels that are forecast: `[batch, time, channels]` to `[batch, targets, time]`."""
        return (x if self.all_targets else x.index_select(2, self.target_index)).transpose(1, 2)

    def _embed(self, values: Tensor, own: Tensor, observed: Tensor, known: Tensor | None) -> Tensor:
        """Segments as steps of the backbone: `[batch * rows, segments, width]`."""
        config = self.config
        batch, time = values.shape[:2]
        parts = self._by_row(values, own)
        if config.missing:
            present = observed.to(values.dtype)
            parts += self._by_row(present, self._of_targets(present))
        if known is not None:
            parts.append(known[:, None, :time].expand(-1, self.rows, -1, -1))
        x = torch.cat(parts, dim=-1) if len(parts) > 1 else parts[0]
        pad = self.segments * config.patch - time
        if pad:
            x = torch.cat([x[:, :, :1].expand(-1, -1, pad, -1), x], dim=2)
        x = functional.relu(self.embedding(x.reshape(batch * self.rows * self.segments, -1)))
        if self.channel is not None and self.position is None:
            x = x.view(batch, self.rows, self.segments, -1) + self.channel[:, None]
        return x.view(batch * self.rows, self.segments, -1)

    def _by_row(self, x: Tensor, own: Tensor) -> list[Tensor]:
        """What each row reads of the targets, and of the other channels: each `[batch, rows, time, features]`."""
        batch, time = x.shape[:2]
        parts = [own.view(batch, self.rows, self.values, time).transpose(2, 3)]
        if len(self.other_index):
            parts.append(x.index_select(2, self.other_index)[:, None].expand(-1, self.rows, -1, -1))
        return parts

    def _decode(self, x: Tensor, known: Tensor | None) -> Tensor:
        """From segments to the segments ahead: `[batch, rows, segments ahead * patch * outputs]`."""
        batch, config = len(x) // self.rows, self.config
        ahead = self._known_ahead(known)
        if self.position is None:
            x = self._dropout(self.backbone(x)[0].contiguous())
            y = self.head(x.flatten(1)).view(batch, self.rows, self.ahead, -1)
            if ahead is not None and self.known_head is not None:
                y = y + self.known_head(ahead.relu())[:, None]
            return y.flatten(2)
        query = self.position.expand(batch, self.rows, -1, -1)
        if self.channel is not None:
            query = query + self.channel[:, None]
        if ahead is not None:
            query = query + ahead[:, None]
        query = query.flatten(0, 1)
        if self.ahead == 1:  # one step more, without a call of its own
            x = self.backbone(torch.cat([x, query], dim=1))[0][:, -1:]
        else:
            state = states.map_state(self._for_each_ahead, self.backbone(x)[1])
            x = self.backbone(query.reshape(-1, 1, config.width), state)[0].view(query.shape)
        return self.head(self._dropout(x)).view(batch, self.rows, -1)

    def _dropout(self, x: Tensor) -> Tensor:
        """Before the head."""
        return dropout(x, self.config.dropout, training=self.training, variational=self.config.variational)

    def _for_each_ahead(self, leaf: Tensor) -> Tensor:
        """A leaf of the state after the window, for each segment ahead."""
        return leaf[:, None].expand(-1, self.ahead, *[-1] * (leaf.dim() - 1)).flatten(0, 1)

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
