"""The convolution family against PyTorch's convolutions, one row at a time."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from unrolled.layers.convolution import Convolution, TimeConvolution
from unrolled.layers.layer import StepNotSupported


@settings(max_examples=40, deadline=None)
@given(
    kernel_size=st.integers(1, 6),
    dilation=st.integers(1, 4),
    time=st.integers(1, 9),
    causal=st.booleans(),
    seed=st.integers(0, 2**20),
)
def test_a_convolution_is_the_sum_over_its_kernel(kernel_size, dilation, time, causal, seed):
    torch.manual_seed(seed)
    layer = TimeConvolution(2, 3, kernel_size, dilation=dilation, causal=causal, bias=True)
    nn.init.normal_(layer.bias)
    x = torch.randn(2, time, 2)
    if causal:
        y, past = layer.continued(x, torch.zeros(2, layer.before, 2), None)
        assert past.shape == (2, layer.before, 2)
    else:
        y = layer.centred(x, None)
        assert 0 <= layer.after - layer.before <= 1
    for t in range(time):
        expected = layer.bias.expand(2, 3)
        for j in range(kernel_size):
            s = t + j * dilation - layer.before
            if 0 <= s < time:
                expected = expected + x[:, s] @ layer.weight[:, :, j].T
        torch.testing.assert_close(y[:, t], expected)


def reference(layer: Convolution, x: torch.Tensor) -> torch.Tensor:
    """One row `[time, input]` through the same parameters, as in the published code: pad, convolve, cut."""
    y = x.T[None]
    for index, block in enumerate(layer.blocks):
        inner = y
        for convolution, norm in zip(block.convolutions, block.norms, strict=True):
            reach = (convolution.weight.shape[2] - 1) * 2**index
            ends = (reach, 0) if layer.causal else (reach // 2, reach - reach // 2)
            inner = functional.conv1d(
                functional.pad(inner, ends), convolution.weight, convolution.bias, dilation=2**index
            )
            inner = functional.relu(norm(inner.transpose(1, 2)).transpose(1, 2))
        shortcut = y if block.shortcut is None else block.shortcut(y.transpose(1, 2)).transpose(1, 2)
        y = functional.relu(inner + shortcut)
    return y[0].T


@pytest.mark.parametrize("causal", [True, False])
def test_network_agrees_with_the_definition(causal):
    torch.manual_seed(0)
    layer = Convolution(2, 6, layers=3, kernel_size=3, causal=causal).eval()
    x = torch.randn(3, 20, 2)
    lengths = [20, 7, 1]
    mask = torch.arange(20) < torch.tensor(lengths)[:, None]
    y, _ = layer(x, mask=mask)
    for row, length in enumerate(lengths):
        torch.testing.assert_close(y[row, :length], reference(layer, x[row, :length]))


def test_what_it_can_see():
    assert Convolution(2, 4, layers=4, kernel_size=3).receptive_field == 2 * 2 * (2**4 - 1)
    assert Convolution(2, 4, layers=2, kernel_size=4, causal=False).receptive_field == 2 * 2 + 2 * 3
    state = Convolution(2, 4, layers=2, kernel_size=3).initial_state(5)
    assert [leaf.past.shape for leaf in state] == [(5, 2, 2), (5, 2, 4), (5, 4, 4), (5, 4, 4)]


def test_centred_needs_the_whole_sequence():
    layer = Convolution(2, 4, causal=False)
    assert layer.initial_state(3) == ()
    with pytest.raises(StepNotSupported):
        layer.step(torch.randn(3, 2), ())


@pytest.mark.parametrize("causal", [True, False])
def test_padding_does_not_matter_in_training_either(causal):
    torch.manual_seed(0)
    layer = Convolution(2, 4, layers=2, causal=causal, norm="batch").train()
    x = torch.randn(3, 9, 2)
    mask = torch.arange(9) < torch.tensor([9, 4, 6])[:, None]
    y, _ = layer(x, mask=mask)
    wider = torch.cat([x.where(mask[..., None], torch.nan), torch.full((3, 5, 2), torch.inf)], dim=1)
    y_wider, _ = layer(wider, mask=torch.cat([mask, torch.zeros(3, 5, dtype=torch.bool)], dim=1))
    torch.testing.assert_close(y_wider[:, :9], y)
    holes = torch.tensor([0, 2, 3, 5, 6, 7, 9, 11, 12])
    spread, spread_mask = torch.full((3, 13, 2), torch.nan), torch.zeros(3, 13, dtype=torch.bool)
    spread[:, holes], spread_mask[:, holes] = x, mask
    torch.testing.assert_close(layer(spread, mask=spread_mask)[0][:, holes], y)


def test_dropout_only_in_training():
    layer = Convolution(2, 64, layers=1, dropout=0.5)
    x = torch.randn(2, 5, 2)
    assert not torch.equal(layer(x)[0], layer(x)[0])
    layer.eval()
    assert torch.equal(layer(x)[0], layer(x)[0])


@pytest.mark.parametrize("sizes", [{"layers": 0}, {"kernel_size": 0}])
def test_sizes_that_do_not_fit(sizes):
    with pytest.raises(ValueError, match="at least 1, got input_size=2"):
        Convolution(2, 4, **sizes)
