"""A stream says at every step what the whole sequence at once says, also after its state went through a file."""

import pytest
import torch

from small_models import CONTEXT, FOR_EVER, KINDS, network
from unrolled.layers import state as states
from unrolled.models.language import LanguageNetwork
from unrolled.tasks.language.stream import LanguageStream

SIZE = 11
TOKENS = torch.randint(SIZE, (2 * CONTEXT + 3,), generator=torch.Generator().manual_seed(0)).tolist()


def leaves(stream: LanguageStream) -> dict[str, torch.Tensor]:
    return dict(states.named_leaves(stream.state))


def same(first: LanguageStream, second: LanguageStream) -> bool:
    ours, theirs = leaves(first), leaves(second)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


@torch.no_grad()
def forward_oracle(model: LanguageNetwork, tokens: list[int]) -> list[torch.Tensor]:
    """log-probabilities after every token: one whole forward, or at the horizon a new one from its last half."""
    if model.horizon is None:
        return list(model(torch.tensor([tokens]))[0][0].log_softmax(-1))
    log_probabilities, context = [], []
    for token in tokens:
        context.append(token)
        if len(context) > model.horizon:
            context = context[-(model.horizon // 2) :]
        log_probabilities.append(model(torch.tensor([context]))[0][0, -1].log_softmax(-1))
    return log_probabilities


@pytest.mark.parametrize("kind", KINDS)
def test_every_step_equals_the_forward_pass(kind: str) -> None:
    model = network(kind, SIZE)
    stream = LanguageStream(model, top=3)
    expected = forward_oracle(model, TOKENS)
    for number, token in enumerate(TOKENS):
        step = stream.feed(token)
        assert (step.step, step.token) == (number + 1, token)
        if number == 0:
            assert step.loss is None
        else:
            assert step.loss == pytest.approx(-float(expected[number - 1][token]), abs=1e-4)
        best = expected[number].exp().topk(3)
        assert [p for _, p in step.next] == pytest.approx(best.values.tolist(), abs=1e-5)
        assert [t for t, _ in step.next] == best.indices.tolist()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cut", [0, 1, CONTEXT, CONTEXT + 1])
def test_saved_and_loaded_it_goes_on_bit_for_bit(kind: str, cut: int) -> None:
    model = network(kind, SIZE)
    whole, first, second = LanguageStream(model), LanguageStream(model), LanguageStream(model)
    for token in TOKENS:
        whole.feed(token)
    for token in TOKENS[:cut]:
        first.feed(token)
    second.feed(5)  # whatever it was before is gone
    second.load(first.save())
    for token in TOKENS[cut:]:
        second.feed(token)
    assert same(whole, second)


@pytest.mark.parametrize("kind", KINDS)
def test_assigning_the_state_moves_the_stream(kind: str) -> None:
    stream = LanguageStream(network(kind, SIZE))
    for token in TOKENS[: CONTEXT - 2]:
        stream.feed(token)
    kept = stream.state
    first = [stream.feed(token) for token in TOKENS[:6]]
    stream.state = kept
    assert [stream.feed(token) for token in TOKENS[:6]] == first


def test_reset_forgets_everything() -> None:
    stream, fresh = LanguageStream(network("transformer", SIZE)), LanguageStream(network("transformer", SIZE))
    for token in TOKENS:
        stream.feed(token)
    stream.reset()
    assert same(stream, fresh)
    assert stream.feed(3) == fresh.feed(3)


@pytest.mark.parametrize("kind", [*FOR_EVER, "transformer", "alibi"])
def test_a_long_stream_keeps_its_memory_bounded(kind: str) -> None:
    stream = LanguageStream(network(kind, SIZE))
    sizes = []
    for count in range(4 * CONTEXT):
        stream.feed(count % SIZE)
        sizes.append(len(stream.save()))
    assert max(sizes[2 * CONTEXT :]) <= max(sizes[: 2 * CONTEXT])


@pytest.mark.parametrize(
    "other",
    [network("lstm", SIZE), network("gru", SIZE, width=32), network("gru", SIZE, seed=1), network("gru", SIZE + 1)],
    ids=["family", "width", "weights", "vocabulary"],
)
def test_the_state_of_another_model_is_refused(other: LanguageNetwork) -> None:
    stream = LanguageStream(network("gru", SIZE))
    stream.feed(3)
    before = stream.state
    with pytest.raises(ValueError, match=r"saved state|another model"):
        stream.load(LanguageStream(other).save())
    assert stream.state is before


def test_bytes_that_are_no_state_are_refused() -> None:
    stream = LanguageStream(network("gru", SIZE))
    data = stream.save()
    for damaged in (b"", b"abc", data[:-1], data[:20]):
        with pytest.raises(ValueError, match="not a saved state"):
            stream.load(damaged)


def test_no_more_next_tokens_than_there_are() -> None:
    assert len(LanguageStream(network("gru", SIZE), top=1000).feed(1).next) == SIZE
