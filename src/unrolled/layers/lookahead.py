"""Answers that wait for what comes next."""

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from unrolled.layers.layer import SequenceLayer
from unrolled.layers.positions import PositionState, count_positions


class Lookahead(SequenceLayer):
    """Passes on what it gets, but zeros for the first `steps` steps of a sequence.

    What is trained behind it answers at step t + `steps` for step t, and so has seen `steps` steps beyond it: accuracy
    for delay. A sequence that has ended needs `steps` more steps before its last one is answered for.
    """

    receptive_field = 0

    def __init__(self, steps: int, features: int) -> None:
        super().__init__()
        if steps < 0:
            raise ValueError(f"a lookahead is at least 0 steps, got {steps}")
        self.input_size = self.output_size = features
        self.latency = steps

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> PositionState:
        return PositionState(torch.zeros(batch_size, dtype=torch.long, device=device))

    def forward(
        self,
        x: Float[Tensor, "batch time features"],
        state: Any = None,
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
        reset: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Tensor, PositionState]:
        positions, after = count_positions(state.position, x.shape[1], mask, reset)
        return torch.where((positions >= self.latency)[..., None], x, 0), PositionState(after)
