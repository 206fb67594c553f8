"""The full softmax over a vocabulary."""

from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

NO_TARGET = -100
"""Marks a step whose target does not exist, such as the first token of the next document."""


def softmax_loss(
    logits: Float[Tensor, "tokens vocabulary"], targets: Int[Tensor, " tokens"], *, label_smoothing: float = 0.0
) -> Float[Tensor, ""]:
    """The sum over tokens of -log softmax(logits)[target], in nats, computed in float32; `NO_TARGET` adds nothing.

    Label smoothing mixes the target with the uniform distribution (Szegedy et al. 2016, arXiv:1512.00567, section 7).
    """
    logits = logits if logits.is_cpu and logits.dtype.itemsize == 8 else logits.float()
    return functional.cross_entropy(
        logits, targets, ignore_index=NO_TARGET, reduction="sum", label_smoothing=label_smoothing
    )
