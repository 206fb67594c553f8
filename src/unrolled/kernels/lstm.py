"""The loop of the LSTM over time."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import linear

from unrolled.kernels.recurrence import Weights, bias_hh, fused, gate_inputs, in_full_precision

FEW = 4
"""Steps, over all rows, up to which single steps are quicker than oneDNN's loop, which needs longer to begin."""


def lstm(
    x: Float[Tensor, "batch time input"],
    hidden: Float[Tensor, "batch width"],
    cell: Float[Tensor, "batch width"],
    weights: Weights,
    *,
    lengths: Int[Tensor, " batch"] | None = None,
    backend: str = "auto",
) -> tuple[Float[Tensor, "batch time width"], Float[Tensor, "batch width"], Float[Tensor, "batch width"]]:
    """One layer over a chunk: outputs, last hidden state, last cell. `lengths` >= 1 are the real steps of each row."""
    with torch.autocast(x.device.type, enabled=False):
        x, hidden, cell = in_full_precision(x, hidden, cell)
        weights = in_full_precision(*weights)
        if backend == "reference":
            return _reference(x, hidden, cell, weights, lengths)
        if lengths is None and len(x) * x.shape[1] <= FEW and not torch.is_grad_enabled():
            return _few_steps(x, hidden, cell, weights)
        y, hidden, cell = fused(torch.lstm, x, (hidden, cell), weights, lengths)
        return y, hidden, cell


def _few_steps(x: Tensor, hidden: Tensor, cell: Tensor, weights: Weights) -> tuple[Tensor, Tensor, Tensor]:
    outputs = []
    for t in range(x.shape[1]):
        hidden, cell = torch.lstm_cell(x[:, t], (hidden, cell), *weights)
        outputs.append(hidden)
    return torch.stack(outputs, dim=1), hidden, cell


def lstm_step(x: Tensor, hidden: Tensor, cell: Tensor, weights: Weights) -> tuple[Tensor, Tensor]:
    """One step for every row: the new hidden state (also the output) and the new cell."""
    with torch.autocast(x.device.type, enabled=False):
        x, hidden, cell = in_full_precision(x, hidden, cell)
        weights = in_full_precision(*weights)
        hidden, cell = torch.lstm_cell(x, (hidden, cell), *weights)
        return hidden, cell


def _reference(
    x: Tensor, hidden: Tensor, cell: Tensor, weights: Weights, lengths: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    ready = gate_inputs(x, weights)
    outputs = []
    for t in range(x.shape[1]):
        gates = ready[:, t] + linear(hidden, weights[1], bias_hh(weights))
        enter, forget, candidate, leave = gates.chunk(4, dim=1)
        new_cell = forget.sigmoid() * cell + enter.sigmoid() * candidate.tanh()
        new_hidden = leave.sigmoid() * new_cell.tanh()
        if lengths is None:
            hidden, cell = new_hidden, new_cell
        else:
            here = (t < lengths)[:, None]
            hidden, cell = torch.where(here, new_hidden, hidden), torch.where(here, new_cell, cell)
        outputs.append(new_hidden)
    return torch.stack(outputs, dim=1), hidden, cell
