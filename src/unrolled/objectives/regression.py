"""Losses of predicted numbers."""

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

RegressionLoss = Literal["mse", "mae", "huber"]


def regression_loss(
    predicted: Float[Tensor, "*shape"], target: Float[Tensor, "*shape"], kind: RegressionLoss = "mse"
) -> tuple[Float[Tensor, ""], Int[Tensor, ""]]:
    """The summed loss over all targets that are there, and their number. A target of NaN is not there.

    mse: e^2; mae: |e|; huber: e^2 / 2 where |e| <= 1, and |e| - 1/2 beyond (Huber 1964), with e in units of the
    targets, which are standardised. Sums are float32 at least.
    """
    observed = ~target.isnan()
    # Chosen before the difference: a NaN that is only multiplied by zero afterwards would still reach the gradient.
    target = torch.where(observed, target, 0).to(torch.promote_types(predicted.dtype, torch.float32))
    predicted = torch.where(observed, predicted, 0).to(target.dtype)
    return _LOSSES[kind](predicted, target, reduction="sum"), observed.sum()


_LOSSES: dict[str, Callable[..., Tensor]] = {
    "mse": functional.mse_loss,
    "mae": functional.l1_loss,
    "huber": functional.huber_loss,
}
