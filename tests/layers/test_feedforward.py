"""The baseline without time."""

import pytest
import torch
from torch.nn import functional

from unrolled.layers.feedforward import FeedForwardNetwork


def test_every_step_by_itself():
    torch.manual_seed(0)
    layer = FeedForwardNetwork(3, 4, layers=2)
    assert layer.receptive_field == 0
    x = torch.randn(2, 5, 3)
    y, _ = layer(x)
    state = dict(layer.named_parameters())
    expected = x @ state["layers.0.module.weight"].T + state["layers.0.module.bias"]
    for index in (1, 2):
        inner = functional.layer_norm(expected, (4,))
        inner = functional.linear(
            inner, *(state[f"layers.{index}.layer.module.0.{name}"] for name in ("weight", "bias"))
        )
        inner = functional.gelu(inner)
        inner = functional.linear(
            inner, *(state[f"layers.{index}.layer.module.2.{name}"] for name in ("weight", "bias"))
        )
        expected = expected + inner
    torch.testing.assert_close(y, functional.layer_norm(expected, (4,)))
    order = torch.randperm(5)
    torch.testing.assert_close(layer(x[:, order])[0], y[:, order])


def test_sizes_that_do_not_fit():
    with pytest.raises(ValueError, match="at least 1, got input_size=0"):
        FeedForwardNetwork(0, 4, layers=1)
