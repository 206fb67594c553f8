"""CTC against the sum over all paths, written out."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unrolled.objectives.ctc import ctc_loss


def collapse(path: tuple[int, ...]) -> list[int]:
    """Repeats merged, blanks dropped, classes as tokens of the vocabulary."""
    return [number - 1 for number, _ in itertools.groupby(path) if number]


def sum_over_paths(logits: torch.Tensor, target: list[int]) -> float:
    probabilities = logits.double().softmax(-1)
    return sum(
        math.prod(float(probabilities[step, number]) for step, number in enumerate(path))
        for path in itertools.product(range(logits.shape[1]), repeat=len(logits))
        if collapse(path) == target
    )


@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.tuples(st.integers(0, 4), st.lists(st.integers(0, 1), max_size=4)), min_size=1, max_size=4),
)
def test_sum_over_all_paths(seed: int, rows: list[tuple[int, list[int]]]) -> None:
    draw = torch.Generator().manual_seed(seed)
    time, longest = 5, 4
    logits = 2 * torch.randn(len(rows), time, 3, generator=draw)
    targets = torch.full((len(rows), longest), -7)
    mask, target_mask = torch.zeros(len(rows), time).bool(), torch.zeros(len(rows), longest).bool()
    expected, infeasible = 0.0, 0
    for row, (length, target) in enumerate(rows):
        mask[row, :length] = True
        target_mask[row, : len(target)] = True
        targets[row, : len(target)] = torch.tensor(target, dtype=torch.long)
        probability = sum_over_paths(logits[row, :length], target)
        infeasible += probability == 0
        expected -= math.log(probability) if probability else 0.0
    poisoned = logits.masked_fill(~mask[:, :, None], math.nan).requires_grad_()
    loss, count = ctc_loss(poisoned, targets, mask=mask, target_mask=target_mask)
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert int(count) == infeasible
    loss.backward()
    assert poisoned.grad is not None
    assert poisoned.grad.isfinite().all()
    assert not poisoned.grad[~mask].any()


def test_gradient_is_that_of_the_sum_over_paths() -> None:
    torch.manual_seed(0)
    logits, target = torch.randn(1, 4, 3, requires_grad=True), [0, 0]
    ctc_loss(logits, torch.tensor([target]))[0].backward()
    assert logits.grad is not None
    for step, number in itertools.product(range(4), range(3)):
        nudge = torch.zeros(4, 3, dtype=torch.double)
        nudge[step, number] = 1e-5
        up, down = (sum_over_paths(logits.detach()[0].double() + sign * nudge, target) for sign in (1, -1))
        slope = -(math.log(up) - math.log(down)) / 2e-5
        assert float(logits.grad[0, step, number]) == pytest.approx(slope, abs=1e-4)


def test_a_target_that_does_not_fit_is_counted_and_costs_nothing() -> None:
    logits = torch.randn(2, 2, 3, requires_grad=True)
    loss, count = ctc_loss(logits, torch.tensor([[1, 1], [0, 1]]))
    loss.backward()
    assert int(count) == 1, "two equal tokens need three steps"
    assert logits.grad is not None
    assert not logits.grad[0].any()
    assert logits.grad[1].any()


def test_holes_are_refused() -> None:
    with pytest.raises(ValueError, match="padded on the right"):
        ctc_loss(torch.zeros(1, 3, 2), torch.zeros(1, 1).long(), mask=torch.tensor([[True, False, True]]))


def test_bfloat16_is_summed_in_float32() -> None:
    loss, _ = ctc_loss(torch.zeros(1, 500, 4, dtype=torch.bfloat16), torch.zeros(1, 0).long())
    assert loss.dtype == torch.float32
    assert float(loss) == pytest.approx(500 * math.log(4), rel=1e-5)
