"""The decoder of a translation as a model of its own."""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from unrolled.layers import state as states
from unrolled.layers.decoders import Source
from unrolled.layers.segments import Segments
from unrolled.layers.state import State
from unrolled.models.sequence_model import SequenceModel
from unrolled.tasks.translate.network import TranslationNetwork


class Speaker(SequenceModel):
    """Target tokens `[batch, time]` to logits of the next `[batch, time, tokens + 1]`, under the contract of
    `SequenceModel`; a target begins with the token `network.end`.

    What the decoder reads of the source is part of its state: `network.encode` gives the state before the first token
    of a translation. `initial_state`, which a reset goes back to, is that of an empty source.
    """

    def __init__(self, network: TranslationNetwork) -> None:
        super().__init__()
        self.network = network
        self.receptive_field = network.decoder.receptive_field  # what is read of the source is no earlier token

    @property
    def output_shape(self) -> tuple[int, ...]:
        return (self.network.head.out_features,)

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> Source:
        own = self.network.head.weight.device
        nothing = torch.zeros(batch_size, 0, dtype=torch.long, device=own)
        with torch.autocast(own.type, enabled=False):
            source: Source = self.network.encode(nothing)
        return source if device is None else states.to(source, device)  # type: ignore[return-value]

    def forward(
        self,
        tokens: Int[Tensor, "batch time"],
        state: Any = None,
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
        reset: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Float[Tensor, "batch time logits"], State]:
        if reset is None:
            y, after = self.network.decode(tokens, state, mask=mask)
            return y, state._replace(state=after)
        segments = Segments(len(tokens), tokens.shape[1], mask, reset, tokens.device)
        fresh = self.initial_state(len(tokens), device=tokens.device)
        if not len(segments):
            rows = states.gather(state, segments.lengths)
            nothing = torch.zeros(*tokens.shape, *self.output_shape, dtype=self.state_dtype, device=tokens.device)
            return nothing, segments.finish(rows, state, fresh)
        begun: Source = segments.start(state, fresh)  # type: ignore[assignment]
        present = torch.arange(segments.longest, device=tokens.device) < segments.lengths[:, None]
        y, after = self.network.decode(segments.split(tokens), begun, mask=present)
        ended = begun._replace(state=after)
        return segments.join(y), segments.finish(ended, state, fresh)

    def step(
        self,
        tokens: Int[Tensor, " batch"],
        state: Any,
        *,
        mask: Bool[Tensor, " batch"] | None = None,
        reset: Bool[Tensor, " batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch logits"], State]:
        if mask is not None or reset is not None:
            return super().step(tokens, state, mask=mask, reset=reset)
        y, after, _ = self.network.step(tokens, state)
        return y, state._replace(state=after)
