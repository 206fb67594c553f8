"""Every layer keeps every law, in every form it can take."""

import pytest
import torch
from torch import nn

from checked_types import types_unchecked
from unrolled.layers.attention import Attention
from unrolled.layers.bidirectional import Bidirectional
from unrolled.layers.combinators import Pointwise, Residual, Stack
from unrolled.layers.convolution import Convolution
from unrolled.layers.families import build_backbone
from unrolled.layers.feedforward import FeedForwardNetwork
from unrolled.layers.gru import GRU
from unrolled.layers.inception import Inception
from unrolled.layers.lookahead import Lookahead
from unrolled.layers.lstm import LSTM
from unrolled.layers.normalisation import MaskedBatchNorm
from unrolled.layers.pooling import Pool
from unrolled.layers.positions import AddPositions
from unrolled.layers.rnn import RNN
from unrolled.layers.transformer import Transformer
from unrolled.testing.check import check_layer

LAYERS = {
    "rnn": lambda: RNN(3, 4),
    "rnn relu, no bias": lambda: RNN(3, 4, nonlinearity="relu", bias=False),
    "lstm": lambda: LSTM(3, 4),
    "lstm of two layers": lambda: LSTM(3, 4, layers=2),
    "gru": lambda: GRU(3, 4),
    "gru of two layers": lambda: GRU(3, 4, layers=2),
    "attention": lambda: Attention(8, 2),
    "attention, grouped queries, window": lambda: Attention(8, 4, kv_heads=2, window=5, qk_norm=True),
    "attention, one key head, alibi": lambda: Attention(8, 4, kv_heads=1, positions="alibi"),
    "attention, window and alibi": lambda: Attention(8, 2, window=4, positions="alibi"),
    "attention, window of one": lambda: Attention(8, 2, window=1, positions="none"),
    "sinusoidal positions": lambda: AddPositions(6, "sinusoidal"),
    "learned positions": lambda: AddPositions(6, "learned", max_length=20_000),
    "transformer": lambda: lively(Transformer(8, layers=2, heads=2)),
    "transformer, window, learned, gelu": lambda: lively(
        Transformer(8, layers=2, heads=2, window=4, positions="learned", feedforward="gelu", max_length=20_000)
    ),
    "transformer, sinusoidal": lambda: lively(Transformer(8, layers=1, heads=2, window=6, positions="sinusoidal")),
    "residual stack": lambda: Stack(
        [Pointwise(nn.Linear(3, 4), 3, 4), Residual(LSTM(4, 4), nn.RMSNorm(4)), Residual(Attention(4, 2, window=3))]
    ),
    "bidirectional": lambda: Bidirectional(LSTM(3, 4), GRU(3, 2)),
    "two layers, both directions": lambda: build_backbone("gru", input_size=3, width=4, layers=2, bidirectional=True),
    "attention in both directions": lambda: Attention(8, 2, causal=False),
    "attention in both directions, window, alibi": lambda: Attention(
        8, 4, kv_heads=2, window=4, positions="alibi", causal=False
    ),
    "transformer in both directions": lambda: lively(Transformer(8, layers=2, heads=2, causal=False)),
    "transformer in both directions, learned": lambda: lively(
        Transformer(8, layers=1, heads=2, positions="learned", max_length=2_000, causal=False)
    ),
    "transformer in both directions, sinusoidal": lambda: lively(
        Transformer(8, layers=1, heads=2, positions="sinusoidal", window=4, causal=False)
    ),
    "feedforward": lambda: FeedForwardNetwork(3, 4, layers=2),
    "convolution": lambda: Convolution(3, 4, layers=2),
    "convolution, batch norm": lambda: seasoned(Convolution(4, 4, layers=1, kernel_size=4, norm="batch")),
    "convolution, kernel of one": lambda: Convolution(3, 4, layers=1, kernel_size=1),
    "convolution, centred": lambda: seasoned(Convolution(3, 4, layers=2, causal=False)),
    "convolution, centred, even kernel, layer norm": lambda: Convolution(
        4, 4, layers=2, kernel_size=4, causal=False, norm="layer"
    ),
    "inception": lambda: seasoned(Inception(3, 8, layers=4, kernel_size=8)),
    "inception of one feature, layer norm": lambda: Inception(1, 4, layers=3, kernel_size=5, norm="layer"),
    "inception, short kernels": lambda: seasoned(Inception(3, 8, layers=3, kernel_size=1)),
    "inception, causal": lambda: seasoned(Inception(3, 16, layers=3, kernel_size=3, causal=True)),
    "inception of one feature, causal, layer norm": lambda: Inception(
        1, 4, layers=1, kernel_size=5, causal=True, norm="layer"
    ),
    "inception, causal, short kernels": lambda: seasoned(Inception(3, 16, layers=1, kernel_size=1, causal=True)),
    "lookahead": lambda: Stack([LSTM(3, 4), Lookahead(2, 4)]),
    "the last step": lambda: Pool("last", 4),
    "running mean": lambda: Pool("mean", 4),
    "running maximum": lambda: Pool("max", 16),
    "running attention": lambda: Pool("attention", 4),
    "running attention of eight heads": lambda: Pool("position-attention", 16),
    "bidirectional attention": lambda: Bidirectional(Attention(8, 2), Attention(8, 2, window=3)),
}


def lively(layer: nn.Module) -> nn.Module:
    """Weights that write into the residual stream begin at zero; a test needs them to matter."""
    with torch.no_grad():
        for parameter in layer.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.3)
    return layer


def seasoned(layer: nn.Module) -> nn.Module:
    """Running statistics as after some training: at their first values they could as well be left out."""
    for norm in layer.modules():
        if isinstance(norm, MaskedBatchNorm):
            norm.running_mean.normal_(std=0.3)
            norm.running_var.uniform_(0.5, 2.0)
    return layer


@pytest.mark.parametrize("name", LAYERS)
def test_laws(name):
    torch.manual_seed(1)
    layer = LAYERS[name]()
    # With 2,000 every broken layer is caught (tests/testing). A growing cache takes time in the square of the steps.
    long_steps = 2_000 if layer.receptive_field is not None or "attention" not in name else 1_000
    check_layer(layer, laws=["state"])
    with types_unchecked():
        check_layer(layer, long_steps=long_steps)
