"""Beam search against writing out every sequence, and against a loop of argmax."""

import itertools
import re
from typing import Any

import pytest
import torch

from unrolled.errors import UserError
from unrolled.tasks.translate.beam import beam_search, check_search, length_penalty
from unrolled.tasks.translate.network import TranslationNetwork

TOKENS, LONGEST = 3, 3
KINDS: dict[str, dict[str, Any]] = {
    "lstm": {"family": "lstm", "layers": 2, "attention": "additive"},
    "gru": {"family": "gru", "layers": 1},
    "rnn": {"family": "rnn", "layers": 1, "attention": "none"},
    "transformer": {"family": "transformer", "layers": 2, "heads": 2},
}


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest) -> TranslationNetwork:
    return network(request.param)


def network(kind: str, seed: int = 1) -> TranslationNetwork:
    torch.manual_seed(seed)
    made = TranslationNetwork(5, TOKENS, width=8, **KINDS[kind])
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.5 * torch.randn_like(parameter))
    return made.eval()


def sources() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(2)
    return torch.randint(5, (4, 4)), torch.arange(4) < torch.tensor([4, 1, 0, 3])[:, None]


def search(made: TranslationNetwork, tokens: torch.Tensor, mask: torch.Tensor, longest: Any = LONGEST, **settings: Any):
    encoded = made.encode(tokens, mask)
    limits = torch.as_tensor(longest).expand(len(tokens))
    return beam_search(made.step, encoded, encoded.state, begin=made.end, end=made.end, max_lengths=limits, **settings)


@torch.no_grad()
def every_sequence(made: TranslationNetwork, tokens: torch.Tensor, longest: int) -> dict[tuple[int, ...], float]:
    """The log probability of every target with its end, by teacher forcing."""
    every = [target for length in range(longest + 1) for target in itertools.product(range(TOKENS), repeat=length)]
    rows = torch.tensor([[made.end, *target, *[made.end] * (longest + 1 - len(target))] for target in every])
    steps = made.decode(rows[:, :-1], made.encode(tokens.expand(len(every), -1)))[0].log_softmax(-1)
    steps = steps.gather(2, rows[:, 1:, None])[..., 0]
    return {target: float(step[: len(target) + 1].sum()) for target, step in zip(every, steps, strict=True)}


@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
def test_as_many_beams_as_sequences_is_exhaustive(model: TranslationNetwork, alpha: float) -> None:
    tokens, mask = sources()
    by_row = search(model, tokens, mask, beams=sum(TOKENS**n for n in range(LONGEST + 1)), alpha=alpha)
    for row, hypotheses in enumerate(by_row):
        expected = every_sequence(model, tokens[row, mask[row]], LONGEST)
        assert {tuple(hypothesis.tokens) for hypothesis in hypotheses} == set(expected)
        assert len(hypotheses) == len(expected)
        for hypothesis in hypotheses:
            assert hypothesis.log_probability == pytest.approx(expected[tuple(hypothesis.tokens)], abs=1e-4)
            lp = (5 + len(hypothesis.tokens) + 1) ** alpha / 6**alpha
            assert hypothesis.score == pytest.approx(expected[tuple(hypothesis.tokens)] / lp, abs=1e-4)
        assert [hypothesis.score for hypothesis in hypotheses] == sorted(
            (hypothesis.score for hypothesis in hypotheses), reverse=True
        )


@torch.no_grad()
def argmax_loop(made: TranslationNetwork, tokens: torch.Tensor, longest: int) -> list[int]:
    """Greedy search that reads everything again at every step."""
    target: list[int] = []
    encoded = made.encode(tokens[None])
    while len(target) < longest:
        logits, _ = made.decode(torch.tensor([[made.end, *target]]), encoded)
        token = int(logits[0, -1].argmax())
        if token == made.end:
            break
        target.append(token)
    return target


def test_one_beam_is_greedy() -> None:
    lengths = set()
    for kind, seed in itertools.product(KINDS, range(2)):
        made, (tokens, mask) = network(kind, seed), sources()
        for row, hypotheses in enumerate(search(made, tokens, mask, 9, beams=1)):
            assert [hypothesis.tokens for hypothesis in hypotheses] == [argmax_loop(made, tokens[row, mask[row]], 9)]
            lengths.add(len(hypotheses[0].tokens))
    assert len(lengths) > 2, "models that all say the same would prove nothing"


