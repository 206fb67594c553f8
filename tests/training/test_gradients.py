import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from unrolled.training.gradients import GradientWatch, clip_gradients, first_nonfinite


def parameters(*gradients):
    made = []
    for gradient in gradients:
        parameter = nn.Parameter(torch.zeros(len(gradient)))
        parameter.grad = torch.tensor(gradient)
        made.append(parameter)
    return made


finite = st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=5)


@given(st.lists(finite, min_size=1, max_size=4), st.floats(0.01, 100.0), st.floats(0.001, 10.0))
def test_norm_and_bounds(gradients, max_norm, max_value):
    expected = math.sqrt(math.fsum(g * g for gradient in gradients for g in gradient))
    clipped = parameters(*gradients)
    assert clip_gradients(clipped, max_norm=max_norm) == pytest.approx(expected, rel=1e-5, abs=1e-30)
    scale = min(1.0, max_norm / expected) if expected else 1.0
    for parameter, gradient in zip(clipped, gradients, strict=True):
        assert parameter.grad.tolist() == pytest.approx([g * scale for g in gradient], rel=1e-4, abs=1e-6)
    clip_gradients(clipped, max_norm=max_norm, max_value=max_value)
    assert all(parameter.grad.abs().max() <= max_value * (1 + 1e-6) for parameter in clipped)


def test_without_bounds_nothing_changes():
    unchanged = parameters([3.0, 4.0])
    assert clip_gradients(unchanged) == 5.0
    assert clip_gradients(unchanged, max_norm=6.0) == 5.0
    assert unchanged[0].grad.tolist() == [3.0, 4.0]


def test_by_value_alone():
    clipped = parameters([3.0, -4.0, 0.5])
    assert clip_gradients(clipped, max_value=1.0) == pytest.approx(math.sqrt(25.25))
    assert clipped[0].grad.tolist() == [1.0, -1.0, 0.5]


def test_parameters_without_gradient():
    assert clip_gradients([nn.Parameter(torch.ones(2))], max_norm=1.0) == 0.0
    assert clip_gradients(iter(parameters([3.0, 4.0])), max_norm=1.0) == 5.0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_not_finite_is_told_and_leaves_gradients(bad):
    broken = parameters([1.0, 2.0], [bad])
    assert not math.isfinite(clip_gradients(broken, max_norm=1.0, max_value=0.5))
    assert broken[0].grad.tolist() == [1.0, 2.0]
    named = [("a", broken[0].grad), ("b", broken[1].grad)]
    assert first_nonfinite(named) == "b"
    assert first_nonfinite(named[:1]) is None


def warnings(norms, **options):
    watch = GradientWatch(**{"clip_norm": None} | options)
    observed = ((step, watch.observe(step, norm)) for step, norm in enumerate(norms))
    return [(step, text) for step, text in observed if text]


def ordinary(count):
    """Norms as in a healthy run: large at first, falling, with a spread of a factor of a few."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(count, generator=generator).mul(0.5).exp().tolist()
    return [noise[i] * (0.3 + 5 / (1 + i / 20)) for i in range(count)]


def test_a_healthy_run_is_silent():
    assert warnings(ordinary(5000)) == []


def test_explosion():
    ((step, text),) = warnings([*ordinary(300), 1000.0, 2000.0, *ordinary(10)])
    assert step == 300
    assert "1e+03" in text
    assert text.endswith("lower --train.learning_rate or set --train.clip_norm 1")
    ((_, text),) = warnings([*ordinary(300), 1000.0], clip_norm=1.0)
    assert text.endswith("lower --train.learning_rate or --train.clip_norm (now 1)")


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_not_finite_warns_from_the_first_step(bad):
    ((step, text),) = warnings([bad, 1.0])
    assert step == 0
    assert str(bad) in text


@pytest.mark.parametrize("small", [1e-8, 1e-5, 0.0])
def test_vanishing_must_last(small):
    warned = warnings([*ordinary(300), *[small] * 30])
    assert [step for step, _ in warned] == [319]
    assert "has vanished" in warned[0][1]
    assert warnings([*ordinary(300), *[small, small, 1.0] * 10]) == []


def test_at_most_once_in_so_many_steps():
    warned = warnings([*ordinary(50), *[math.inf] * 250], quiet_steps=100)
    assert [step for step, _ in warned] == [50, 150, 250]


def test_an_odd_batch_near_the_end_is_no_explosion() -> None:
    watch = GradientWatch(clip_norm=1.0)
    norms = [2.0] * 30 + [0.001] * 150
    assert [watch.observe(step, norm) for step, norm in enumerate(norms)] == [None] * len(norms)
    assert watch.observe(180, 0.5) is None
    assert "times its recent median" in (watch.observe(181, 3.0) or "")
