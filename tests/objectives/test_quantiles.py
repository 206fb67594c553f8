"""The pinball loss against its definition and scikit-learn, and quantiles that never cross."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mean_pinball_loss

from unrolled.objectives.quantiles import ascending, pinball_loss

LEVELS = (0.1, 0.5, 0.75)


@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
def test_against_scikit_learn(seed: int, steps: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    predicted = torch.randn(2, steps, len(LEVELS), generator=draw, dtype=torch.float64)
    target = torch.randn(2, steps, generator=draw, dtype=torch.float64)
    target[0, 0] = torch.nan
    known = ~target.isnan()
    loss, count = pinball_loss(predicted, target, LEVELS)
    expected = [mean_pinball_loss(target[known], predicted[known][:, i], alpha=level) for i, level in enumerate(LEVELS)]
    assert int(count) == 2 * steps - 1
    assert float(loss) / int(count) == pytest.approx(np.mean(expected))


def test_its_best_constant_is_the_quantile() -> None:
    values = torch.arange(100, dtype=torch.float64)
    candidates = torch.linspace(0, 99, 100, dtype=torch.float64)
    losses = [float(pinball_loss(c.expand(100, 1), values, [0.8])[0]) for c in candidates]
    assert abs(float(candidates[int(np.argmin(losses))]) - np.quantile(values, 0.8)) <= 1


def test_a_missing_target_gives_no_gradient() -> None:
    predicted = torch.tensor([[1.0, 2.0], [torch.nan, 0.0]], requires_grad=True)
    pinball_loss(predicted, torch.tensor([0.0, torch.nan]), [0.1, 0.9])[0].backward()
    assert predicted.grad is not None
    assert predicted.grad[0].all()
    assert predicted.grad[1].tolist() == [0, 0]


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_never_crossing_and_the_middle_is_as_it_was(seed: int, levels: int) -> None:
    raw = 20 * torch.randn(5, levels, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    ordered = ascending(raw)
    assert ordered.shape == raw.shape
    assert (ordered.diff(dim=-1) >= 0).all()
    assert torch.equal(ordered[:, levels // 2], raw[:, levels // 2])


def test_any_ascending_values_can_be_reached() -> None:
    wanted = torch.tensor([-3.0, -2.9, 0.5, 7.0], dtype=torch.float64)
    gaps = wanted.diff().expm1().log()  # the inverse of softplus
    raw = torch.stack([gaps[0], gaps[1], wanted[2], gaps[2]])
    torch.testing.assert_close(ascending(raw), wanted)


def test_levels_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="2 levels do not fit predictions of 3"):
        pinball_loss(torch.zeros(4, 3), torch.zeros(4), [0.1, 0.9])
