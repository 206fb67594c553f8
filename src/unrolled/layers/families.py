"""The table of families: a new one is a file in this folder and a line here."""

from collections.abc import Callable
from typing import Any

from unrolled.layers.bidirectional import Bidirectional
from unrolled.layers.combinators import Pointwise, Stack
from unrolled.layers.convolution import Convolution
from unrolled.layers.dropout import Dropout
from unrolled.layers.feedforward import FeedForwardNetwork
from unrolled.layers.gru import GRU
from unrolled.layers.inception import Inception
from unrolled.layers.layer import SequenceLayer
from unrolled.layers.lstm import LSTM
from unrolled.layers.rnn import RNN
from unrolled.layers.transformer import Transformer


def build_backbone(family: str, *, input_size: int, width: int, layers: int, **settings: Any) -> SequenceLayer:
    """A stack of layers of one family, `[batch, time, input_size]` to `[batch, time, width]`.

    `settings` may hold any of the settings of `FAMILIES[family]`. Raises `ValueError` for sizes that do not fit.
    """
    return FAMILIES[family](input_size, width, layers, **settings)


def _recurrent(kind: type[RNN] | type[LSTM] | type[GRU]) -> Callable[..., SequenceLayer]:
    def build(
        input_size: int, width: int, layers: int, *, bidirectional: bool = False, **settings: Any
    ) -> SequenceLayer:
        if bidirectional:
            return _both_ways(kind, input_size, width, layers, **settings)
        return kind(input_size, width, layers=layers, **settings)

    return build


def _both_ways(
    kind: type[RNN] | type[LSTM] | type[GRU],
    input_size: int,
    width: int,
    layers: int,
    *,
    dropout: float = 0.0,
    variational: bool = False,
    **settings: Any,
) -> SequenceLayer:
    """Half of the width for each direction; every layer reads both directions of the one below."""
    if width % 2:
        raise ValueError(f"width {width} is not divisible by the 2 directions")
    half, parts = width // 2, list[SequenceLayer]()
    for layer in range(layers):
        size = width if layer else input_size
        if layer and dropout:
            parts.append(Pointwise(Dropout(dropout, variational=variational), width, width))
        parts.append(Bidirectional(kind(size, half, **settings), kind(size, half, **settings)))
    return Stack(parts)


def _transformer(input_size: int, width: int, layers: int, *, heads: int = 4, **settings: Any) -> SequenceLayer:
    body = Transformer(width, layers=layers, heads=heads, **settings)
    if input_size == width:
        return body
    from torch import nn

    return Stack([Pointwise(nn.Linear(input_size, width, bias=False), input_size, width), body])


def _bidirectional(input_size: int, width: int, layers: int, **settings: Any) -> SequenceLayer:
    return _both_ways(LSTM, input_size, width, layers, **settings)


def _convolution(input_size: int, width: int, layers: int, **settings: Any) -> SequenceLayer:
    return Convolution(input_size, width, layers=layers, **settings)


def _inception(input_size: int, width: int, layers: int, **settings: Any) -> SequenceLayer:
    return Inception(input_size, width, layers=layers, **settings)


def _feedforward(input_size: int, width: int, layers: int, **settings: Any) -> SequenceLayer:
    return FeedForwardNetwork(input_size, width, layers=layers, **settings)


FAMILIES: dict[str, Callable[..., SequenceLayer]] = {
    "rnn": _recurrent(RNN),
    "lstm": _recurrent(LSTM),
    "gru": _recurrent(GRU),
    "transformer": _transformer,
    "bidirectional": _bidirectional,
    "convolution": _convolution,
    "inception": _inception,
    "feedforward": _feedforward,
}
