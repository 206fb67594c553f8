"""The decoder keeps the laws of models, with the source in its state."""

from typing import Any

import pytest
import torch
from torch import Tensor

from checked_types import types_unchecked
from unrolled.layers import state as states
from unrolled.layers.decoders import Source
from unrolled.tasks.translate.network import TranslationNetwork
from unrolled.tasks.translate.speaker import Speaker
from unrolled.testing import check_model
from unrolled.testing.check import LAWS

KINDS: dict[str, dict[str, Any]] = {
    "gru, multiplicative": {"family": "gru", "embedding_size": 6},
    "lstm, additive": {"family": "lstm", "attention": "additive", "tie_weights": False},
    "rnn, none": {"family": "rnn", "attention": "none"},
    "transformer": {"family": "transformer", "heads": 2, "positions": "rotary"},
    "transformer, none": {"family": "transformer", "heads": 2, "positions": "alibi", "window": 3, "attention": "none"},
}
SOURCES = torch.tensor([[1, 4, 2, 0], [3, 3, 0, 0]])
THERE = torch.tensor([[True] * 4, [True, True, False, False]])


def network(kind: str) -> TranslationNetwork:
    torch.manual_seed(0)
    made = TranslationNetwork(5, 6, layers=1, width=8, dropout=0.0, context=300, **KINDS[kind])
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return made.eval()


class OfASource(Speaker):
    """Begins with a source that is not empty."""

    def initial_state(self, batch_size: int, *, device: Any = None) -> Source:
        with torch.autocast("cpu", enabled=False):
            source: Any = self.network.encode(SOURCES[:1].expand(batch_size, -1))
        return source if device is None else states.to(source, device)  # type: ignore[return-value]


def tokens(batch_size: int, length: int, generator: torch.Generator) -> Tensor:
    return torch.randint(0, 7, (batch_size, length), generator=generator)


def check(kind: str, laws: list[str]) -> None:
    speaker = OfASource(network(kind))
    sizes = {"batch_size": 2, "length": 8, "long_steps": 100}
    checked = check_model(speaker, tokens, laws=laws, tolerance=1e-4, **sizes)  # type: ignore[arg-type]
    assert all(result.cases for result in checked)


@pytest.mark.parametrize(
    ("kind", "laws"),
    [
        ("gru, multiplicative", ["causality", "state", "precision", "export"]),
        ("transformer", ["reset"]),
        ("rnn, none", ["chunking"]),
    ],
)
def test_it_keeps_the_laws(kind: str, laws: list[str]) -> None:
    check(kind, laws)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_keeps_every_law(kind: str) -> None:
    check(kind, ["state"])
    with types_unchecked():
        check(kind, list(LAWS))


@pytest.mark.parametrize("kind", KINDS)
def test_it_says_what_the_network_says_of_each_source(kind: str) -> None:
    made = network(kind)
    target = torch.tensor([[6, 1, 5], [6, 0, 2]])
    encoded = made.encode(SOURCES, THERE)
    wanted, _ = made.decode(target, encoded)
    speaker = Speaker(made)
    logits, after = speaker(target, encoded)
    torch.testing.assert_close(logits, wanted)
    # The first row goes on, and the second begins anew, of an empty source.
    reset = torch.tensor([[False, False], [True, False]])
    more, _ = speaker(torch.tensor([[3, 4], [6, 0]]), after, reset=reset)
    torch.testing.assert_close(
        more[0], made.decode(torch.tensor([[6, 1, 5, 3, 4]]), made.encode(SOURCES[:1]))[0][0, 3:]
    )
    torch.testing.assert_close(more[1], made.decode(torch.tensor([[6, 0]]), made.encode(SOURCES[:1, :0]))[0][0])
