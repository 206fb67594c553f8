"""The model of records: from the steps of a sequence to one answer, or to one for each step."""

import itertools
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from unrolled.layers.dropout import dropout
from unrolled.layers.families import build_backbone
from unrolled.layers.inputs import map_inputs
from unrolled.layers.layer import zero_absent
from unrolled.layers.lookahead import Lookahead
from unrolled.layers.pooling import Pool
from unrolled.layers.state import State
from unrolled.models.config import ModelConfig
from unrolled.models.family_settings import family_settings
from unrolled.models.sequence_model import SequenceModel


class InputSizes(NamedTuple):
    """What one step of a record is made of."""

    channels: int
    """numbers"""
    tables: tuple[int, ...] = ()
    """for each column of tokens the size of its table"""
    frame: tuple[int, int] | None = None
    """height and width, if the numbers are one picture"""


class RecordInputs(NamedTuple):
    """What a network of records reads: `[batch, time, ...]`, or `[batch, ...]` for one step."""

    numbers: Float[Tensor, "batch *time channels"] | None = None
    tokens: Int[Tensor, "batch *time columns"] | None = None


class RecordNetwork(SequenceModel):
    """Embedding, backbone, pooling and head under the contract of `SequenceModel`.

    `RecordInputs` to logits or values `[batch, time, members, outputs]`: of every step, or if `pooled` of the record
    so far. With `config.members` several networks read the same and vote: one model, with a state for each of them.
    `answers` computes what training needs and no more.
    """

    entered = ("answers", "predict", "step")
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
        backbone, pool, wait = self._members()[0].backbone, self._members()[0].pool, self._members()[0].wait
        self.supports_step = backbone.supports_step
        self.latency = backbone.latency + (0 if wait is None else wait.latency)
        unbounded = pool is not None and pool.receptive_field is None
        self.receptive_field = None if unbounded else backbone.receptive_field
        if self.latency and (pooled or not self.supports_step):
            what = "answers for whole records" if pooled else f"{type(backbone).__name__} reads the whole record"
            raise ValueError(f"{what}, so there is no step ahead to wait for; leave the lookahead out")

    def _members(self) -> list["_Member"]:
        return list(self.members)  # type: ignore[arg-type]

    @property
    def output_shape(self) -> tuple[int, ...]:
        return len(self.members), self.outputs

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> State:
        if not self.supports_step:
            return ()
        return tuple(member.initial_state(batch_size, device=device) for member in self._members())

    def forward(
        self,
        inputs: RecordInputs,
        state: State | None = None,
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
        reset: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Float[Tensor, "batch time members outputs"], State]:
        befores: Any = state or [None] * len(self.members)
        pairs = [m(inputs, before, mask=mask, reset=reset) for m, before in zip(self.members, befores, strict=True)]
        after = tuple(end for _, end in pairs) if self.supports_step else ()
        return torch.stack([y for y, _ in pairs], dim=2), after

    def step(
        self,
        inputs: RecordInputs,
        state: State,
        *,
        mask: Bool[Tensor, " batch"] | None = None,
        reset: Bool[Tensor, " batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch members outputs"], State]:
        self._require_step()
        pairs = [
            member.step(inputs, before, mask=mask, reset=reset)
            for member, before in zip(self._members(), state, strict=True)
        ]
        return torch.stack([y for y, _ in pairs], dim=1), tuple(end for _, end in pairs)

    def answers(
        self,
        inputs: RecordInputs,
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
        reset: Bool[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "members ..."]:
        """Whole records at once: if `pooled`, `[members, records, outputs]`, what `forward` gives at the last step of
        every record (in the order of rows and time), else `[members, batch, time, outputs]`.

        Outputs of absent steps do not matter."""
        if mask is not None:
            inputs = map_inputs(lambda leaf: zero_absent(leaf, mask), inputs)
        return torch.stack([member.answers(inputs, mask=mask, reset=reset) for member in self._members()])

    def predict(
        self,
        inputs: RecordInputs,
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
        reset: Bool[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "members ..."]:
        """`answers` in float32."""
        return self.answers(inputs, mask=mask, reset=reset).float()

    @property
    def embeddings(self) -> list[nn.Embedding]:
        """The tables of all members, those of one after those of another."""
        return [table for member in self._members() for table in member.embeddings]  # type: ignore[misc]

    def is_matrix(self, name: str, parameter: nn.Parameter) -> bool:
        """Whether a parameter is a hidden matrix."""
        outer = any(part in name for part in (".embeddings.", ".head.", ".front."))
        return parameter.dim() == 2 and not outer and not name.endswith(".table")


class MemberState(NamedTuple):
    backbone: State
    pool: State
    wait: State


class _Member(nn.Module):
    """One network. Its inputs hold zeros where the mask is False."""

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
        self.pool = Pool("mean" if config.pooling == "auto" else config.pooling, width) if pooled else None
        self.head = nn.Linear(width, outputs)
        self.wait = Lookahead(config.lookahead, outputs) if config.lookahead else None
        self.dropout, self.variational = config.dropout or 0.0, config.variational

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> State:
        parts = (self.backbone, self.pool, self.wait)
        return MemberState(*(() if part is None else part.initial_state(batch_size, device=device) for part in parts))

    def forward(
        self, inputs: RecordInputs, state: State | None, *, mask: Tensor | None, reset: Tensor | None
    ) -> tuple[Tensor, State]:
        carried, pooled, waited = (None, None, None) if state is None else state
        y, carried = self.backbone(self._features(inputs), carried, mask=mask, reset=reset)
        if self.pool is not None:
            y, pooled = self.pool(y, pooled, mask=mask, reset=reset)
        y = self.head(self._drop_before_head(y))
        if self.wait is not None:
            y, waited = self.wait(y, waited, mask=mask, reset=reset)
        return y, MemberState(carried, pooled or (), waited or ())

    def step(
        self, inputs: RecordInputs, state: State, *, mask: Tensor | None, reset: Tensor | None
    ) -> tuple[Tensor, State]:
        carried, pooled, waited = state
        x = self._features(map_inputs(lambda leaf: leaf[:, None], inputs))[:, 0]
        y, carried = self.backbone.step(x, carried, mask=mask, reset=reset)
        if self.pool is not None:
            y, pooled = self.pool.step(y, pooled, mask=mask, reset=reset)
        y = self.head(y)
        if self.wait is not None:
            y, waited = self.wait.step(y, waited, mask=mask, reset=reset)
        return y, MemberState(carried, pooled, waited)

    def answers(self, inputs: RecordInputs, *, mask: Tensor | None, reset: Tensor | None) -> Tensor:
        y, _ = self.backbone(self._features(inputs), None, mask=mask, reset=reset)
        if self.pool is None:
            y = self.head(self._drop_before_head(y))
            return y if self.wait is None else self.wait(y, mask=mask, reset=reset)[0]
        y = self.pool.at_end(y, mask=mask, reset=reset)
        return self.head(self._drop_before_head(y[:, None])[:, 0])

    def _features(self, inputs: RecordInputs) -> Tensor:
        """What the backbone reads."""
        numbers, tokens = inputs
        parts = []
        if numbers is not None:
            parts.append(numbers if self.front is None else self.front(numbers))
        if tokens is not None:
            for column, table in enumerate(self.tables):
                ids = tokens[..., column]
                parts.append(
                    nn.functional.one_hot(ids, table).to(self.head.weight.dtype)
                    if self.one_hot
                    else self.embeddings[column](ids)
                )
        x = torch.cat(parts, dim=-1) if len(parts) > 1 else parts[0]
        if tokens is not None:
            x = dropout(x, self.dropout, training=self.training, variational=self.variational)
        return x

    def _drop_before_head(self, y: Tensor) -> Tensor:
        # Pooled values of a sequence are not steps of it: each is dropped by itself.
        variational = self.variational and self.pool is None
        return dropout(y, self.dropout, training=self.training, variational=variational)


def _embedding_size(table: int, config: ModelConfig) -> int:
    """As many features as the table has rows, up to the limit; those of the word vectors, if it begins from some."""
    limit = config.embedding_size or config.width or 64
    return limit if config.embedding_file else min(limit, max(4, table))


class FrameFront(nn.Module):
    """Pictures to vectors: a small convolutional network over each picture alone, from
    `[batch, time, 3 * height * width]` to `[batch, time, features]`. Three strided convolutions, each halving the
    picture, and a mean over what is left.
    """

    def __init__(self, height: int, width: int, features: int) -> None:
        super().__init__()
        self.height, self.width = height, width
        sizes = (3, 16, 32, 64)
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(sizes):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.GroupNorm(4, after), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten())
        self.out = nn.Linear(sizes[-1] * 4, features)

    def forward(self, frames: Float[Tensor, "batch time pixels"]) -> Float[Tensor, "batch time features"]:
        batch, time, _ = frames.shape
        y = self.layers(frames.reshape(batch * time, 3, self.height, self.width))
        return self.out(y).view(batch, time, self.out.out_features)
