"""Batch normalisation of rows of different lengths, against PyTorch's on the real steps alone."""

import torch
from torch import nn

from unrolled.layers.normalisation import MaskedBatchNorm, StepNorm, build_norm


def both() -> tuple[MaskedBatchNorm, nn.BatchNorm1d]:
    torch.manual_seed(0)
    ours, theirs = MaskedBatchNorm(3), nn.BatchNorm1d(3)
    for norm in (ours, theirs):
        with torch.no_grad():
            norm.weight.copy_(torch.tensor([0.5, 1.0, 2.0]))
            norm.bias.copy_(torch.tensor([0.1, 0.0, -1.0]))
    return ours, theirs


def test_statistics_are_those_of_the_real_steps():
    ours, theirs = both()
    present = torch.arange(6) < torch.tensor([6, 2, 4])[:, None]
    x = torch.randn(3, 6, 3, requires_grad=True)
    weights = torch.randn(3, 6, 3)
    y = ours(torch.where(present[..., None], x, torch.nan), present)
    real = x.detach()[present].requires_grad_()
    expected = theirs(real)
    torch.testing.assert_close(y[present], expected)
    assert not y[~present].any()
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_var, theirs.running_var)
    (gradient,) = torch.autograd.grad((y * weights).sum(), x)
    (wanted,) = torch.autograd.grad((expected * weights[present]).sum(), real)
    torch.testing.assert_close(gradient[present], wanted)
    assert not gradient[~present].any()


def test_without_padding_and_in_evaluation():
    ours, theirs = both()
    x = 3 + 2 * torch.randn(4, 5, 3)
    torch.testing.assert_close(ours(x), theirs(x.transpose(1, 2)).transpose(1, 2))
    ours.eval(), theirs.eval()
    torch.testing.assert_close(ours(x), theirs(x.transpose(1, 2)).transpose(1, 2))
    torch.testing.assert_close(ours(x)[1:2, 2:3], ours(x[1:2, 2:3]))


def test_a_single_step_has_no_variance():
    ours, _ = both()
    x = torch.randn(1, 4, 3)
    only = torch.tensor([[True, False, False, False]])
    y = ours(x, only)
    torch.testing.assert_close(y[0, 0], x[0, 0] / (1 + ours.eps) ** 0.5 * ours.weight + ours.bias)
    assert torch.equal(ours.running_mean, torch.zeros(3))


def test_norms_by_name():
    assert isinstance(build_norm("layer", 4), StepNorm)
    x = torch.randn(2, 3, 4)
    torch.testing.assert_close(build_norm("layer", 4)(x, None), nn.functional.layer_norm(x, (4,)))
