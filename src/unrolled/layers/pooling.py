"""Many outputs to one: how a sequence becomes a vector, at every step the vector of the sequence so far."""

from typing import Any, Literal, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from unrolled.layers import state as states
from unrolled.layers.layer import SequenceLayer
from unrolled.layers.positions import AddPositions
from unrolled.layers.segments import Segments
from unrolled.layers.state import State

Pooling = Literal["last", "mean", "max", "attention", "position-attention"]

HEADS = 8
"""Weighted means of `position-attention`, each of its own part of the features, if they can be so divided."""
BLOCK = 64
"""Steps whose running softmax is computed at once: its memory is the square of them."""


class MeanState(NamedTuple):
    mean: Float[Tensor, "batch features"]
    steps: Int[Tensor, " batch"]
    """how many the mean is of"""


class HighestState(NamedTuple):
    highest: Float[Tensor, "batch features"]
    """-inf before the first step"""


class WeightedState(NamedTuple):
    """A running softmax (Milakov and Gimelshein 2018, arXiv:1805.02867, algorithm 3)."""

    highest: Float[Tensor, "batch heads"]
    """the largest score; -inf before the first step"""
    total: Float[Tensor, "batch heads"]
    """sum of exp(score - highest)"""
    mean: Float[Tensor, "batch features"]
    """the mean of the features, weighted by the softmax of the scores"""
    steps: Int[Tensor, " batch"]
    """consumed so far"""


