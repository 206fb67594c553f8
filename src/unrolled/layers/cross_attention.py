"""Attention of one sequence to another: the steps of a decoder read from what an encoder wrote.

Every kind has the same two methods. `prepare` projects the encoder's output once per sequence, into a `Memory`;
`forward` reads from it for any number of steps, all at once. Steps do not see each other here, so reading step by step
is the same as reading in parallel.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from unrolled.layers.layer import zero_absent


class Memory(NamedTuple):
    """What can be read from: axis 0 is the batch, so the helpers of `unrolled.layers.state` apply."""

    keys: Float[Tensor, "batch source key"]
    values: Float[Tensor, "batch source value"]
    mask: Bool[Tensor, "batch source"]


class AdditiveAttention(nn.Module):
    """score(q, k) = v^T tanh(W q + U k);   weights = softmax over the source;   context = sum of weights * values.

    It holds `[batch, time, source, size]` numbers at once: for sequences of hundreds of steps take the multiplicative.

    Source: Bahdanau et al. 2015, arXiv:1409.0473, appendix A.1.2, with the decoder's state at the step itself for q.
    """

    def __init__(self, query_size: int, memory_size: int, size: int | None = None) -> None:
        super().__init__()
        size = query_size if size is None else size
        self.output_size = memory_size
        self.query = nn.Linear(query_size, size)
        self.key = nn.Linear(memory_size, size, bias=False)
        self.score = nn.Linear(size, 1, bias=False)

    def prepare(self, x: Float[Tensor, "batch source memory"], mask: Bool[Tensor, "batch source"]) -> Memory:
        x = zero_absent(x, mask)
        return Memory(self.key(x), x, mask)

    def forward(
        self, queries: Float[Tensor, "batch time query"], memory: Memory
    ) -> tuple[Float[Tensor, "batch time memory"], Float[Tensor, "batch time source"]]:
        """Contexts, and how much each step read from each step of the source."""
        scores = self.score((self.query(queries)[:, :, None] + memory.keys[:, None]).tanh())[..., 0]
        weights = masked_softmax(scores, memory.mask[:, None])
        return weights.to(memory.values.dtype) @ memory.values, weights


class MultiplicativeAttention(nn.Module):
    """score(q, k) = q^T W k / sqrt(size of q);   weights = softmax over the source;   context as in the additive.

    Source: Luong et al. 2015, arXiv:1508.04025, equation 8, "general", with the scale of Vaswani et al. 2017,
    arXiv:1706.03762, section 3.2.1, so that the softmax does not begin saturated.
    """

    def __init__(self, query_size: int, memory_size: int) -> None:
        super().__init__()
        self.output_size = memory_size
        self.key = nn.Linear(memory_size, query_size, bias=False)
        self.scale = 1 / math.sqrt(query_size)

    def prepare(self, x: Float[Tensor, "batch source memory"], mask: Bool[Tensor, "batch source"]) -> Memory:
        x = zero_absent(x, mask)
        return Memory(self.key(x), x, mask)

    def forward(
        self, queries: Float[Tensor, "batch time query"], memory: Memory
    ) -> tuple[Float[Tensor, "batch time memory"], Float[Tensor, "batch time source"]]:
        """Contexts, and how much each step read from each step of the source."""
        keys = memory.keys.to(queries.dtype)
        weights = masked_softmax((queries * self.scale) @ keys.transpose(1, 2), memory.mask[:, None])
        return weights.to(memory.values.dtype) @ memory.values, weights


class MultiHeadCrossAttention(nn.Module):
    """Scaled dot-product attention in several heads, each with its own part of the features.

    Raises `ValueError` if the heads do not divide the width.

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.2 and "encoder-decoder attention" in 3.2.3.
    """

    def __init__(self, width: int, memory_size: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not divisible by {heads} heads")
        self.output_size, self.heads = width, heads
        self.scale = 1 / math.sqrt(width // heads)
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(memory_size, 2 * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)

    def prepare(self, x: Float[Tensor, "batch source memory"], mask: Bool[Tensor, "batch source"]) -> Memory:
        keys, values = self.key_value(zero_absent(x, mask)).chunk(2, dim=-1)
        return Memory(keys, values, mask)

    def forward(
        self, queries: Float[Tensor, "batch time width"], memory: Memory
    ) -> tuple[Float[Tensor, "batch time width"], Float[Tensor, "batch time source"]]:
        """Contexts, and how much each step read from each step of the source, the mean over the heads."""
        q, k, v = (self._split(x) for x in (self.query(queries) * self.scale, memory.keys, memory.values))
        weights = masked_softmax(q @ k.to(q.dtype).transpose(2, 3), memory.mask[:, None, None])
        contexts = (weights.to(v.dtype) @ v).transpose(1, 2).flatten(2)
        return self.output(contexts), weights.detach().mean(1)

    def _split(self, x: Float[Tensor, "batch steps width"]) -> Float[Tensor, "batch heads steps size"]:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def masked_softmax(scores: Float[Tensor, "..."], mask: Bool[Tensor, "..."]) -> Float[Tensor, "..."]:
    """The softmax over the last axis of what the mask shows; zero elsewhere, and everywhere if it shows nothing."""
    # A finite number instead of infinity: a row without any step then has no NaN, in its gradient neither.
    scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    return scores.softmax(-1).masked_fill(~mask, 0)
