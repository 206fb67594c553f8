"""The forecasting network: unrolled it is what it is live, gaps reach nothing, and its parts are what they say."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unrolled.tasks.forecast.network import ForecastNetwork
from unrolled.tasks.forecast.network_config import ForecastConfig
from unrolled.tasks.forecast.window_scale import LEAST_SCALE, fill, level

BASE = ForecastConfig(
    context=9, horizon=5, channels=3, targets=(2, 0), known=2, missing=True, width=8, heads=2, patch=4
)
KINDS: dict[str, dict[str, Any]] = {
    "gru": {},
    "lstm-mixed": {"family": "lstm", "channel_independent": False, "normalise": "standard"},
    "rnn-flatten": {"family": "rnn", "decoder": "flatten", "linear": False},
    "transformer": {"family": "transformer", "layers": 2, "normalise": "mean"},
    "transformer-steps": {"family": "transformer", "decoder": "steps", "normalise": "none"},
    "bidirectional": {"family": "bidirectional", "known": 0, "missing": False},
    "quantiles": {"quantiles": (0.1, 0.5, 0.9)},
    "channel-known": {"known_channels": (1,), "quantiles": (0.1, 0.9)},
    "channel-known-mixed": {"known_channels": (1,), "channel_independent": False, "decoder": "flatten"},
    "quantiles-mixed": {"quantiles": (0.2, 0.9), "channel_independent": False, "patch": 1},
}


def make(name: str = "gru", **settings: Any) -> ForecastNetwork:
    torch.manual_seed(1)
    network = ForecastNetwork(replace(BASE, **{**KINDS[name], **settings})).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))  # what begins at zero would hide differences
    return network


def inputs(network: ForecastNetwork, rows: int = 4) -> tuple[torch.Tensor, torch.Tensor | None]:
    config = network.config
    known = torch.randn(rows, config.context + config.horizon, config.known) if config.known else None
    return torch.randn(rows, config.context, config.channels), known


@pytest.mark.parametrize("name", KINDS)
def test_shapes_and_rows_alone(name: str) -> None:
    network = make(name)
    past, known = inputs(network)
    together = network(past, known)
    levels = network.config.quantiles
    assert together.shape == (4, 5, 2, *([len(levels)] if levels else []))
    for row in range(4):
        alone = network(past[row : row + 1], None if known is None else known[row : row + 1])
        torch.testing.assert_close(alone, together[row : row + 1], rtol=1e-4, atol=1e-5)
    if levels:
        assert (together.diff(dim=-1) >= 0).all()


@pytest.mark.parametrize("name", KINDS)
def test_a_stream_forecasts_what_the_window_does(name: str) -> None:
    network = make(name)
    series = torch.randn(2, 14, 3)
    series[0, 5, 1] = torch.nan
    config = network.config
    known = torch.randn(2, 14 + config.horizon, config.known) if config.known else None
    state = network.initial_state(2)
    for t in range(14):
        window = torch.full((2, config.context, 3), torch.nan)
        seen = series[:, max(0, t + 1 - config.context) : t + 1]
        window[:, config.context - seen.shape[1] :] = seen
        span = None
        if known is not None:
            span = torch.zeros(2, config.context + config.horizon, config.known)
            part = known[:, max(0, t + 1 - config.context) : t + 1 + config.horizon]
            span[:, span.shape[1] - part.shape[1] :] = part
        live, state = network.step(series[:, t], state, span)
        torch.testing.assert_close(live, network(window, span), rtol=0, atol=0)


def test_masked_rows_keep_their_window_and_reset_ones_begin_anew() -> None:
    network = make("transformer", known=0)
    past, _ = inputs(network, 3)
    values = torch.randn(3, 3)
    begin = network.initial_state(3)._replace(window=past)
    flags = torch.tensor([True, False, True])
    after, state = network.step(values, begin, mask=flags, reset=~flags)
    assert state.window[1].isnan().all()
    plain, plain_state = network.step(values, begin)
    torch.testing.assert_close(after[[0, 2]], plain[[0, 2]])
    assert torch.equal(state.window[[0, 2]], plain_state.window[[0, 2]])
    assert torch.equal(begin.window, past)


@pytest.mark.parametrize("name", KINDS)
def test_windows_without_any_value_give_numbers_and_gradients(name: str) -> None:
    network = make(name).train()
    past, known = inputs(network)
    past[0] = torch.nan
    past[1, :, 0] = torch.nan
    past[2, :5] = torch.nan
    future = torch.randn(4, 5, 2)
    future[0, 2:] = torch.nan
    loss, count = network.losses(past, future, known)
    loss.backward()
    assert int(count) == 4 * 5 * 2 - 3 * 2
    assert loss.isfinite()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
    assert sum(float(p.grad.abs().sum()) > 0 for p in network.parameters() if p.grad is not None) > 3


def test_a_channel_independent_target_does_not_see_the_other_targets() -> None:
    past = torch.randn(4, 9, 3, requires_grad=True)
    for independent in (True, False):
        network = make(known=0, missing=False, channel_independent=independent)
        (first,) = torch.autograd.grad(network(past)[:, :, 0].sum(), past)  # the forecast of channel 2
        assert first[:, :, 2].any()
        assert first[:, :, 1].any()  # a channel that is no target is read by all
        assert bool(first[:, :, 0].any()) is not independent


def test_features_known_ahead_reach_their_own_steps() -> None:
    for name in ("gru", "transformer"):
        network = make(name, patch=1)
        past, known = inputs(network)
        assert known is not None
        known.requires_grad_()
        (gradient,) = torch.autograd.grad(network(past, known)[:, 3].sum(), known)
        assert gradient[:, 9 + 3].any()
        assert gradient[:, :9].any()
        assert not gradient[:, [9, 10, 11, 13]].any()


def test_what_channels_known_ahead_explain_is_taken_out_and_put_back() -> None:
    network = make("gru", known_channels=(1,), missing=False)
    past, known = inputs(network)
    assert known is not None
    assert network.members[0].effect is not None
    effect = network.members[0].effect.weight[:, 0]
    explained = known[:, :, -1:] * effect  # the last known feature is the channel
    left = past.clone()
    left[:, :, [2, 0]] -= explained[:, :9]
    plain = make("gru", missing=False)
    plain.load_state_dict({k: v for k, v in network.state_dict().items() if not k.startswith("members.0.effect")})
    torch.testing.assert_close(network(past, known), plain(left, known) + explained[:, 9:], rtol=1e-4, atol=1e-5)


def test_a_network_without_channels_known_ahead_is_as_ever() -> None:
    assert not any("effect" in name for name in make().state_dict())
    torch.manual_seed(3)
    plain = ForecastNetwork(BASE)
    torch.manual_seed(3)
    begun = ForecastNetwork(replace(BASE, known_channels=(1,)))
    past, known = inputs(plain)
    assert torch.equal(plain.eval()(past, known), begun.eval()(past, known))  # the effect begins at zero


@pytest.mark.parametrize("kind", ["last", "mean", "standard"])
def test_a_shift_of_the_window_is_a_shift_of_the_forecast(kind: str) -> None:
    network = make(known=0, missing=False, normalise=kind)
    past, _ = inputs(network)
    shift = torch.tensor([10.0, -3.0, 5.0])
    torch.testing.assert_close(network(past + shift), network(past) + shift[[2, 0]], rtol=1e-4, atol=1e-4)
    if kind == "standard":
        torch.testing.assert_close(network(100 * past), 100 * network(past), rtol=1e-2, atol=1e-2)


def test_it_begins_as_the_mean_of_the_window() -> None:
    network = ForecastNetwork(replace(BASE, known=0, missing=False, normalise="standard"))
    past, _ = inputs(network)
    expected = past.mean(dim=1)[:, None, [2, 0]].expand(-1, 5, -1)
    torch.testing.assert_close(network(past), expected, rtol=1e-4, atol=1e-5)


def test_the_loss_is_that_of_the_settings() -> None:
    past, future = torch.randn(4, 9, 3), torch.randn(4, 5, 2)
    network = make(known=0, missing=False, loss="mae")
    loss, count = network.losses(past, future)
    torch.testing.assert_close(loss / count, (network(past) - future).abs().mean())
    network = make("quantiles", known=0, missing=False, quantiles=(0.5,))
    loss, count = network.losses(past, future)
    torch.testing.assert_close(loss / count, (network.point(network(past)) - future).abs().mean() / 2)


@given(st.integers(0, 2**32 - 1), st.integers(1, 7))
def test_gaps_are_filled_from_before(seed: int, time: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    window = torch.randn(2, time, 2, generator=draw)
    window[torch.rand(window.shape, generator=draw) < 0.5] = torch.nan
    values, there = fill(window)
    assert torch.equal(there, ~window.isnan())
    for row in range(2):
        for channel in range(2):
            column = [float(value) for value in window[row, :, channel]]
            last = next((value for value in column if value == value), 0.0)
            for step, value in enumerate(column):
                last = value if value == value else last
                assert float(values[row, step, channel]) == last


def test_levels_count_only_what_was_there() -> None:
    window = torch.tensor([1.0, torch.nan, 3.0, torch.nan]).view(1, 4, 1)
    values, there = fill(window)
    assert float(level(values, there, "last").centre) == 3
    assert float(level(values, there, "mean").centre) == 2
    assert float(level(values, there, "standard").scale) == pytest.approx((1 + LEAST_SCALE**2) ** 0.5)
    assert float(level(values, there, "none").centre) == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"horizon": 0}, "horizon must be at least 1"),
        ({"targets": ()}, "one or more different channels"),
        ({"targets": (0, 0)}, "one or more different channels"),
        ({"targets": (3,)}, "channels from 0 to 2"),
        ({"known_channels": (0,)}, "must be others than the targets"),
        ({"known_channels": (3,)}, "channels known ahead"),
        ({"known": 0, "known_channels": (1,)}, "one of the 0 known features"),
        ({"quantiles": (0.9, 0.1)}, "must ascend"),
        ({"quantiles": (0.0, 0.5)}, "between 0 and 1"),
        ({"family": "bidirectional", "decoder": "steps"}, "cannot go on by steps"),
    ],
)
def test_settings_that_do_not_fit(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ForecastNetwork(replace(BASE, **settings))
