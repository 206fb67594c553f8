"""The translation model: rolled equals unrolled, rows alone equal rows together, and it learns."""

import math
from typing import Any

import pytest
import torch

from unrolled.layers import state as states
from unrolled.tasks.translate.network import TranslationNetwork, equal_parameters

SOURCE, TARGET = 11, 13
KINDS: dict[str, dict[str, Any]] = {
    **{
        f"{family}, {attention}": {"family": family, "attention": attention}
        for family in ("rnn", "lstm", "gru")
        for attention in ("additive", "multiplicative", "none")
    },
    "lstm of two layers": {"family": "lstm", "layers": 2, "embedding_size": 5},
    "lstm, untied": {"family": "lstm", "embedding_size": 6, "tie_weights": False},
    "transformer": {"family": "transformer"},
    "transformer, none": {"family": "transformer", "attention": "none"},
    "transformer, learned": {"family": "transformer", "positions": "learned", "context": 8},
    "transformer, sinusoidal": {"family": "transformer", "positions": "sinusoidal", "feedforward": "gelu"},
    "transformer, alibi": {"family": "transformer", "positions": "alibi", "kv_heads": 1, "qk_norm": False},
    "transformer, window": {"family": "transformer", "window": 3},
}
SOURCE_LENGTHS, TARGET_LENGTHS = [4, 7, 1, 0, 6], [6, 1, 5, 3, 0]


def network(kind: str, **more: Any) -> TranslationNetwork:
    """One whose predictions are far from even."""
    torch.manual_seed(3)
    settings = {"layers": 1, "width": 8, "heads": 2, **KINDS[kind], **more}
    made = TranslationNetwork(SOURCE, TARGET, **settings)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.4 * torch.randn_like(parameter))
    return made.eval()


def sample() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(4)
    source, target = torch.randint(SOURCE, (5, 7)), torch.randint(TARGET, (5, 6))
    source_mask = torch.arange(7) < torch.tensor(SOURCE_LENGTHS)[:, None]
    target_mask = torch.arange(6) < torch.tensor(TARGET_LENGTHS)[:, None]
    return source, source_mask, target, target_mask


@pytest.mark.parametrize("kind", KINDS)
def test_step_by_step_equals_all_at_once(kind: str) -> None:
    made, (source, source_mask, target, _) = network(kind), sample()
    encoded = made.encode(source, source_mask)
    shifted = torch.cat([torch.full((5, 1), made.end), target], 1)
    logits, end = made.decode(shifted, encoded)
    state = encoded.state
    for t in range(shifted.shape[1]):
        now, state, weights = made.step(shifted[:, t], encoded, state)
        torch.testing.assert_close(now, logits[:, t])
        if KINDS[kind].get("attention") == "none":
            assert weights is None
        else:
            torch.testing.assert_close(weights.sum(1), torch.ones(5))
            assert not weights[~torch.cat([torch.ones(5, 1).bool(), source_mask], 1)].any()
    for rolled, unrolled in zip(states.leaves(state), states.leaves(end), strict=True):
        torch.testing.assert_close(rolled, unrolled)


@pytest.mark.parametrize("kind", KINDS)
def test_a_target_in_two_parts_equals_the_whole(kind: str) -> None:
    made, (source, source_mask, target, target_mask) = network(kind), sample()
    encoded = made.encode(source, source_mask)
    logits, _ = made.decode(target, encoded, mask=target_mask)
    first, state = made.decode(target[:, :2], encoded, mask=target_mask[:, :2])
    second, _ = made.decode(target[:, 2:], encoded, state, mask=target_mask[:, 2:])
    torch.testing.assert_close(torch.cat([first, second], 1)[target_mask], logits[target_mask])


