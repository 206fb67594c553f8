"""Dropout over time."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


def dropout(
    x: Float[Tensor, "batch time features"], rate: float, *, training: bool, variational: bool = False
) -> Float[Tensor, "batch time features"]:
    """Drop features; with `variational` the same ones at every step of the chunk.

    Source: Gal and Ghahramani 2016, "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks",
    arXiv:1512.05287 (the dropout of inputs and outputs; recurrent connections are not dropped).
    """
    if not training or not rate:
        return x
    if not variational:
        return functional.dropout(x, rate)
    kept = torch.empty(len(x), 1, x.shape[2], device=x.device, dtype=x.dtype).bernoulli_(1 - rate)
    return x * (kept / (1 - rate))


class Dropout(nn.Module):
    """`dropout` as a module, for a place between layers."""

    def __init__(self, rate: float, *, variational: bool = False) -> None:
        super().__init__()
        self.rate, self.variational = rate, variational

    def forward(self, x: Float[Tensor, "batch time features"]) -> Float[Tensor, "batch time features"]:
        return dropout(x, self.rate, training=self.training, variational=self.variational)
