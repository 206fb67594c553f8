"""Choosing the next token from logits."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from unrolled.errors import UserError
from unrolled.tasks.sampling_config import Sampling


def sample(
    logits: Float[Tensor, "batch vocabulary"],
    sampling: Sampling,
    *,
    seen: Bool[Tensor, "batch vocabulary"] | None = None,
    generator: torch.Generator | None = None,
) -> Int[Tensor, " batch"]:
    """One token per row. `seen` marks the tokens the repetition penalty applies to.

    Raises `UserError` for logits that are not finite.
    """
    logits = logits.float()
    if not bool(logits.isfinite().all()):
        raise UserError("the model's weights give no probabilities, but NaN or infinity; use another copy of the model")
    if seen is not None and sampling.repetition_penalty != 1:
        penalty = sampling.repetition_penalty
        logits = torch.where(seen, torch.where(logits > 0, logits / penalty, logits * penalty), logits)
    if sampling.temperature == 0:
        return logits.argmax(-1)
    # Differences to the largest, so that a tiny temperature does not overflow.
    logits = (logits - logits.amax(-1, keepdim=True)) / max(sampling.temperature, 1e-6)
    logits = filter_logits(logits, sampling)
    return torch.multinomial(logits.softmax(-1), 1, generator=generator)[:, 0]


def filter_logits(logits: Float[Tensor, "batch vocabulary"], sampling: Sampling) -> Float[Tensor, "batch vocabulary"]:
    """Logits with -inf for tokens that top-k, top-p or min-p leave out. The likeliest token always stays."""
    if sampling.top_k is not None and sampling.top_k < logits.shape[-1]:
        kept = logits.topk(sampling.top_k).indices  # by place: among equals, not more than k stay
        logits = torch.full_like(logits, -torch.inf).scatter(1, kept, logits.gather(1, kept))
    if sampling.top_p is not None and sampling.top_p < 1:
        ordered, order = logits.sort(descending=True)
        probabilities = ordered.softmax(-1)
        # A token stays if those before it have not reached top_p yet.
        beyond = probabilities.cumsum(-1) - probabilities >= sampling.top_p
        beyond[:, 0] = False
        logits = logits.masked_fill(torch.zeros_like(beyond).scatter(1, order, beyond), -torch.inf)
    if sampling.min_p:
        probabilities = logits.softmax(-1)
        logits = logits.masked_fill(probabilities < sampling.min_p * probabilities.amax(-1, keepdim=True), -torch.inf)
    return logits
