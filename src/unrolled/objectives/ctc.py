"""Connectionist temporal classification: the loss of a sequence whose alignment to the steps is not known."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

BLANK = 0
"""The class that says nothing. Token k of the vocabulary is class k + 1."""


def ctc_loss(
    logits: Float[Tensor, "batch time classes"],
    targets: Int[Tensor, "batch target"],
    *,
    mask: Bool[Tensor, "batch time"] | None = None,
    target_mask: Bool[Tensor, "batch target"] | None = None,
    row_weights: Float[Tensor, " batch"] | None = None,
) -> tuple[Float[Tensor, ""], Int[Tensor, ""]]:
    """The sum over rows of -log p(target | steps) in nats, computed in float32, and how many rows are infeasible.

    The probability of a target is that of all paths through the steps which give it when repeats are merged and blanks
    dropped. Class 0 of the logits is the blank; `targets` are numbers of the vocabulary, 0 and up. Rows of both are
    padded on the right; what lies under a mask, NaN included, reaches nothing, forward or backward. With `row_weights`
    every row counts as much as it says.

    A target longer than its steps allow (they must hold its tokens and a blank between two equal ones) has no path. It
    is counted as infeasible and adds neither loss nor gradient. Raises `ValueError` for masks with holes.

    Source: Graves et al. 2006, "Connectionist Temporal Classification", ICML.
    """
    lengths = _lengths(mask, logits)
    target_lengths = _lengths(target_mask, targets)
    if mask is not None:
        logits = torch.where(mask[:, :, None], logits, 0)
    real = torch.arange(targets.shape[1], device=targets.device) < target_lengths[:, None]
    classes = torch.where(real, targets + 1, BLANK)
    repeats = ((classes[:, 1:] == classes[:, :-1]) & real[:, 1:]).sum(1)
    feasible = target_lengths + repeats <= lengths
    # An empty row and an empty target: one path, of no steps, with probability 1. The kernels need a step.
    counted = feasible & (lengths > 0)
    if not bool(counted.any()):
        return logits.sum() * 0, (~feasible).sum()
    log_probabilities = logits[counted].float().log_softmax(-1).transpose(0, 1)
    with torch.autocast(logits.device.type, enabled=False):
        loss = functional.ctc_loss(
            log_probabilities,
            classes[counted],
            lengths[counted],
            target_lengths[counted],
            blank=BLANK,
            reduction="sum" if row_weights is None else "none",
            zero_infinity=True,
        )
    if row_weights is not None:
        loss = (loss * row_weights[counted]).sum()
    return loss, (~feasible).sum()


def _lengths(mask: Tensor | None, like: Tensor) -> Int[Tensor, " batch"]:
    if mask is None:
        return torch.full((len(like),), like.shape[1], device=like.device)
    if bool((mask[:, 1:] & ~mask[:, :-1]).any()):
        raise ValueError("rows must be padded on the right, and a mask here has a hole or a pad on the left")
    return mask.sum(1)
