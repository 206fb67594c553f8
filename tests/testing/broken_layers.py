"""Layers that each break one law, as real layers do, and the law and the words that must name it."""

from typing import NamedTuple

import torch
from sample_layers import (
    WIDTH,
    Backwards,
    CausalConvolution,
    Delayed,
    GrowingMemory,
    Hidden,
    Leaky,
    LearnedStart,
    TwoBackends,
)
from torch import Tensor, nn

from unrolled.layers import state as states
from unrolled.layers.layer import Cell


def bare(kind):
    """Take away what the base class does around `forward` and `step`: zeroing under the mask, filling in the state."""
    for name in ("forward", "step"):
        if name in vars(kind):
            setattr(kind, name, vars(kind)[name].__wrapped__)
    return kind


def loop(layer, x, state, mask, reset):
    """A chunk as a plain loop over `step`."""
    state = layer.initial_state(len(x)) if state is None else state
    outputs = [x.new_zeros(len(x), 0, WIDTH)]
    for t in range(x.shape[1]):
        mask_t, reset_t = (None if flag is None else flag[:, t] for flag in (mask, reset))
        y, state = layer.step(x[:, t], state, mask=mask_t, reset=reset_t)
        outputs.append(y[:, None])
    return torch.cat(outputs, 1), state


# Chunking


class PrefillDiffersFromStep(Leaky):
    def step(self, x, state, *, mask=None, reset=None):
        y, state = super().step(x, state, mask=mask, reset=reset)
        return y * 1.001, state

    def forward(self, x, state, *, mask=None, reset=None):
        y, state = super().forward(x, state, mask=mask, reset=reset)
        return y / 1.001 if x.shape[1] > 1 else y, state


class MutatesItsState(Leaky):
    def cell(self, x, state):
        state.hidden.mul_(0.5).add_(self.project(x))
        return state.hidden.clone(), state


class MutatesItsInput(Leaky):
    def unchecked_forward(self, x, state=None, *, mask=None, reset=None):
        with torch.no_grad():
            x.mul_(1.5)
        return super().forward(x, state, mask=mask, reset=reset)

    forward = unchecked_forward


MutatesItsInput = bare(MutatesItsInput)


class CutsTheGradient(Leaky):
    def forward(self, x, state, *, mask=None, reset=None):
        return super().forward(x, states.detach(state), mask=mask, reset=reset)


class CountsChunks(Leaky):
    """Outputs are right; of the state, only what a later release may use is wrong."""

    class State(NamedTuple):
        hidden: Tensor
        count: Tensor

    def initial_state(self, batch_size, *, device=None):
        return self.State(*super().initial_state(batch_size, device=device), torch.zeros(batch_size, device=device))

    def cell(self, x, state):
        y, (hidden,) = super().cell(x, Hidden(state.hidden))
        return y, self.State(hidden, state.count)

    def forward(self, x, state, *, mask=None, reset=None):
        y, state = super().forward(x, state, mask=mask, reset=reset)
        return y, state._replace(count=state.count + 1)


class ForgetsInShortChunks(CausalConvolution):
    """Keeps the end of the chunk only, though the window is longer."""

    def _last(self, history, time, lengths):
        kept = super()._last(history, time, lengths)
        return kept if time >= self.receptive_field else kept * 0


# Mask


class DecaysUnderPadding(Leaky):
    def step(self, x, state, *, mask=None, reset=None):
        return super().step(x, state, reset=reset)


class MultipliesByTheMask(Leaky):
    def step(self, x, state, *, mask=None, reset=None):
        if reset is not None:
            state = states.select(reset, self.initial_state(len(x)), state)
        y, after = self.cell(x, state)
        if mask is None:
            return y, after
        present = mask[:, None].to(x)
        return y * present, Hidden(present * after.hidden + (1 - present) * state.hidden)

    def forward(self, x, state=None, *, mask=None, reset=None):
        return loop(self, x, state, mask, reset)


MultipliesByTheMask = bare(MultipliesByTheMask)


