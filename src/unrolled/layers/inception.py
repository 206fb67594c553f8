"""Convolutions of several lengths side by side."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from unrolled.layers.convolution import TimeConvolution
from unrolled.layers.dropout import dropout
from unrolled.layers.layer import SequenceLayer, zero_absent
from unrolled.layers.normalisation import Norm, build_norm
from unrolled.layers.state import State

EVERY = 3
"""Modules under one shortcut."""


class InceptionModule(nn.Module):
    """relu(norm([W_k * bottleneck(x) for three kernel sizes k; W max(x_{t-1}, x_t, x_{t+1})])), a quarter of the width
    each. The kernels have `kernel_size`, half and a quarter of it."""

    def __init__(self, input_size: int, width: int, kernel_size: int, *, norm: Norm) -> None:
        super().__init__()
        quarter = width // 4
        self.bottleneck = nn.Linear(input_size, quarter, bias=False) if input_size > 1 else None
        size = input_size if self.bottleneck is None else quarter
        self.convolutions = nn.ModuleList(
            TimeConvolution(size, quarter, max(1, kernel_size // part)) for part in (1, 2, 4)
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
    steps ahead of it: there is no carried state (it is `()`) and `step` raises `StepNotSupported`. `kernel_size` is
    that of the longest kernel; choose it no longer than the sequences.

    With `norm="batch"` the rows of a training batch share their statistics (see `MaskedBatchNorm`); with "layer" each
    step is normalised by itself. Raises `ValueError` for a width that is not divisible by 4, and for sizes below 1.

    Source: Ismail Fawaz et al. 2020, "InceptionTime", arXiv:1909.04939, section 3.
    """

    supports_step = False

    def __init__(
        self,
        input_size: int,
        width: int,
        *,
        layers: int = 6,
        kernel_size: int = 40,
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
        # What a module sees: half of its longest kernel, or the neighbours that the maximum looks at.
        self.receptive_field = layers * max(1, kernel_size // 2)
        self.inceptions = nn.ModuleList(
            InceptionModule(input_size if index == 0 else width, width, kernel_size, norm=norm)
            for index in range(layers)
        )
        self.shortcuts = nn.ModuleList(
            nn.Linear(input_size if index == 0 else width, width, bias=False) for index in range(layers // EVERY)
        )
        self.shortcut_norms = nn.ModuleList(build_norm(norm, width) for _ in self.shortcuts)

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> State:
        return ()

    def unroll(
        self, x: Float[Tensor, "batch time input"], state: State, lengths: Int[Tensor, " batch"] | None
    ) -> tuple[Tensor, State]:
        present = None if lengths is None else torch.arange(x.shape[1], device=x.device) < lengths[:, None]
        begin = x
        for index, module in enumerate(self.inceptions):
            x = module(x, present)
            if (index + 1) % EVERY == 0:
                number = index // EVERY
                shortcut = self.shortcut_norms[number](self.shortcuts[number](begin), present)
                begin = x = functional.relu(x + shortcut)
            x = dropout(x, self.dropout, training=self.training)
        return x, ()
