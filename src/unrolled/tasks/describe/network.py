"""The conditioned decoder: a sequence from labels and numbers, one token after another."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from unrolled.layers.dropout import dropout
from unrolled.layers.families import build_backbone
from unrolled.layers.state import State
from unrolled.models.config import ModelConfig
from unrolled.models.family_settings import family_settings
from unrolled.models.records import InputSizes
from unrolled.models.sequence_model import SequenceModel
from unrolled.objectives.softmax import NO_TARGET, softmax_loss


class DescriptionInputs(NamedTuple):
    """What the network reads at each step: `[batch, time, ...]`, or `[batch, ...]` for one."""

    tokens: Int[Tensor, "batch *time"]
    condition: Float[Tensor, "batch *time size"]


class DescriptionNetwork(SequenceModel):
    """Condition, embedding, backbone, head: what is known and the sequence so far to logits of the next token, under
    the contract of `SequenceModel`.

    The condition, the sum of an embedding of every label and a linear map of the numbers, is added to the embedding of
    every token, so that it is as near at the end of a long sequence as at its beginning (the "add to every step" form
    of conditioning; with it forward and step agree for every causal family). Tokens are numbered from 1; 0 begins and
    ends a sequence, and in the labels is what training did not see, whose embedding stays zero.

    `config` must be complete; `context` is the table of learned positions. Raises `ValueError` for sizes that do not
    fit together and for families that need the whole sequence.
    """

    entered = ("token_losses", "condition", "step")
    """Methods that are called from outside, beside `forward`."""

    def __init__(self, known: InputSizes, tokens: int, config: ModelConfig, *, context: int = 1024) -> None:
        super().__init__()
        width, size = config.width, config.embedding_size
        if width is None or config.layers is None:
            raise ValueError("a model needs a width and a number of layers")
        size = width if size is None or config.family == "transformer" else size
        self.known, self.tokens, self.config, self.context = known, tokens, config, context
        self.labels = nn.ModuleList(nn.Embedding(table, size, padding_idx=0) for table in known.tables)
        self.numbers = nn.Linear(known.channels, size) if known.channels else None
        self.embedding = nn.Embedding(tokens + 1, size)
        self.backbone = build_backbone(
            config.family, input_size=size, width=width, layers=config.layers, **family_settings(config, context)
        )
        if not self.backbone.supports_step or self.backbone.latency:
            raise ValueError(
                f"family {config.family} reads the whole sequence, so it cannot write one; choose rnn, lstm, gru, "
                "transformer or convolution"
            )
        self.receptive_field = self.backbone.receptive_field
        self.head = nn.Linear(width, tokens + 1)
        nn.init.normal_(self.head.weight, std=0.05)
        nn.init.zeros_(self.head.bias)
        self.dropout, self.variational = config.dropout or 0.0, config.variational

    @property
    def output_shape(self) -> tuple[int, ...]:
        return (self.tokens + 1,)

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> State:
        return self.backbone.initial_state(batch_size, device=device)

    def condition(
        self, numbers: Float[Tensor, "batch channels"] | None, categories: Int[Tensor, "batch columns"] | None
    ) -> Float[Tensor, "batch size"]:
        """What is known, as the vector that is added to every step."""
        parts = [] if self.numbers is None else [self.numbers(numbers)]
        if categories is not None:
            parts += [table(column) for table, column in zip(self.labels, categories.unbind(1), strict=True)]
        return torch.stack(parts).sum(0)

    @staticmethod
    def at_every_step(tokens: Int[Tensor, "batch time"], condition: Float[Tensor, "batch size"]) -> DescriptionInputs:
        """Tokens beside a condition that holds for all of them."""
        return DescriptionInputs(tokens, condition[:, None].expand(-1, tokens.shape[1], -1))

    def forward(
        self,
        inputs: DescriptionInputs,
        state: State | None = None,
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
        reset: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Float[Tensor, "batch time tokens"], State]:
        """Logits of the next token after each, all at once, and the state after them."""
        x = self._drop(self.embedding(inputs.tokens) + inputs.condition)
        x, state = self.backbone(x, state, mask=mask, reset=reset)
        return self.head(self._drop(x)), state

    def step(
        self,
        inputs: DescriptionInputs,
        state: State,
        *,
        mask: Bool[Tensor, " batch"] | None = None,
        reset: Bool[Tensor, " batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch tokens"], State]:
        """One token per row: logits of the next, and the state after it."""
        x = self.embedding(inputs.tokens) + inputs.condition
        x, state = self.backbone.step(x, state, mask=mask, reset=reset)
        return self.head(x), state

    def token_losses(
        self,
        numbers: Float[Tensor, "batch channels"] | None,
        categories: Int[Tensor, "batch columns"] | None,
        inputs: Int[Tensor, "batch time"],
        targets: Int[Tensor, "batch time"],
        *,
        label_smoothing: float = 0.0,
    ) -> tuple[Float[Tensor, ""], Int[Tensor, ""]]:
        """The summed loss in nats of the targets (-100: none) given their own past, and how many there are."""
        # Without a mask: the family is causal, so pads on the right reach no answer.
        x, _ = self.backbone(self._drop(self.embedding(inputs) + self.condition(numbers, categories)[:, None]))
        x = self._drop(x)
        wanted = targets != NO_TARGET
        loss = softmax_loss(self.head(x[wanted]), targets[wanted], label_smoothing=label_smoothing)
        return loss, wanted.sum()

    def _drop(self, x: Tensor) -> Tensor:
        return dropout(x, self.dropout, training=self.training, variational=self.variational)

    def is_matrix(self, name: str, parameter: nn.Parameter) -> bool:
        """Whether a parameter is a hidden matrix."""
        outer = name.startswith(("embedding.", "head.", "labels.", "numbers."))
        return parameter.dim() == 2 and not outer and not name.endswith(".table")