class SpeaksUnderTheMask(Leaky):
    def forward(self, x, state=None, *, mask=None, reset=None):
        y, state = super().forward(x, state, mask=mask, reset=reset)
        return (y, state) if mask is None else (torch.where(mask[..., None], y, 1.0), state)


SpeaksUnderTheMask = bare(SpeaksUnderTheMask)


class AdvancesWhenNothingIsThere(Leaky):
    def forward(self, x, state, *, mask=None, reset=None):
        y, after = super().forward(x, state, mask=mask, reset=reset)
        return y, after if mask is None or mask.any() else Hidden(after.hidden * 0.9)


# Reset


class ForgetsToReset(Leaky):
    def step(self, x, state, *, mask=None, reset=None):
        return super().step(x, state, mask=mask)


class MultipliesByTheReset(Leaky):
    def step(self, x, state, *, mask=None, reset=None):
        if reset is not None:
            state = Hidden(state.hidden * (~reset[:, None]))
        return super().step(x, state, mask=mask)


class ResetsOnlyWherePresent(Leaky):
    def step(self, x, state, *, mask=None, reset=None):
        if reset is not None and mask is not None:
            reset = reset & mask
        return super().step(x, state, mask=mask, reset=reset)


class ResetsToZeroNotToItsStart(LearnedStart):
    def step(self, x, state, *, mask=None, reset=None):
        if reset is not None:
            state = Hidden(torch.where(reset[:, None], 0, state.hidden))
        return super().step(x, state, mask=mask)


# Rows


class SharesPositions(Cell):
    """Every row has its position, yet all are taken for as far as the farthest."""

    class State(NamedTuple):
        hidden: Tensor
        position: Tensor

    def __init__(self):
        super().__init__()
        self.input_size, self.output_size = 3, WIDTH
        self.project = nn.Linear(3, WIDTH)

    def initial_state(self, batch_size, *, device=None):
        hidden = torch.zeros(batch_size, WIDTH, device=device)
        return self.State(hidden, torch.zeros(batch_size, dtype=torch.long, device=device))

    def cell(self, x, state):
        hidden = 0.5 * state.hidden + self.project(x) * torch.cos(state.position.max())
        return hidden, self.State(hidden, state.position + 1)


class MixesRows(Leaky):
    def cell(self, x, state):
        y, state = super().cell(x, state)
        return y - y.mean(0), state


class TakesNaNFromOtherRows(Leaky):
    """Scales by a constant that it finds in a way that lets one bad row spoil all."""

    def cell(self, x, state):
        y, state = super().cell(x, state)
        return y + 0 * y.sum(), state


class DependsOnTheOrderOfRows(Leaky):
    def cell(self, x, state):
        y, state = super().cell(x, state)
        return y * torch.linspace(1, 2, len(x))[:, None], state


# Causality, latency, receptive field


class LeaksTheFuture(Leaky):
    def forward(self, x, state, *, mask=None, reset=None):
        y, state = super().forward(x, state, mask=mask, reset=reset)
        return y + 1e-3 * y.mean(1, keepdim=True), state


class ClaimsASmallerField(CausalConvolution):
    def __init__(self):
        super().__init__()
        self.inner, self.receptive_field = self.receptive_field, 2

    @property
    def places(self):
        return self.inner

    def initial_state(self, batch_size, *, device=None):
        return Hidden(torch.zeros(batch_size, self.inner, self.input_size, device=device))

    def _last(self, history, time, lengths):
        return history[:, -self.inner :]


class ClaimsALargerField(Leaky):
    receptive_field = 20

    def cell(self, x, state):
        y = self.project(x)
        return y, Hidden(y)


class ClaimsAnUnboundedField(ClaimsALargerField):
    receptive_field = None


class ClaimsNoLatency(Delayed):
    def __init__(self):
        super().__init__()
        self.wait = 2
        self.latency = 0

    def unroll(self, x, state, lengths):
        y, state = super().unroll(x, state, lengths)
        return torch.cat([y[:, :2] * 0, y[:, 2:]], 1), state


class ClaimsLatency(Leaky):
    latency = 1


