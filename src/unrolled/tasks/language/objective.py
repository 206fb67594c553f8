"""A network with its loss as one module, so that a wrapper for several processes sees one forward pass."""

import contextlib
from typing import Any, cast

from jaxtyping import Float
from torch import Tensor, nn

from unrolled.data.feeds.text_feeds import Batch
from unrolled.layers.state import State
from unrolled.models.language import LanguageNetwork
from unrolled.objectives.softmax import NO_TARGET


class LanguageObjective(nn.Module):
    """The summed loss of a batch in nats and the state after it."""

    def __init__(
        self, network: LanguageNetwork, *, label_smoothing: float, autocast: contextlib.AbstractContextManager
    ) -> None:
        super().__init__()
        self.network, self.label_smoothing, self.autocast = network, label_smoothing, autocast

    def forward(self, batch: Batch, state: State | None) -> tuple[Float[Tensor, ""], State]:
        inputs, targets, mask, reset, _ = cast(tuple[Any, ...], batch)
        if mask is not None and not mask.any():
            # One process may have no real step where others have some. Wrappers still wait for every gradient, so the
            # weights take part in a loss of zero, and the state stays what it was.
            after = self.network.initial_state(len(inputs), device=inputs.device) if state is None else state
            nothing = targets.new_full(targets.shape, NO_TARGET)
            return self(Batch(inputs, nothing, None, None, True), state)[0], after
        with self.autocast:
            loss, _, state = self.network.token_losses(
                inputs, targets, state, mask=mask, reset=reset, label_smoothing=self.label_smoothing
            )
        return loss, state
