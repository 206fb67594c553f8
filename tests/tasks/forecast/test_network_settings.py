"""Every setting of a family reaches the network that forecasts, and members vote."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from unrolled.layers.families import FAMILIES
from unrolled.tasks.forecast.network import ForecastNetwork, name_today
from unrolled.tasks.forecast.network_config import ForecastConfig

BASE = ForecastConfig(context=24, horizon=5, channels=2, targets=(0, 1), width=8, layers=2, heads=2, patch=3)


def make(family: str = "gru", **settings: Any) -> ForecastNetwork:
    torch.manual_seed(1)
    network = ForecastNetwork(replace(BASE, family=family, **settings)).eval()
    with torch.no_grad():
        for parameter in network.parameters():  # what begins at zero would hide what comes before it
            parameter.add_(0.3 * torch.randn_like(parameter))
    return network


def past() -> torch.Tensor:
    return torch.randn(2, 24, 2, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize(
    ("family", "setting", "other"),
    [
        ("rnn", {"nonlinearity": "tanh"}, {"nonlinearity": "relu"}),
        ("lstm", {"forget_bias": None}, {"forget_bias": 3.0}),
        ("convolution", {"kernel": None}, {"kernel": 2}),
        ("inception", {"kernel": None}, {"kernel": 4}),
        ("transformer", {"heads": 2}, {"heads": 4}),
        ("transformer", {"heads": 4, "kv_heads": 4}, {"heads": 4, "kv_heads": 2}),
        ("transformer", {"positions": "rotary"}, {"positions": "alibi"}),
        ("transformer", {"positions": "none"}, {"positions": "learned"}),
        ("transformer", {"positions": "sinusoidal"}, {"positions": "none"}),
        ("transformer", {"window": None}, {"window": 2}),
        ("transformer", {"feedforward": "swiglu"}, {"feedforward": "gelu"}),
        ("transformer", {"qk_norm": True}, {"qk_norm": False}),
        *((family, {"bidirectional": None}, {"bidirectional": True}) for family in ("rnn", "lstm", "gru")),
        ("transformer", {"bidirectional": False}, {"bidirectional": True}),
        ("convolution", {"bidirectional": False}, {"bidirectional": True}),
    ],
)
def test_a_setting_changes_what_is_forecast(family: str, setting: dict[str, Any], other: dict[str, Any]) -> None:
    forecasts = [make(family, **settings).from_windows(past()) for settings in (setting, other, setting)]
    assert not torch.allclose(forecasts[0], forecasts[1])
    torch.testing.assert_close(forecasts[0], forecasts[2])


def test_learned_positions_reach_as_far_as_the_segments_ahead() -> None:
    network = make("transformer", positions="learned", decoder="steps")
    assert network.from_windows(past()).shape == (2, 5, 2)
    tables = [len(parameter) for name, parameter in network.named_parameters() if name.endswith("table")]
    assert tables == [24 // 3 + 1]


def test_variational_drops_the_same_features_at_every_segment() -> None:
    for variational in (False, True):
        network = make(variational=variational, dropout=0.5, horizon=12).train()
        dropped = []
        network.members[0].head.register_forward_pre_hook(lambda _, given, kept=dropped: kept.append(given[0] == 0))
        network.from_windows(past())
        (zeros,) = dropped
        assert zeros.shape == (2 * 2, 4, 8)  # rows and channels, segments ahead, features
        assert zeros.any()
        assert bool((zeros == zeros[:, :1]).all()) == variational


@pytest.mark.parametrize("quantiles", [(), (0.1, 0.5, 0.9)])
def test_members_vote_and_learn_each_by_itself(quantiles: tuple[float, ...]) -> None:
    network = make(members=3, quantiles=quantiles)
    alone = []
    for number in range(3):
        single = make(quantiles=quantiles)
        begin = f"members.{number}."
        weights = {k.removeprefix(begin): v for k, v in network.state_dict().items() if k.startswith(begin)}
        single.load_state_dict({name_today(name): weight for name, weight in weights.items()})
        alone.append(single)
    forecasts = torch.stack([single.from_windows(past()) for single in alone])
    assert not torch.allclose(forecasts[0], forecasts[1])
    torch.testing.assert_close(network.from_windows(past()), forecasts.mean(dim=0))
    future = torch.randn(2, 5, 2)
    loss, count = network.losses(past(), future)
    each = [single.losses(past(), future)[0] for single in alone]
    assert int(count) == 20
    torch.testing.assert_close(loss, torch.stack(each).mean())
    (gradient,) = torch.autograd.grad(loss, network.members[1].head.weight)
    (expected,) = torch.autograd.grad(each[1], alone[1].members[0].head.weight)
    torch.testing.assert_close(gradient, expected / 3)


def test_a_number_of_members_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="members must be at least 1, got 0"):
        make(members=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_forecasts(family: str) -> None:
    assert make(family).from_windows(past()).isfinite().all()