class StepsBackwards(Backwards):
    def step(self, x, state, *, mask=None, reset=None):
        return self.inner.project(x), state


# State


class HidesItsState(Leaky):
    def __init__(self):
        super().__init__()
        self.hidden = torch.zeros(1, WIDTH)

    def cell(self, x, state):
        y, state = super().cell(x, state)
        y = y + self.hidden.mean()
        self.hidden = y.detach()
        return y, state


class BeginsDifferentlyFromNone(Leaky):
    def forward(self, x, state=None, *, mask=None, reset=None):
        state = Hidden(torch.full((len(x), WIDTH), 0.01)) if state is None else state
        return loop(self, x, state, mask, reset)


BeginsDifferentlyFromNone = bare(BeginsDifferentlyFromNone)


class BatchOnAxisOne(Leaky):
    def initial_state(self, batch_size, *, device=None):
        return Hidden(super().initial_state(batch_size, device=device).hidden[None])

    def cell(self, x, state):
        y, (hidden,) = super().cell(x, Hidden(state.hidden[0]))
        return y, Hidden(hidden[None])


class StaysOnItsDevice(Leaky):
    def initial_state(self, batch_size, *, device=None):
        return super().initial_state(batch_size)


class ChangesTheStructure(Leaky):
    def cell(self, x, state):
        y, state = super().cell(x, state)
        return y, Hidden(state.hidden.double())


class CannotTakeAnEmptyChunk(Leaky):
    def forward(self, x, state=None, *, mask=None, reset=None):
        return super().forward(x[:, :1], state), super().forward(x[:, 1:], state)


CannotTakeAnEmptyChunk = bare(CannotTakeAnEmptyChunk)


# Precision


class TruncatesItsState(Leaky):
    def cell(self, x, state):
        y, state = super().cell(x, state)
        return y, Hidden(state.hidden.bfloat16().float())


class TruncatesUnderAutocast(Leaky):
    def cell(self, x, state):
        y, state = super().cell(x, state)
        return y, Hidden(state.hidden.bfloat16().float()) if torch.is_autocast_enabled("cpu") else state


class KeepsItsStateInBfloat16(Leaky):
    def cell(self, x, state):
        y, state = super().cell(x, state)
        return y, Hidden(y.bfloat16()) if torch.is_autocast_enabled("cpu") else state


class CutsItsCache(GrowingMemory):
    def cell(self, x, state):
        y, state = super().cell(x, state)
        return y, state._replace(values=state.values.half().float())


# Backends


class DisagreesSlightly(TwoBackends):
    def forward(self, x, state, *, mask=None, reset=None):
        y, state = super().forward(x, state, mask=mask, reset=reset)
        return (y * 1.0005 if self.backend == "powers" else y), state


class FastFormForgetsTheMask(TwoBackends):
    def forward(self, x, state, *, mask=None, reset=None):
        return super().forward(x, state, mask=None if self.backend == "powers" else mask, reset=reset)


class FastFormHasNoStateGradient(TwoBackends):
    def forward(self, x, state, *, mask=None, reset=None):
        if self.backend == "powers":
            state = states.detach(state)
        return super().forward(x, state, mask=mask, reset=reset)


