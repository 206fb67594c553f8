"""The loop of the GRU over time."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import linear

from unrolled.kernels.recurrence import Weights, bias_hh, fused, gate_inputs, in_full_precision


def gru(
    x: Float[Tensor, "batch time input"],
    hidden: Float[Tensor, "batch width"],
    weights: Weights,
    *,
    lengths: Int[Tensor, " batch"] | None = None,
    backend: str = "auto",
) -> tuple[Float[Tensor, "batch time width"], Float[Tensor, "batch width"]]:
    """One layer over a chunk: outputs and last hidden state. `lengths` >= 1 are the real steps of each row."""
    with torch.autocast(x.device.type, enabled=False):
        x, hidden = in_full_precision(x, hidden)
        weights = in_full_precision(*weights)
        if backend == "reference":
            return _reference(x, hidden, weights, lengths)
        y, hidden = fused(torch.gru, x, (hidden,), weights, lengths)
        return y, hidden


def gru_step(x: Tensor, hidden: Tensor, weights: Weights) -> Tensor:
    """One step for every row: the new hidden state, which is also the output."""
    with torch.autocast(x.device.type, enabled=False):
        x, hidden = in_full_precision(x, hidden)
        weights = in_full_precision(*weights)
        return torch.gru_cell(x, hidden, *weights)


def _reference(x: Tensor, hidden: Tensor, weights: Weights, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
    ready = gate_inputs(x, weights)
    outputs = []
    for t in range(x.shape[1]):
        reset_x, update_x, candidate_x = ready[:, t].chunk(3, dim=1)
        reset_h, update_h, candidate_h = linear(hidden, weights[1], bias_hh(weights)).chunk(3, dim=1)
        update = (update_x + update_h).sigmoid()
        candidate = (candidate_x + (reset_x + reset_h).sigmoid() * candidate_h).tanh()
        new = (1 - update) * candidate + update * hidden
        hidden = new if lengths is None else torch.where((t < lengths)[:, None], new, hidden)
        outputs.append(new)
    return torch.stack(outputs, dim=1), hidden
