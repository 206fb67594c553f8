"""Every setting of a model that its family has reaches the layers, and none that it has not."""

from typing import Any

import pytest
import torch

from unrolled.layers.families import FAMILIES, build_backbone
from unrolled.models.config import ModelConfig
from unrolled.models.family_settings import family_settings


def backbone(family: str, steps: int = 32, **settings: Any) -> torch.nn.Module:
    config = ModelConfig(**{"family": family, "heads": 2, "positions": "rotary", "dropout": 0.0, **settings})
    torch.manual_seed(0)
    made = build_backbone(family, input_size=3, width=8, layers=2, **family_settings(config, steps))
    with torch.no_grad():
        for parameter in made.parameters():  # what begins at zero would hide what comes before it
            parameter.add_(0.3 * torch.randn_like(parameter))
    return made.eval()


def reads_ahead(made: Any) -> bool:
    """Whether the first output depends on a later step."""
    x = torch.randn(1, 6, 3, requires_grad=True)
    made(x, None)[0][0, 0].sum().backward()
    assert x.grad is not None
    return bool((x.grad[0, 1:] != 0).any())


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_can_be_built(family: str) -> None:
    made: Any = backbone(family)
    y, _ = made(torch.randn(2, 5, 3), None)
    assert y.shape == (2, 5, 8)


@pytest.mark.parametrize("family", ["rnn", "lstm", "gru", "transformer", "convolution"])
def test_both_directions_only_where_asked_for(family: str) -> None:
    assert reads_ahead(backbone(family, bidirectional=True))
    assert not reads_ahead(backbone(family, bidirectional=False))
    assert not reads_ahead(backbone(family, bidirectional=None)), "left open it is causal"


def test_inception_reads_ahead_unless_that_is_unwanted() -> None:
    assert reads_ahead(backbone("inception", kernel=4, bidirectional=None))
    assert reads_ahead(backbone("inception", kernel=4, bidirectional=True))
    assert not reads_ahead(backbone("inception", kernel=4, bidirectional=False))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("rate", [0.0, 0.25, None])
def test_dropout(family: str, rate: float | None) -> None:
    config = ModelConfig(family=family, dropout=rate, heads=2, positions="rotary")
    assert family_settings(config, 8)["dropout"] == (rate or 0.0)
    made: Any = backbone(family, dropout=rate).train()
    x = torch.randn(4, 20, 3)
    draws = not torch.equal(made(x, None)[0], made(x, None)[0])
    assert draws == bool(rate)


@pytest.mark.parametrize(
    ("family", "setting", "other"),
    [
        ("rnn", {"nonlinearity": "tanh"}, {"nonlinearity": "relu"}),
        ("lstm", {"forget_bias": 0.0}, {"forget_bias": 3.0}),
        ("convolution", {"kernel": 3}, {"kernel": 5}),
        ("convolution", {"kernel": None}, {"kernel": 2}),
        ("inception", {"kernel": 8}, {"kernel": 16}),
        ("inception", {"kernel": None}, {"kernel": 20}),
        ("transformer", {"heads": 2}, {"heads": 4}),
        ("transformer", {"heads": 4, "kv_heads": 4}, {"heads": 4, "kv_heads": 2}),
        ("transformer", {"positions": "rotary"}, {"positions": "alibi"}),
        ("transformer", {"window": None}, {"window": 2}),
        ("transformer", {"feedforward": "swiglu"}, {"feedforward": "gelu"}),
        ("transformer", {"qk_norm": True}, {"qk_norm": False}),
    ],
)
def test_a_setting_changes_what_is_said(family: str, setting: dict[str, Any], other: dict[str, Any]) -> None:
    x = torch.randn(1, 12, 3, generator=torch.Generator().manual_seed(1))
    first, second = (backbone(family, **settings) for settings in (setting, other))
    outputs = [made(x, None)[0] for made in (first, second)]  # type: ignore[operator]
    assert not torch.allclose(*outputs)
    torch.testing.assert_close(backbone(family, **setting)(x, None)[0], outputs[0])  # type: ignore[operator]


def test_learned_positions_are_as_many_as_there_are_steps() -> None:
    tables = [p for name, p in backbone("transformer", 21, positions="learned").named_parameters() if len(p) == 21]
    assert len(tables) == 1
