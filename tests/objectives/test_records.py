"""Losses of records against torch and by hand."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from unrolled.objectives.records import NO_TARGET, class_loss, labels_loss, value_loss


def test_classes_are_cross_entropy_without_what_is_missing() -> None:
    logits, targets = torch.randn(1, 6, 4), torch.tensor([0, 3, NO_TARGET, 2, NO_TARGET, 1])
    wanted = functional.cross_entropy(logits[0], targets, ignore_index=NO_TARGET, reduction="sum")
    torch.testing.assert_close(class_loss(logits, targets), wanted)
    by_hand = sum(-math.log(float(logits[0, n].softmax(0)[t])) for n, t in enumerate(targets.tolist()) if t >= 0)
    assert float(class_loss(logits, targets)) == pytest.approx(by_hand, rel=1e-5)
    steps = class_loss(logits.view(1, 2, 3, 4), targets.view(2, 3))
    torch.testing.assert_close(steps, wanted)


def test_members_are_averaged_and_not_their_outputs() -> None:
    logits, targets = torch.randn(3, 5, 4), torch.tensor([0, 1, 2, NO_TARGET, 3])
    alone = torch.stack([class_loss(member[None], targets) for member in logits])
    torch.testing.assert_close(class_loss(logits, targets), alone.mean())
    values = torch.randn(5, 2)
    torch.testing.assert_close(
        value_loss(logits[..., :2], values),
        torch.stack([value_loss(member[None, :, :2], values) for member in logits]).mean(),
    )


def test_weights_and_smoothing() -> None:
    logits, targets = torch.randn(1, 4, 3), torch.tensor([0, 1, 1, 2])
    weights = torch.tensor([1.0, 5.0, 0.0])
    each = functional.cross_entropy(logits[0], targets, reduction="none")
    torch.testing.assert_close(class_loss(logits, targets, weights=weights), (each * weights[targets]).sum())
    smooth = class_loss(logits, targets, label_smoothing=0.3)
    logs = logits[0].log_softmax(1)
    wanted = -(0.7 * logs[torch.arange(4), targets] + 0.3 * logs.mean(1)).sum()
    torch.testing.assert_close(smooth, wanted)


def test_several_labels_are_binary_cross_entropies() -> None:
    logits, targets = torch.randn(2, 3, 4), torch.tensor(np.eye(3, 4, dtype=np.float32))
    targets[1] = torch.nan
    known = targets[[0, 2]]
    wanted = (
        sum(functional.binary_cross_entropy_with_logits(member[[0, 2]], known, reduction="sum") for member in logits)
        / 2
    )
    torch.testing.assert_close(labels_loss(logits, targets), wanted)


def test_values_are_squared_errors() -> None:
    outputs, targets = torch.randn(1, 5, 2, requires_grad=True), torch.randn(5, 2)
    targets[2, 1] = torch.nan
    wanted = sum(
        (float(outputs[0, n, k].detach()) - float(targets[n, k])) ** 2
        for n in range(5)
        for k in range(2)
        if (n, k) != (2, 1)
    )
    loss = value_loss(outputs, targets)
    assert float(loss.detach()) == pytest.approx(wanted, rel=1e-5)
    loss.backward()
    assert outputs.grad is not None
    assert float(outputs.grad[0, 2, 1]) == 0
    assert outputs.grad.isfinite().all()


def test_nothing_known_is_zero_with_a_gradient() -> None:
    outputs = torch.randn(1, 2, 3, requires_grad=True)
    nothing = torch.full((2, 3), torch.nan)
    for loss in (
        class_loss(outputs, torch.full((2,), NO_TARGET)),
        labels_loss(outputs, nothing),
        value_loss(outputs, nothing),
    ):
        assert float(loss.detach()) == 0
        (gradient,) = torch.autograd.grad(loss, outputs)
        assert (gradient == 0).all()
