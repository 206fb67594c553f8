"""The language network: unrolled it is what it is rolled, and its loss is the textbook's."""

from typing import Any

import pytest
import torch
from torch.nn import functional

from unrolled.layers import state as states
from unrolled.models.config import ModelConfig
from unrolled.models.language import LanguageNetwork
from unrolled.objectives.softmax import NO_TARGET

VOCABULARY = 11
KINDS: dict[str, dict[str, Any]] = {
    "rnn": {"family": "rnn", "nonlinearity": "relu"},
    "lstm": {"family": "lstm", "layers": 2},
    "lstm-one-hot": {"family": "lstm", "embedding": "one-hot"},
    "lstm-tied": {"family": "lstm", "tie_weights": True, "embedding_size": 8},
    "gru-embedding": {"family": "gru", "embedding_size": 3},
    "transformer": {"family": "transformer", "positions": "rotary"},
    "transformer-grouped": {"family": "transformer", "positions": "alibi", "kv_heads": 1, "window": 3},
    "transformer-learned": {"family": "transformer", "positions": "learned", "feedforward": "gelu"},
    "transformer-tied": {"family": "transformer", "positions": "sinusoidal", "tie_weights": True, "qk_norm": False},
    "transformer-one-hot": {"family": "transformer", "positions": "none", "embedding": "one-hot"},
}


def make(name: str, **settings: Any) -> LanguageNetwork:
    torch.manual_seed(1)
    config = ModelConfig(**{"layers": 1, "width": 8, "heads": 2, "dropout": 0.0, **KINDS[name], **settings})
    network = LanguageNetwork(VOCABULARY, config, context=16)
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.3)  # what begins at zero would hide differences
    return network


@pytest.mark.parametrize("name", KINDS)
def test_a_chunk_is_its_steps(name: str) -> None:
    network = make(name).eval()
    tokens = torch.randint(VOCABULARY, (3, 9))
    whole, end = network(tokens)
    state, steps = network.initial_state(3), []
    for t in range(9):
        logits, state = network.step(tokens[:, t], state)
        steps.append(logits)
    torch.testing.assert_close(torch.stack(steps, 1), whole, rtol=1e-4, atol=1e-5)
    for leaf, other in zip(states.leaves(end), states.leaves(state), strict=True):
        torch.testing.assert_close(leaf, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_token_losses(name: str, smoothing: float) -> None:
    network = make(name).eval()
    tokens, targets = torch.randint(VOCABULARY, (2, 3, 9))
    mask = torch.arange(9) < torch.tensor([[9], [4], [6]])
    targets = torch.where(torch.rand(3, 9) < 0.3, NO_TARGET, targets)
    garbage = torch.where(mask, tokens, 10**6)  # what is absent is never looked up
    loss, count, _ = network.token_losses(garbage, targets, mask=mask, label_smoothing=smoothing)
    expected = torch.zeros(())
    for row, length in enumerate((9, 4, 6)):
        logits, _ = network(tokens[row : row + 1, :length])
        expected = expected + functional.cross_entropy(
            logits[0], targets[row, :length], reduction="sum", label_smoothing=smoothing
        )
    assert int(count) == int((mask & (targets != NO_TARGET)).sum())
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-4)


def test_the_first_loss_is_that_of_knowing_nothing() -> None:
    network = LanguageNetwork(VOCABULARY, ModelConfig(family="lstm", layers=1, width=8))
    loss, count, _ = network.token_losses(torch.zeros(2, 3, dtype=torch.long), torch.ones(2, 3, dtype=torch.long))
    torch.testing.assert_close(loss / count, torch.tensor(float(VOCABULARY)).log(), rtol=0.02, atol=0.0)


def test_tied_weights_are_one_parameter() -> None:
    tied, free = make("lstm-tied"), make("lstm-tied", tie_weights=False)
    assert tied.head.weight is tied.embedding.weight
    assert "head.weight" not in dict(tied.named_parameters())
    counts = [sum(parameter.numel() for parameter in network.parameters()) for network in (tied, free)]
    assert counts[1] - counts[0] == VOCABULARY * 8 + VOCABULARY


@pytest.mark.parametrize(
    ("settings", "horizon"),
    [
        ({"family": "lstm"}, None),
        ({"family": "transformer", "positions": "rotary"}, 16),
        ({"family": "transformer", "positions": "rotary", "window": 4}, None),
        ({"family": "transformer", "positions": "none", "window": 4}, None),
        ({"family": "transformer", "positions": "alibi", "window": 4}, None),
        ({"family": "transformer", "positions": "learned", "window": 4}, 16),
        ({"family": "transformer", "positions": "sinusoidal", "window": 4}, 16),
    ],
)
def test_how_long_it_may_run(settings: dict, horizon: int | None) -> None:
    network = LanguageNetwork(VOCABULARY, ModelConfig(layers=1, width=8, heads=2, **settings), context=16)
    assert network.horizon == horizon


def test_dropout_only_in_training_and_variational_the_same_at_every_step() -> None:
    network = make("gru-embedding", dropout=0.5)
    tokens = torch.randint(VOCABULARY, (2, 30))
    assert not torch.equal(network(tokens)[0], network(tokens)[0])
    network.eval()
    assert torch.equal(network(tokens)[0], network(tokens)[0])
    same = torch.zeros(1, 30, dtype=torch.long)
    for variational, distinct in ((True, 1), (False, 2)):
        network = make("gru-embedding", dropout=0.5, variational=variational).train()
        dropped = network._drop(network.embedding(same))
        assert min(len(dropped[0].unique(dim=0)), 2) == distinct


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(family="lstm", layers=1),
        ModelConfig(family="transformer", layers=1, width=10, heads=3, positions="rotary"),
        ModelConfig(family="lstm", layers=1, width=8, embedding_size=4, tie_weights=True),
        ModelConfig(family="lstm", layers=1, width=8, embedding="one-hot", tie_weights=True),
    ],
)
def test_sizes_that_do_not_fit(config: ModelConfig) -> None:
    with pytest.raises(ValueError, match=r"needs a width|not divisible by 3 heads|tied weights need"):
        LanguageNetwork(VOCABULARY, config)


def test_muon_gets_the_hidden_matrices_alone() -> None:
    network = make("transformer-learned")
    matrices = {name for name, parameter in network.named_parameters() if network.is_matrix(name, parameter)}
    assert matrices
    assert all(name.startswith("backbone.") and not name.endswith(".table") for name in matrices)
    assert not {"embedding.weight", "head.weight"} & matrices
