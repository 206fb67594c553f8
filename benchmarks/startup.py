"""How long it takes until something happens: importing, help, and the first training step. Each a process of its own.

The first training step ends with the first step of an optimiser, where the process is stopped; the text is encoded
anew every time. Its peer is the least that plain PyTorch needs for one step: an LSTM on random tokens.
"""

import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path

from harness.options import parser, workplace
from harness.result import alternate, publish, spread, table

# Exit code 42 tells that the step was reached; anything else would be a failure that looks quick.
STEPPED = 42
UNTIL_FIRST_STEP = f"""
import os, sys
from torch.optim.optimizer import register_optimizer_step_post_hook
register_optimizer_step_post_hook(lambda *_: os._exit({STEPPED}))
from unrolled.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
PLAIN_FIRST_STEP = f"""
import os, torch
from torch import nn
embedding, lstm, head = nn.Embedding(96, 128), nn.LSTM(128, 256, batch_first=True), nn.Linear(256, 96)
parameters = [*embedding.parameters(), *lstm.parameters(), *head.parameters()]
optimizer = torch.optim.AdamW(parameters, lr=1e-3, fused=True)
tokens = torch.randint(96, (32, 65))
logits = head(lstm(embedding(tokens[:, :-1]))[0])
nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten()).backward()
optimizer.step()
os._exit({STEPPED})
"""

PLAIN, OURS = "plain PyTorch to the first step", "unrolled train FILE to the first step"


def seconds(command: list[str], expected: int = 0) -> float:
    """Of a process from start to end. Raises `SystemExit` if it ends with another exit code than expected."""
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    taken = time.perf_counter() - started
    if done.returncode != expected:
        raise SystemExit(f"{command} ended with {done.returncode}, not {expected}:\n{done.stderr}")
    return taken


def python(code: str, expected: int = 0, *arguments: str) -> Callable[[], float]:
    return lambda: seconds([sys.executable, "-c", code, *arguments], expected)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--repeats", type=int, default=11)
    chosen = options.parse_args()
    repeats = 1 if chosen.quick else chosen.repeats
    command = str(Path(sysconfig.get_path("scripts")) / "unrolled")
    with workplace(chosen.data, quick=chosen.quick) as (folder, text):
        runs = iter(range(10**6))

        def first_step() -> float:
            number = next(runs)
            places = ("--run", str(folder / f"run-{number}"), "--data.cache", str(folder / f"cache-{number}"))
            return python(UNTIL_FIRST_STEP, STEPPED, "train", str(text), *places)()

        size = text.stat().st_size if text.is_file() else None
        sides: dict[str, Callable[[], float]] = {
            "an empty Python program": python("pass"),
            "import torch": python("import torch"),
            "import torch, unrolled": python("import torch, unrolled"),
            "unrolled --help": lambda: seconds([command, "--help"]),
            PLAIN: python(PLAIN_FIRST_STEP, STEPPED),
            OURS: first_step,
        }
        if not chosen.quick:
            for side in sides.values():
                side()  # once before, so that files are in the memory of the system
        times = dict(zip(sides, alternate(repeats, *sides.values()), strict=True))
    over = [a - b for a, b in zip(times["import torch, unrolled"], times["import torch"], strict=True)]
    step = [a - b for a, b in zip(times[OURS], times[PLAIN], strict=True)]
    rows = [[name, spread(values).say(".3f")] for name, values in times.items()]
    rows += [
        ["`import unrolled` over `import torch`", spread(over).say("+.3f")],
        ["`unrolled train` over plain PyTorch, to the first step", spread(step).say("+.3f")],
    ]
    body = [
        table(["", "seconds"], rows),
        f"Median of {repeats} (in brackets the quartiles), in turn, files already in memory"
        + (f"; FILE has {size:,} bytes and is encoded anew every time." if size else "."),
        "Aims: import at most 0.2 s more, help below 0.5 s, first step within 4 s.",
    ]
    publish("startup", "From start to something", body, write=chosen.write, quick=chosen.quick)


if __name__ == "__main__":
    main()
