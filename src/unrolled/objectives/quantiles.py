"""Forecasting quantiles: the pinball loss, and outputs that cannot cross."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional


def pinball_loss(
    predicted: Float[Tensor, "*shape quantiles"], target: Float[Tensor, "*shape"], quantiles: Sequence[float]
) -> tuple[Float[Tensor, ""], Int[Tensor, ""]]:
    """Sum over all targets that are there (not NaN) of the mean over levels q of max(q e, (q - 1) e), with
    e = target - predicted; and the number of those targets.

    The level q of a distribution has the least expected loss of all numbers. The mean over the levels 0.5 alone is
    half the absolute error. Sums are float32 at least. Raises `ValueError` if the number of levels differs from that
    of the outputs.

    Source: Koenker and Bassett 1978, "Regression Quantiles".
    """
    if len(quantiles) != predicted.shape[-1]:
        raise ValueError(f"{len(quantiles)} levels do not fit predictions of {predicted.shape[-1]} quantiles")
    observed = ~target.isnan()
    target = torch.where(observed, target, 0).to(torch.promote_types(predicted.dtype, torch.float32))
    error = target[..., None] - torch.where(observed[..., None], predicted, 0)
    level = torch.tensor(quantiles, dtype=error.dtype, device=error.device)
    loss = torch.maximum(level * error, (level - 1) * error).mean(dim=-1)
    return loss.sum(), observed.sum()


def ascending(raw: Float[Tensor, "*shape quantiles"]) -> Float[Tensor, "*shape quantiles"]:
    """Quantiles that never cross: the middle one as it is, the others by steps of softplus > 0 away from it.

    q_m = r_m,   q_{i+1} = q_i + softplus(r_{i+1}) above it,   q_{i-1} = q_i - softplus(r_{i-1}) below it.
    """
    middle = raw.shape[-1] // 2
    centre = raw[..., middle : middle + 1]
    steps = functional.softplus(raw)
    up, down = steps[..., middle + 1 :], steps[..., :middle]
    if middle > 1:  # of a single step the sum is the step
        up, down = up.cumsum(dim=-1), down.flip(-1).cumsum(dim=-1).flip(-1)
    above = centre + up
    return torch.cat([centre - down, centre, above], dim=-1)
