"""The model of records: from the steps of a sequence to one answer, or to one for each step."""

from typing import NamedTuple, cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from unrolled.layers.dropout import dropout
from unrolled.layers.families import build_backbone
from unrolled.layers.pooling import Pool
from unrolled.models.config import ModelConfig
from unrolled.models.family_settings import family_settings
from unrolled.models.frames import FrameFront


class InputSizes(NamedTuple):
    """What one step of a record is made of."""

    channels: int
    """numbers"""
    tables: tuple[int, ...] = ()
    """for each column of tokens the size of its table"""
    frame: tuple[int, int] | None = None
    """height and width, if the numbers are one picture"""


class RecordNetwork(nn.Module):
    """Embedding, backbone, pooling and head: records to logits or values.

    Numbers `[batch, time, channels]` and tokens `[batch, time, columns]` to `[records, outputs]` if `pooled`, else
    `[batch, time, outputs]`. With `config.members` several networks read the same and their outputs get an axis in
    front: `[members, ...]`.
    """

    entered = ("predict",)
    """Methods that are called from outside, beside `forward`."""

    def __init__(
        self, inputs: InputSizes, outputs: int, config: ModelConfig, *, pooled: bool, steps: int = 1024
    ) -> None:
        """`steps` is the longest sequence, for learned positions. Raises `ValueError` for sizes that do not fit."""
        super().__init__()
        self.inputs, self.outputs, self.config, self.pooled, self.steps = inputs, outputs, config, pooled, steps
        self.members = nn.ModuleList(
            _Member(inputs, outputs, config, pooled=pooled, steps=steps) for _ in range(config.members or 1)
        )

    def forward(
        self,
        numbers: Float[Tensor, "batch time channels"] | None,
        tokens: Int[Tensor, "batch time columns"] | None,
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
        reset: Bool[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "members ..."]:
        return torch.stack([member(numbers, tokens, mask=mask, reset=reset) for member in self.members])

    def predict(
        self,
        numbers: Float[Tensor, "batch time channels"] | None,
        tokens: Int[Tensor, "batch time columns"] | None,
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
        reset: Bool[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "members ..."]:
        """The outputs of all members, in float32."""
        return self(numbers, tokens, mask=mask, reset=reset).float()

    @property
    def embeddings(self) -> list[nn.Embedding]:
        """The tables of all members, those of one after those of another."""
        return [table for member in self.members for table in cast(_Member, member).embeddings]  # type: ignore[misc]

    def is_matrix(self, name: str, parameter: nn.Parameter) -> bool:
        """Whether a parameter is a hidden matrix."""
        outer = any(part in name for part in (".embeddings.", ".head.", ".front."))
        return parameter.dim() == 2 and not outer and not name.endswith(".table")


class _Member(nn.Module):
    def __init__(self, inputs: InputSizes, outputs: int, config: ModelConfig, *, pooled: bool, steps: int) -> None:
        super().__init__()
        width = config.width
        if width is None or config.layers is None:
            raise ValueError("a model needs a width and a number of layers")
        self.front = None if inputs.frame is None else FrameFront(*inputs.frame, width)
        size = inputs.channels if inputs.frame is None else width
        self.one_hot = config.embedding == "one-hot"
        self.tables = inputs.tables
        sizes = [table if self.one_hot else _embedding_size(table, config) for table in inputs.tables]
        self.embeddings = nn.ModuleList(
            [] if self.one_hot else [nn.Embedding(t, s) for t, s in zip(inputs.tables, sizes, strict=True)]
        )
        size += sum(sizes)
        self.backbone = build_backbone(
            config.family, input_size=size, width=width, layers=config.layers, **family_settings(config, steps)
        )
        if self.backbone.latency:
            raise ValueError(f"family {config.family} waits for {self.backbone.latency} steps; choose another")
        self.pool = Pool("mean" if config.pooling == "auto" else config.pooling, width) if pooled else None
        self.head = nn.Linear(width, outputs)
        self.dropout, self.variational = config.dropout or 0.0, config.variational

    def forward(
        self, numbers: Tensor | None, tokens: Tensor | None, *, mask: Tensor | None, reset: Tensor | None
    ) -> Tensor:
        parts = []
        if numbers is not None:
            parts.append(numbers if self.front is None else self.front(numbers))
        if tokens is not None:
            if mask is not None:
                tokens = tokens.where(mask[..., None], 0)
            for column, table in enumerate(self.tables):
                ids = tokens[..., column]
                one = (
                    nn.functional.one_hot(ids, table).to(torch.get_default_dtype())
                    if self.one_hot
                    else self.embeddings[column](ids)
                )
                parts.append(one)
        x = torch.cat(parts, dim=-1) if len(parts) > 1 else parts[0]
        if tokens is not None:
            x = dropout(x, self.dropout, training=self.training, variational=self.variational)
        y, _ = self.backbone(x, None, mask=mask, reset=reset)
        if self.pool is not None:
            y = self.pool(y, mask=mask, reset=reset)
            return self.head(dropout(y[:, None], self.dropout, training=self.training, variational=False)[:, 0])
        return self.head(dropout(y, self.dropout, training=self.training, variational=self.variational))


def _embedding_size(table: int, config: ModelConfig) -> int:
    """As many features as the table has rows, up to the limit; those of the word vectors, if it begins from some."""
    limit = config.embedding_size or config.width or 64
    return limit if config.embedding_file else min(limit, max(4, table))
