"""What rnn, lstm and gru have in common: parameters in PyTorch's layout, several layers, dropout between them."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from unrolled.kernels.recurrence import Weights
from unrolled.layers import state as states
from unrolled.layers.dropout import dropout
from unrolled.layers.layer import SequenceLayer
from unrolled.layers.state import State


class Recurrent(SequenceLayer):
    """A stack of recurrent layers of one kind.

    Parameters are named and laid out as in `torch.nn.RNN`, `LSTM` and `GRU` (`weight_ih_l0`, ...), so their state
    dicts load as they are and outputs agree. Every leaf of the state is `[batch, layers, width]`.

    Initialisation: input weights uniform (Glorot and Bengio 2010), recurrent weights orthogonal per gate (Saxe et al.
    2014, arXiv:1312.6120), biases zero unless the family says otherwise.
    """

    backends = ("reference", "torch")
    gates: int

    def __init__(
        self,
        input_size: int,
        width: int,
        *,
        layers: int = 1,
        bias: bool = True,
        dropout: float = 0.0,
        variational: bool = False,
    ) -> None:
        super().__init__()
        if min(input_size, width, layers) < 1:
            raise ValueError(f"sizes must be at least 1, got input_size={input_size}, width={width}, layers={layers}")
        self.input_size, self.output_size = input_size, width
        self.width, self.layers = width, layers
        self.dropout, self.variational = dropout, variational
        for layer in range(layers):
            size = input_size if layer == 0 else width
            self.register_parameter(f"weight_ih_l{layer}", nn.Parameter(torch.empty(self.gates * width, size)))
            self.register_parameter(f"weight_hh_l{layer}", nn.Parameter(torch.empty(self.gates * width, width)))
            if bias:
                self.register_parameter(f"bias_ih_l{layer}", nn.Parameter(torch.empty(self.gates * width)))
                self.register_parameter(f"bias_hh_l{layer}", nn.Parameter(torch.empty(self.gates * width)))
        self.bias = bias
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        for name, parameter in self.named_parameters():
            if name.startswith("bias"):
                parameter.zero_()
            for gate in parameter.chunk(self.gates):
                if name.startswith("weight_ih"):
                    nn.init.xavier_uniform_(gate)
                elif name.startswith("weight_hh"):
                    nn.init.orthogonal_(gate)

    def weights(self, layer: int) -> Weights:
        """The parameters of one layer, in the order PyTorch's loops take them."""
        names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"][: 4 if self.bias else 2]
        return tuple(getattr(self, f"{name}_l{layer}") for name in names)

    def run_layer(self, layer: int, x: Tensor, state: Any, lengths: Tensor | None) -> tuple[Tensor, tuple[Tensor, ...]]:
        """One layer over a chunk; the leaves of `state` and of the result are `[batch, width]`."""
        raise NotImplementedError

    def step_layer(self, layer: int, x: Tensor, state: Any) -> tuple[Tensor, ...]:
        """One layer, one step; the first leaf returned is the output."""
        raise NotImplementedError

    def unroll(
        self, x: Float[Tensor, "batch time input"], state: State, lengths: Int[Tensor, " batch"] | None
    ) -> tuple[Tensor, State]:
        ends, kind = [], x.dtype
        for layer in range(self.layers):
            if layer:
                x = dropout(x, self.dropout, training=self.training, variational=self.variational)
            before = states.map_state(lambda leaf, i=layer: leaf[:, i], state)
            x, end = self.run_layer(layer, x, before, lengths)
            ends.append(end)
        return x.to(kind), type(state)(*[torch.stack(leaf, dim=1) for leaf in zip(*ends, strict=True)])

    def step(
        self,
        x: Float[Tensor, "batch input"],
        state: State,
        *,
        mask: Tensor | None = None,
        reset: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        if reset is not None:
            state = states.select(reset, self.initial_state(len(x), device=x.device), state)
        ends, kind = [], x.dtype
        for layer in range(self.layers):
            end = self.step_layer(layer, x, states.map_state(lambda leaf, i=layer: leaf[:, i], state))
            x = end[0]
            ends.append(end)
        after = type(state)(*[torch.stack(leaf, dim=1) for leaf in zip(*ends, strict=True)])
        return x.to(kind), after if mask is None else states.select(mask, after, state)

    def zeros(self, batch_size: int, device: torch.device | str | None) -> Float[Tensor, "batch layers width"]:
        device = self.weights(0)[0].device if device is None else device
        return torch.zeros(batch_size, self.layers, self.width, dtype=self.state_dtype, device=device)
