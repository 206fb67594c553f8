"""The loss of a text under both policies, against the plainest way to compute it."""

import math

import numpy as np
import pytest
import torch

from small_models import CONTEXT, FOR_EVER, KINDS, network
from unrolled.errors import UserError
from unrolled.models.language import LanguageNetwork
from unrolled.tasks.language.evaluate import Evaluation, evaluate_part, perplexity
from unrolled.tasks.language.text_data import TokenPart

SIZE = 11
STARTS = [0, 11, 12, 15]  # a long document, one of a single token, a short one, a long one


def part(length: int = 26, starts: list[int] = STARTS, size: int = 99) -> TokenPart:
    tokens = np.random.default_rng(0).integers(0, SIZE, length).astype(np.uint8)
    return TokenPart(tokens, np.array(starts, dtype=np.int64), size, size)


def documents(text: TokenPart) -> list[np.ndarray]:
    return np.split(text.tokens.astype(np.int64), text.starts[1:])


@torch.no_grad()
def loss_after(model: LanguageNetwork, past: np.ndarray, token: int) -> float:
    logits, _ = model(torch.tensor(past)[None])
    return float(-logits[0, -1].double().log_softmax(-1)[token])


def carried_oracle(model: LanguageNetwork, text: TokenPart) -> list[float]:
    """Every token from all of its document before it, through one whole forward each."""
    return [loss_after(model, tokens[:n], tokens[n]) for tokens in documents(text) for n in range(1, len(tokens))]


def sliding_oracle(model: LanguageNetwork, text: TokenPart, stride: int) -> list[float]:
    """Token by token: which window scores it first, and what that window shows it."""
    losses = []
    for tokens in documents(text):
        pairs = len(tokens) - 1
        for target in range(1, len(tokens)):
            turn = 0
            while min(CONTEXT + turn * stride, pairs) < target:  # the last input of window `turn` predicts this
                turn += 1
            stop = min(CONTEXT + turn * stride, pairs)
            losses.append(loss_after(model, tokens[max(0, stop - CONTEXT) : target], tokens[target]))
    return losses


def agrees(evaluation: Evaluation, losses: list[float]) -> bool:
    return evaluation.tokens == len(losses) and evaluation.loss == pytest.approx(np.mean(losses), abs=2e-5)


@pytest.mark.parametrize("kind", FOR_EVER)
@pytest.mark.parametrize("chunk", [1, 7, None])
def test_carried_equals_a_whole_forward_whatever_the_chunk(kind: str, chunk: int | None) -> None:
    model, text = network(kind, SIZE), part()
    evaluation = evaluate_part(model, text, chunk=chunk)
    assert agrees(evaluation, carried_oracle(model, text))
    assert evaluation.policy == "state carried through the text"


@pytest.mark.parametrize("kind", ["learned", "transformer", "gru", "alibi"])
@pytest.mark.parametrize("stride", [1, 4, CONTEXT])
def test_sliding_equals_the_oracle(kind: str, stride: int) -> None:
    model, text = network(kind, SIZE), part()
    evaluation = evaluate_part(model, text, policy="sliding", stride=stride)
    assert agrees(evaluation, sliding_oracle(model, text, stride))
    assert evaluation.policy == f"windows of {CONTEXT} tokens, stride {stride}"


@pytest.mark.parametrize("kind", KINDS)
def test_the_policy_fits_the_model(kind: str) -> None:
    model, text = network(kind, SIZE), part()
    evaluation = evaluate_part(model, text)
    if kind in FOR_EVER:
        assert evaluation.policy == "state carried through the text"
    else:
        assert evaluation.policy == f"windows of {CONTEXT} tokens, stride {CONTEXT // 2}"
        assert agrees(evaluation, sliding_oracle(model, text, CONTEXT // 2))
        with pytest.raises(UserError, match=f"knows only {CONTEXT} steps; use the sliding policy"):
            evaluate_part(model, text, policy="carried")


def test_a_stride_means_sliding() -> None:
    model, text = network("gru", SIZE), part()
    assert evaluate_part(model, text, stride=3).policy == f"windows of {CONTEXT} tokens, stride 3"
    with pytest.raises(UserError, match="stride belongs to the sliding policy"):
        evaluate_part(model, text, policy="carried", stride=3)
    with pytest.raises(UserError, match="stride from 1 to the context"):
        evaluate_part(model, text, stride=CONTEXT + 1)


def test_parallel_streams_each_begin_empty() -> None:
    model, text = network("gru", SIZE), part(41, [0])
    evaluation = evaluate_part(model, text, batch_size=4, chunk=3)
    tokens = text.tokens.astype(np.int64)
    losses = [loss_after(model, tokens[n - n % 10 : n + 1], tokens[n + 1]) for n in range(40)]
    assert agrees(evaluation, losses)
    assert evaluation.policy == "state carried through the text in 4 streams"


def test_the_limit_scores_about_so_many() -> None:
    model, text = network("gru", SIZE), part(1000, [0])
    evaluation = evaluate_part(model, text, chunk=50, limit=120)
    first = carried_oracle(model, TokenPart(text.tokens[:151], text.starts, 1, 1))
    assert agrees(evaluation, first)
    assert evaluate_part(model, text, chunk=50, limit=10**9).tokens == 999


def test_bits_per_byte() -> None:
    model, text = network("lstm", SIZE), part(26, [0], size=150)
    evaluation = evaluate_part(model, text)
    assert evaluation.bits_per_byte == pytest.approx(
        np.mean(carried_oracle(model, text)) / np.log(2) * 26 / 150, abs=1e-4
    )
    assert evaluate_part(model, part(size=0)).bits_per_byte is None


def test_perplexity() -> None:
    evaluation = evaluate_part(network("lstm", SIZE), part())
    assert evaluation.perplexity == pytest.approx(math.exp(evaluation.loss))
    assert perplexity(1e4) == math.inf


def test_an_even_model_costs_the_logarithm_of_its_vocabulary() -> None:
    model = network("rnn", SIZE)
    with torch.no_grad():
        model.head.weight.zero_()
        model.head.bias.zero_()
    assert evaluate_part(model, part()).loss == pytest.approx(math.log(SIZE), abs=1e-6)


def test_dropout_is_off_and_comes_back() -> None:
    model = network("gru", SIZE)
    expected = evaluate_part(model, part()).loss
    model.dropout = 0.9
    model.train()
    assert evaluate_part(model, part()).loss == expected
    assert model.training
    with pytest.raises(UserError):
        evaluate_part(model, part(), stride=CONTEXT + 1)
    assert model.training, "also after an error"


def test_progress_counts_to_the_end() -> None:
    seen: list[tuple[int, int]] = []
    evaluate_part(network("gru", SIZE), part(), chunk=10, progress=lambda done, total: seen.append((done, total)))
    assert [total for _, total in seen] == [22] * len(seen)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1] == (22, 22)
