"""The inception family against the same network of PyTorch's modules, one row at a time."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from unrolled.layers.inception import Inception
from unrolled.layers.layer import StepNotSupported


def reference(layer: Inception, x: torch.Tensor) -> torch.Tensor:
    """One row `[time, input]` through the same parameters, features before time as in the published code."""
    y = begin = x.T[None]

    def per_step(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
        return module(x.transpose(1, 2)).transpose(1, 2)

    for depth, module in enumerate(layer.inceptions):
        narrow = y if module.bottleneck is None else per_step(module.bottleneck, y)
        branches = []
        for convolution in module.convolutions:
            reach = convolution.weight.shape[2] - 1
            padded = functional.pad(narrow, (reach // 2, reach - reach // 2))
            branches.append(functional.conv1d(padded, convolution.weight))
        branches.append(per_step(module.pooled, nn.MaxPool1d(3, stride=1, padding=1)(y)))
        y = functional.relu(per_step(module.norm, torch.cat(branches, dim=1)))
        if depth % 3 == 2:
            shortcut = per_step(layer.shortcuts[depth // 3], begin)
            y = functional.relu(y + per_step(layer.shortcut_norms[depth // 3], shortcut))
            begin = y
    return y[0].T


@pytest.mark.parametrize("input_size", [1, 3])
def test_network_agrees_with_the_definition(input_size):
    torch.manual_seed(0)
    layer = Inception(input_size, 8, layers=7, kernel_size=10)
    assert [c.weight.shape[2] for c in layer.inceptions[0].convolutions] == [10, 5, 2]
    x = torch.randn(3, 20, input_size)
    layer(x)  # a training step, so that running statistics are not at their first values
    layer.eval()
    lengths = [20, 7, 1]
    mask = torch.arange(20) < torch.tensor(lengths)[:, None]
    y, state = layer(x, mask=mask)
    assert state == ()
    for row, length in enumerate(lengths):
        torch.testing.assert_close(y[row, :length], reference(layer, x[row, :length]))


def causal_reference(layer: Inception, x: torch.Tensor) -> torch.Tensor:
    """One row `[time, input]`, every kernel and maximum padded at the left alone."""
    y = begin = x.T[None]

    def per_step(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
        return module(x.transpose(1, 2)).transpose(1, 2)

    for depth, module in enumerate(layer.inceptions):
        narrow = y if module.bottleneck is None else per_step(module.bottleneck, y)
        branches = [
            functional.conv1d(functional.pad(narrow, (c.weight.shape[2] - 1, 0)), c.weight) for c in module.convolutions
        ]
        highest = functional.max_pool1d(functional.pad(y, (2, 0), value=-torch.inf), 3, stride=1)
        branches.append(per_step(module.pooled, highest))
        y = functional.relu(per_step(module.norm, torch.cat(branches, dim=1)))
        if depth % 3 == 2:
            shortcut = per_step(layer.shortcuts[depth // 3], begin)
            y = begin = functional.relu(y + per_step(layer.shortcut_norms[depth // 3], shortcut))
    return y[0].T


def test_the_causal_form_is_that_padded_at_the_left():
    torch.manual_seed(0)
    layer = Inception(2, 8, layers=4, kernel_size=9, causal=True)
    assert layer.receptive_field == 4 * 8
    x = -1 - torch.rand(2, 50, 2)  # below zero: a maximum that saw padding would see zeros
    layer(x)
    layer.eval()
    mask = torch.arange(50) < torch.tensor([50, 7])[:, None]
    y, _ = layer(x, mask=mask)
    for row, length in enumerate((50, 7)):
        torch.testing.assert_close(y[row, :length], causal_reference(layer, x[row, :length]))
    state, steps = layer.initial_state(2), []
    for t in range(50):
        output, state = layer.step(x[:, t], state, mask=mask[:, t])
        steps.append(output)
    torch.testing.assert_close(torch.stack(steps, dim=1), y)


def test_padding_does_not_matter_in_training_either():
    torch.manual_seed(0)
    layer = Inception(2, 8, layers=3, kernel_size=6).train()
    # All values below zero: a maximum that saw padding would see zeros.
    x = -1 - torch.rand(3, 9, 2)
    mask = torch.arange(9) < torch.tensor([9, 4, 6])[:, None]
    y, _ = layer(x, mask=mask)
    wider = torch.cat([x.where(mask[..., None], torch.nan), torch.full((3, 5, 2), torch.inf)], dim=1)
    y_wider, _ = layer(wider, mask=torch.cat([mask, torch.zeros(3, 5, dtype=torch.bool)], dim=1))
    torch.testing.assert_close(y_wider[:, :9], y)
    y_wider.sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in layer.parameters())


def test_what_it_can_see_and_what_it_cannot_do():
    layer = Inception(1, 8, layers=2, kernel_size=9)
    assert layer.receptive_field == 2 * 4
    with pytest.raises(StepNotSupported):
        layer.step(torch.randn(3, 1), ())
    with pytest.raises(ValueError, match="width 6 is not divisible by the 4 branches"):
        Inception(1, 6)
    with pytest.raises(ValueError, match="at least 1, got input_size=1, width=8, layers=0"):
        Inception(1, 8, layers=0)