def simple_beam(made: TranslationNetwork, tokens: torch.Tensor, beams: int, longest: int, alpha: float) -> list:
    """The documented search for one row, with lists, the whole prefix read again at every step."""
    live: list[tuple[float, list[int]]] = [(0.0, [])]
    finished: list[tuple[float, list[int]]] = []
    encoded = made.encode(tokens[None])
    while live and len(finished) < beams:
        grown = []
        for value, target in live:
            logits = made.decode(torch.tensor([[made.end, *target]]), encoded)[0][0, -1].log_softmax(-1)
            allowed = [made.end] if len(target) == longest else range(TOKENS + 1)
            grown += [(value + float(logits[token]), [*target, token]) for token in allowed]
        grown.sort(key=lambda hypothesis: -hypothesis[0])
        finished += [
            (value / length_penalty(len(target), alpha), target[:-1])
            for value, target in grown[:beams]
            if target[-1] == made.end
        ]
        live = [hypothesis for hypothesis in grown if hypothesis[1][-1] != made.end][:beams]
    return [target for _, target in sorted(finished, key=lambda hypothesis: -hypothesis[0])]


@pytest.mark.parametrize("beams", [2, 3, 5])
def test_a_narrow_beam_equals_the_search_with_lists(model: TranslationNetwork, beams: int) -> None:
    tokens, mask = sources()
    with torch.no_grad():
        expected = [simple_beam(model, tokens[row, mask[row]], beams, 6, 0.8) for row in range(len(tokens))]
    by_row = search(model, tokens, mask, 6, beams=beams, alpha=0.8)
    assert [[hypothesis.tokens for hypothesis in hypotheses] for hypotheses in by_row] == expected


def test_rows_do_not_depend_on_each_other(model: TranslationNetwork) -> None:
    (tokens, mask), longest = sources(), torch.tensor([5, 0, 9, 3])
    together = search(model, tokens, mask, longest, beams=3, attention=True)
    for row, hypotheses in enumerate(together):
        alone = search(model, tokens[row : row + 1], mask[row : row + 1], longest[row], beams=3, attention=True)[0]
        assert [hypothesis.tokens for hypothesis in alone] == [hypothesis.tokens for hypothesis in hypotheses]
        for hypothesis, other in zip(alone, hypotheses, strict=True):
            assert hypothesis.score == pytest.approx(other.score, abs=1e-5)
            assert len(hypothesis.tokens) <= longest[row]
            if hypothesis.attention is not None and other.attention is not None:
                torch.testing.assert_close(hypothesis.attention, other.attention)


@pytest.mark.parametrize("kind", ["lstm", "gru", "transformer"])
def test_the_attention_is_that_of_the_hypothesis(kind: str) -> None:
    made, (tokens, mask) = network(kind), sources()
    for row, hypotheses in enumerate(search(made, tokens, mask, 6, beams=3, attention=True)):
        encoded = made.encode(tokens[row : row + 1], mask[row : row + 1])
        for hypothesis in hypotheses:
            state, expected = None, []
            for token in [made.end, *hypothesis.tokens]:
                _, state, weights = made.step(torch.tensor([token]), encoded, state)
                assert weights is not None
                expected.append(weights[0])
            torch.testing.assert_close(hypothesis.attention, torch.stack(expected))


def test_length_penalty() -> None:
    assert length_penalty(1, 0.6) == 1
    assert length_penalty(7, 1.0) == 2
    assert length_penalty(100, 0.0) == 1


def test_no_rows() -> None:
    assert search(network("gru"), torch.zeros(0, 2).long(), torch.zeros(0, 2).bool()) == []


def test_what_cannot_be_searched() -> None:
    made, (tokens, mask) = network("gru"), sources()
    with pytest.raises(ValueError, match="at least 1 beam"):
        search(made, tokens, mask, beams=0)
    with pytest.raises(ValueError, match="cannot be negative, got -1"):
        search(made, tokens, mask, -1)
    with torch.no_grad():
        made.head.bias.fill_(torch.nan)
    with pytest.raises(ValueError, match="not numbers"):
        search(made, tokens, mask)


@pytest.mark.parametrize(
    ("beams", "alpha", "sentence"),
    [
        (0, 0.6, "--beams is 0; give a whole number from 1 to 10,000"),
        (10**20, 0.6, "--beams is 100000000000000000000; give"),
        (4, 1e308, "--length_penalty is 1e"),
        (4, float("nan"), "--length_penalty is nan; give a number from -100 to 100"),
    ],
)
def test_a_search_that_cannot_be_is_refused(beams: int, alpha: float, sentence: str) -> None:
    with pytest.raises(UserError, match=re.escape(sentence)):
        check_search(beams, alpha)
