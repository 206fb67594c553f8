"""The table of families: a new one is a file in this folder and a line here."""

from collections.abc import Callable
from typing import Any

from unrolled.layers.bidirectional import Bidirectional
from unrolled.layers.combinators import Pointwise, Stack
from unrolled.layers.gru import GRU
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
    def build(input_size: int, width: int, layers: int, **settings: Any) -> SequenceLayer:
        return kind(input_size, width, layers=layers, **settings)

    return build


def _transformer(input_size: int, width: int, layers: int, *, heads: int = 4, **settings: Any) -> SequenceLayer:
    body = Transformer(width, layers=layers, heads=heads, **settings)
    if input_size == width:
        return body
    from torch import nn

    return Stack([Pointwise(nn.Linear(input_size, width, bias=False), input_size, width), body])


def _bidirectional(input_size: int, width: int, layers: int, **settings: Any) -> SequenceLayer:
    if width % 2:
        raise ValueError(f"width {width} is not divisible by the 2 directions")
    half = width // 2
    return Stack(
        Bidirectional(LSTM(size, half, **settings), LSTM(size, half, **settings))
        for size in [input_size] + [width] * (layers - 1)
    )


FAMILIES: dict[str, Callable[..., SequenceLayer]] = {
    "rnn": _recurrent(RNN),
    "lstm": _recurrent(LSTM),
    "gru": _recurrent(GRU),
    "transformer": _transformer,
    "bidirectional": _bidirectional,
}
