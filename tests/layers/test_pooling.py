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
        seen = torch.stack([torch.cat([step, sinusoid(place, len(step))]) for place, step in enumerate(steps)])
    scores = torch.stack([second(torch.tanh(first(step))) for step in seen])
    means = []
    for head, part in enumerate(steps.chunk(scores.shape[1], dim=1)):
        weights = [torch.exp(score) / sum(torch.exp(other) for other in scores[:, head]) for score in scores[:, head]]
        means.append(sum(weight * step for weight, step in zip(weights, part, strict=True)))
    return torch.cat(means)


def sinusoid(place: int, features: int) -> torch.Tensor:
    """Attention is all you need, section 3.5."""
    angles = [place / 10000 ** (2 * (index // 2) / features) for index in range(features)]
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
    found = pool(poisoned, mask=torch.from_numpy(mask), reset=torch.from_numpy(reset))
    torch.testing.assert_close(found, torch.stack(wanted))


@pytest.mark.parametrize("kind", KINDS)
def test_without_mask_every_step_is_there(kind: str) -> None:
    pool = Pool(kind, 4)  # type: ignore[arg-type]
    y = torch.randn(3, 5, 4)
    torch.testing.assert_close(pool(y), torch.stack([naive(pool, row) for row in y]))
    assert (sum(p.numel() for p in pool.parameters()) > 0) == ("attention" in kind)


def test_position_attention_has_a_focus_for_each_part_of_the_features_and_knows_places() -> None:
    torch.manual_seed(0)
    pool = Pool("position-attention", 16)
    y = torch.randn(2, 5, 16)
    torch.testing.assert_close(pool(y), torch.stack([naive(pool, row) for row in y]))
    early = torch.randn(1, 1, 16).repeat(1, 5, 1)
    late = early.clone()
    early[0, 1] += 1
    late[0, 3] += 1
    assert not torch.allclose(pool(early), pool(late), atol=1e-4)
    for kind in ("mean", "attention"):
        blind = Pool(kind, 16)  # type: ignore[arg-type]
        torch.testing.assert_close(blind(early), blind(late))