@pytest.mark.parametrize("kind", KINDS)
def test_ragged_rows_equal_each_row_alone(kind: str) -> None:
    made, (source, source_mask, target, target_mask) = network(kind), sample()
    # What stands under a pad is the number of no token.
    source, target = source.masked_fill(~source_mask, 10**6), target.masked_fill(~target_mask, -100)
    loss, count = made.token_losses(source, target, source_mask=source_mask, target_mask=target_mask)
    expected = 0.0
    for row, (x, y) in enumerate(zip(SOURCE_LENGTHS, TARGET_LENGTHS, strict=True)):
        alone, tokens = made.token_losses(source[row : row + 1, :x], target[row : row + 1, :y])
        assert int(tokens) == y + 1
        expected += float(alone.detach())
    assert int(count) == sum(TARGET_LENGTHS) + 5
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)
    loss.backward()
    assert all(parameter.grad.isfinite().all() for parameter in made.parameters() if parameter.grad is not None)


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_is_that_of_the_steps(kind: str) -> None:
    made, (source, source_mask, target, target_mask) = network(kind), sample()
    loss, _ = made.token_losses(source, target, source_mask=source_mask, target_mask=target_mask)
    encoded = made.encode(source, source_mask)
    expected = 0.0
    for row, length in enumerate(TARGET_LENGTHS):
        encoded_row = states.gather(encoded, torch.tensor([row]))
        state, token = encoded_row.state, made.end
        for answer in [*target[row, :length].tolist(), made.end]:
            logits, state, _ = made.step(torch.tensor([token]), encoded_row, state)
            expected -= float(logits.log_softmax(-1)[0, answer].detach())
            token = answer
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_decoder_reads_the_source_and_only_the_past(kind: str) -> None:
    made, (source, _, target, _) = network(kind), sample()
    other = source.clone()
    other[:, 0] = (other[:, 0] + 1) % SOURCE
    assert not torch.allclose(made.decode(target, made.encode(source))[0], made.decode(target, made.encode(other))[0])
    later = target.clone()
    later[:, 3:] = (later[:, 3:] + 1) % TARGET
    encoded = made.encode(source)
    assert torch.equal(made.decode(target, encoded)[0][:, :3], made.decode(later, encoded)[0][:, :3])


def test_without_attention_only_a_summary_is_carried() -> None:
    source = sample()[0]
    assert network("lstm, none").encode(source).memories == ()
    assert network("transformer, none").encode(source).memories[0].keys.shape[1] == 1


def test_label_smoothing_against_its_definition() -> None:
    made, (source, _, target, _) = network("gru, additive"), sample()
    begun = torch.cat([torch.full((5, 1), made.end), target], 1)
    answers = torch.cat([target, torch.full((5, 1), made.end)], 1)
    nats = -made.decode(begun, made.encode(source))[0].log_softmax(-1)
    expected = 0.8 * nats.gather(2, answers[..., None]).sum() + 0.2 * nats.mean(-1).sum()
    torch.testing.assert_close(made.token_losses(source, target, label_smoothing=0.2)[0], expected)


def test_one_table_for_both_sides_and_the_head() -> None:
    made = TranslationNetwork(50, 50, family="gru", layers=1, width=8, share_vocabulary=True)
    tables = [parameter for parameter in made.parameters() if parameter.shape == (51, 8)]
    assert len(tables) == 1
    with pytest.raises(ValueError, match="one vocabulary for both sides"):
        TranslationNetwork(SOURCE, TARGET, family="gru", layers=1, width=8, share_vocabulary=True)


@pytest.mark.parametrize("family", ["lstm", "gru", "transformer"])
def test_equal_parameters(family: str) -> None:
    multiple = 4 if family == "transformer" else 2

    def build(attention: str, width: int) -> TranslationNetwork:
        return TranslationNetwork(
            2000, 2000, family=family, layers=1, width=width, embedding_size=64, attention=attention, heads=2
        )

    count = sum(parameter.numel() for parameter in build("multiplicative", 128).parameters())
    width = equal_parameters(lambda width: build("none", width), count, multiple=multiple)
    parameters = sum(parameter.numel() for parameter in build("none", width).parameters())
    assert parameters == pytest.approx(count, rel=0.01)
    assert width > 128 or family == "transformer"


def test_it_learns_to_reverse() -> None:
    torch.manual_seed(0)
    made = TranslationNetwork(6, 6, family="gru", layers=1, width=32, attention="multiplicative")
    optimizer = torch.optim.Adam(made.parameters(), 1e-2)
    losses = []
    for _ in range(150):
        source = torch.randint(6, (64, 5))
        loss, count = made.token_losses(source, source.flip(1))
        optimizer.zero_grad()
        (loss / count).backward()
        optimizer.step()
        losses.append(float(loss.detach() / count))
    assert losses[0] > 1.5
    assert losses[-1] < 0.3 < math.log(6) / 2


def test_settings_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="multiplicative or none"):
        network("transformer", attention="additive")
    made = network("gru, none")
    with pytest.raises(ValueError, match="padded on the right"):
        made.encode(torch.zeros(1, 3).long(), torch.tensor([[True, False, True]]))
