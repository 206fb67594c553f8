"""Many outputs to one: how a sequence becomes a vector."""

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from unrolled.layers.positions import AddPositions
from unrolled.layers.segments import Segments

Pooling = Literal["last", "mean", "max", "attention", "position-attention"]

HEADS = 8
"""Weighted means of `position-attention`, each of its own part of the features, if they can be so divided."""


class Pool(nn.Module):
    """Outputs `[batch, time, features]` to one vector per sequence `[sequences, features]`.

    A row holds one sequence, or with `reset` several, which come in the order of rows and time. `last` takes the last
    real step, `mean` and `max` all of them, `attention` a mean weighted by a learned score (Yang et al. 2016,
    "Hierarchical Attention Networks", equations 5-7). `position-attention` has several such means side by side, each of
    a part of the features (Lin et al. 2017, arXiv:1703.03130, section 2.1), and their scores also see where in the
    sequence a step is, as a sinusoid (Vaswani et al. 2017, arXiv:1706.03762, section 3.5): for sequences of one length
    whose places have a meaning.
    """

    def __init__(self, kind: Pooling, features: int) -> None:
        super().__init__()
        self.kind = kind
        placed = kind == "position-attention"
        heads = HEADS if placed and features % HEADS == 0 else 1
        self.share = features // heads
        self.positions = AddPositions(features, "sinusoidal") if placed else None
        self.score = (
            nn.Sequential(nn.Linear(features * (1 + placed), features), nn.Tanh(), nn.Linear(features, heads))
            if placed or kind == "attention"
            else nn.Sequential()
        )

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
        """Of every feature at every step, or one for all features; over time they sum to 1."""
        seen = y if self.positions is None else torch.cat([y, self.positions(torch.zeros_like(y))[0]], dim=-1)
        scores = self.score(seen).float()
        if there is not None:
            scores = scores.masked_fill(~there, -torch.inf)
        weights = scores.softmax(1).to(y.dtype)
        return weights if weights.shape[2] == 1 else weights.repeat_interleave(self.share, dim=2)
