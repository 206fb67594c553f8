"""The baseline without time."""

from torch import nn

from unrolled.layers.combinators import Pointwise, Residual, Stack
from unrolled.layers.layer import SequenceLayer


class FeedForwardNetwork(Stack):
    """Every step by itself: a linear map, then per layer x + W_2 gelu(W_1 norm(x)) with twice the width inside, then
    a last norm. What it cannot do is what a task needs time for. Raises `ValueError` for sizes below 1.

    Source: Gorishniy et al. 2021, "Revisiting Deep Learning Models for Tabular Data", arXiv:2106.11959, section 3.2,
    with GELU (Hendrycks and Gimpel 2016, arXiv:1606.08415) and layer normalisation.
    """

    def __init__(self, input_size: int, width: int, *, layers: int, dropout: float = 0.0) -> None:
        if min(input_size, width, layers) < 1:
            raise ValueError(f"sizes must be at least 1, got input_size={input_size}, width={width}, layers={layers}")
        parts: list[SequenceLayer] = [Pointwise(nn.Linear(input_size, width), input_size, width)]
        for _ in range(layers):
            hidden = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
            parts.append(Residual(Pointwise(hidden, width, width), nn.LayerNorm(width), dropout=dropout))
        parts.append(Pointwise(nn.LayerNorm(width), width, width))
        super().__init__(parts)