class WrongTanh(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = torch.tanh(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad):
        (y,) = ctx.saved_tensors
        return grad * (1 - y)


class HasAWrongGradient(Leaky):
    def cell(self, x, state):
        return super().cell(WrongTanh.apply(x), state)


# Export


class BranchesOnTheData(Leaky):
    def cell(self, x, state):
        if x.sum() > 0:
            x = x * 1.0
        return super().cell(x, state)


class ReadsItsPositionInPython(SharesPositions):
    def cell(self, x, state):
        hidden = state.hidden * 0.9 ** int(state.position[0]) + self.project(x)
        return hidden, self.State(hidden, state.position + 1)


class ExportsSomethingElse(Leaky):
    def cell(self, x, state):
        y, state = super().cell(x, state)
        return (y * 1.01 if torch.compiler.is_exporting() else y), state


BROKEN = [
    (PrefillDiffersFromStep, "chunking", r"step by step, no mask.*output differs from one chunk"),
    (MutatesItsState, "chunking", "initial state leaf `hidden` differs from what it was before `forward`"),
    (MutatesItsInput, "chunking", "input differs from what it was before `forward`"),
    (CutsTheGradient, "chunking", r"gradient of (input|initial state leaf `hidden`|parameter `\w+`) differs"),
    (CountsChunks, "chunking", "final state leaf `count` differs"),
    (ForgetsInShortChunks, "chunking", r"step by step, no mask.*output differs"),
    (LeaksTheFuture, "chunking", "output differs"),
    (DecaysUnderPadding, "mask", "right pads.*final state leaf `hidden` differs"),
    (MultipliesByTheMask, "mask", "NaN under the mask.*differs"),
    (SpeaksUnderTheMask, "mask", "output differs from each row alone|output differs from zero"),
    (AdvancesWhenNothingIsThere, "mask", "a wholly masked chunk.*final state leaf `hidden`"),
    (ForgetsToReset, "reset", "random resets.*output differs from separate sequences"),
    (MultipliesByTheReset, "reset", "nan before a reset.*output differs"),
    (ResetsOnlyWherePresent, "reset", "random mask.*differs from separate sequences"),
    (ResetsToZeroNotToItsStart, "reset", "random resets.*differs from separate sequences"),
    (
        SharesPositions,
        "rows",
        "other rows of numbers before them, random mask.*output differs from the same rows by themselves",
    ),
    (SharesPositions, "mask", "output differs from each row alone"),
    (MixesRows, "rows", "other rows of numbers before them"),
    (TakesNaNFromOtherRows, "rows", "other rows of nan before them"),
    (DependsOnTheOrderOfRows, "rows", "rows in another order"),
    (LeaksTheFuture, "causality", "the future.*output 0 depends on input 1, which comes later"),
    (ClaimsASmallerField, "causality", "receptive_field.*is 2, but steps reach outputs 3 steps away"),
    (ClaimsALargerField, "causality", "is 20, but steps reach outputs 0 steps away"),
    (ClaimsAnUnboundedField, "causality", "is None .*declare receptive_field = 0"),
    (ClaimsNoLatency, "causality", "first output that depends on an input is 2, latency is 0"),
    (ClaimsLatency, "causality", "first output that depends on an input is 0, latency is 1"),
    (StepsBackwards, "causality", "`step` did not raise StepNotSupported"),
    (HidesItsState, "state", "state=None|the same call twice"),
    (BeginsDifferentlyFromNone, "state", "state=None.*output differs from that from initial_state"),
    (BatchOnAxisOne, "state", r"leaf `hidden` of initial_state has shape \[1, 3, 4\]; axis 0 must be the batch of 3"),
    (StaysOnItsDevice, "state", "on another device.*is on cpu"),
    (ChangesTheStructure, "state", "the state returned has leaves"),
    (CannotTakeAnEmptyChunk, "state", "the layer raised"),
    (TruncatesItsState, "precision", "all values of state leaf `hidden` are torch.bfloat16 numbers"),
    (TruncatesUnderAutocast, "precision", "2000 steps in bfloat16.*`hidden` differs by"),
    (KeepsItsStateInBfloat16, "precision", "types after a chunk.*has type torch.bfloat16"),
    (CutsItsCache, "precision", "all values of state leaf `values` are torch.float16 numbers"),
    (DisagreesSlightly, "backends", 'backend "powers".*output differs from backend "reference"'),
    (FastFormForgetsTheMask, "backends", 'backend "powers", random mask'),
    (FastFormHasNoStateGradient, "backends", "from a carried state.*gradient of initial state leaf `hidden` differs"),
    (HasAWrongGradient, "backends", "gradients differ from finite differences"),
    (BranchesOnTheData, "export", "torch.export.export of the step.*the layer raised"),
    (ReadsItsPositionInPython, "export", "torch.export.export of the step.*the layer raised"),
    (ExportsSomethingElse, "export", "output differs from `step` at step 0"),
]
