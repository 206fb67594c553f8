"""Convolutions of several lengths side by side."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from unrolled.layers.convolution import TimeConvolution, last_steps
from unrolled.layers.dropout import dropout
from unrolled.layers.layer import SequenceLayer, zero_absent
from unrolled.layers.normalisation import Norm, build_norm
from unrolled.layers.state import State

EVERY = 3
"""Modules under one shortcut."""


class ModuleState(NamedTuple):
    """What one causal module has seen last, newest last; zeros before the beginning."""

    narrow: Float[Tensor, "batch reach features"]
    """of what the convolutions read"""
    wide: Float[Tensor, "batch 2 input"]
    """of what the maximum looks at"""
    steps: Int[Tensor, " batch"]
    """how many steps there were"""


class InceptionModule(nn.Module):
    """relu(norm([W_k * bottleneck(x) for three kernel sizes k; W max(x_{t-1}, x_t, x_{t+1})])), a quarter of the width
    each. The kernels have `kernel_size`, half and a quarter of it. Causal, they end at their step, and the maximum is
    that of x_{t-2}, x_{t-1} and x_t."""

    def __init__(self, input_size: int, width: int, kernel_size: int, *, causal: bool, norm: Norm) -> None:
        super().__init__()
        quarter = width // 4
        self.input_size = input_size
        self.bottleneck = nn.Linear(input_size, quarter, bias=False) if input_size > 1 else None
        size = input_size if self.bottleneck is None else quarter
        self.convolutions = nn.ModuleList(
            TimeConvolution(size, quarter, max(1, kernel_size // part), causal=causal) for part in (1, 2, 4)
        )
        self.pooled = nn.Linear(input_size, quarter, bias=False)
        self.norm = build_norm(norm, width)
        for linear in (self.bottleneck, self.pooled):
            if linear is not None:
                nn.init.kaiming_normal_(linear.weight, nonlinearity="linear")

    def forward(
        self, x: Float[Tensor, "batch time input"], present: Bool[Tensor, "batch time"] | None
    ) -> Float[Tensor, "batch time width"]:
        narrow = x if self.bottleneck is None else self.bottleneck(x)
        branches = [convolution.centred(narrow, present) for convolution in self.convolutions]  # type: ignore[operator]
        branches.append(self.pooled(_highest_of_three(x, present)))
        return self._join(branches, present)

    def initial_state(self, batch_size: int, dtype: torch.dtype, device: torch.device | str) -> ModuleState:
        longest = self._parts()[0]
        return ModuleState(
            torch.zeros(batch_size, longest.before, longest.input_size, dtype=dtype, device=device),
            torch.zeros(batch_size, 2, self.input_size, dtype=dtype, device=device),
            torch.zeros(batch_size, dtype=torch.long, device=device),
        )

    def continued(
        self,
        x: Float[Tensor, "batch time input"],
        state: ModuleState,
        present: Bool[Tensor, "batch time"] | None,
        lengths: Int[Tensor, " batch"] | None,
    ) -> tuple[Float[Tensor, "batch time width"], ModuleState]:
        """The causal form: a chunk after what the state holds."""
        narrow = x if self.bottleneck is None else self.bottleneck(x)
        seen = torch.cat([state.narrow.to(narrow.dtype), narrow], dim=1)
        reach = state.narrow.shape[1]
        branches = [part(seen[:, reach - part.before :]) for part in self._parts()]
        wide = torch.cat([state.wide.to(x.dtype), x], dim=1)
        # Where fewer than two steps have been, what stands before the first is nothing, not zero.
        age = torch.arange(2, 0, -1, device=x.device)
        real = functional.pad(age <= state.steps[:, None], (0, x.shape[1]), value=True)
        highest = torch.where(real[..., None], wide, -torch.inf).unfold(1, 3, 1).amax(-1)
        branches.append(self.pooled(highest))
        dtype = state.narrow.dtype
        after = ModuleState(
            last_steps(seen, reach, lengths).to(dtype),
            last_steps(wide, 2, lengths).to(dtype),
            state.steps + (x.shape[1] if lengths is None else lengths),
        )
        return self._join(branches, present), after

    def _parts(self) -> list[TimeConvolution]:
        """The longest first."""
        return list(self.convolutions)  # type: ignore[arg-type]

    def _join(self, branches: list[Tensor], present: Tensor | None) -> Tensor:
        return functional.relu(self.norm(torch.cat(branches, dim=-1), present))


def _highest_of_three(
    x: Float[Tensor, "batch time input"], present: Bool[Tensor, "batch time"] | None
) -> Float[Tensor, "batch time input"]:
    """The largest value of each feature among a step and its neighbours, those beyond the ends of a row left out."""
    if present is not None:
        x = torch.where(present[..., None], x, -torch.inf)
    image = x.transpose(1, 2).unsqueeze(2)
    highest = functional.max_pool2d(image, (1, 3), stride=1, padding=(0, 1)).squeeze(2).transpose(1, 2)
    return zero_absent(highest, present)


class Inception(SequenceLayer):
    """InceptionTime's network: modules of three long convolutions and a maximum, a shortcut around every three modules.

    Kernels are centred and see zeros (the maximum: nothing) beyond the ends of each sequence, so an output needs the
    steps ahead of it: there is no carried state (it is `()`) and `step` raises `StepNotSupported`. With `causal=True`
    every kernel, and the maximum, ends at its own step; the state holds for each module the last `kernel_size` - 1
    steps of what its convolutions read, and two of what its maximum sees. `kernel_size` is that of the longest kernel;
    choose it no longer than the sequences.

    With `norm="batch"` the rows of a training batch share their statistics (see `MaskedBatchNorm`); with "layer" each
    step is normalised by itself. Raises `ValueError` for a width that is not divisible by 4, and for sizes below 1.

    Source: Ismail Fawaz et al. 2020, "InceptionTime", arXiv:1909.04939, section 3.
    """

    def __init__(
        self,
        input_size: int,
        width: int,
        *,
        layers: int = 6,
        kernel_size: int = 40,
        causal: bool = False,
        norm: Norm = "batch",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if min(input_size, width, layers, kernel_size) < 1:
            raise ValueError(
                f"sizes must be at least 1, got input_size={input_size}, width={width}, layers={layers}, "
                f"kernel_size={kernel_size}"
            )
        if width % 4:
            raise ValueError(f"width {width} is not divisible by the 4 branches of an inception module")
        self.input_size, self.output_size, self.dropout = input_size, width, dropout
        self.causal = self.supports_step = causal
        # What a module sees: half of its longest kernel, or the neighbours that the maximum looks at; causal, all of
        # it lies back.
        self.receptive_field = layers * (max(2, kernel_size - 1) if causal else max(1, kernel_size // 2))
        self.inceptions = nn.ModuleList(
            InceptionModule(input_size if index == 0 else width, width, kernel_size, causal=causal, norm=norm)
            for index in range(layers)
        )
        self.shortcuts = nn.ModuleList(
            nn.Linear(input_size if index == 0 else width, width, bias=False) for index in range(layers // EVERY)
        )
        self.shortcut_norms = nn.ModuleList(build_norm(norm, width) for _ in self.shortcuts)

    def _modules_in_order(self) -> list[InceptionModule]:
        return list(self.inceptions)  # type: ignore[arg-type]

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> State:
        if not self.causal:
            return ()
        modules = self._modules_in_order()
        where = modules[0].pooled.weight.device if device is None else device
        return tuple(module.initial_state(batch_size, self.state_dtype, where) for module in modules)

    def unroll(
        self, x: Float[Tensor, "batch time input"], state: Any, lengths: Int[Tensor, " batch"] | None
    ) -> tuple[Tensor, State]:
        present = None if lengths is None else torch.arange(x.shape[1], device=x.device) < lengths[:, None]
        begin, ends = x, []
        for index, module in enumerate(self._modules_in_order()):
            if self.causal:
                x, end = module.continued(x, state[index], present, lengths)
                ends.append(end)
            else:
                x = module(x, present)
            if (index + 1) % EVERY == 0:
                number = index // EVERY
                shortcut = self.shortcut_norms[number](self.shortcuts[number](begin), present)
                begin = x = functional.relu(x + shortcut)
            x = dropout(x, self.dropout, training=self.training)
        return x, tuple(ends)
