"""What is done to a window of a series before a network reads it: gaps are filled, level and scale are taken out."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

Normalise = Literal["none", "last", "mean", "standard"]

LEAST_SCALE = 0.01
"""Of a window that hardly moves, in units of the whole series: its noise is not to be blown up without bound."""


class Level(NamedTuple):
    """Where the values of each window lie, to be taken out and put back into its forecast."""

    centre: Float[Tensor, "batch 1 channels *quantiles"]
    scale: Float[Tensor, "batch 1 channels *quantiles"] | None
    """None: 1"""

    def map(self, function: Callable[[Tensor], Tensor]) -> "Level":
        """Of other channels, or with other axes."""
        return Level(function(self.centre), None if self.scale is None else function(self.scale))

    def take_out(self, values: Tensor) -> Tensor:
        """Around 0, at scale 1."""
        values = values - self.centre
        return values if self.scale is None else values / self.scale

    def put_back(self, values: Tensor) -> Tensor:
        """The inverse of `take_out`."""
        return (values if self.scale is None else values * self.scale) + self.centre


def fill(
    window: Float[Tensor, "batch time channels"], observed: Bool[Tensor, "batch time channels"] | None = None
) -> tuple[Float[Tensor, "batch time channels"], Bool[Tensor, "batch time channels"]]:
    """The window without gaps, and which values were there: those that are not NaN, unless `observed` says it.

    A missing value becomes the last one before it, at the beginning the first one after it; 0 if all are missing.
    """
    observed = ~window.isnan() if observed is None else observed
    # Elsewhere than on the CPU the question would cost more than what it saves.
    if window.device.type == "cpu" and not torch.compiler.is_compiling() and bool(observed.all()):
        return window, observed
    steps = torch.arange(window.shape[1], device=window.device).view(1, -1, 1)
    before = torch.where(observed, steps, -1).cummax(dim=1).values
    first = observed.int().argmax(dim=1, keepdim=True)
    values = torch.where(observed, window, 0)
    return values.gather(1, torch.where(before < 0, first, before)), observed


def level(
    values: Float[Tensor, "batch time channels"], observed: Bool[Tensor, "batch time channels"], kind: Normalise
) -> Level:
    """Centre and scale of each window, over the values that were there.

    last: the last value, scale 1 (Lin et al. 2023, SegRNN, arXiv:2308.11200; Zeng et al. 2022, NLinear,
    arXiv:2205.13504). mean: the mean, scale 1. standard: mean and standard deviation (Kim et al. 2022, "Reversible
    instance normalization", without its learned scale), at least `LEAST_SCALE`. none: 0 and 1.
    """
    if kind == "none":
        return Level(torch.zeros_like(values[:, :1]), None)
    if kind == "last":
        return Level(values[:, -1:], None)
    count = observed.sum(dim=1, keepdim=True).clamp(min=1)
    mean = torch.where(observed, values, 0).sum(dim=1, keepdim=True) / count
    if kind == "mean":
        return Level(mean, None)
    variance = torch.where(observed, values - mean, 0).square().sum(dim=1, keepdim=True) / count
    return Level(mean, (variance + LEAST_SCALE**2).sqrt())
