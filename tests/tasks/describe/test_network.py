"""The conditioned decoder: forward and step are one model, and what is known reaches every step."""

from typing import Any

import pytest
import torch

from checked_types import types_unchecked
from unrolled.models.config import ModelConfig
from unrolled.models.records import InputSizes
from unrolled.tasks.describe.network import DescriptionInputs, DescriptionNetwork
from unrolled.testing import check_model

KNOWN = InputSizes(2, (4, 3))
FAMILIES: dict[str, dict[str, Any]] = {
    "rnn": {},
    "lstm": {"layers": 2},
    "gru": {"embedding_size": 5},
    "convolution": {"kernel": 3, "layers": 2},
    "transformer": {"heads": 2, "kv_heads": 1, "positions": "rotary"},
    "transformer-learned": {"heads": 2, "kv_heads": 2, "positions": "learned"},
    "transformer-window": {"heads": 2, "kv_heads": 2, "positions": "alibi", "window": 3},
}


def network(name: str, **settings: Any) -> DescriptionNetwork:
    torch.manual_seed(0)
    family: Any = name.split("-")[0]
    config = ModelConfig(**{"family": family, "width": 8, "layers": 1, **FAMILIES[name], **settings})
    made = DescriptionNetwork(KNOWN, 6, config, context=12)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return made.eval()


def inputs(batch: int = 3, time: int = 9) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    tokens = torch.randint(0, 7, (batch, time))
    categories = torch.stack([torch.randint(0, 4, (batch,)), torch.randint(0, 3, (batch,))], dim=1)
    return tokens, torch.randn(batch, 2), categories


@pytest.mark.parametrize("name", FAMILIES)
def test_forward_is_step_after_step(name: str) -> None:
    made = network(name)
    tokens, numbers, categories = inputs()
    condition = made.condition(numbers, categories)
    whole, _ = made(made.at_every_step(tokens, condition))
    state = made.initial_state(len(tokens))
    for time in range(tokens.shape[1]):
        logits, state = made.step(DescriptionInputs(tokens[:, time], condition), state)
        torch.testing.assert_close(logits, whole[:, time], atol=2e-5, rtol=1e-4)
    first, state = made(made.at_every_step(tokens[:, :4], condition))
    rest, _ = made(made.at_every_step(tokens[:, 4:], condition), state)
    torch.testing.assert_close(torch.cat([first, rest], 1), whole, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_condition_reaches_every_step_and_the_future_none(name: str) -> None:
    made = network(name)
    tokens, numbers, categories = inputs()
    condition = made.condition(numbers, categories).detach().requires_grad_()
    whole, _ = made(made.at_every_step(tokens, condition))
    for time in (0, 4, 8):
        (gradient,) = torch.autograd.grad(whole[:, time].sum(), condition, retain_graph=True)
        assert gradient.abs().sum(1).min() > 1e-4
    changed = tokens.clone()
    changed[:, 5:] = (changed[:, 5:] + 1) % 7
    torch.testing.assert_close(made(made.at_every_step(changed, condition))[0][:, :5], whole[:, :5])


@pytest.mark.parametrize("name", ["lstm", "transformer-window"])
def test_it_keeps_every_law_of_models(name: str) -> None:
    made = network(name)

    def draw(batch: int, time: int, generator: torch.Generator) -> DescriptionInputs:
        condition = torch.randn(batch, time, made.embedding.embedding_dim, generator=generator)
        return DescriptionInputs(torch.randint(0, 7, (batch, time), generator=generator), condition)

    check_model(made, draw, laws=["state"], batch_size=2, length=8, tolerance=1e-4)
    with types_unchecked():
        checked = check_model(made, draw, batch_size=2, length=8, long_steps=100, tolerance=1e-4)
    assert all(result.cases for result in checked)


@pytest.mark.parametrize("name", ["gru", "transformer"])
def test_pads_and_batches_change_no_loss(name: str) -> None:
    made = network(name)
    tokens, numbers, categories = inputs(4, 7)
    lengths = [7, 3, 5, 1]
    targets = tokens.roll(-1, 1)
    for row, length in enumerate(lengths):
        targets[row, length:] = -100
    total, count = made.token_losses(numbers, categories, tokens, targets)
    assert int(count) == sum(lengths)
    alone = 0.0
    for row, length in enumerate(lengths):
        one_row = slice(row, row + 1)
        loss, _ = made.token_losses(
            numbers[one_row], categories[one_row], tokens[one_row, :length], targets[one_row, :length]
        )
        alone += loss.item()
    assert total.item() == pytest.approx(alone, rel=1e-5)
    logits, _ = made(made.at_every_step(tokens, made.condition(numbers, categories)))
    picked = logits.log_softmax(-1).gather(2, targets.clamp(min=0)[..., None])[..., 0]
    assert total.item() == pytest.approx(-picked[targets != -100].sum().item(), rel=1e-5)


def test_an_unknown_label_says_nothing_and_learns_nothing() -> None:
    torch.manual_seed(0)
    made = DescriptionNetwork(InputSizes(0, (4,)), 6, ModelConfig(family="gru", width=8, layers=1))
    assert not made.condition(None, torch.tensor([[0]])).any()
    loss, _ = made.token_losses(
        None, torch.tensor([[0], [2]]), torch.tensor([[0, 1], [0, 2]]), torch.tensor([[1, 0]] * 2)
    )
    loss.backward()
    gradient = made.labels[0].weight.grad
    assert isinstance(gradient, torch.Tensor)
    assert gradient.abs().sum(1).bool().tolist() == [False, False, True, False]


@pytest.mark.parametrize("family", ["inception", "bidirectional"])
def test_families_that_need_the_whole_sequence(family: Any) -> None:
    with pytest.raises(ValueError, match="reads the whole sequence, so it cannot write one"):
        DescriptionNetwork(KNOWN, 6, ModelConfig(family=family, width=8, layers=1))
