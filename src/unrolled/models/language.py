"""The language model: from each token, the distribution of the next."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from unrolled.layers.dropout import dropout
from unrolled.layers.families import build_backbone
from unrolled.layers.state import State
from unrolled.models.config import ModelConfig
from unrolled.models.family_settings import family_settings
from unrolled.models.sequence_model import SequenceModel
from unrolled.objectives.softmax import NO_TARGET, softmax_loss

SLICE = 2**24
"""Logits held at once where no gradient is needed."""


MANY_TOKENS = 1000
"""Vocabularies above this size have tokens that are rare."""


HEAD_STD = 0.05
"""Of the head's first weights: small enough that the first loss is about ln(vocabulary)."""


class OneHot(nn.Module):
    """Tokens as unit vectors; no parameters."""

    def __init__(self, vocabulary_size: int) -> None:
        super().__init__()
        self.vocabulary_size = vocabulary_size
        self.register_buffer("unit", torch.ones(()), persistent=False)  # has the type that the model has
        self.unit: Tensor

    def forward(self, tokens: Int[Tensor, "..."]) -> Float[Tensor, "... vocabulary"]:
        return functional.one_hot(tokens, self.vocabulary_size).to(self.unit.dtype)


class LanguageNetwork(SequenceModel):
    """Embedding, backbone, head: tokens `[batch, time]` to logits `[batch, time, vocabulary]`, and the same by steps,
    under the contract of `SequenceModel`.

    `config` must be complete (nothing None that the family needs). With `tie_weights` the head is the embedding table
    (Press and Wolf 2017, arXiv:1608.05859). The head begins so small that the first loss is about
    ln(vocabulary).
    `context` is the table of learned positions. Raises `ValueError` for sizes that do not fit together.
    """

    entered = ("token_losses", "step")
    """Methods that are called from outside, beside `forward`."""

    def __init__(self, vocabulary_size: int, config: ModelConfig, *, context: int = 1024) -> None:
        super().__init__()
        width, size = config.width, config.embedding_size
        if width is None or config.layers is None:
            raise ValueError("a model needs a width and a number of layers")
        if config.family == "transformer" or size is None:
            size = width
        self.vocabulary_size, self.config, self.context = vocabulary_size, config, context
        self.embedding: nn.Module
        if config.embedding == "one-hot":
            self.embedding, size = OneHot(vocabulary_size), vocabulary_size
        else:
            self.embedding = nn.Embedding(vocabulary_size, size)
            # A rare token moves a few times in a whole training: where many are rare, they must begin near each other.
            nn.init.normal_(self.embedding.weight, std=1.0 if vocabulary_size <= MANY_TOKENS else 0.05)
        self.backbone = build_backbone(
            config.family,
            input_size=size,
            width=width,
            layers=config.layers,
            **family_settings(config, context),
        )
        if not self.backbone.supports_step:
            raise ValueError(
                f"family {config.family} reads the whole sequence, so it cannot predict the next step; "
                "choose rnn, lstm, gru or transformer"
            )
        self.latency, self.receptive_field = self.backbone.latency, self.backbone.receptive_field
        self.head = nn.Linear(width, vocabulary_size, bias=not config.tie_weights)
        self.dropout, self.variational = config.dropout or 0.0, config.variational
        if config.tie_weights:
            if not isinstance(self.embedding, nn.Embedding) or size != width:
                raise ValueError(
                    f"tied weights need a learned embedding of the model's width {width}, got {config.embedding} "
                    f"of {size}; drop --model.embedding_size or set --model.tie_weights false"
                )
            nn.init.normal_(self.embedding.weight, std=width**-0.5)
            self.head.weight = self.embedding.weight
        else:
            # From zero the layers below would first learn token frequencies alone, and find it hard to leave that.
            nn.init.normal_(self.head.weight, std=HEAD_STD)
            nn.init.zeros_(self.head.bias)

    @property
    def output_shape(self) -> tuple[int, ...]:
        return (self.vocabulary_size,)

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> State:
        return self.backbone.initial_state(batch_size, device=device)

    def forward(
        self,
        tokens: Int[Tensor, "batch time"],
        state: State | None = None,
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
        reset: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Float[Tensor, "batch time vocabulary"], State]:
        """Logits of the next token after every step, and the state after the chunk."""
        x, state = self.features(tokens, state, mask=mask, reset=reset)
        return self.head(x), state

    def features(
        self,
        tokens: Int[Tensor, "batch time"],
        state: State | None = None,
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
        reset: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        """What the head reads: the backbone's output."""
        if mask is not None:
            tokens = tokens.where(mask, 0)
        x = self._drop(self.embedding(tokens))
        x, state = self.backbone(x, state, mask=mask, reset=reset)
        return self._drop(x), state

    def step(
        self,
        tokens: Int[Tensor, " batch"],
        state: State,
        *,
        mask: Bool[Tensor, " batch"] | None = None,
        reset: Bool[Tensor, " batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch vocabulary"], State]:
        """One token per row: logits of the next, and the state after it."""
        x, state = self.backbone.step(self.embedding(tokens), state, mask=mask, reset=reset)
        return self.head(x), state

    def token_losses(
        self,
        inputs: Int[Tensor, "batch time"],
        targets: Int[Tensor, "batch time"],
        state: State | None = None,
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
        reset: Bool[Tensor, "batch time"] | None = None,
        label_smoothing: float = 0.0,
    ) -> tuple[Float[Tensor, ""], Int[Tensor, ""], State]:
        """The summed loss in nats, the number of tokens in it, and the state after the chunk."""
        x, state = self.features(inputs, state, mask=mask, reset=reset)
        wanted = targets != NO_TARGET
        if mask is not None:
            wanted = wanted & mask
        # Steps without a target never reach the head, by far the widest product of a large vocabulary.
        x, targets = (x[wanted], targets[wanted]) if not bool(wanted.all()) else (x.flatten(0, 1), targets.flatten())
        if torch.is_grad_enabled():
            loss = softmax_loss(self.head(x), targets, label_smoothing=label_smoothing)
        else:
            loss = self._loss_in_slices(x, targets, label_smoothing)
        return loss, wanted.sum(), state

    def _loss_in_slices(self, x: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
        """Without a graph nobody needs all logits at once, which for a large vocabulary would be gigabytes."""
        rows = max(1, SLICE // self.vocabulary_size)
        losses = [
            softmax_loss(self.head(part), target, label_smoothing=label_smoothing).double()
            for part, target in zip(x.split(rows), targets.split(rows), strict=True)
        ]
        return torch.stack(losses).sum() if losses else x.new_zeros((), dtype=torch.double)

    @property
    def horizon(self) -> int | None:
        """Steps after which a carried state has left what training showed: absolute positions, and attention over an
        unbounded past, are known only up to `context`. None: the model may run for ever."""
        return self.context if self.config.sees_unbounded_past else None

    def _drop(self, x: Tensor) -> Tensor:
        return dropout(x, self.dropout, training=self.training, variational=self.variational)

    def is_matrix(self, name: str, parameter: nn.Parameter) -> bool:
        """Whether a parameter is a hidden matrix: the tables at both ends are not, they hold one row per token."""
        return parameter.dim() == 2 and not name.startswith(("embedding.", "head.")) and not name.endswith(".table")
