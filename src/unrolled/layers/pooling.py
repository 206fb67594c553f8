"""Many outputs to one: how a sequence becomes a vector."""

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from unrolled.layers.segments import Segments

Pooling = Literal["last", "mean", "max", "attention"]


class Pool(nn.Module):
    """Outputs `[batch, time, features]` to one vector per sequence `[sequences, features]`.

    A row holds one sequence, or with `reset` several, which come in the order of rows and time. `last` takes the last
    real step, `mean` and `max` all of them, `attention` a mean weighted by a learned score (Yang et al. 2016,
    "Hierarchical Attention Networks", equations 5-7).
    """

    def __init__(self, kind: Pooling, features: int) -> None:
        super().__init__()
        self.kind = kind
        self.score = nn.Sequential(nn.Linear(features, features), nn.Tanh(), nn.Linear(features, 1))
        if kind != "attention":
            self.score = nn.Sequential()

    def forward(
        self,
        y: Float[Tensor, "batch time features"],
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
        reset: Bool[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "sequences features"]:
        lengths = None
        if mask is not None or reset is not None:
            segments = Segments(len(y), y.shape[1], mask, reset, y.device)
            y, lengths = segments.split(y), segments.lengths
        if self.kind == "last":
            return y[:, -1] if lengths is None else y[torch.arange(len(y), device=y.device), lengths - 1]
        if lengths is None:
            if self.kind == "max":
                return y.amax(1)
            return y.mean(1) if self.kind == "mean" else (self._weights(y, None) * y).sum(1)
        there = (torch.arange(y.shape[1], device=y.device) < lengths[:, None])[:, :, None]
        if self.kind == "max":
            return y.masked_fill(~there, -torch.inf).amax(1)
        if self.kind == "mean":
            return y.masked_fill(~there, 0.0).sum(1) / lengths[:, None].to(y.dtype)
        return (self._weights(y, there) * y.masked_fill(~there, 0.0)).sum(1)

    def _weights(self, y: Tensor, there: Tensor | None) -> Tensor:
        scores = self.score(y).float()
        if there is not None:
            scores = scores.masked_fill(~there, -torch.inf)
        return scores.softmax(1).to(y.dtype)
