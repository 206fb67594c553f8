"""A small Transformer trained beside another program that keeps one core busy, and alone: how much is lost?

Four ways to wait take turns, each in a process of its own: what `unrolled train` does, one thread, and all threads with
the spin that GNU's OpenMP has without us and with a short one. Each trains the same model on the same text for the same
number of updates. Those with equal numbers of threads must end with the same weights bit for bit, one thread with the
same loss to four digits. The speed is that of the updates after the first quarter.

Alone, ours over the best of the others should be at least 0.9; beside another program, ours over one thread at least
0.5. "Alone" needs a machine on which nothing else runs: the load before each is printed.
"""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from harness.options import parser, workplace
from harness.result import publish, ratios, spread, table

VARIABLES = ("OMP_NUM_THREADS", "GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
WAYS = {
    "ours": {},
    "one thread": {"OMP_NUM_THREADS": "1"},
    "all threads, OpenMP's spin": {"GOMP_SPINCOUNT": "300000"},
    "all threads, short spin": {"GOMP_SPINCOUNT": "3000"},
    "all threads, asleep": {"GOMP_SPINCOUNT": "100"},
}
AGREEMENT = 1e-4
"""by how much the losses may differ where the number of threads does"""


class Outcome(NamedTuple):
    """What one training said."""

    speed: float
    """thousand tokens a second"""
    loss: float
    weights: str
    """checksum of the best model"""


def train(text: Path, run: Path, steps: int, way: dict[str, str]) -> Outcome:
    """Train in a process of its own, as a person does."""
    command = [str(Path(sys.executable).parent / "unrolled"), "train", str(text), "--run", str(run)]
    options = {
        "model.family": "transformer",
        "model.layers": 4,
        "model.width": 128,
        "data.context": 64,
        "data.cache": run.parent / "cache",
        "train.batch_size": 12,
        "train.max_steps": steps,
        "train.validate_every": steps,
    }
    arguments = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
    clean = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, env=clean | way)
    if done.returncode:
        raise SystemExit(done.stderr)
    lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    records = [line for line in lines if line["kind"] == "train"]
    counted = records[len(records) // 4 :]
    tokens = records[-1]["tokens"] - (counted[0]["tokens"] if len(counted) > 1 else 0)
    seconds = records[-1]["seconds"] - (counted[0]["seconds"] if len(counted) > 1 else 0)
    weights = hashlib.sha256((run / "best" / "model.safetensors").read_bytes()).hexdigest()
    return Outcome(tokens / seconds / 1000, records[-1]["loss"], weights)


@contextlib.contextmanager
def another_program(busy: bool) -> Iterator[None]:
    """Within, another process computes without a pause on one of the cores."""
    if not busy:
        yield
        return
    core = max(os.sched_getaffinity(0))
    code = f"import os; os.sched_setaffinity(0, [{core}])\nwhile os.getppid() == {os.getpid()}: pass"
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def require_same(outcomes: dict[str, Outcome]) -> None:
    """Raises `SystemExit` if the ways computed different things."""
    alone = outcomes["one thread"]
    others = {name: outcome for name, outcome in outcomes.items() if name != "one thread"}
    if len({outcome.weights for outcome in others.values()}) != 1:
        raise SystemExit("the ways to wait ended with different weights")
    for name, outcome in others.items():
        if abs(outcome.loss - alone.loss) > AGREEMENT:
            raise SystemExit(f"{name} ended with the loss {outcome.loss}, one thread with {alone.loss}")


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--steps", type=int, default=400, help="updates of each training")
    chosen = options.parse_args()
    rounds, steps = (1, 2) if chosen.quick else (chosen.rounds, chosen.steps)
    ways = {name: WAYS[name] for name in ("ours", "one thread")} if chosen.quick else WAYS
    outcomes: dict[tuple[bool, str], list[Outcome]] = {(busy, name): [] for busy in (False, True) for name in ways}
    with workplace(chosen.data, quick=chosen.quick) as (folder, text):
        for turn in range(rounds):
            for busy in (False, True):
                names = list(ways)[turn % len(ways) :] + list(ways)[: turn % len(ways)]
                for name in names:
                    load = os.getloadavg()[0]
                    run = folder / f"{turn}-{busy}-{list(ways).index(name)}"
                    with another_program(busy):
                        outcome = train(text, run, steps, ways[name])
                    outcomes[busy, name].append(outcome)
                    beside = "busy" if busy else "alone"
                    line = f"{outcome.speed:.1f} thousand tokens/s (load before: {load:.1f})"
                    print(f"round {turn + 1}, {beside}, {name}: {line}", flush=True)
                require_same({name: outcomes[busy, name][-1] for name in ways})
    rows = []
    for name in ways:
        speeds = [[outcome.speed for outcome in outcomes[busy, name]] for busy in (False, True)]
        rows.append([name, *(spread(side).say(".1f") for side in speeds)])
    best = [max(outcomes[False, name][turn].speed for name in ways if name != "ours") for turn in range(rounds)]
    quiet = ratios([outcome.speed for outcome in outcomes[False, "ours"]], best)
    one_thread = [outcome.speed for outcome in outcomes[True, "one thread"]]
    busy_ratio = ratios([outcome.speed for outcome in outcomes[True, "ours"]], one_thread)
    body = [
        table(["threads", "alone, thousand tokens/s", "beside another program"], rows),
        f"Ours over the best of the others, alone: {quiet.say()} (aim: 0.9). Ours over one thread, beside another "
        f"program: {busy_ratio.say()} (aim: 0.5). Medians of {rounds} rounds of {steps} updates, in brackets the "
        "quartiles. All ways with all threads ended with the same weights bit for bit.",
    ]
    publish("busy_machine", "Training on a busy machine", body, write=chosen.write, quick=chosen.quick)


if __name__ == "__main__":
    main()
