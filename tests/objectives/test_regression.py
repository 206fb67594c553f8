"""Losses of numbers against their definitions, missing targets left out."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unrolled.objectives.regression import RegressionLoss, regression_loss

DEFINITIONS = {
    "mse": lambda e: e * e,
    "mae": abs,
    "huber": lambda e: e * e / 2 if abs(e) <= 1 else abs(e) - 0.5,
}


@given(st.integers(0, 2**32 - 1), st.integers(0, 9), st.sampled_from(list(DEFINITIONS)))
def test_the_sum_over_what_is_there(seed: int, steps: int, kind: RegressionLoss) -> None:
    draw = torch.Generator().manual_seed(seed)
    predicted, target = 2 * torch.randn(2, steps, 3, generator=draw, dtype=torch.float64)
    target[torch.rand(target.shape, generator=draw) < 0.3] = math.nan
    pairs = [(float(p), float(t)) for p, t in zip(predicted.flatten(), target.flatten(), strict=True) if t == t]
    loss, count = regression_loss(predicted, target, kind)
    assert int(count) == len(pairs)
    assert float(loss) == pytest.approx(sum(DEFINITIONS[kind](p - t) for p, t in pairs))


@pytest.mark.parametrize("kind", list(DEFINITIONS))
def test_a_missing_target_gives_no_gradient(kind: RegressionLoss) -> None:
    predicted = torch.tensor([1.0, torch.nan, 3.0], requires_grad=True)  # even where the prediction is no number
    loss, _ = regression_loss(predicted, torch.tensor([0.0, torch.nan, torch.nan]), kind)
    loss.backward()
    assert predicted.grad is not None
    assert predicted.grad[0] > 0
    assert predicted.grad[1:].tolist() == [0, 0]


def test_bfloat16_is_summed_in_float32() -> None:
    loss, _ = regression_loss(torch.ones(10_000, dtype=torch.bfloat16), torch.zeros(10_000, dtype=torch.bfloat16))
    assert loss.dtype == torch.float32
    assert float(loss) == 10_000
