"""Layers made of layers."""

import itertools
from collections.abc import Iterable

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from unrolled.layers.dropout import dropout
from unrolled.layers.layer import SequenceLayer
from unrolled.layers.state import State


class Pointwise(SequenceLayer):
    """A module that treats every step alone (linear, norm, feed-forward) as a layer without state."""

    receptive_field = 0

    def __init__(self, module: nn.Module, input_size: int, output_size: int) -> None:
        super().__init__()
        self.module = module
        self.input_size, self.output_size = input_size, output_size

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> State:
        return ()

    def forward(
        self,
        x: Float[Tensor, "batch time input"],
        state: State | None = None,
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
        reset: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Tensor, State]:
        return self.module(x), ()


class Residual(SequenceLayer):
    """y = x + dropout(layer(norm(x))): the pre-norm residual branch.

    Source: He et al. 2016, arXiv:1603.05027; before the branch rather than after: Xiong et al. 2020, arXiv:2002.04745.
    """

    def __init__(self, layer: SequenceLayer, norm: nn.Module | None = None, *, dropout: float = 0.0) -> None:
        super().__init__()
        if layer.input_size != layer.output_size:
            raise ValueError(f"a residual layer must keep its size, got {layer.input_size} to {layer.output_size}")
        if layer.latency:
            raise ValueError(f"a residual branch cannot wait for lookahead, got a latency of {layer.latency}")
        self.layer, self.norm, self.dropout = layer, norm, dropout
        self.input_size = self.output_size = layer.input_size
        self.receptive_field, self.supports_step = layer.receptive_field, layer.supports_step
        self.backends = layer.backends

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> State:
        return self.layer.initial_state(batch_size, device=device)

    def forward(
        self,
        x: Float[Tensor, "batch time width"],
        state: State | None = None,
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
        reset: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Tensor, State]:
        y, state = self.layer(x if self.norm is None else self.norm(x), state, mask=mask, reset=reset)
        return x + dropout(y, self.dropout, training=self.training), state

    def step(
        self,
        x: Float[Tensor, "batch width"],
        state: State,
        *,
        mask: Bool[Tensor, " batch"] | None = None,
        reset: Bool[Tensor, " batch"] | None = None,
    ) -> tuple[Tensor, State]:
        self._require_step()
        y, state = self.layer.step(x if self.norm is None else self.norm(x), state, mask=mask, reset=reset)
        return x + y, state


class Stack(SequenceLayer):
    """Layers one after another; the state is the tuple of theirs."""

    def __init__(self, layers: Iterable[SequenceLayer]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        parts = self._parts()
        if not parts:
            raise ValueError("a stack needs at least one layer")
        for before, after in itertools.pairwise(parts):
            if before.output_size != after.input_size:
                raise ValueError(
                    f"{type(before).__name__} gives {before.output_size} features, "
                    f"the {type(after).__name__} after it expects {after.input_size}"
                )
        self.input_size, self.output_size = parts[0].input_size, parts[-1].output_size
        self.latency = sum(layer.latency for layer in parts)
        self.supports_step = all(layer.supports_step for layer in parts)
        self.backends = tuple(dict.fromkeys(name for layer in parts for name in layer.backends))
        fields = [layer.receptive_field for layer in parts]
        self.receptive_field = None if None in fields else sum(field for field in fields if field is not None)

    def _parts(self) -> list[SequenceLayer]:
        return list(self.layers)  # type: ignore[arg-type]

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> State:
        return tuple(layer.initial_state(batch_size, device=device) for layer in self._parts())

    def forward(
        self,
        x: Float[Tensor, "batch time input"],
        state: State | None = None,
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
        reset: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Tensor, State]:
        assert state is not None
        ends = []
        for layer, before in zip(self._parts(), state, strict=True):
            x, end = layer(x, before, mask=mask, reset=reset)
            ends.append(end)
        return x, tuple(ends)

    def step(
        self,
        x: Float[Tensor, "batch input"],
        state: State,
        *,
        mask: Bool[Tensor, " batch"] | None = None,
        reset: Bool[Tensor, " batch"] | None = None,
    ) -> tuple[Tensor, State]:
        self._require_step()
        ends = []
        for layer, before in zip(self._parts(), state, strict=True):
            x, end = layer.step(x, before, mask=mask, reset=reset)
            ends.append(end)
        return x, tuple(ends)
