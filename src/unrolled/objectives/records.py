"""Losses of classes and values, summed over what is scored."""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional

NO_TARGET = -100


def class_loss(
    logits: Float[Tensor, "members *items classes"],
    targets: Shaped[Tensor, "*items"],
    *,
    weights: Float[Tensor, " classes"] | None = None,
    item_weights: Float[Tensor, "*items"] | None = None,
    label_smoothing: float = 0.0,
) -> Float[Tensor, ""]:
    """Cross entropy in nats, the mean over members, summed over the items that have a target.

    With `weights` every item counts as much as its class says, with `item_weights` as much as it says itself.
    """
    flat = targets.flatten()
    wanted = flat != NO_TARGET
    scored = logits.flatten(1, -2)[:, wanted].float()
    members = len(scored)
    losses = functional.cross_entropy(
        scored.flatten(0, 1),
        flat[wanted].repeat(members),
        weight=weights,
        label_smoothing=label_smoothing,
        reduction="sum" if item_weights is None else "none",
    )
    if item_weights is not None:
        losses = (losses * item_weights.flatten()[wanted].repeat(members)).sum()
    return losses / members


def labels_loss(
    logits: Float[Tensor, "members *items labels"],
    targets: Float[Tensor, "*items labels"],
    *,
    item_weights: Float[Tensor, "*items"] | None = None,
) -> Float[Tensor, ""]:
    """Binary cross entropy of several labels at once, summed over those that are known; with `item_weights` every item
    counts as much as it says."""
    known = targets.isfinite()
    wanted = targets.where(known, 0.0).expand_as(logits)
    losses = functional.binary_cross_entropy_with_logits(logits.float(), wanted, reduction="none")
    return _weighted(losses.mean(0).where(known, 0.0), item_weights).sum()


def value_loss(
    outputs: Float[Tensor, "members *items"],
    targets: Float[Tensor, "*items"],
    *,
    item_weights: Float[Tensor, "*some"] | None = None,
) -> Float[Tensor, ""]:
    """Squared error, the mean over members, summed over the values that are known.

    With `item_weights`, whose axes are the first ones of the targets, every item counts as much as it says.
    """
    known = targets.isfinite()
    errors = (outputs.float() - targets.where(known, 0.0)) ** 2
    return _weighted(torch.where(known, errors.mean(0), 0.0), item_weights).sum()


def _weighted(losses: Tensor, weights: Tensor | None) -> Tensor:
    if weights is None:
        return losses
    return losses * weights.reshape(*weights.shape, *(1,) * (losses.ndim - weights.ndim))
