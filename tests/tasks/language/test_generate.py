"""Generation with a carried state says what reading everything again would say."""

import pytest
import torch

from small_models import CONTEXT, FOR_EVER, KINDS, TEXT, network, vocabulary
from unrolled.errors import UserError
from unrolled.models.language import LanguageNetwork
from unrolled.tasks.language.generate import generate_tokens
from unrolled.tasks.language.load import Loaded
from unrolled.tasks.language.speech import generate_text
from unrolled.tasks.sampling_config import Sampling

SIZE = 23
GREEDY = Sampling(temperature=0.0)
PROMPTS = [[3, 1, 4, 1, 5], [2], [7, 18, 2, 8, 1, 8, 2, 8, 4], [6, 6]]


@pytest.fixture(scope="module", params=KINDS)
def any_network(request: pytest.FixtureRequest) -> LanguageNetwork:
    return network(request.param, SIZE, seed=2)


def say(model: LanguageNetwork, prompts: list[list[int]], length: int, **settings) -> list[list[int]]:
    settings = {"sampling": GREEDY, **settings}
    return torch.stack(list(generate_tokens(model, prompts, length=length, **settings)), dim=1).tolist()


def read_again(model: LanguageNetwork, prompt: list[int], length: int) -> list[int]:
    """The oracle: the whole prefix through `forward` for every token, cut as the documentation says."""
    horizon = model.horizon
    context = prompt if horizon is None else prompt[-horizon:]
    tokens: list[int] = []
    with torch.no_grad():
        for _ in range(length):
            tokens.append(int(model(torch.tensor([context]))[0][0, -1].argmax()))
            context = [*context, tokens[-1]]
            if horizon is not None and len(context) > horizon:
                context = context[-(horizon // 2) :]
    return tokens


def test_steps_equal_reading_the_whole_prefix(any_network: LanguageNetwork) -> None:
    tokens = say(any_network, [PROMPTS[0]], 2 * CONTEXT + 1)[0]
    assert tokens == read_again(any_network, PROMPTS[0], 2 * CONTEXT + 1)
    assert len(set(tokens)) > 1, "a model that always says the same would prove nothing"


def test_a_batch_of_prompts_equals_each_alone(any_network: LanguageNetwork) -> None:
    together = say(any_network, PROMPTS, 2 * CONTEXT)
    assert together == [say(any_network, [prompt], 2 * CONTEXT)[0] for prompt in PROMPTS]


def test_only_models_of_bounded_memory_run_for_ever() -> None:
    assert {kind for kind in KINDS if network(kind, SIZE).horizon is None} == set(FOR_EVER)


def test_a_prompt_longer_than_the_horizon(any_network: LanguageNetwork) -> None:
    prompt = [n % SIZE for n in range(2 * CONTEXT)]
    assert say(any_network, [prompt], 5)[0] == read_again(any_network, prompt, 5)


def test_a_seed_makes_it_repeatable() -> None:
    model = network("gru", SIZE)
    settings = {"sampling": Sampling(temperature=1.0)}
    first = say(model, PROMPTS, 20, seed=1, **settings)
    assert say(model, PROMPTS, 20, seed=1, **settings) == first
    assert say(model, PROMPTS, 20, seed=2, **settings) != first
    assert say(model, PROMPTS, 20, **settings) != say(model, PROMPTS, 20, **settings)
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    say(model, PROMPTS, 2, seed=1, **settings)
    assert torch.equal(torch.random.get_rng_state(), before), "the global random state is not touched"


def test_samples_of_one_prompt_differ() -> None:
    samples = say(network("lstm", SIZE), [[1, 2]] * 4, 20, seed=0, sampling=Sampling(temperature=1.0))
    assert len({tuple(row) for row in samples}) == 4


def test_a_penalty_counts_prompt_and_answer_of_each_row() -> None:
    # With so strong a penalty a greedy model of positive or negative logits repeats nothing while anything is left.
    model = network("gru", SIZE)
    answers = say(model, [[1, 2, 3], [9]], 15, sampling=Sampling(temperature=0.0, repetition_penalty=100.0))
    for prompt, row in zip([[1, 2, 3], [9]], answers, strict=True):
        context = list(prompt)
        for token in row:
            with torch.no_grad():
                logits = model(torch.tensor([context]))[0]
            logits = logits[0, -1]
            for seen in set(context):
                logits[seen] = logits[seen] / 100 if logits[seen] > 0 else logits[seen] * 100
            assert token == int(logits.argmax())
            context.append(token)


@pytest.mark.parametrize("prompts", [[], [[1], []]])
def test_a_prompt_needs_a_token(prompts: list) -> None:
    with pytest.raises(ValueError, match="every prompt needs a token"):
        generate_tokens(network("rnn", SIZE), prompts, length=1, sampling=GREEDY)


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_that_is_none(seed: int) -> None:
    with pytest.raises(UserError, match=f"the seed is {seed}; give a whole number"):
        generate_tokens(network("rnn", SIZE), [[1]], length=1, sampling=GREEDY, seed=seed)


def loaded(kind: str, text: str = TEXT) -> Loaded:
    words = vocabulary(kind, text)
    return Loaded(network("gru", len(words)), words, {"start": words.encode("\n").tolist()}, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["char", "byte", "bpe", "word"])
@pytest.mark.parametrize("prompt", ["", "The cat", "The cat ", "the café "])
def test_the_pieces_are_the_text(kind: str, prompt: str) -> None:
    model = loaded(kind)
    tokens = model.vocabulary.encode(prompt).tolist() or model.start
    sampling = Sampling(temperature=1.0)
    steps = list(generate_tokens(model.network, [tokens] * 2, length=30, sampling=sampling, seed=3))
    pieces = list(generate_text(model, prompt, length=30, sampling=sampling, samples=2, seed=3))
    assert len(pieces) == 31
    for row in range(2):
        answer = "".join(piece[row] for piece in pieces)
        everything = [*tokens, *(int(step[row]) for step in steps)]
        shown = (prompt or model.vocabulary.decode(tokens)) + answer
        if kind == "word":  # spaces are set as needed, neither missing nor doubled
            assert model.vocabulary.encode(shown).tolist() == everything
            assert "  " not in shown
        else:
            assert shown == model.vocabulary.decode(everything)


@pytest.mark.parametrize("kind", ["byte", "bpe"])
def test_a_character_is_never_cut_in_two(kind: str) -> None:
    model = loaded(kind)
    wanted = model.vocabulary.encode("é…Å“x").tolist()

    def steps(network, prompts, **settings):
        return iter(torch.tensor([[token, ord("a")] for token in wanted]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unrolled.tasks.language.speech.generate_tokens", steps)
        pieces = list(generate_text(model, "a", length=len(wanted), sampling=GREEDY, samples=2))
    assert "".join(piece[0] for piece in pieces) == "é…Å“x"
    assert not any("\ufffd" in piece[0] for piece in pieces)


def test_bytes_that_are_no_character_come_at_the_end() -> None:
    model = loaded("byte")

    def steps(network, prompts, **settings):
        return iter(torch.tensor([[ord("x")], [0xE2]]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unrolled.tasks.language.speech.generate_tokens", steps)
        pieces = list(generate_text(model, "", length=2, sampling=GREEDY))
    assert pieces == [["x"], [""], ["\ufffd"]]


@pytest.mark.parametrize("kind", ["byte", "bpe", "word", "char"])
def test_a_prompt_that_is_no_text(kind: str) -> None:
    with pytest.raises(UserError, match=r"U\+DCFF"):
        generate_text(loaded(kind), "a\udcff", length=1, sampling=GREEDY)
