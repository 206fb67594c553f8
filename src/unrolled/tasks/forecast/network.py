"""Forecasting live and from windows: the values, or quantiles, of the steps ahead from every step of a series."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from unrolled.layers import state as states
from unrolled.layers.inputs import map_inputs
from unrolled.layers.segments import Segments
from unrolled.layers.state import State
from unrolled.models.sequence_model import SequenceModel
from unrolled.objectives.quantiles import pinball_loss
from unrolled.objectives.regression import regression_loss
from unrolled.tasks.forecast.network_config import ForecastConfig
from unrolled.tasks.forecast.window_network import WindowNetwork

MOST_AT_ONCE = 2**22
"""Numbers of windows that are laid out side by side."""


class ForecastInputs(NamedTuple):
    """What a forecast reads at each step, `[batch, time, ...]`, or `[batch, ...]` for one step."""

    values: Float[Tensor, "batch *time channels"]
    """NaN where one is missing"""
    known: Float[Tensor, "batch *time known"] | None = None
    """at this step, the features that are known also for the future"""
    ahead: Float[Tensor, "batch *time horizon known"] | None = None
    """the same features of the `horizon` steps after it, as they are known at this step"""


class ForecastState(NamedTuple):
    """What a live forecast remembers: the window it reads, newest last."""

    window: Float[Tensor, "batch context channels"]
    """0 where a value is missing, and before the first step"""
    there: Bool[Tensor, "batch context channels"]
    """which values are not missing"""
    known: Float[Tensor, "batch context known"]
    """features of the same steps that are known also for the future; 0 before the first"""


def series_inputs(
    values: Float[Tensor, "batch time channels"],
    known: Float[Tensor, "batch time_and_horizon known"] | None,
    horizon: int,
) -> ForecastInputs:
    """A series, and what is known of its steps and of the `horizon` steps after it, as inputs; without a copy."""
    if known is None:
        return ForecastInputs(values)
    return ForecastInputs(values, known[:, : values.shape[1]], known.unfold(1, horizon, 1)[:, 1:].movedim(-1, 2))


class ForecastNetwork(SequenceModel):
    """A series to the forecast from each of its steps, `[batch, time, horizon, targets]` or `[..., quantiles]`, under
    the contract of `SequenceModel`.

    It is the same function of each window of `context` steps, `from_windows`: the mean of the forecasts of its members
    (`WindowNetwork`), which are trained side by side on the same windows. So its receptive field is that window, and
    the window is its state. A family that needs a whole sequence gets the whole window; therefore every family runs
    live. What a window network computes depends on the end of the window, at which its segments and its level begin,
    so nothing but the window can be carried from one step to the next.

    Training, which takes windows in random order, calls `losses`, and loses nothing by that: no state reaches farther
    back than the window. Beyond `horizon` the network's own forecasts are fed back (`forecast.forecast`), channels that
    are neither targets nor known ahead being missing there. Raises `ValueError` for settings that do not fit.
    """

    entered = ("from_windows", "losses", "step")
    """Methods that are called from outside, beside `forward`."""

    def __init__(self, config: ForecastConfig) -> None:
        super().__init__()
        if config.members < 1:
            raise ValueError(f"members must be at least 1, got {config.members}")
        self.config = config
        self.members = nn.ModuleList(WindowNetwork(config) for _ in range(config.members))
        self.receptive_field = config.context - 1

    @property
    def output_shape(self) -> tuple[int, ...]:
        levels = self.config.quantiles
        return self.config.horizon, len(self.config.targets), *([len(levels)] if levels else [])

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> ForecastState:
        """An empty window."""
        config = self.config
        device = next(self.parameters()).device if device is None else device
        window = torch.zeros(batch_size, config.context, config.channels, dtype=self.state_dtype, device=device)
        known = torch.zeros(batch_size, config.context, config.known, dtype=self.state_dtype, device=device)
        return ForecastState(window, torch.zeros_like(window, dtype=torch.bool), known)

    def forward(
        self,
        inputs: ForecastInputs,
        state: Any = None,
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
        reset: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Float[Tensor, "batch time horizon targets *quantiles"], State]:
        """The forecasts from every step of a chunk, and the window after it."""
        self._check(inputs)
        batch, time = inputs.values.shape[:2]
        device, context = inputs.values.device, torch.arange(self.config.context, device=inputs.values.device)
        if mask is None and reset is None:
            rows = torch.arange(batch, device=device).repeat_interleave(time)
            steps = torch.arange(time, device=device).repeat(batch)
            y, seen = self._every_step(inputs, state, rows, steps)
            return y.unflatten(0, (batch, time)), states.map_state(lambda leaf: leaf[:, time + context], seen)
        segments = Segments(batch, time, mask, reset, device)
        fresh = self.initial_state(batch, device=device)
        inputs = map_inputs(segments.split, inputs)
        rows, steps = (torch.arange(segments.longest, device=device) < segments.lengths[:, None]).nonzero().T
        y, seen = self._every_step(inputs, segments.start(state, fresh), rows, steps)
        padded = y.new_zeros(len(segments), segments.longest, *self.output_shape).index_put((rows, steps), y)
        index = torch.arange(len(segments), device=device)[:, None], segments.lengths[:, None] + context
        ended = states.map_state(lambda leaf: leaf[index], seen)
        return segments.join(padded), segments.finish(ended, state, fresh)

    def step(
        self,
        inputs: ForecastInputs,
        state: Any,
        *,
        mask: Bool[Tensor, " batch"] | None = None,
        reset: Bool[Tensor, " batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch horizon targets *quantiles"], State]:
        """One time step: the forecast from it, and the window after it."""
        self._check(inputs)
        values, known, ahead = inputs
        if reset is not None:
            state = states.select(reset, self.initial_state(len(values), device=values.device), state)
        window, observed, span = *_without_gaps(values), None
        after = ForecastState(_shifted(state.window, window), _shifted(state.there, observed), state.known)
        if known is not None and ahead is not None:
            after = after._replace(known=_shifted(state.known, known))
            span = torch.cat([after.known, ahead], dim=1)
        y = self.from_windows(after.window, span, after.there)
        return y, after if mask is None else states.select(mask, after, state)

    def from_windows(
        self,
        past: Float[Tensor, "batch context channels"],
        known: Float[Tensor, "batch context_and_horizon known"] | None = None,
        observed: Bool[Tensor, "batch context channels"] | None = None,
    ) -> Float[Tensor, "batch horizon targets *quantiles"]:
        """The forecast of the steps after each window. Missing values of `past` are NaN, or what `observed` says."""
        forecasts = self._of_members(past, known, observed)
        return forecasts[0] if len(forecasts) == 1 else torch.stack(forecasts).mean(dim=0)

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

    def _check(self, inputs: ForecastInputs) -> None:
        """Raises `ValueError` unless the features known ahead are there exactly if the network reads some."""
        if (inputs.known is None or inputs.ahead is None) == bool(self.config.known):
            raise ValueError(
                f"the network reads {self.config.known} features known ahead; give known and ahead, or none"
            )

    def _every_step(
        self, inputs: ForecastInputs, state: Any, rows: Int[Tensor, " windows"], steps: Int[Tensor, " windows"]
    ) -> tuple[Float[Tensor, "windows horizon targets *quantiles"], State]:
        """The forecasts from these steps, and what was seen: the leaves of `state`, and after them all steps."""
        values, observed = _without_gaps(inputs.values)
        known = values.new_zeros(*values.shape[:2], 0) if inputs.known is None else inputs.known
        new = ForecastState(values, observed, known)
        seen = states.map_state(lambda before, after: torch.cat([before, after], dim=1), state, new)
        if not len(rows):
            return values.new_zeros(0, *self.output_shape), seen
        context = self.config.context
        # Windows as views; the first is that of the state.
        windows = states.map_state(lambda leaf: leaf.unfold(1, context, 1)[:, 1:], seen)
        at_once = max(1, MOST_AT_ONCE // (context * (values.shape[2] + known.shape[2])))
        forecasts = []
        for index in zip(rows.split(at_once), steps.split(at_once), strict=True):
            past, present, span = (leaf[index].transpose(1, 2) for leaf in windows)
            span = None if inputs.ahead is None else torch.cat([span, inputs.ahead[index]], dim=1)
            forecasts.append(self.from_windows(past, span, present))
        return torch.cat(forecasts), seen

    def _of_members(self, past: Tensor, known: Tensor | None, observed: Tensor | None = None) -> list[Tensor]:
        forecasts = [member(past, known, observed) for member in self.members]
        return forecasts if self.config.quantiles else [forecast[..., 0] for forecast in forecasts]

    @property
    def target_index(self) -> Tensor:
        """The channels that are forecast."""
        return self.members[0].target_index  # type: ignore[return-value]


def _without_gaps(values: Tensor) -> tuple[Tensor, Tensor]:
    """0 where a value is missing, and which are not."""
    observed = values == values  # NaN is not itself
    return torch.where(observed, values, 0), observed


def _shifted(window: Tensor, newest: Tensor) -> Tensor:
    return torch.cat([window[:, 1:], newest[:, None]], dim=1)


def name_today(name: str) -> str:
    """Of a weight in a model directory: older versions had a single network."""
    return name if name.startswith("members.") else f"members.0.{name}"
