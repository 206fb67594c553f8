"""The full softmax against its definition."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unrolled.objectives.softmax import NO_TARGET, softmax_loss


@given(st.integers(0, 2**32 - 1), st.integers(0, 9), st.integers(2, 6), st.sampled_from([0.0, 0.1, 0.9]))
def test_sum_of_negative_log_probabilities(seed: int, tokens: int, vocabulary: int, smoothing: float) -> None:
    draw = torch.Generator().manual_seed(seed)
    logits = 5 * torch.randn(tokens, vocabulary, generator=draw, dtype=torch.float64)
    targets = torch.randint(vocabulary, (tokens,), generator=draw)
    absent = torch.rand(tokens, generator=draw) < 0.3
    expected = 0.0
    for row, target, gone in zip(logits, targets, absent, strict=True):
        if not gone:
            log_probabilities = row - row.exp().sum().log()
            expected -= (1 - smoothing) * float(log_probabilities[target]) + smoothing * float(log_probabilities.mean())
    loss = softmax_loss(logits, torch.where(absent, NO_TARGET, targets), label_smoothing=smoothing)
    assert float(loss) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_bfloat16_logits_are_summed_in_float32() -> None:
    logits, targets = torch.zeros(10_000, 8, dtype=torch.bfloat16), torch.zeros(10_000, dtype=torch.long)
    loss = softmax_loss(logits, targets)
    assert loss.dtype == torch.float32
    assert float(loss) == pytest.approx(10_000 * 2.0794415, rel=1e-5)


def test_gradient() -> None:
    logits = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: softmax_loss(x, torch.tensor([0, 4, NO_TARGET, 2])), logits)
