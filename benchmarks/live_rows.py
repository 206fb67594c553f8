"""What it costs to encode a record while it comes, beside encoding it whole: values a second in pieces of three sizes.

Each kind of input is fitted on the record itself, encoded whole (`Encoding.encode`) and in pieces (`LiveRows`), in
turning order; the rows are checked to be the same.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from harness.result import alternate, publish, ratios, spread, table

from unrolled.data.config import DataConfig
from unrolled.data.encoders.encoding import Encoding, fit_inputs
from unrolled.data.encoders.live_rows import LiveRows
from unrolled.data.records import Field, Record

SIZES = (1, 100, 10_000)


class Case(NamedTuple):
    """A kind of input."""

    name: str
    field: Field
    values: Any
    settings: DataConfig


def cases(count: int) -> list[Case]:
    """About `count` values of each kind."""
    random = np.random.default_rng(0)
    signal = random.normal(size=(count, 1)).astype(np.float32)
    air = random.normal(size=(count // 2, 2)).astype(np.float32)
    air[random.random(air.shape) < 0.1] = np.nan
    words = [f"w{number}" for number in random.zipf(1.3, count).clip(max=20_000)]
    heart = Field("signal", "signal", True, ("signal",), 360.0)
    music = Field("signal", "signal", True, ("signal",), 44_100.0)
    voice = Field("signal", "signal", True, ("signal",), 8_000.0)
    return [
        Case("a signal as it is", heart, signal, DataConfig(features="raw")),
        Case("360 to 120 samples a second", heart, signal, DataConfig(features="raw", rate=120.0)),
        Case("44,100 to 16,000 samples a second", music, signal, DataConfig(features="raw", rate=16_000.0)),
        Case("log-mel spectrogram at 8,000 Hz", voice, signal, DataConfig()),
        Case("two columns with gaps", Field("air", "numeric", True, ("temp", "wind")), air, DataConfig()),
        Case("words and their spelling", Field("words", "token", True), words, DataConfig(spelling=True)),
        Case("letters of a text", Field("text", "text", False), " ".join(words)[:count], DataConfig(vocabulary="byte")),
        Case("words of a text", Field("text", "text", False), " ".join(words), DataConfig(vocabulary="word")),
        Case("byte pairs of a text", Field("text", "text", False), " ".join(words), DataConfig(vocabulary="bpe")),
    ]


def run(case: Case, size: int, most: int, rounds: int) -> list[str]:
    """A row of the table. Raises `SystemExit` if the rows are not the same."""
    values = case.values[: min(len(case.values), most * size)]
    record = Record({case.field.name: values}, "the record", case.field.rate)
    inputs = fit_inputs((case.field,), lambda: [record], 1, case.settings)
    encoding = Encoding(inputs)
    live = LiveRows(encoding, (case.field,))
    pieces = [{case.field.name: values[begin : begin + size]} for begin in range(0, len(values), size)]

    def whole() -> Any:
        return encoding.encode(record)

    def streamed() -> Any:
        state, parts = live.begin(), []
        for piece in pieces:
            rows, state = live.feed(piece, state)
            parts.append(rows)
        parts.append(live.finish(state))
        arrays = zip(*(part[:2] for part in parts), strict=True)
        return [None if leaf[0] is None else np.concatenate(leaf) for leaf in arrays]

    for ours, theirs in zip(streamed(), whole()[:2], strict=True):
        if theirs is not None and not (ours.shape == theirs.shape and np.allclose(ours, theirs, atol=1e-3)):
            raise SystemExit(f"{case.name} in pieces of {size} gives other rows than the whole")
    seconds = alternate(rounds, timed(streamed), timed(whole))
    speed = spread([len(values) / second for second in seconds[0]])
    return [case.name, f"{size:,}", speed.say(",.0f"), ratios(seconds[0], seconds[1]).say(",.1f")]


def timed(work: Callable[[], Any]) -> Callable[[], float]:
    def measure() -> float:
        begin = time.perf_counter()
        work()
        return time.perf_counter() - begin

    return measure


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="a few seconds, to see that it runs; measures nothing")
    options.add_argument("--write", action="store_true", help="also write the table into benchmarks/results/")
    args = options.parse_args()
    count, most, rounds = (4_000, 20, 1) if args.quick else (400_000, 4_000, 5)
    rows = [run(case, size, most, rounds) for case in cases(count) for size in SIZES]
    head = ["input", "values in a piece", "values a second", "times the whole at once"]
    publish(
        "live_rows",
        "Encoding a record while it comes",
        [__doc__.strip(), table(head, rows)],
        write=args.write,
        quick=args.quick,
    )


if __name__ == "__main__":
    main()
