"""A live step of a forecast, against steps of its backbone, and against plain PyTorch with the same weights.

A forecast reads its window anew at every step, since the segments and the level of a window begin at its end: a live
step takes one step of the backbone for each segment of the window, and where the decoder goes on by steps one more for
those ahead. So its cost is told in steps of the backbone, with as many rows as the network has. The peer is what one
would write by hand: a window that is shifted, `torch.nn`'s layer over its segments, and once more for those ahead.

Before anything is timed, the forecasts of the steps are compared with those of the whole series at once and with those
of the peer.
"""

import time
from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import torch
from harness.options import parser
from harness.result import alternate, publish, ratios, spread, table
from torch import Tensor, nn
from torch.nn import functional

from unrolled.tasks.forecast.network import ForecastInputs, ForecastNetwork
from unrolled.tasks.forecast.network_config import ForecastConfig

PEERS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
Stepper = Callable[[Tensor], Tensor]


class Size(NamedTuple):
    context: int
    horizon: int
    patch: int
    channels: int

    def __str__(self) -> str:
        return f"{self.context} to {self.horizon}, {self.channels} channel{'s' if self.channels > 1 else ''}"


SIZES = (Size(96, 24, 48, 1), Size(192, 96, 48, 7), Size(336, 96, 16, 7))
"""The defaults for hourly values of one column, those of ETTh1 at horizon 96, and many short segments"""


def make(family: str, size: Size, width: int) -> ForecastNetwork:
    config = ForecastConfig(**size._asdict(), targets=tuple(range(size.channels)), family=family, width=width)
    network = ForecastNetwork(config).eval()
    with torch.no_grad():
        for parameter in network.parameters():  # what begins at zero would agree whatever it is given
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network


def live(network: ForecastNetwork) -> Stepper:
    state = network.initial_state(1)

    def step(values: Tensor) -> Tensor:
        nonlocal state
        y, state = network.step(ForecastInputs(values), state)
        return y

    return step


def by_hand(network: ForecastNetwork, family: str, size: Size, width: int) -> Stepper:
    """The forecast of a channel-independent network in plain PyTorch, for a window that is full."""
    part = network.members[0]
    layer = PEERS[family](width, width, batch_first=True)
    layer.load_state_dict(part.backbone.state_dict())
    window = torch.zeros(1, size.context, size.channels)
    segments, ahead = size.context // size.patch, -(-size.horizon // size.patch)

    def step(values: Tensor) -> Tensor:
        nonlocal window
        window = torch.cat([window[:, 1:], values[:, None]], dim=1)
        last = window[0, -1][:, None]
        rows = window[0].T - last
        _, state = layer(functional.relu(part.embedding(rows.view(size.channels, segments, size.patch))))
        query = part.position if part.channel is None else part.position + part.channel[:, None]
        repeated = [leaf.repeat_interleave(ahead, dim=1) for leaf in (state if isinstance(state, tuple) else (state,))]
        again = (repeated[0], repeated[1]) if len(repeated) > 1 else repeated[0]
        y, _ = layer(query.reshape(-1, 1, width), again)
        y = part.head(y).view(size.channels, -1)[:, : size.horizon]
        return (y + part.linear(rows) + last).T[None]

    return step


def microseconds(step: Callable[[], object], steps: int) -> float:
    """Time of the processor: on one thread that is the time it takes where nothing else runs."""
    started = time.process_time()
    for _ in range(steps):
        step()
    return 1e6 * (time.process_time() - started) / steps


def compare(network: ForecastNetwork, family: str, size: Size, width: int) -> float:
    """The largest difference between the forecasts of steps and of the whole series, and the peer's."""
    series = torch.randn(1, size.context + 20, size.channels).cumsum(dim=1)
    at_once, _ = network(ForecastInputs(series))
    step, plain = live(network), by_hand(network, family, size, width) if family in PEERS else None
    worst = 0.0
    for t in range(series.shape[1]):
        y = step(series[:, t])
        worst = max(worst, float((y - at_once[:, t]).abs().max()))
        other = y if plain is None else plain(series[:, t])
        if t >= size.context - 1:
            worst = max(worst, float((y - other).abs().max()))
    if worst > 1e-3 * float(at_once.abs().max()):
        raise SystemExit(f"{family}, {size}: the forecasts differ by {worst}")
    return worst


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--families", nargs="+", default=["rnn", "gru", "lstm", "transformer"])
    options.add_argument("--width", type=int, default=128)
    options.add_argument("--repeats", type=int, default=200)
    options.add_argument("--steps", type=int, default=10, help="steps timed together")
    chosen = options.parse_args()
    repeats, steps, sizes = (2, 2, SIZES[:1]) if chosen.quick else (chosen.repeats, chosen.steps, SIZES)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows, worst = [], 0.0
    for size, family in product(sizes, chosen.families):
        with torch.inference_mode():
            network = make(family, size, chosen.width)
            worst = max(worst, compare(network, family, size, chosen.width))
            part, values = network.members[0], torch.randn(1, size.channels)
            taken = part.segments + (part.position is not None)
            begun = part.backbone.initial_state(part.rows)
            x = torch.randn(part.rows, chosen.width)
            for _ in range(part.segments):  # a state as full as after a window
                _, begun = part.backbone.step(x, begun)
            stepper = live(network)
            for _ in range(size.context):
                stepper(values)
            sides = [lambda s=stepper, v=values: s(v), lambda b=part.backbone, x=x, s=begun: b.step(x, s)]
            if family in PEERS:
                plain = by_hand(network, family, size, chosen.width)
                sides.append(lambda p=plain, v=values: p(v))
            timed = alternate(repeats, *[lambda side=side: microseconds(side, steps) for side in sides])
        ours, backbone = timed[:2]
        rows.append(
            [
                str(size),
                family,
                str(part.segments),
                spread(ours).say(".0f"),
                spread(backbone).say(".0f"),
                f"{ratios(ours, [part.segments * duration for duration in backbone]).say()}",
                f"{ratios(ours, [taken * duration for duration in backbone]).say()}",
                ratios(ours, timed[2]).say() if len(timed) > 2 else "-",
            ]
        )
    header = [
        "steps read and forecast",
        "family",
        "segments",
        "live step, µs",
        "backbone step, µs",
        "live / (segments x backbone)",
        "live / backbone steps taken",
        "live / plain PyTorch",
    ]
    body = [
        table(header, rows),
        f"One series, one layer of width {chosen.width}, float32, one thread, processor time; median of "
        f"{repeats} times {steps} steps (in brackets the quartiles), in turn. A live step takes one backbone step for "
        "each segment of the window, and where it goes on by steps one for those ahead. Forecasts of steps, of the "
        f"whole series and of plain PyTorch differ by {worst:.1e} at most.",
    ]
    publish("live_forecast", "A live step of a forecast", body, write=chosen.write, quick=chosen.quick)


if __name__ == "__main__":
    main()
