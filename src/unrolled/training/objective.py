"""A network with its loss as one module, so that a wrapper for several processes sees one forward pass."""

import contextlib

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from unrolled.layers.state import State
from unrolled.models.language import LanguageNetwork


class LanguageObjective(nn.Module):
    """The summed loss of a batch in nats and the state after it."""

    def __init__(
        self, network: LanguageNetwork, *, label_smoothing: float, autocast: contextlib.AbstractContextManager
    ) -> None:
        super().__init__()
        self.network, self.label_smoothing, self.autocast = network, label_smoothing, autocast

    def forward(
        self,
        inputs: Int[Tensor, "batch time"],
        targets: Int[Tensor, "batch time"],
        state: State | None,
        mask: Bool[Tensor, "batch time"] | None,
        reset: Bool[Tensor, "batch time"] | None,
    ) -> tuple[Float[Tensor, ""], State]:
        with self.autocast:
            loss, _, state = self.network.token_losses(
                inputs, targets, state, mask=mask, reset=reset, label_smoothing=self.label_smoothing
            )
        return loss, state
