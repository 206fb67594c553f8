"""Gated recurrent unit."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from unrolled.kernels.gru import gru, gru_step
from unrolled.layers.recurrent import Recurrent


class GRUState(NamedTuple):
    hidden: Float[Tensor, "batch layers width"]


class GRU(Recurrent):
    """h_t = (1 - z_t) * n_t + z_t * h_{t-1}

    with r, z = sigmoid(W x_t + U h_{t-1} + b) each and n = tanh(W_n x_t + b_n + r_t * (U_n h_{t-1} + c_n)); rows of the
    weights in the order r, z, n. This is PyTorch's (and cuDNN's) form, with the reset gate after the product.

    Source: Cho et al. 2014, arXiv:1406.1078; the form of the reset gate: Chung et al. 2014, arXiv:1412.3555.
    """

    gates = 3

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> GRUState:
        return GRUState(self.zeros(batch_size, device))

    def run_layer(
        self, layer: int, x: Tensor, state: GRUState, lengths: Tensor | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        y, hidden = gru(x, state.hidden, self.weights(layer), lengths=lengths, backend=self.backend)
        return y, (hidden,)

    def step_layer(self, layer: int, x: Tensor, state: GRUState) -> tuple[Tensor, ...]:
        return (gru_step(x, state.hidden, self.weights(layer)),)
