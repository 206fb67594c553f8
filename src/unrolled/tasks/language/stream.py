"""A live stream: one step at a time with a carried state that can be saved and brought back."""

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from unrolled.data.encoders.codec import Vocabulary
from unrolled.errors import UserError
from unrolled.layers import state as states
from unrolled.layers.state import State
from unrolled.models.language import LanguageNetwork
from unrolled.tasks.saved_streams import model_digest, require_saved_by


class StreamState(NamedTuple):
    """What a stream remembers: the model's state, what it expects next, and how far it is. One row per stream."""

    network: State
    logits: Float[Tensor, "batch vocabulary"]
    steps: Int[Tensor, " batch"]
    recent: Int[Tensor, "batch tokens"]
    """The tokens in the model's state, for a model that must begin again at its horizon; else none."""


class SavedStream(NamedTuple):
    """A stream on disk: its state and which model's it is."""

    stream: StreamState
    model: UInt8[Tensor, "batch digest"]


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

    def beginning(self) -> StreamState:
        """The state before the first token."""
        logits = torch.zeros(1, self.network.vocabulary_size, device=self.device)
        steps = torch.zeros(1, dtype=torch.long, device=self.device)
        recent = torch.zeros(1, 0, dtype=torch.long, device=self.device)
        return StreamState(self.network.initial_state(1, device=self.device), logits, steps, recent)

    def reset(self) -> None:
        """Forget everything."""
        self.state = self.beginning()

    @torch.inference_mode()
    def feed(self, token: int) -> StreamStep:
        """Consume one token and say what is expected next.

        Raises `UserError`, before anything changes, if the model's answer is no number.
        """
        before = self.state
        loss = None
        if int(before.steps[0]):
            loss = float(-before.logits.log_softmax(-1)[0, token])
        tokens = torch.tensor([token], device=self.device)
        horizon, recent = self.network.horizon, before.recent
        if horizon is not None:
            recent = torch.cat([recent, tokens[:, None]], dim=1)
        if horizon is not None and recent.shape[1] > horizon:
            recent = recent[:, -max(1, horizon // 2) :]
            x, state = self.network.features(recent)
            logits = self.network.head(x[:, -1])
        else:
            logits, state = self.network.step(tokens, before.network)
        logits = logits.float()
        if not bool(logits.isfinite().all()):
            raise UserError(
                f"what the model expects after step {int(before.steps[0]) + 1} is no number, so its weights or its "
                'state are damaged; begin anew with {"reset": true}, and train again if that does not help'
            )
        self.state = StreamState(state, logits, before.steps + 1, recent)
        best = logits.softmax(-1)[0].topk(self.top)
        expected = list(zip(best.indices.tolist(), best.values.tolist(), strict=True))
        return StreamStep(int(self.state.steps[0]), token, loss, expected)

    def save(self) -> bytes:
        """The stream as safetensors bytes."""
        return states.save(SavedStream(self.state, self._model))

    def load(self, data: bytes) -> None:
        """Bring back a saved stream of the same model.

        Raises `ValueError`, before anything changes, if the bytes are another model's or no state that this one can go
        on from.
        """
        saved: Any = states.load(data, like=SavedStream(self.beginning(), self._model))
        require_saved_by(self._model, saved.model, saved.stream.steps)
        stream, before = saved.stream, self.state
        known = (stream.recent >= 0) & (stream.recent < self.network.vocabulary_size)
        if not bool(known.all()):
            raise ValueError("the saved state holds tokens that the model does not have")
        if not all(bool(leaf.isfinite().all()) for leaf in states.leaves(stream)):
            raise ValueError("the saved state holds numbers that are not finite")
        self.state = stream
        try:
            self.feed(0)  # whether its parts fit each other, only the model knows
        except (IndexError, RuntimeError, ValueError, UserError) as error:
            self.state = before
            raise ValueError("the parts of the saved state do not fit each other") from error
        self.state = stream

    @functools.cached_property
    def _model(self) -> Tensor:
        return model_digest(self.network)


class LiveText:
    """A language model that is fed text or `{"text": "ab"}`, after `{"reset": true}` from nothing; each token gives an
    answer with its loss (nats) and the likeliest next tokens."""

    example = '{"text": "ab"}'

    def __init__(self, network: LanguageNetwork, vocabulary: Vocabulary, *, top: int = 5) -> None:
        if top < 1:
            raise UserError(f"--top is {top}, which must be at least 1")
        self.stream, self.vocabulary = LanguageStream(network, top=top), vocabulary
        self.names = vocabulary.tokens

    def answers(self, message: Any) -> Iterator[dict[str, Any]]:
        if isinstance(message, str):
            message = {"text": message}
        if not isinstance(message, dict) or not message.keys() <= {"text", "reset"} or not message:
            raise UserError('expected a text, {"text": "ab"} or {"reset": true}')
        text, reset = message.get("text", ""), message.get("reset", False)
        if not isinstance(text, str) or not isinstance(reset, bool):
            raise UserError('"text" must be a string and "reset" true or false')
        tokens = [int(token) for token in self.vocabulary.encode(text)]  # an unknown character must not reset anything
        if reset:
            self.stream.reset()
        return (self._answer(self.stream.feed(token)) for token in tokens)

    def end(self) -> list[dict[str, Any]]:
        """Nothing is held back."""
        return []

    def save(self) -> bytes:
        return self.stream.save()

    def load(self, data: bytes) -> None:
        self.stream.load(data)

    def _answer(self, step: StreamStep) -> dict[str, Any]:
        return {
            "step": step.step,
            "token": self.names[step.token],
            "loss": None if step.loss is None or not math.isfinite(step.loss) else round(step.loss, 6),
            "next": {self.names[token]: round(probability, 6) for token, probability in step.next},
        }
