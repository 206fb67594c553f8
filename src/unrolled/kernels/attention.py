"""Attention of a chunk of queries to the keys before them, or to all keys."""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional


def attention(
    queries: Float[Tensor, "batch time heads size"],
    keys: Float[Tensor, "batch past_and_time kv_heads size"],
    values: Float[Tensor, "batch past_and_time kv_heads size"],
    *,
    present: Bool[Tensor, "batch past_and_time"] | None = None,
    window: int | None = None,
    slopes: Float[Tensor, " heads"] | None = None,
    causal: bool = True,
    backend: str = "auto",
) -> Float[Tensor, "batch time heads size"]:
    """softmax(q k^T / sqrt(size)) v over the keys up to each query's own step.

    The last key belongs to the last query: keys hold the past first, then the chunk. Fewer key heads than heads are
    shared by groups of heads. `present` excludes keys, `window` counts the steps a query sees, its own included, and
    `slopes` subtract slope * distance from the logits (ALiBi). Without `causal` a query sees keys on both sides, with
    `window` those nearer than that; its own key it always sees, also where `present` excludes it.

    Source: Vaswani et al. 2017, arXiv:1706.03762, equation 1; grouped queries: Ainslie et al. 2023, arXiv:2305.13245;
    window: Beltagy et al. 2020, arXiv:2004.05150; slopes: Press et al. 2021, arXiv:2108.12409.
    """
    keys, values = keys.to(queries.dtype), values.to(queries.dtype)
    with torch.autocast(queries.device.type, enabled=False):
        if backend == "reference":
            y = _reference(queries, keys, values, _visible(queries, keys, present, window, causal), slopes)
        elif causal and window is not None and keys.shape[1] > 2 * window and queries.shape[1] > window:
            y = _windowed(queries, keys, values, present, window, slopes)
        else:
            y = _fused(queries, keys, values, present, window, slopes, causal=causal)
    return y


def _reference(q: Tensor, k: Tensor, v: Tensor, visible: Tensor, slopes: Tensor | None) -> Tensor:
    groups = q.shape[2] // k.shape[2]
    k, v = k.repeat_interleave(groups, dim=2), v.repeat_interleave(groups, dim=2)
    logits = torch.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(q.shape[-1])
    if slopes is not None:
        logits = logits - slopes[:, None, None] * _distance(q, k).abs()
    weights = logits.masked_fill(~visible, -math.inf).softmax(-1)
    return torch.einsum("bhqk,bkhd->bqhd", weights, v)


def _fused(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    present: Tensor | None,
    window: int | None,
    slopes: Tensor | None,
    *,
    causal: bool = True,
) -> Tensor:
    time, total = q.shape[1], k.shape[1]
    square = present is None and time == total
    limited = slopes is not None or (window is not None and window < total)
    triangle = causal and square and not limited and time > 1
    mask = None
    if not triangle and (present is not None or (causal and time > 1) or limited):
        mask = _visible(q, k, present, window, causal)
        if slopes is not None:
            bias = -slopes.to(q.dtype)[:, None, None] * _distance(q, k).abs()
            mask = bias.expand(len(mask), -1, -1, -1).masked_fill(~mask, -math.inf)
    y = functional.scaled_dot_product_attention(
        q.transpose(1, 2),
        k.transpose(1, 2),
        v.transpose(1, 2),
        attn_mask=mask,
        is_causal=triangle,
        enable_gqa=q.shape[2] != k.shape[2],
    )
    return y.transpose(1, 2)


def _windowed(q: Tensor, k: Tensor, v: Tensor, present: Tensor | None, window: int, slopes: Tensor | None) -> Tensor:
    """Blocks of `window` queries, each with the `2 * window - 1` keys it can see: linear in time."""
    batch, time, heads, size = q.shape
    past = k.shape[1] - time
    k, v = k[:, max(0, past - window + 1) :], v[:, max(0, past - window + 1) :]
    if present is None:
        present = torch.ones(1, past + time, dtype=torch.bool, device=q.device)
    present = present[:, max(0, past - window + 1) :]
    front, blocks = window - 1 - min(past, window - 1), -(-time // window)
    back = blocks * window - time
    q = functional.pad(q, (0, 0, 0, 0, 0, back)).view(batch * blocks, window, heads, size)
    # The padding at the back counts as present, so that padded queries see something; their outputs are cut off.
    present = functional.pad(functional.pad(present, (front, 0), value=False), (0, back), value=True)
    present = present.unfold(1, 2 * window - 1, window).expand(batch, -1, -1).flatten(0, 1)

    def in_blocks(tensor: Tensor) -> Tensor:
        tensor = functional.pad(tensor, (0, 0, 0, 0, front, back)).unfold(1, 2 * window - 1, window)
        return tensor.permute(0, 1, 4, 2, 3).flatten(0, 1)

    y = _fused(q, in_blocks(k), in_blocks(v), present, window, slopes)
    return y.reshape(batch, blocks * window, heads, size)[:, :time]


def _distance(q: Tensor, k: Tensor) -> Tensor:
    """Steps from each key back from each query, `[time, keys]`; negative for keys that come later."""
    total = k.shape[1]
    ahead = torch.arange(total - q.shape[1], total, device=q.device)
    return ahead[:, None] - torch.arange(total, device=q.device)


def _visible(q: Tensor, k: Tensor, present: Tensor | None, window: int | None, causal: bool) -> Tensor:
    """Which keys each query may see: `[batch or 1, 1, time, keys]`."""
    distance = _distance(q, k)
    visible = distance >= 0 if causal else torch.ones_like(distance, dtype=torch.bool)
    if window is not None:
        visible = visible & (distance.abs() < window)
    if present is None:
        return visible[None, None]
    visible = visible & present[:, None, None]
    # A query in the padding must see something: a softmax over nothing is NaN, and so is its gradient.
    return visible if causal else visible | (distance == 0)
