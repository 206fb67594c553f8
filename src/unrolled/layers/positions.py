"""How a model without recurrence knows the order of its steps."""

import math
from typing import Any, Literal, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from unrolled.layers.layer import SequenceLayer


class PositionState(NamedTuple):
    position: Int[Tensor, " batch"]
    """Steps consumed since the start or the last reset."""


class AddPositions(SequenceLayer):
    """Adds a vector for the position of each step, counted per row from the start or the last reset.

    * sinusoidal: PE(p, 2i) = sin(p / 10000^(2i/width)), PE(p, 2i+1) = cos of the same; for a sequence of any length.
      Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.5.
    * learned: a table of `max_length` vectors. A step beyond it raises `ValueError`. Source: Gehring et al. 2017,
      arXiv:1705.03122, section 3.1.
    """

    receptive_field = 0

    def __init__(self, width: int, kind: Literal["sinusoidal", "learned"], *, max_length: int = 1024) -> None:
        super().__init__()
        if kind not in ("sinusoidal", "learned"):
            raise ValueError(f'kind must be "sinusoidal" or "learned", got "{kind}"')
        self.input_size = self.output_size = width
        self.kind, self.max_length = kind, max_length
        self.table = nn.Parameter(torch.randn(max_length, width) * 0.02) if kind == "learned" else None

    def initial_state(self, batch_size: int, *, device: torch.device | str | None = None) -> PositionState:
        if device is None and self.table is not None:
            device = self.table.device
        return PositionState(torch.zeros(batch_size, dtype=torch.long, device=device))

    def forward(
        self,
        x: Float[Tensor, "batch time width"],
        state: Any = None,
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
        reset: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Tensor, PositionState]:
        positions, after = count_positions(state.position, x.shape[1], mask, reset)
        return x + self.vectors(positions).to(x.dtype), PositionState(after)

    def vectors(self, positions: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time width"]:
        """The vector of each position."""
        if self.table is None:
            angles = _angles(positions, self.input_size)
            both = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)
            return both[..., : self.input_size]
        if not torch.compiler.is_compiling() and int(positions.max()) >= self.max_length:
            raise ValueError(
                f"learned positions end at {self.max_length} steps, got step {int(positions.max()) + 1}; "
                "reset the state before, or use rotary or sinusoidal positions"
            )
        return self.table[positions]


def count_positions(
    start: Int[Tensor, " batch"],
    time: int,
    mask: Bool[Tensor, "batch time"] | None,
    reset: Bool[Tensor, "batch time"] | None,
) -> tuple[Int[Tensor, "batch time"], Int[Tensor, " batch"]]:
    """The position of every step of a chunk, and of the step after it. Absent steps take no position (theirs is 0)."""
    present = torch.ones(len(start), time, dtype=torch.long, device=start.device) if mask is None else mask.long()
    after = start[:, None] + present.cumsum(1)
    if reset is not None:
        before = after - present
        # What was counted before the last reset no longer counts; counts ascend, so the largest is the latest.
        forgotten = torch.where(reset, before, 0).cummax(1).values
        after = after - forgotten
    return (after - present) * present, after[:, -1]


def rotate(
    x: Float[Tensor, "batch time heads size"], positions: Int[Tensor, "rows time"]
) -> Float[Tensor, "batch time heads size"]:
    """Rotary positions: turn each pair of features (2i, 2i + 1) by position * 10000^(-2i/size).

    Source: Su et al. 2021, "RoFormer", arXiv:2104.09864, equation 34.
    """
    angles = _angles(positions, x.shape[-1])[:, :, None]
    if torch.compiler.is_compiling():
        # The same in real numbers: what reads an exported step may not know complex ones.
        cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        even, odd = x[..., 0::2], x[..., 1::2]
        return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)
    wide = x if x.dtype == torch.float64 else x.float()
    angles = angles.to(wide.dtype)
    turns = torch.polar(torch.ones_like(angles), angles)
    pairs = torch.view_as_complex(wide.unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * turns).flatten(-2).to(x.dtype)


def alibi_slopes(heads: int) -> Float[Tensor, " heads"]:
    """Slopes 2^(-8/n), 2^(-16/n), ... for n heads; between powers of two, every second one of the next power.

    Source: Press et al. 2021, "Train Short, Test Long", arXiv:2108.12409, section 3 and its released code.
    """
    power = 2 ** math.floor(math.log2(heads))
    slopes = [2 ** (-8 * (i + 1) / power) for i in range(power)]
    extra = [2 ** (-4 * (2 * i + 1) / power) for i in range(heads - power)]
    return torch.tensor(slopes + extra)


def _angles(positions: Tensor, width: int) -> Tensor:
    """position / 10000^(2i/width), within one turn: a stream may run long, and float32 cannot count so far."""
    scale = torch.arange(0, width, 2, dtype=torch.float64, device=positions.device) / width
    return ((positions[..., None] * 10000.0**-scale) % (2 * math.pi)).float()
