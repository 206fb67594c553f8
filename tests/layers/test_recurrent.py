"""The recurrent families against PyTorch's own."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from unrolled.layers.gru import GRU
from unrolled.layers.lstm import LSTM
from unrolled.layers.rnn import RNN

PAIRS = {
    "rnn": (RNN, nn.RNN, {}),
    "rnn relu": (RNN, nn.RNN, {"nonlinearity": "relu"}),
    "lstm": (LSTM, nn.LSTM, {}),
    "gru": (GRU, nn.GRU, {}),
}


def pair(name: str, *, layers: int = 2, bias: bool = True):
    ours, theirs, options = PAIRS[name]
    torch.manual_seed(0)
    reference = theirs(5, 7, num_layers=layers, bias=bias, batch_first=True, **options)
    layer = ours(5, 7, layers=layers, bias=bias, **options)
    layer.load_state_dict(reference.state_dict())
    return layer, reference


def final(reference_state) -> list[torch.Tensor]:
    leaves = reference_state if isinstance(reference_state, tuple) else (reference_state,)
    return [leaf.transpose(0, 1) for leaf in leaves]


@pytest.mark.parametrize("backend", ["auto", "reference"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", PAIRS)
def test_agrees_with_torch(name, bias, backend):
    layer, reference = pair(name, bias=bias)
    layer.backend = backend
    x = torch.randn(4, 9, 5, requires_grad=True)
    x_reference = x.detach().clone().requires_grad_()
    y, state = layer(x)
    y_reference, state_reference = reference(x_reference)
    torch.testing.assert_close(y, y_reference)
    for leaf, expected in zip(state, final(state_reference), strict=True):
        torch.testing.assert_close(leaf, expected)
    weight = torch.randn_like(y)
    (y * weight).sum().backward()
    (y_reference * weight).sum().backward()
    torch.testing.assert_close(x.grad, x_reference.grad)
    for (key, parameter), expected in zip(layer.named_parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, expected.grad, msg=lambda text, key=key: f"{key}: {text}")


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(("rows", "steps"), [(1, 1), (1, 4), (2, 2), (1, 5), (3, 3)])
def test_a_few_steps_without_gradients_agree_with_torch(name, bias, rows, steps):
    layer, reference = pair(name, bias=bias)
    x = torch.randn(rows, steps, 5)
    with torch.inference_mode():
        (y, state), (y_reference, state_reference) = layer(x), reference(x)
    torch.testing.assert_close(y, y_reference)
    for leaf, expected in zip(state, final(state_reference), strict=True):
        torch.testing.assert_close(leaf, expected)


@pytest.mark.parametrize("name", PAIRS)
def test_ragged_rows_agree_with_packed_torch(name):
    layer, reference = pair(name)
    lengths = torch.tensor([3, 8, 1, 6])
    x = torch.randn(4, 8, 5)
    mask = torch.arange(8) < lengths[:, None]
    x_ours, x_theirs = x.masked_fill(~mask[..., None], torch.nan).requires_grad_(), x.clone().requires_grad_()
    y, state = layer(x_ours, mask=mask)
    packed = pack_padded_sequence(x_theirs, lengths, batch_first=True, enforce_sorted=False)
    output, state_reference = reference(packed)
    y_reference, _ = pad_packed_sequence(output, batch_first=True, total_length=8)
    torch.testing.assert_close(y, y_reference)
    for leaf, expected in zip(state, final(state_reference), strict=True):
        torch.testing.assert_close(leaf, expected)
    weight = torch.randn_like(y)
    (y * weight).sum().backward()
    (y_reference * weight).sum().backward()
    torch.testing.assert_close(x_ours.grad, x_theirs.grad)
    for parameter, expected in zip(layer.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, expected.grad)


@pytest.mark.parametrize("name", PAIRS)
def test_steps_agree_with_torch(name):
    layer, reference = pair(name)
    x = torch.randn(3, 6, 5)
    state, outputs = layer.initial_state(3), []
    for t in range(6):
        y, state = layer.step(x[:, t], state)
        outputs.append(y)
    torch.testing.assert_close(torch.stack(outputs, 1), reference(x)[0])


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
def test_recurrent_weights_begin_orthogonal(kind):
    layer = kind(5, 6, layers=2)
    for number in range(2):
        for gate in layer.weights(number)[1].chunk(layer.gates):
            torch.testing.assert_close(gate @ gate.T, torch.eye(6))


def test_well_known_beginnings():
    lstm = LSTM(5, 6)
    forget = lstm.bias_ih_l0 + lstm.bias_hh_l0
    assert forget[6:12].eq(1).all()
    assert forget[:6].eq(0).all()
    assert forget[12:].eq(0).all()
    assert not LSTM(5, 6, forget_bias=0.0).bias_ih_l0.any()
    assert torch.equal(RNN(5, 6, nonlinearity="relu").weight_hh_l0, torch.eye(6))


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_state_stays_float32_in_a_bfloat16_layer(name):
    layer, _ = pair(name)
    layer = layer.bfloat16()
    y, state = layer(torch.randn(2, 4, 5, dtype=torch.bfloat16))
    assert y.dtype == torch.bfloat16
    assert all(leaf.dtype == torch.float32 for leaf in state)


def test_variational_dropout_is_the_same_at_every_step():
    layer = LSTM(3, 4, layers=2, dropout=0.5, variational=True)
    from unrolled.layers.dropout import dropout

    x = torch.ones(5, 7, 40)
    dropped = dropout(x, 0.5, training=True, variational=True)
    assert torch.equal(dropped, dropped[:, :1].expand_as(dropped))
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    varied = dropout(x, 0.5, training=True)
    assert not torch.equal(varied, varied[:, :1].expand_as(varied))
    assert torch.equal(dropout(x, 0.5, training=False), x)
    layer.train()
    first, second = layer(torch.randn(2, 5, 3).expand(2, 5, 3))[0], layer(torch.randn(2, 5, 3))[0]
    assert not torch.equal(first, second)


def test_bad_sizes():
    with pytest.raises(ValueError, match="width=0"):
        LSTM(3, 0)
