"""Convolution over time."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from unrolled.layers.dropout import dropout
from unrolled.layers.layer import SequenceLayer, zero_absent
from unrolled.layers.normalisation import Norm, build_norm
from unrolled.layers.state import State


class TimeConvolution(nn.Module):
    """y_t = b + sum_j W_j x_{t + j * dilation - before}, with parameters laid out as in `torch.nn.Conv1d`.

    The kernel reaches `before` steps back and `after` steps ahead: all of it back if causal, else half and half (an
    even kernel one more step ahead). `x` must hold these steps at its ends, so the result is shorter by them.
    """

    def __init__(
        self,
        input_size: int,
        width: int,
        kernel_size: int,
        *,
        dilation: int = 1,
        causal: bool = False,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.input_size, self.dilation = input_size, dilation
        reach = (kernel_size - 1) * dilation
        self.before = reach if causal else reach // 2
        self.after = reach - self.before
        self.weight = nn.Parameter(torch.empty(width, input_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(width)) if bias else None
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")

    def forward(self, x: Float[Tensor, "batch time_and_reach input"]) -> Float[Tensor, "batch time width"]:
        # [batch, time, features] is the layout "channels last" of an image one pixel high: the fast one, and no copy.
        image = x.transpose(1, 2).unsqueeze(2)
        y = functional.conv2d(image, self.weight.unsqueeze(2), self.bias, dilation=(1, self.dilation))
        return y.squeeze(2).transpose(1, 2)

    def centred(
        self, x: Float[Tensor, "batch time input"], present: Bool[Tensor, "batch time"] | None
    ) -> Float[Tensor, "batch time width"]:
        """The same length, with zeros beyond the ends of every row."""
        return self(functional.pad(zero_absent(x, present), (0, 0, self.before, self.after)))

    def continued(
        self,
        x: Float[Tensor, "batch time input"],
        past: Float[Tensor, "batch before input"],
        lengths: Int[Tensor, " batch"] | None,
    ) -> tuple[Float[Tensor, "batch time width"], Float[Tensor, "batch before input"]]:
        """The same length, after `past`; and the last steps, each row ending at its own last one."""
        seen = torch.cat([past.to(x.dtype), x], dim=1)
        return self(seen), last_steps(seen, past.shape[1], lengths)


def last_steps(
    seen: Float[Tensor, "batch past_and_time features"], past: int, lengths: Int[Tensor, " batch"] | None
) -> Float[Tensor, "batch past features"]:
    """The last `past` steps of a chunk with as many before it, each row ending at its own last real one."""
    if lengths is None:
        return seen[:, seen.shape[1] - past :]
    rows = torch.arange(len(seen), device=seen.device)[:, None]
    return seen[rows, lengths[:, None] + torch.arange(past, device=seen.device)]


class ConvolutionState(NamedTuple):
    past: Float[Tensor, "batch reach features"]
    """The last inputs of one convolution, newest last; zeros before the beginning."""


class ConvolutionBlock(nn.Module):
    """relu(shortcut(x) + f(f(x))) with f(x) = dropout(relu(norm(convolution(x))))."""

    def __init__(
        self, input_size: int, width: int, kernel_size: int, *, dilation: int, causal: bool, norm: Norm, dropout: float
    ) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            TimeConvolution(size, width, kernel_size, dilation=dilation, causal=causal, bias=norm != "batch")
            for size in (input_size, width)
        )
        self.norms = nn.ModuleList(build_norm(norm, width) for _ in range(2))
        self.shortcut = None if input_size == width else nn.Linear(input_size, width)
        self.dropout = dropout

    def parts(self) -> list[tuple[TimeConvolution, nn.Module]]:
        return list(zip(self.convolutions, self.norms, strict=True))  # type: ignore[arg-type]

    def after_convolution(self, x: Tensor, norm: nn.Module, present: Tensor | None) -> Tensor:
        return dropout(functional.relu(norm(x, present)), self.dropout, training=self.training)

    def join(self, x: Tensor, y: Tensor) -> Tensor:
        return functional.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class Convolution(SequenceLayer):
    """A temporal convolutional network: residual blocks of two dilated convolutions, the dilation doubling by block.

    `receptive_field` is 2 (kernel_size - 1) (2^layers - 1) steps back, or half of it to both sides. Causal, the state
    holds for each convolution the last (kernel_size - 1) * dilation inputs of each row. With `causal=False` kernels are
    centred and see zeros beyond the ends of each sequence; an output then needs the steps ahead of it, so there is no
    carried state (it is `()`) and `step` raises `StepNotSupported`.

    `norm` is "layer" (each step by itself, the default of the causal form) or "batch" (the default otherwise), with
    which the rows of a training batch share their statistics; see `MaskedBatchNorm`. Raises `ValueError` for sizes
    below 1.

    Source: Bai et al. 2018, "An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence
    Modeling", arXiv:1803.01271, section 3, with these norms in place of weight normalisation.
    """

    def __init__(
        self,
        input_size: int,
        width: int,
        *,
        layers: int = 4,
        kernel_size: int = 3,
        causal: bool = True,
        norm: Norm | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if min(input_size, width, layers, kernel_size) < 1:
            raise ValueError(
                f"sizes must be at least 1, got input_size={input_size}, width={width}, layers={layers}, "
                f"kernel_size={kernel_size}"
            )
        if norm is None:
            norm = "layer" if causal else "batch"
        self.input_size, self.output_size = input_size, width
        self.causal = self.supports_step = causal
        self.blocks = nn.ModuleList(
            ConvolutionBlock(
                input_size if index == 0 else width,
                width,
                kernel_size,
                dilation=2**index,
                causal=causal,
                norm=norm,
                dropout=dropout,
            )
            for index in range(layers)
        )
        self.receptive_field = sum(max(convolution.before, convolution.after) for convolution in self._convolutions())

    def _blocks(self) -> list[ConvolutionBlock]:
        return list(self.blocks)  # type: ignore[arg-type]

    def _convolutions(self) -> list[TimeConvolution]:
        return [convolution for block in self._blocks() for convolution, _ in block.parts()]

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> State:
        if not self.causal:
            return ()
        convolutions = self._convolutions()
        device = convolutions[0].weight.device if device is None else device
        return tuple(
            ConvolutionState(torch.zeros(batch_size, c.before, c.input_size, dtype=self.state_dtype, device=device))
            for c in convolutions
        )

    def unroll(
        self, x: Float[Tensor, "batch time input"], state: Any, lengths: Int[Tensor, " batch"] | None
    ) -> tuple[Tensor, State]:
        present = None if lengths is None else torch.arange(x.shape[1], device=x.device) < lengths[:, None]
        carried, ends = iter(state), []
        for block in self._blocks():
            y = x
            for convolution, norm in block.parts():
                if self.causal:
                    y, past = convolution.continued(y, next(carried).past, lengths)
                    ends.append(ConvolutionState(past.to(self.state_dtype)))
                else:
                    y = convolution.centred(y, present)
                y = block.after_convolution(y, norm, present)
            x = block.join(x, y)
        return x, tuple(ends)
