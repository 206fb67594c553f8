"""The loop of the Elman network over time."""

from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import linear

from unrolled.kernels.recurrence import Weights, bias_hh, fused, gate_inputs, in_full_precision

Nonlinearity = Literal["tanh", "relu"]


def rnn(
    x: Float[Tensor, "batch time input"],
    hidden: Float[Tensor, "batch width"],
    weights: Weights,
    nonlinearity: Nonlinearity,
    *,
    lengths: Int[Tensor, " batch"] | None = None,
    backend: str = "auto",
) -> tuple[Float[Tensor, "batch time width"], Float[Tensor, "batch width"]]:
    """One layer over a chunk: outputs and last hidden state. `lengths` >= 1 are the real steps of each row."""
    with torch.autocast(x.device.type, enabled=False):
        x, hidden = in_full_precision(x, hidden)
        weights = in_full_precision(*weights)
        if backend == "reference":
            return _reference(x, hidden, weights, nonlinearity, lengths)
        y, hidden = fused(torch.rnn_tanh if nonlinearity == "tanh" else torch.rnn_relu, x, (hidden,), weights, lengths)
        return y, hidden


def rnn_step(x: Tensor, hidden: Tensor, weights: Weights, nonlinearity: Nonlinearity) -> Tensor:
    """One step for every row: the new hidden state, which is also the output."""
    cell = torch.rnn_tanh_cell if nonlinearity == "tanh" else torch.rnn_relu_cell
    with torch.autocast(x.device.type, enabled=False):
        x, hidden = in_full_precision(x, hidden)
        weights = in_full_precision(*weights)
        return cell(x, hidden, *weights)


def _reference(
    x: Tensor, hidden: Tensor, weights: Weights, nonlinearity: Nonlinearity, lengths: Tensor | None
) -> tuple[Tensor, Tensor]:
    activate = torch.tanh if nonlinearity == "tanh" else torch.relu
    ready = gate_inputs(x, weights)
    outputs = []
    for t in range(x.shape[1]):
        new = activate(ready[:, t] + linear(hidden, weights[1], bias_hh(weights)))
        hidden = new if lengths is None else torch.where((t < lengths)[:, None], new, hidden)
        outputs.append(new)
    return torch.stack(outputs, dim=1), hidden
