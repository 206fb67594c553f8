"""The plain recurrent network."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrolled.kernels.rnn import Nonlinearity, rnn, rnn_step
from unrolled.layers.recurrent import Recurrent


class RNNState(NamedTuple):
    hidden: Float[Tensor, "batch layers width"]


class RNN(Recurrent):
    """Elman network: h_t = f(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh), f = tanh or ReLU.

    With ReLU the recurrent weights begin as the identity (Le et al. 2015, arXiv:1504.00941), else orthogonal.

    Source: Elman 1990, "Finding Structure in Time", Cognitive Science 14.
    """

    gates = 1

    def __init__(self, input_size: int, width: int, *, nonlinearity: Nonlinearity = "tanh", **options: Any) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f'nonlinearity must be "tanh" or "relu", got "{nonlinearity}"')
        self.nonlinearity: Nonlinearity = nonlinearity
        super().__init__(input_size, width, **options)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        super().reset_parameters()
        if self.nonlinearity == "relu":
            for layer in range(self.layers):
                nn.init.eye_(self.weights(layer)[1])

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> RNNState:
        return RNNState(self.zeros(batch_size, device))

    def run_layer(
        self, layer: int, x: Tensor, state: RNNState, lengths: Tensor | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        y, hidden = rnn(x, state.hidden, self.weights(layer), self.nonlinearity, lengths=lengths, backend=self.backend)
        return y, (hidden,)

    def step_layer(self, layer: int, x: Tensor, state: RNNState) -> tuple[Tensor, ...]:
        return (rnn_step(x, state.hidden, self.weights(layer), self.nonlinearity),)
