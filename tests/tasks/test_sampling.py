"""Every filter of the next token against a few lines of NumPy."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unrolled.errors import UserError
from unrolled.tasks.sampling import filter_logits, sample
from unrolled.tasks.sampling_config import Sampling

ROWS = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).normal(size=(3, 9)).round(2).astype(np.float32)
)


def softmax(row: np.ndarray) -> np.ndarray:
    powers = np.exp(row.astype(np.float64) - row.max())
    return powers / powers.sum()


def kept(logits: np.ndarray, **sampling) -> list[set[int]]:
    left = filter_logits(torch.tensor(logits), Sampling(**sampling))
    return [set(row.isfinite().nonzero()[:, 0].tolist()) for row in left]


def descending(row: np.ndarray) -> list[int]:
    return sorted(range(len(row)), key=lambda token: -row[token])


@given(ROWS, st.integers(1, 12))
def test_top_k_keeps_the_likeliest(logits: np.ndarray, k: int) -> None:
    for row, left in zip(logits, kept(logits, top_k=k), strict=True):
        assert len(left) == min(k, len(row))
        outside = [value for token, value in enumerate(row) if token not in left]
        assert not outside or max(outside) <= min(row[token] for token in left)


def test_top_k_among_equals_keeps_no_more() -> None:
    assert [len(left) for left in kept(np.zeros((2, 9), dtype=np.float32), top_k=3)] == [3, 3]


@given(ROWS, st.sampled_from([0.01, 0.3, 0.5, 0.9, 0.999]))
def test_top_p_keeps_the_smallest_set_that_reaches_it(logits: np.ndarray, p: float) -> None:
    for row, left in zip(logits, kept(logits, top_p=p), strict=True):
        probabilities = softmax(row)
        total = probabilities[list(left)].sum()
        assert total >= p - 1e-5
        assert total - min(probabilities[list(left)]) < p + 1e-5, "one token fewer would do"
        assert min(probabilities[list(left)]) >= max(
            [value for token, value in enumerate(probabilities) if token not in left], default=0
        )


@given(ROWS, st.sampled_from([0.05, 0.2, 0.7, 1.0]))
def test_min_p_keeps_what_is_a_fraction_of_the_likeliest(logits: np.ndarray, fraction: float) -> None:
    for row, left in zip(logits, kept(logits, min_p=fraction), strict=True):
        ratio = softmax(row) / softmax(row).max()
        certain = {token for token in range(len(row)) if ratio[token] >= fraction * (1 + 1e-5)}
        possible = {token for token in range(len(row)) if ratio[token] >= fraction * (1 - 1e-5)}
        assert certain <= left <= possible
        assert int(row.argmax()) in left


def test_filters_apply_one_after_the_other() -> None:
    # After top_k the probabilities are 0.5, 0.3, 0.2 of what is left: 0.5 + 0.3 reaches 0.7, as 0.35 + 0.21 does not.
    logits = np.log(np.array([[0.35, 0.21, 0.14, 0.1, 0.1, 0.1]], dtype=np.float32))
    assert kept(logits, top_k=3, top_p=0.7) == [{0, 1}]
    assert kept(logits, top_p=0.7) == [{0, 1, 2}]


def draws(logits: np.ndarray, count: int = 4000, **sampling) -> np.ndarray:
    rows = torch.tensor(logits).expand(count, -1)
    tokens = sample(rows, Sampling(**sampling), generator=torch.Generator().manual_seed(0))
    return np.bincount(tokens.numpy(), minlength=logits.shape[-1]) / count


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_temperature_shapes_the_distribution(temperature: float) -> None:
    logits = np.array([0.5, -1.0, 1.5, 0.0], dtype=np.float32)
    expected = softmax(logits / temperature)
    # Four deviations of a share among 4,000 draws.
    assert np.abs(draws(logits, temperature=temperature) - expected).max() < 4 * 0.5 / np.sqrt(4000)


def test_only_the_top_k_are_ever_drawn() -> None:
    logits = np.random.default_rng(0).normal(size=20).astype(np.float32)
    drawn = draws(logits, temperature=5.0, top_k=4)
    assert set(np.flatnonzero(drawn)) == set(descending(logits)[:4])


@given(ROWS)
def test_temperature_zero_takes_the_likeliest(logits: np.ndarray) -> None:
    tokens = sample(torch.tensor(logits), Sampling(temperature=0.0))
    assert [row[token] for row, token in zip(logits, tokens.tolist(), strict=True)] == logits.max(1).tolist()


@pytest.mark.parametrize("temperature", [1e-300, 1e-45, 1e-20, 1e-7])
def test_a_tiny_temperature_is_nearly_zero(temperature: float) -> None:
    assert draws(np.array([3.0, 2.0, -40.0], dtype=np.float32), temperature=temperature).tolist() == [1, 0, 0]


@given(ROWS, st.sampled_from([0.5, 1.3, 4.0]))
def test_the_repetition_penalty_pushes_seen_tokens_down(logits: np.ndarray, penalty: float) -> None:
    seen = np.random.default_rng(len(logits)).random(logits.shape) < 0.5
    expected = logits.copy()
    for row, column in zip(*np.nonzero(seen), strict=True):
        value = logits[row, column]
        expected[row, column] = value / penalty if value > 0 else value * penalty
    sampling = Sampling(temperature=0.0, repetition_penalty=penalty)
    tokens = sample(torch.tensor(logits), sampling, seen=torch.tensor(seen))
    chosen = expected[np.arange(len(expected)), tokens.numpy()]
    np.testing.assert_allclose(chosen, expected.max(1), rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("top_k", 0),
        ("top_p", 0.0),
        ("top_p", 1.1),
        ("min_p", -0.1),
        ("min_p", 1.5),
        ("repetition_penalty", 0.0),
        ("repetition_penalty", float("inf")),
        ("repetition_penalty", -1.0),
    ],
)
def test_values_that_cannot_be(name: str, value: float) -> None:
    with pytest.raises(UserError, match=f"{name} must be .*, got {value}"):
        Sampling(**{name: value})


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_logits_that_are_no_numbers(value: float, temperature: float) -> None:
    logits = torch.zeros(1, 5)
    logits[0, 2] = value
    with pytest.raises(UserError, match="the model's weights give no probabilities"):
        sample(logits, Sampling(temperature=temperature))
