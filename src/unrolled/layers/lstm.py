"""Long short-term memory."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from unrolled.kernels.lstm import lstm, lstm_step
from unrolled.layers.recurrent import Recurrent


class LSTMState(NamedTuple):
    hidden: Float[Tensor, "batch layers width"]
    cell: Float[Tensor, "batch layers width"]


class LSTM(Recurrent):
    """c_t = f_t * c_{t-1} + i_t * g_t,   h_t = o_t * tanh(c_t)

    with i, f, o = sigmoid(W x_t + U h_{t-1} + b) each and g = tanh of the same form; rows of the weights in the order
    i, f, g, o. The bias of the forget gate begins at `forget_bias`: 1 keeps long memories from the start (Gers et al.
    2000; Jozefowicz et al. 2015), 0 learns short ones sooner.

    Source: Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000.
    """

    gates = 4

    def __init__(self, input_size: int, width: int, *, forget_bias: float = 1.0, **settings: Any) -> None:
        self.forget_bias = forget_bias
        super().__init__(input_size, width, **settings)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        super().reset_parameters()
        if self.bias:
            for layer in range(self.layers):
                self.weights(layer)[2][self.width : 2 * self.width] = self.forget_bias

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> LSTMState:
        return LSTMState(self.zeros(batch_size, device), self.zeros(batch_size, device))

    def run_layer(
        self, layer: int, x: Tensor, state: LSTMState, lengths: Tensor | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        y, *end = lstm(x, state.hidden, state.cell, self.weights(layer), lengths=lengths, backend=self.backend)
        return y, tuple(end)

    def step_layer(self, layer: int, x: Tensor, state: LSTMState) -> tuple[Tensor, ...]:
        return lstm_step(x, state.hidden, state.cell, self.weights(layer))
