"""Attention to another sequence, against its formulas and PyTorch's own."""

import math

import pytest
import torch
from torch import nn

from unrolled.layers import state as states
from unrolled.layers.cross_attention import AdditiveAttention, MultiHeadCrossAttention, MultiplicativeAttention

QUERY, MEMORY, SOURCE, TIME = 6, 4, 5, 3
LENGTHS = [5, 2, 0, 4]
KINDS = {
    "additive": lambda: AdditiveAttention(QUERY, MEMORY, 7),
    "multiplicative": lambda: MultiplicativeAttention(QUERY, MEMORY),
    "multi-head": lambda: MultiHeadCrossAttention(QUERY, MEMORY, 2),
}


def sample() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    mask = torch.arange(SOURCE) < torch.tensor(LENGTHS)[:, None]
    return torch.randn(len(LENGTHS), TIME, QUERY), torch.randn(len(LENGTHS), SOURCE, MEMORY), mask


@torch.no_grad()
def score(layer: nn.Module, query: torch.Tensor, key: torch.Tensor) -> float:
    if isinstance(layer, AdditiveAttention):
        inner = layer.query.weight @ query + layer.query.bias + layer.key.weight @ key
        return float((layer.score.weight[0] * inner.tanh()).sum())
    assert isinstance(layer, MultiplicativeAttention)
    return float(query @ layer.key.weight @ key) / math.sqrt(QUERY)


@pytest.mark.parametrize("kind", ["additive", "multiplicative"])
def test_the_formula(kind: str) -> None:
    layer, (queries, source, mask) = KINDS[kind](), sample()
    contexts, weights = layer(queries, layer.prepare(source, mask))
    for row, length in enumerate(LENGTHS):
        for step in range(TIME):
            scores = torch.tensor([score(layer, queries[row, step], source[row, key]) for key in range(length)])
            expected = torch.zeros(SOURCE)
            expected[:length] = scores.softmax(0)
            torch.testing.assert_close(weights[row, step], expected)
            torch.testing.assert_close(contexts[row, step], expected @ source[row])


def test_multi_head_equals_pytorch() -> None:
    layer, (queries, source, mask) = KINDS["multi-head"](), sample()
    peer = nn.MultiheadAttention(QUERY, 2, bias=False, kdim=MEMORY, vdim=MEMORY, batch_first=True)
    keys, values = layer.key_value.weight.chunk(2)
    peer.load_state_dict(
        {
            "q_proj_weight": layer.query.weight,
            "k_proj_weight": keys,
            "v_proj_weight": values,
            "out_proj.weight": layer.output.weight,
        }
    )
    some = torch.tensor(LENGTHS) > 0
    attended = layer(queries[some], layer.prepare(source[some], mask[some]))
    expected = peer(queries[some], source[some], source[some], key_padding_mask=~mask[some])
    torch.testing.assert_close(attended, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_masked_reaches_nothing(kind: str) -> None:
    layer, (queries, source, mask) = KINDS[kind](), sample()
    clean = layer(queries, layer.prepare(source, mask))
    poisoned = source.masked_fill(~mask[:, :, None], math.nan).requires_grad_()
    contexts, weights = layer(queries, layer.prepare(poisoned, mask))
    assert torch.equal(contexts, clean[0])
    assert torch.equal(weights, clean[1])
    contexts.square().sum().backward()
    assert poisoned.grad is not None
    assert poisoned.grad.isfinite().all()
    assert not poisoned.grad[~mask].any()
    assert all(parameter.grad.isfinite().all() for parameter in layer.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_weights_sum_to_one_and_a_source_without_steps_gives_nothing(kind: str) -> None:
    layer, (queries, source, mask) = KINDS[kind](), sample()
    contexts, weights = layer(queries, layer.prepare(source, mask))
    torch.testing.assert_close(weights.sum(-1), (torch.tensor(LENGTHS) > 0).float()[:, None].expand(-1, TIME))
    assert not contexts[2].any()


@pytest.mark.parametrize("kind", KINDS)
def test_rows_gathered_from_a_memory_are_read_as_before(kind: str) -> None:
    layer, (queries, source, mask) = KINDS[kind](), sample()
    memory, rows = layer.prepare(source, mask), torch.tensor([3, 0, 3])
    contexts, _ = layer(queries, memory)
    gathered, _ = layer(queries[rows], states.gather(memory, rows))
    torch.testing.assert_close(gathered, contexts[rows])


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="not divisible by 4 heads"):
        MultiHeadCrossAttention(6, 6, 4)