class Pool(SequenceLayer):
    """`[batch, time, features]` to the same shape: output t is one vector for the steps up to t of its sequence.

    `last` takes the last real step, `mean` and `max` all of them, `attention` a mean weighted by a learned score (Yang
    et al. 2016, "Hierarchical Attention Networks", equations 5-7). `position-attention` has several such means side by
    side, each of a part of the features (Lin et al. 2017, arXiv:1703.03130, section 2.1), and their scores also see
    where in the sequence a step is, as a sinusoid (Vaswani et al. 2017, arXiv:1706.03762, section 3.5): for sequences
    of one length whose places have a meaning. `at_end` computes the value at the last step of every sequence alone.
    """

    def __init__(self, kind: Pooling, features: int) -> None:
        super().__init__()
        self.kind = kind
        self.input_size = self.output_size = features
        self.receptive_field = 0 if kind == "last" else None
        placed = kind == "position-attention"
        self.heads = HEADS if placed and features % HEADS == 0 else 1
        self.share = features // self.heads
        self.positions = AddPositions(features, "sinusoidal") if placed else None
        self.score = (
            nn.Sequential(nn.Linear(features * (1 + placed), features), nn.Tanh(), nn.Linear(features, self.heads))
            if placed or kind == "attention"
            else nn.Sequential()
        )
        # Where and in which type the state is kept, also without any parameter.
        self.register_buffer("zero", torch.zeros(()), persistent=False)
        self.zero: Tensor

    @property
    def state_dtype(self) -> torch.dtype:
        return torch.float64 if self.zero.dtype == torch.float64 else torch.float32

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> State:
        kept: dict[str, Any] = {
            "dtype": self.state_dtype,
            "device": self.zero.device if device is None else device,
        }
        if self.kind == "last":
            return ()
        if self.kind == "max":
            return HighestState(torch.full((batch_size, self.output_size), -torch.inf, **kept))
        mean = torch.zeros(batch_size, self.output_size, **kept)
        steps = torch.zeros(batch_size, dtype=torch.long, device=kept["device"])
        if self.kind == "mean":
            return MeanState(mean, steps)
        highest = torch.full((batch_size, self.heads), -torch.inf, **kept)
        return WeightedState(highest, torch.zeros_like(highest), mean, steps)

    def unroll(
        self, x: Float[Tensor, "batch time features"], state: Any, lengths: Int[Tensor, " batch"] | None
    ) -> tuple[Tensor, State]:
        if self.kind == "last":
            return x, ()
        wide = x.to(self.state_dtype)
        after: Any  # the state after every step
        if self.kind == "max":
            after = HighestState(torch.cat([state.highest[:, None], wide], dim=1).cummax(1).values[:, 1:])
            pooled = after.highest
        else:
            steps = state.steps[:, None] + torch.arange(1, x.shape[1] + 1, device=x.device)
            if self.kind == "mean":
                before = state.mean * state.steps[:, None]
                pooled = (before[:, None] + wide.cumsum(1)) / steps[..., None]
                after = MeanState(pooled, steps)
            else:
                scores = self._scores(x, steps - 1).to(self.state_dtype)
                after = WeightedState(*self._weighted(wide, scores, state), steps)
                pooled = after.mean
        if lengths is None:  # a view costs less than picking rows, and a step is all overhead
            return pooled.to(x.dtype), states.map_state(lambda leaf: leaf[:, -1], after)
        rows = torch.arange(len(x), device=x.device)
        return pooled.to(x.dtype), states.map_state(lambda leaf: leaf[rows, lengths - 1], after)

    def _weighted(
        self, x: Float[Tensor, "batch time features"], scores: Float[Tensor, "batch time heads"], state: WeightedState
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Highest score, sum of weights and weighted mean after every step, block by block."""
        highest, total, mean = state.highest, state.total, state.mean.unflatten(1, (self.heads, self.share))
        parts = []
        blocks = x.unflatten(2, (self.heads, self.share)).split(BLOCK, 1), scores.split(BLOCK, 1)
        for values, score in zip(*blocks, strict=True):
            top = torch.cat([highest[:, None], score], dim=1).cummax(1).values[:, 1:]
            # exp(score_i - highest_t) for the steps i <= t of the block: never above 1, and the largest is 1.
            later = torch.ones(score.shape[1], score.shape[1], dtype=torch.bool, device=x.device).triu(1)
            weights = (score[:, None] - top[:, :, None]).masked_fill(later[None, :, :, None], -torch.inf).exp()
            carried = (highest[:, None] - top).exp() * total[:, None]
            sums = carried + weights.sum(2)
            means = (carried[..., None] * mean[:, None] + _sums(weights, values)) / sums[..., None]
            parts.append((top, sums, means.flatten(2)))
            highest, total, mean = top[:, -1], sums[:, -1], means[:, -1]
        tops, totals, means_ = (torch.cat(columns, dim=1) for columns in zip(*parts, strict=True))
        return tops, totals, means_

    def at_end(
        self,
        y: Float[Tensor, "batch time features"],
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
        reset: Bool[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "sequences features"]:
        """The pooled value at the last step of every sequence, each from its beginning: what `forward` gives there.

        A row holds one sequence, or with `reset` several, which come in the order of rows and time.
        """
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
        present = (torch.arange(y.shape[1], device=y.device) < lengths[:, None])[:, :, None]
        if self.kind == "max":
            return y.masked_fill(~present, -torch.inf).amax(1)
        if self.kind == "mean":
            return y.masked_fill(~present, 0.0).sum(1) / lengths[:, None].to(y.dtype)
        return (self._weights(y, present) * y.masked_fill(~present, 0.0)).sum(1)

    def _weights(self, y: Tensor, present: Tensor | None) -> Tensor:
        """Of every feature at every step, or one for all features; over time they sum to 1."""
        scores = self._scores(y, None)
        if present is not None:
            scores = scores.masked_fill(~present, -torch.inf)
        weights = scores.softmax(1).to(y.dtype)
        return weights if weights.shape[2] == 1 else weights.repeat_interleave(self.share, dim=2)

    def _scores(
        self, y: Float[Tensor, "batch time features"], steps: Int[Tensor, "batch time"] | None
    ) -> Float[Tensor, "batch time heads"]:
        """At least in float32. `steps` are the positions; None counts from the beginning."""
        if self.positions is None:
            return _wide(self.score(y))
        if steps is None:
            steps = torch.arange(y.shape[1], device=y.device).expand(y.shape[:2])
        placed = self.positions.vectors(steps).to(y.dtype)
        return _wide(self.score(torch.cat([y, placed], dim=-1)))


def _wide(x: Tensor) -> Tensor:
    return x if x.dtype == torch.float64 else x.float()


def _sums(
    weights: Float[Tensor, "batch to from heads"], values: Float[Tensor, "batch from heads share"]
) -> Float[Tensor, "batch to heads share"]:
    """The weighted sums, in full precision also where products of matrices are in bfloat16."""
    if weights.shape[1] == 1:
        return weights[..., None].squeeze(1) * values
    with torch.autocast(values.device.type, enabled=False):
        return torch.einsum("btih,bihs->bths", weights, values)
