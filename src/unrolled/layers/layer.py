"""The contract of every layer: one model, unrolled over a chunk of time or rolled one step at a time."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from unrolled.layers import state as states
from unrolled.layers.inputs import Inputs, lead, map_inputs
from unrolled.layers.segments import Segments
from unrolled.layers.state import State


def zero_absent(x: Tensor, mask: Tensor | None) -> Tensor:
    """`x` with zeros where the mask is False. Unlike a product, this also stops NaN and its gradient."""
    if mask is None:
        return x
    return torch.where(mask.view(*mask.shape, *[1] * (x.dim() - mask.dim())), x, 0)


def _with_absent_steps(method: Callable, *, timed: bool) -> Callable:
    """Wrap `forward` (timed) or `step`: check the flags, zero absent inputs and outputs, pass over an empty chunk."""
    axes = 2 if timed else 1

    @functools.wraps(method)
    def guarded(
        self: "SequenceModule",
        inputs: Inputs,
        state: State | None = None,
        *,
        mask: Tensor | None = None,
        reset: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        x = inputs if isinstance(inputs, Tensor) else lead(inputs)
        for name, flag in (("mask", mask), ("reset", reset)):
            if flag is not None and (flag.dtype != torch.bool or flag.shape != x.shape[:axes]):
                raise ValueError(
                    f"{name} must be a bool tensor of shape {list(x.shape[:axes])}, "
                    f"got {flag.dtype} of shape {list(flag.shape)}"
                )
        if state is None:
            state = self.initial_state(len(x), device=x.device)
        if timed and x.shape[1] == 0:
            empty = torch.zeros(
                len(x),
                0,
                *self.output_shape,
                dtype=x.dtype if x.is_floating_point() else self.state_dtype,
                device=x.device,
            )
            return empty, state
        if mask is not None:
            inputs = map_inputs(lambda leaf: zero_absent(leaf, mask), inputs)
        y, state = method(self, inputs, state, mask=mask, reset=reset)
        return zero_absent(y, mask), state

    return guarded


class StepNotSupported(TypeError):
    """The layer needs the whole sequence and cannot run one step at a time."""


class SequenceModule(nn.Module):
    """What layers and models over time have in common: a parallel form (`forward`) and a step form (`step`) of one
    function.

    The input is `[batch, time, ...]` (`step` has no time axis), or a `NamedTuple` of such tensors; the output is
    `[batch, time, *output_shape]`.

    * The state goes in and comes out; it is never hidden in the module and never changed in place.
    * `mask[b, t] = False` marks a step that is not there: the state passes through it unchanged, its output is zero,
      and what the input holds there, NaN included, reaches nothing, forward or backward.
    * `reset[b, t] = True` forgets everything before step t is consumed, also where step t itself is absent.
    * Float leaves of a state stay float32 when the module computes in bfloat16.

    Inputs are zeroed under the mask before a subclass sees them, and outputs after it.
    """

    latency: int = 0
    """Steps of lookahead an output waits for: the first `latency` outputs of a sequence are zero."""
    receptive_field: int | None = None
    """How many past steps can reach one output (0: only its own step); None means unbounded."""
    supports_step: bool = True
    """False for what needs the whole sequence, such as a bidirectional layer."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "forward" in cls.__dict__:
            cls.forward = _with_absent_steps(cls.__dict__["forward"], timed=True)  # type: ignore[method-assign]
        if "step" in cls.__dict__:
            cls.step = _with_absent_steps(cls.__dict__["step"], timed=False)  # type: ignore[method-assign]

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Sizes of one output of one row."""
        raise NotImplementedError(f"{type(self).__name__} must define output_shape")

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> State:
        """The state before the first step."""
        raise NotImplementedError(f"{type(self).__name__} must define initial_state")

    def forward(
        self,
        inputs: Any,
        state: State | None = None,
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
        reset: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Tensor, State]:
        """A chunk of any length, also 0 and 1: outputs and the state after it."""
        raise NotImplementedError(f"{type(self).__name__} must define forward")

    def step(
        self,
        inputs: Any,
        state: State,
        *,
        mask: Bool[Tensor, " batch"] | None = None,
        reset: Bool[Tensor, " batch"] | None = None,
    ) -> tuple[Tensor, State]:
        """One step. Raises `StepNotSupported` for what needs the whole sequence."""
        self._require_step()
        timed = [None if flag is None else flag[:, None] for flag in (mask, reset)]
        chunk = map_inputs(lambda leaf: leaf[:, None], inputs)
        y, state = self.forward(chunk, state, mask=timed[0], reset=timed[1])
        return y[:, 0], state

    def _require_step(self) -> None:
        if not self.supports_step:
            raise StepNotSupported(
                f"{type(self).__name__} needs the whole sequence and cannot run step by step; "
                "use a causal family (such as lstm, gru or transformer) for streams"
            )

    @property
    def state_dtype(self) -> torch.dtype:
        """The type of float leaves: float64 for a float64 module, else float32, also for a bfloat16 one."""
        parameter = next(self.parameters(), None)
        return torch.float64 if parameter is not None and parameter.dtype == torch.float64 else torch.float32


class SequenceLayer(SequenceModule):
    """A layer over time: `[batch, time, input_size]` to `[batch, time, output_size]`, under the contract of
    `SequenceModule`.

    A subclass sets `input_size` and `output_size`, defines `initial_state`, and one of

    * `unroll(x, state, lengths)`: a chunk of right-padded rows; mask and reset are then done here, once for all;
    * `forward(x, state, *, mask, reset)`: the same with mask and reset in its own hands (layers made of layers);
    * or it derives from `Cell` and defines a single step.

    `unrolled.testing.check_layer` checks the whole contract.
    """

    input_size: int
    output_size: int
    backends: tuple[str, ...] = ("reference",)
    """Implementations of the hot loop that can run here; they agree with "reference"."""
    backend: str = "auto"

    @property
    def output_shape(self) -> tuple[int, ...]:
        return (self.output_size,)

    def unroll(
        self,
        x: Float[Tensor, "batch time input"],
        state: State,
        lengths: Int[Tensor, " batch"] | None,
    ) -> tuple[Tensor, State]:
        """A chunk of at least one step. With `lengths`, row b holds `lengths[b] >= 1` steps and then padding: the
        state returned is the one after its last real step; outputs in the padding do not matter."""
        raise NotImplementedError(f"{type(self).__name__} must define unroll, forward or (as a Cell) cell")

    def forward(
        self,
        x: Float[Tensor, "batch time input"],
        state: State | None = None,
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
        reset: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Tensor, State]:
        """A chunk of any length, also 0 and 1: outputs and the state after it."""
        if state is None:
            state = self.initial_state(len(x), device=x.device)
        if mask is None and reset is None:
            return self.unroll(x, state, None)
        segments = Segments(len(x), x.shape[1], mask, reset, x.device)
        fresh = self.initial_state(len(x), device=x.device)
        if not len(segments):
            nothing = x.new_zeros(*x.shape[:2], self.output_size)
            return nothing, segments.finish(states.gather(state, segments.lengths), state, fresh)
        y, ended = self.unroll(segments.split(x), segments.start(state, fresh), segments.lengths)
        return segments.join(y), segments.finish(ended, state, fresh)


class Cell(SequenceLayer):
    """A layer written as one step: define `initial_state` and `cell`, and mask, reset and time come by themselves."""

    def cell(self, x: Float[Tensor, "batch input"], state: Any) -> tuple[Tensor, Any]:
        """One step for every row."""
        raise NotImplementedError(f"{type(self).__name__} must define cell")

    def step(
        self,
        x: Float[Tensor, "batch input"],
        state: State,
        *,
        mask: Bool[Tensor, " batch"] | None = None,
        reset: Bool[Tensor, " batch"] | None = None,
    ) -> tuple[Tensor, State]:
        if reset is not None:
            state = states.select(reset, self.initial_state(len(x), device=x.device), state)
        y, after = self.cell(x, state)
        return y, after if mask is None else states.select(mask, after, state)

    def forward(
        self,
        x: Float[Tensor, "batch time input"],
        state: State | None = None,
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
        reset: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Tensor, State]:
        if state is None:
            state = self.initial_state(len(x), device=x.device)
        outputs = []
        for t in range(x.shape[1]):
            mask_t, reset_t = (None if flag is None else flag[:, t] for flag in (mask, reset))
            y, state = self.step(x[:, t], state, mask=mask_t, reset=reset_t)
            outputs.append(y)
        return torch.stack(outputs, dim=1), state


SequenceModule.forward = _with_absent_steps(SequenceModule.forward, timed=True)  # type: ignore[method-assign]
SequenceModule.step = _with_absent_steps(SequenceModule.step, timed=False)  # type: ignore[method-assign]
