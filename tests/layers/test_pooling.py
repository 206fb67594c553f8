"""Pooling against loops over single sequences."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unrolled.layers.pooling import Pool

KINDS = ["last", "mean", "max", "attention", "position-attention"]


def naive(pool: Pool, steps: torch.Tensor) -> torch.Tensor:
    """One sequence `[time, features]`, all of it there."""
    if pool.kind == "last":
        return steps[-1]
    if pool.kind == "max":
        return torch.stack([max(column) for column in steps.T])
    if pool.kind == "mean":
        return sum(steps) / len(steps)
    first, _, second = pool.score
    seen = steps
    if pool.kind == "position-attention":
        seen = torch.stack([torch.cat([step, sinusoid(position, len(step))]) for position, step in enumerate(steps)])
    scores = torch.stack([second(torch.tanh(first(step))) for step in seen])
    means = []
    for head, part in enumerate(steps.chunk(scores.shape[1], dim=1)):
        weights = [torch.exp(score) / sum(torch.exp(other) for other in scores[:, head]) for score in scores[:, head]]
        means.append(sum(weight * step for weight, step in zip(weights, part, strict=True)))
    return torch.cat(means)


def sinusoid(position: int, features: int) -> torch.Tensor:
    """Attention is all you need, section 3.5."""
    angles = [position / 10000 ** (2 * (index // 2) / features) for index in range(features)]
    return torch.tensor([math.cos(angle) if index % 2 else math.sin(angle) for index, angle in enumerate(angles)])


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_it_is_what_a_loop_over_sequences_gives(kind: str, data: st.DataObject) -> None:
    rows = data.draw(st.integers(1, 3))
    time = data.draw(st.integers(1, 6))
    mask = np.array(
        data.draw(st.lists(st.lists(st.booleans(), min_size=time, max_size=time), min_size=rows, max_size=rows))
    )
    mask[:, data.draw(st.integers(0, time - 1))] = True
    reset = np.array(
        data.draw(st.lists(st.lists(st.booleans(), min_size=time, max_size=time), min_size=rows, max_size=rows))
    )
    torch.manual_seed(0)
    pool = Pool(kind, 3)  # type: ignore[arg-type]
    y = torch.randn(rows, time, 3)
    poisoned = y.masked_fill(~torch.from_numpy(mask)[..., None], torch.nan)
    wanted = []
    for row in range(rows):
        pieces: list[list[int]] = [[]]
        for step in range(time):
            if reset[row, step]:
                pieces.append([])
            if mask[row, step]:
                pieces[-1].append(step)
        wanted += [naive(pool, y[row, piece]) for piece in pieces if piece]
    pooled = pool.at_end(poisoned, mask=torch.from_numpy(mask), reset=torch.from_numpy(reset))
    torch.testing.assert_close(pooled, torch.stack(wanted))


@pytest.mark.parametrize("kind", KINDS)
def test_without_mask_every_step_is_there(kind: str) -> None:
    pool = Pool(kind, 4)  # type: ignore[arg-type]
    y = torch.randn(3, 5, 4)
    torch.testing.assert_close(pool.at_end(y), torch.stack([naive(pool, row) for row in y]))
    assert (sum(p.numel() for p in pool.parameters()) > 0) == ("attention" in kind)


def test_position_attention_has_a_focus_for_each_part_of_the_features_and_knows_places() -> None:
    torch.manual_seed(0)
    pool = Pool("position-attention", 16)
    y = torch.randn(2, 5, 16)
    torch.testing.assert_close(pool.at_end(y), torch.stack([naive(pool, row) for row in y]))
    early = torch.randn(1, 1, 16).repeat(1, 5, 1)
    late = early.clone()
    early[0, 1] += 1
    late[0, 3] += 1
    assert not torch.allclose(pool.at_end(early), pool.at_end(late), atol=1e-4)
    for kind in ("mean", "attention"):
        blind = Pool(kind, 16)  # type: ignore[arg-type]
        torch.testing.assert_close(blind.at_end(early), blind.at_end(late))


@pytest.mark.parametrize("kind", KINDS)
def test_every_output_is_the_pooled_value_of_the_steps_so_far(kind: str) -> None:
    """Also over several blocks, and with scores so far apart that the exponential of one by itself overflows."""
    torch.manual_seed(0)
    pool = Pool(kind, 8)  # type: ignore[arg-type]
    if "attention" in kind:
        pool.score[2].weight.data.mul_(1000)
    y = torch.randn(2, 150, 8)
    running, _ = pool(y)
    for last in (0, 1, 63, 64, 65, 149):
        torch.testing.assert_close(running[:, last], pool.at_end(y[:, : last + 1]), rtol=1e-4, atol=1e-5)
    if "attention" in kind:
        assert pool._scores(y, None).detach().abs().max() > 100
    part, state = pool(y[:, :100])
    rest, _ = pool(y[:, 100:], state)
    torch.testing.assert_close(torch.cat([part, rest], 1), running, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_value_at_the_end_is_that_of_the_running_form(kind: str) -> None:
    """With its gradients, in rows of several sequences with holes."""
    torch.manual_seed(0)
    pool = Pool(kind, 8)  # type: ignore[arg-type]
    y = torch.randn(3, 9, 8, requires_grad=True)
    mask, reset = torch.rand(3, 9) < 0.8, torch.rand(3, 9) < 0.3
    places = []
    for row in range(3):
        last = None
        for step in range(9):
            if reset[row, step] and last is not None:
                places.append((row, last))
                last = None
            last = step if mask[row, step] else last
        places += [(row, last)] if last is not None else []
    rows, steps = torch.tensor(places).T
    running = pool(y, mask=mask, reset=reset)[0][rows, steps]
    at_end = pool.at_end(y, mask=mask, reset=reset)
    assert len(places) > 5
    torch.testing.assert_close(at_end, running)
    weights = torch.randn_like(running)
    wanted = [y, *pool.parameters()]
    gradients = torch.autograd.grad((at_end * weights).sum(), wanted)
    for gradient, other in zip(gradients, torch.autograd.grad((running * weights).sum(), wanted), strict=True):
        torch.testing.assert_close(gradient, other, rtol=1e-4, atol=1e-5)
