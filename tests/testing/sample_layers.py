"""Small layers that keep every law, one of each kind. `broken_layers.py` breaks them."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from unrolled.layers.layer import Cell, SequenceLayer

WIDTH = 4


class Hidden(NamedTuple):
    hidden: Tensor


class Leaky(Cell):
    """A leaky integrator: h_t = d * h_{t-1} + (1 - d) * (W x_t), some decays close to 1."""

    def __init__(self, input_size: int = 3) -> None:
        super().__init__()
        self.input_size, self.output_size = input_size, WIDTH
        self.project = nn.Linear(input_size, WIDTH)
        self.decay_logit = nn.Parameter(torch.tensor([-1.0, 1.0, 3.0, 7.0]))

    def initial_state(self, batch_size, *, device=None):
        return Hidden(torch.zeros(batch_size, WIDTH, device=device, dtype=self.state_dtype))

    def cell(self, x, state):
        decay = torch.sigmoid(self.decay_logit)
        hidden = decay * state.hidden + (1 - decay) * self.project(x)
        return hidden, Hidden(hidden)


class LearnedStart(Leaky):
    """Begins from a learned state."""

    def __init__(self) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.randn(WIDTH))

    def initial_state(self, batch_size, *, device=None):
        return Hidden(self.start.expand(batch_size, -1).to(device))


class CausalConvolution(SequenceLayer):
    """y_t from the last `size` inputs; the state holds the last `size - 1` of them."""

    def __init__(self, input_size: int = 3, size: int = 4) -> None:
        super().__init__()
        self.input_size, self.output_size = input_size, WIDTH
        self.receptive_field = size - 1
        self.convolution = nn.Conv1d(input_size, WIDTH, size)

    def initial_state(self, batch_size, *, device=None):
        shape = (batch_size, self.receptive_field, self.input_size)
        return Hidden(torch.zeros(shape, device=device, dtype=self.state_dtype))

    def unroll(self, x, state, lengths):
        history = torch.cat([state.hidden, x.to(state.hidden.dtype)], dim=1)
        y = self.convolution(history.transpose(1, 2)).transpose(1, 2)
        return y, Hidden(self._last(history, x.shape[1], lengths))

    def _last(self, history, time, lengths):
        """The inputs before the end of each row."""
        ends = torch.full((len(history),), time, device=history.device) if lengths is None else lengths
        places = ends[:, None] + torch.arange(self.receptive_field, device=history.device)
        return history.gather(1, places[..., None].expand(-1, -1, history.shape[2]))


class Delayed(CausalConvolution):
    """Looks two steps ahead: its output comes two steps late, and is zero before."""

    latency = 2

    class State(NamedTuple):
        hidden: Tensor
        seen: Tensor

    def initial_state(self, batch_size, *, device=None):
        hidden = super().initial_state(batch_size, device=device).hidden
        return self.State(hidden, torch.zeros(batch_size, dtype=torch.long, device=device))

    def unroll(self, x, state, lengths):
        y, (hidden,) = super().unroll(x, Hidden(state.hidden), lengths)
        seen = state.seen[:, None] + torch.arange(x.shape[1], device=x.device)
        y = torch.where((seen >= self.latency)[..., None], y, 0)
        return y, self.State(hidden, state.seen + (x.shape[1] if lengths is None else lengths))


class GrowingMemory(Cell):
    """Averages all past values with weights that depend on the step: a small attention with a cache that grows."""

    class State(NamedTuple):
        values: Tensor
        length: Tensor

    def __init__(self, input_size: int = 3) -> None:
        super().__init__()
        self.input_size, self.output_size = input_size, WIDTH
        self.query, self.value = nn.Linear(input_size, WIDTH), nn.Linear(input_size, WIDTH)

    def initial_state(self, batch_size, *, device=None):
        return self.State(
            torch.zeros(batch_size, 0, WIDTH, device=device, dtype=self.state_dtype),
            torch.zeros(batch_size, dtype=torch.long, device=device),
        )

    def cell(self, x, state):
        values = torch.cat([state.values, self.value(x)[:, None].to(state.values.dtype)], dim=1)
        length = state.length + 1
        back = torch.arange(values.shape[1], device=x.device).flip(0)
        scores = torch.einsum("bw,btw->bt", self.query(x).to(values.dtype), values)
        scores = scores.masked_fill(back >= length[:, None], -torch.inf)
        y = torch.einsum("bt,btw->bw", scores.softmax(-1), torch.where(scores.isfinite()[..., None], values, 0))
        return y, self.State(values, length)


class Pointwise(Cell):
    """Remembers nothing."""

    receptive_field = 0

    def __init__(self, input_size: int = 3) -> None:
        super().__init__()
        self.input_size, self.output_size = input_size, WIDTH
        self.project = nn.Linear(input_size, WIDTH)

    def initial_state(self, batch_size, *, device=None):
        return ()

    def cell(self, x, state):
        return torch.tanh(self.project(x)), state


class Pair(SequenceLayer):
    """A layer made of layers: the state is a tuple of states."""

    def __init__(self, first: SequenceLayer, second: SequenceLayer) -> None:
        super().__init__()
        self.first, self.second = first, second
        self.input_size, self.output_size = first.input_size, second.output_size

    def initial_state(self, batch_size, *, device=None):
        return tuple(layer.initial_state(batch_size, device=device) for layer in (self.first, self.second))

    def forward(self, x, state, *, mask=None, reset=None):
        x, first = self.first(x, state[0], mask=mask, reset=reset)
        x, second = self.second(x, state[1], mask=mask, reset=reset)
        return x, (first, second)

    def step(self, x, state, *, mask=None, reset=None):
        x, first = self.first.step(x, state[0], mask=mask, reset=reset)
        x, second = self.second.step(x, state[1], mask=mask, reset=reset)
        return x, (first, second)


class Backwards(SequenceLayer):
    """Needs the whole sequence: a leaky integrator that runs from the end to the beginning."""

    supports_step = False

    def __init__(self) -> None:
        super().__init__()
        self.inner = Leaky()
        self.input_size, self.output_size = self.inner.input_size, self.inner.output_size

    def initial_state(self, batch_size, *, device=None):
        return ()

    def unroll(self, x, state, lengths):
        ends = torch.full((len(x),), x.shape[1]) if lengths is None else lengths
        order = (ends[:, None] - 1 - torch.arange(x.shape[1])) % x.shape[1]
        y, _ = self.inner(x.take_along_dim(order[..., None], 1))
        return y.take_along_dim(order[..., None], 1), state


class TwoBackends(Leaky):
    """The same integrator with a second way to compute a chunk: as sums with powers of the decay."""

    backends = ("reference", "powers")

    def forward(self, x, state, *, mask=None, reset=None):
        if self.backend != "powers" or mask is not None or reset is not None:
            return super().forward(x, state, mask=mask, reset=reset)
        decay = torch.sigmoid(self.decay_logit)
        steps = torch.arange(x.shape[1])
        ages = steps[:, None] - steps[None, :]  # [output, input]
        weights = torch.where((ages >= 0)[..., None], decay ** ages.clamp(min=0)[..., None], 0)
        hidden = torch.einsum("oiw,biw->bow", weights, (1 - decay) * self.project(x))
        hidden = hidden + decay ** (steps[:, None] + 1) * state.hidden[:, None]
        return hidden, Hidden(hidden[:, -1])


GOOD = {
    "leaky": Leaky,
    "learned start": LearnedStart,
    "convolution": CausalConvolution,
    "delayed": Delayed,
    "growing memory": GrowingMemory,
    "pointwise": Pointwise,
    "pair": lambda: Pair(GrowingMemory(), Leaky(WIDTH)),
    "backwards": Backwards,
    "two backends": TwoBackends,
}
