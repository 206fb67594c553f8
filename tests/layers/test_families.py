"""Families in both directions, against PyTorch's."""

import pytest
import torch
from torch import nn

from unrolled.kernels.attention import attention
from unrolled.layers.attention import Attention
from unrolled.layers.families import build_backbone
from unrolled.layers.layer import StepNotSupported


@pytest.mark.parametrize("family", ["rnn", "lstm", "gru", "bidirectional"])
def test_both_directions_agree_with_torch(family):
    torch.manual_seed(0)
    kind = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU, "bidirectional": nn.LSTM}[family]
    theirs = kind(3, 4, num_layers=2, bidirectional=True, batch_first=True)
    choice = {} if family == "bidirectional" else {"bidirectional": True}
    ours = build_backbone(family, input_size=3, width=8, layers=2, **choice)
    weights = theirs.state_dict()
    for index, layer in enumerate(ours.layers):
        for direction, suffix in ((layer.ahead, ""), (layer.back, "_reverse")):
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                direction.get_parameter(f"{name}_l0").data.copy_(weights[f"{name}_l{index}{suffix}"])
    x, lengths = torch.randn(3, 9, 3), torch.tensor([9, 5, 1])
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
    expected, _ = nn.utils.rnn.pad_packed_sequence(theirs(packed)[0], batch_first=True)
    y, _ = ours(x, mask=torch.arange(9) < lengths[:, None])
    torch.testing.assert_close(y, expected)


@pytest.mark.parametrize("variational", [True, False])
def test_dropout_between_layers_of_both_directions(variational):
    torch.manual_seed(0)
    settings = {"bidirectional": True, "dropout": 0.5, "variational": variational}
    layer = build_backbone("gru", input_size=3, width=8, layers=2, **settings)
    x = torch.randn(2, 5, 3)
    assert not torch.equal(layer(x)[0], layer(x)[0])
    layer.eval()
    assert torch.equal(layer(x)[0], layer(x)[0])


def test_two_directions_need_an_even_width():
    with pytest.raises(ValueError, match="width 5 is not divisible by the 2 directions"):
        build_backbone("gru", input_size=3, width=5, layers=1, bidirectional=True)


def test_attention_in_both_directions_agrees_with_torch():
    torch.manual_seed(0)
    theirs = nn.MultiheadAttention(12, 3, bias=False, batch_first=True)
    ours = Attention(12, 3, positions="none", causal=False)
    with torch.no_grad():
        ours.query_key_value.weight.copy_(theirs.in_proj_weight)
        ours.output.weight.copy_(theirs.out_proj.weight)
    x, lengths = torch.randn(3, 7, 12), torch.tensor([7, 4, 1])
    mask = torch.arange(7) < lengths[:, None]
    expected, _ = theirs(x, x, x, key_padding_mask=~mask, need_weights=False)
    for backend in ("auto", "reference"):
        ours.backend = backend
        torch.testing.assert_close(ours(x, mask=mask)[0], expected.where(mask[..., None], 0))
    with pytest.raises(StepNotSupported):
        ours.step(x[:, 0], ())


@pytest.mark.parametrize("window", [None, 1, 3])
@pytest.mark.parametrize("backend", ["auto", "reference"])
def test_attention_to_both_sides_agrees_with_the_definition(window, backend):
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 1, 6, 2, 4)
    slopes = torch.tensor([0.5, 0.25])
    y = attention(q, k, v, window=window, slopes=slopes, causal=False, backend=backend)
    for t in range(6):
        seen = [j for j in range(6) if window is None or abs(t - j) < window]
        for h in range(2):
            distance = torch.tensor([float(abs(t - j)) for j in seen])
            weights = (k[0, seen, h] @ q[0, t, h] / 2 - slopes[h] * distance).softmax(0)
            torch.testing.assert_close(y[0, t, h], weights @ v[0, seen, h])


@pytest.mark.parametrize("positions", ["none", "sinusoidal", "learned", "rotary", "alibi"])
def test_a_transformer_in_both_directions_keeps_no_state(positions):
    layer = build_backbone("transformer", input_size=3, width=8, layers=1, heads=2, positions=positions, causal=False)
    assert not layer.supports_step
    x = torch.randn(2, 5, 3)
    y, state = layer(x)
    assert state == ((), ())
    torch.testing.assert_close(layer(x, state)[0], y)
