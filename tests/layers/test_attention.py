"""Attention against PyTorch's own and against the definition."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from unrolled.kernels.attention import attention
from unrolled.layers.attention import Attention
from unrolled.layers.positions import AddPositions, alibi_slopes, count_positions, rotate


def test_agrees_with_torch_multihead_attention():
    torch.manual_seed(0)
    reference = nn.MultiheadAttention(12, 3, bias=False, batch_first=True)
    layer = Attention(12, 3, positions="none")
    with torch.no_grad():
        layer.query_key_value.weight.copy_(reference.in_proj_weight)
        layer.output.weight.copy_(reference.out_proj.weight)
    x = torch.randn(2, 7, 12)
    future = torch.ones(7, 7, dtype=torch.bool).triu(1)
    expected, _ = reference(x, x, x, attn_mask=future, need_weights=False)
    torch.testing.assert_close(layer(x)[0], expected)


@settings(max_examples=40, deadline=None)
@given(
    time=st.integers(1, 20),
    past=st.integers(0, 9),
    window=st.none() | st.integers(1, 12),
    heads=st.sampled_from([(4, 4), (4, 2), (4, 1)]),
    sloped=st.booleans(),
    holes=st.booleans(),
    seed=st.integers(0, 2**20),
)
def test_fast_forms_agree_with_the_definition(time, past, window, heads, sloped, holes, seed):
    generator = torch.Generator().manual_seed(seed)
    q = torch.randn(2, time, heads[0], 4, generator=generator)
    k, v = torch.randn(2, 2, past + time, heads[1], 4, generator=generator)
    present = None
    if holes:
        present = torch.rand(2, past + time, generator=generator) > 0.4
        present[:, past:] = True  # a query always sees its own step
    slopes = alibi_slopes(heads[0]) if sloped else None
    result = attention(q, k, v, present=present, window=window, slopes=slopes)
    expected = torch.zeros_like(q)
    for b in range(2):
        for t in range(time):
            seen = [
                j
                for j in range(past + t + 1)
                if (window is None or past + t - j < window) and (present is None or present[b, j])
            ]
            for h in range(heads[0]):
                shared = h // (heads[0] // heads[1])
                logits = k[b, seen, shared] @ q[b, t, h] / math.sqrt(4)
                if slopes is not None:
                    logits = logits - slopes[h] * torch.tensor([past + t - j for j in seen])
                expected[b, t, h] = logits.softmax(0) @ v[b, seen, shared]
    torch.testing.assert_close(result, expected, atol=1e-5, rtol=1e-4)


def test_window_keeps_memory_constant():
    layer = Attention(8, 2, window=4)
    state = layer.initial_state(2)
    for chunk in (1, 3, 11, 0, 2):
        _, state = layer(torch.randn(2, chunk, 8), state)
        assert state.keys.shape == (2, 3, 2, 4)
    assert state.position.tolist() == [17, 17]


def test_growing_cache_is_as_long_as_the_longest_row():
    layer = Attention(8, 2)
    mask = torch.tensor([[True, False, True, False, False], [True, True, True, False, False]])
    _, state = layer(torch.randn(2, 5, 8), mask=mask)
    assert state.keys.shape[1] == 3
    assert state.position.tolist() == [2, 3]
    _, state = layer(torch.randn(2, 1, 8), state, reset=torch.tensor([[True], [True]]))
    assert state.keys.shape[1] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heads": 3}, "width 8 is not divisible by 3 heads"),
        ({"heads": 4, "kv_heads": 3}, "4 heads are not divisible by 3"),
        ({"heads": 8}, "even head size"),
        ({"heads": 2, "window": 0}, "window must be at least 1"),
    ],
)
def test_bad_sizes(options, message):
    with pytest.raises(ValueError, match=message):
        Attention(8, **options)


def test_rotation_depends_on_distance_alone():
    """RoFormer, section 3.2.1: <R_m q, R_n k> is a function of m - n."""
    q, k = torch.randn(2, 1, 1, 1, 16)
    products = {
        (rotate(q, torch.tensor([[m]])) * rotate(k, torch.tensor([[m - 3]]))).sum().item() for m in (3, 10, 500, 10**6)
    }
    assert max(products) - min(products) < 1e-4


def test_rotation_stays_exact_far_into_a_stream():
    x = torch.ones(1, 1, 1, 2)
    position = 123_456_789
    expected = [math.cos(position) - math.sin(position), math.cos(position) + math.sin(position)]
    assert rotate(x, torch.tensor([[position]])).flatten().tolist() == pytest.approx(expected, abs=1e-5)


def test_sinusoidal_table():
    """Vaswani et al. 2017, section 3.5, written out for a width of 4."""
    y, _ = AddPositions(4, "sinusoidal")(torch.zeros(1, 3, 4))
    expected = [[math.sin(p), math.cos(p), math.sin(p / 100), math.cos(p / 100)] for p in range(3)]
    torch.testing.assert_close(y[0], torch.tensor(expected))


def test_alibi_slopes():
    """Press et al. 2021: for 8 heads 1/2, 1/4, ..., 1/256."""
    assert alibi_slopes(8).tolist() == [2.0**-i for i in range(1, 9)]
    assert len(alibi_slopes(6)) == 6
    assert alibi_slopes(6)[:4].tolist() == alibi_slopes(4).tolist()


def test_learned_positions_end():
    layer = AddPositions(4, "learned", max_length=5)
    _, state = layer(torch.zeros(1, 5, 4))
    with pytest.raises(ValueError, match="end at 5 steps, got step 6"):
        layer.step(torch.zeros(1, 4), state)
    # An absent step takes no position.
    layer.step(torch.zeros(1, 4), state, mask=torch.tensor([False]))


@settings(max_examples=60, deadline=None)
@given(data=st.data(), rows=st.integers(1, 3), time=st.integers(1, 9))
def test_positions_are_counted_per_row(data, rows, time):
    flags = st.lists(st.lists(st.booleans(), min_size=time, max_size=time), min_size=rows, max_size=rows)
    mask, reset = data.draw(flags), data.draw(flags)
    start = data.draw(st.lists(st.integers(0, 50), min_size=rows, max_size=rows))
    positions, after = count_positions(torch.tensor(start), time, torch.tensor(mask), torch.tensor(reset))
    for row in range(rows):
        count = start[row]
        for t in range(time):
            count = 0 if reset[row][t] else count
            if mask[row][t]:
                assert positions[row, t] == count
                count += 1
        assert after[row] == count
