"""A live stream: one step at a time with a carried state that can be saved and brought back."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from unrolled.layers import state as states
from unrolled.layers.state import State
from unrolled.models.language import LanguageNetwork


class StreamState(NamedTuple):
    """What a stream remembers: the model's state, what it expects next, and how far it is. One row per stream."""

    network: State
    logits: Float[Tensor, "batch vocabulary"]
    steps: Int[Tensor, " batch"]


@dataclass
class StreamStep:
    """One consumed token."""

    step: int
    """how many tokens the stream has consumed, this one included"""
    token: int
    loss: float | None
    """how surprising the token was, in nats; None for the first, which has no past"""
    next: list[tuple[int, float]]
    """the likeliest next tokens with their probabilities"""


class LanguageStream:
    """Feeds a language model one token at a time. Holds its state openly in `state`; assigning it moves the stream.

    Where the model cannot run on for ever (`network.horizon`), the stream begins again from the last half of it.
    """

    def __init__(self, network: LanguageNetwork, *, top: int = 5) -> None:
        self.network, self.top = network.eval(), min(top, network.vocabulary_size)
        self.device = next(network.parameters()).device
        self.state = self.beginning()
        self._recent: list[int] = []

    def beginning(self) -> StreamState:
        """The state before the first token."""
        logits = torch.zeros(1, self.network.vocabulary_size, device=self.device)
        steps = torch.zeros(1, dtype=torch.long, device=self.device)
        return StreamState(self.network.initial_state(1, device=self.device), logits, steps)

    def reset(self) -> None:
        """Forget everything."""
        self.state, self._recent = self.beginning(), []

    @torch.inference_mode()
    def feed(self, token: int) -> StreamStep:
        """Consume one token and say what is expected next."""
        before = self.state
        loss = None
        if int(before.steps[0]):
            loss = float(-before.logits.log_softmax(-1)[0, token])
        tokens = torch.tensor([token], device=self.device)
        horizon = self.network.horizon
        if horizon is not None:
            self._recent = [*self._recent[-horizon:], token]
        if horizon is not None and len(self._recent) > horizon:
            self._recent = self._recent[-max(1, horizon // 2) :]
            all_logits, state = self.network(torch.tensor([self._recent], device=self.device))
            logits = all_logits[:, -1]
        else:
            logits, state = self.network.step(tokens, before.network)
        self.state = StreamState(state, logits.float(), before.steps + 1)
        best = logits.float().softmax(-1)[0].topk(self.top)
        expected = list(zip(best.indices.tolist(), best.values.tolist(), strict=True))
        return StreamStep(int(self.state.steps[0]), token, loss, expected)

    def save(self) -> bytes:
        """The stream as safetensors bytes."""
        recent = torch.tensor([self._recent], dtype=torch.long)
        return states.save((self.state, recent))

    def load(self, data: bytes) -> None:
        """Bring back a saved stream of the same model. Raises `ValueError` if the bytes are another model's."""
        like = (self.beginning(), torch.zeros(1, 0, dtype=torch.long))
        self.state, recent = states.load(data, like=like)
        self._recent = recent[0].tolist()
