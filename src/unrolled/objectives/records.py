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
    label_smoothing: float = 0.0,
) -> Float[Tensor, ""]:
    """Cross entropy in nats, the mean over members, summed over the items that have a target.

    With `weights` every item counts as much as its class says.
    """
    flat = targets.flatten()
    wanted = flat != NO_TARGET
    scored = logits.flatten(1, -2)[:, wanted].float()
    members = len(scored)
    return (
        functional.cross_entropy(
            scored.flatten(0, 1),
            flat[wanted].repeat(members),
            weight=weights,
            label_smoothing=label_smoothing,
            reduction="sum",
        )
        / members
    )


def labels_loss(
    logits: Float[Tensor, "members *items labels"], targets: Float[Tensor, "*items labels"]
) -> Float[Tensor, ""]:
    """Binary cross entropy of several labels at once, summed over those that are known."""
    known = targets.isfinite()
    wanted = targets.where(known, 0.0).expand_as(logits)
    losses = functional.binary_cross_entropy_with_logits(logits.float(), wanted, reduction="none")
    return losses.mean(0).where(known, 0.0).sum()


def value_loss(outputs: Float[Tensor, "members *items"], targets: Float[Tensor, "*items"]) -> Float[Tensor, ""]:
    """Squared error, the mean over members, summed over the values that are known."""
    known = targets.isfinite()
    errors = (outputs.float() - targets.where(known, 0.0)) ** 2
    return torch.where(known, errors.mean(0), 0.0).sum()
