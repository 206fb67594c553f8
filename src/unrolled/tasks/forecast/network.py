"""Forecasting: from a window of the past of some channels to the values, or quantiles, of the steps ahead."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from unrolled.objectives.quantiles import pinball_loss
from unrolled.objectives.regression import regression_loss
from unrolled.tasks.forecast.network_config import ForecastConfig
from unrolled.tasks.forecast.window_network import WindowNetwork


class ForecastState(NamedTuple):
    """What a live forecast remembers: the window it reads. Its steps before the first value are NaN."""

    window: Float[Tensor, "batch context channels"]


class ForecastNetwork(nn.Module):
    """A window `[batch, context, channels]` to a forecast `[batch, horizon, targets]`, or `[..., quantiles]`: the mean
    of those of its members (`WindowNetwork`), which are trained side by side on the same windows.

    Beyond `horizon` its own forecasts are fed back (`forecast.forecast`), channels that are neither targets nor known
    ahead being missing there. Live, `step` takes one time step and returns the forecast from it: the state is the
    window, and the same function of it is computed. Raises `ValueError` for settings that do not fit.
    """

    entered = ("losses", "step")
    """Methods that are called from outside, beside `forward`."""

    def __init__(self, config: ForecastConfig) -> None:
        super().__init__()
        if config.members < 1:
            raise ValueError(f"members must be at least 1, got {config.members}")
        self.config = config
        self.members = nn.ModuleList(WindowNetwork(config) for _ in range(config.members))

    def forward(
        self,
        past: Float[Tensor, "batch context channels"],
        known: Float[Tensor, "batch context_and_horizon known"] | None = None,
    ) -> Float[Tensor, "batch horizon targets *quantiles"]:
        """The forecast of the steps after the window. Missing values of `past` are NaN."""
        forecasts = self._of_members(past, known)
        return forecasts[0] if len(forecasts) == 1 else torch.stack(forecasts).mean(dim=0)

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> ForecastState:
        """An empty window."""
        device = next(self.parameters()).device if device is None else device
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
        """The summed loss over the values of `future` that are there (not NaN), the mean over members; and the number
        of those values."""
        losses = []
        for predicted in self._of_members(past, known):
            if self.config.quantiles:
                loss, count = pinball_loss(predicted, future, self.config.quantiles)
            else:
                loss, count = regression_loss(predicted, future, self.config.loss)
            losses.append(loss)
        return losses[0] if len(losses) == 1 else torch.stack(losses).mean(), count

    def point(
        self, forecast: Float[Tensor, "batch horizon targets *quantiles"]
    ) -> Float[Tensor, "batch horizon targets"]:
        """One value per step: of quantiles, the one nearest the median."""
        levels = self.config.quantiles
        if not levels:
            return forecast
        return forecast[..., min(range(len(levels)), key=lambda i: abs(levels[i] - 0.5))]

    def _of_members(self, past: Tensor, known: Tensor | None) -> list[Tensor]:
        forecasts = [member(past, known) for member in self.members]
        return forecasts if self.config.quantiles else [forecast[..., 0] for forecast in forecasts]

    @property
    def target_index(self) -> Tensor:
        """The channels that are forecast."""
        return self.members[0].target_index  # type: ignore[return-value]


def name_today(name: str) -> str:
    """Of a weight in a model directory: older versions had a single network."""
    return name if name.startswith("members.") else f"members.0.{name}"
