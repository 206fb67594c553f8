"""A character Transformer on a CPU: `unrolled train` against nanoGPT's recipe in plain PyTorch.

Both are programs of their own, started one after the other in turn. Equal: the text, its tokens, the split, layers,
heads, width, context, batch size and the number of updates. Different, as each has it by default: the form of the
blocks, the optimiser and its schedule, the precision, the validations. Losses are computed here, in the same way for
both: on the whole validation part in windows of 64 with stride 32, every token but the first once; and by nanoGPT's own
estimate, 20 batches of 12 random windows, the same ones for both. Ours is also compared with what it reported itself.
"""

import json
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from harness.options import parser, workplace
from harness.result import publish, ratios, spread, table
from peers import nanogpt
from torch import Tensor, nn
from torch.nn import functional

from unrolled.data.config import DataConfig
from unrolled.tasks.language.load import load
from unrolled.tasks.language.text_data import TextData, prepare_text

CONTEXT, STRIDE = nanogpt.BLOCK, nanogpt.BLOCK // 2


def sliding_loss(logits: Callable[[Tensor], Tensor], tokens: np.ndarray, context: int, stride: int) -> float:
    """Mean loss of every token but the first; a window scores what the one before it did not."""
    pairs = len(tokens) - 1
    total, scored = 0.0, 0
    ends = [min(context, pairs), *range(context + stride, pairs, stride), pairs]
    with torch.inference_mode():
        for first in range(0, len(ends), 64):
            stops = ends[first : first + 64]
            windows = np.stack([tokens[max(0, stop - context) : stop + 1].astype(np.int64) for stop in stops])
            batch = torch.from_numpy(windows)
            losses = functional.cross_entropy(logits(batch[:, :-1]).transpose(1, 2), batch[:, 1:], reduction="none")
            for row, stop in zip(losses, stops, strict=True):
                new = stop - scored
                if new:  # the last window may end where the one before it did
                    total += float(row[-new:].sum())
                    scored = stop
    return total / scored


class Ours(nn.Module):
    """Only the logits of our network."""

    def __init__(self, run: Path) -> None:
        super().__init__()
        self.network = load(run).network

    def forward(self, tokens: Tensor) -> Tensor:
        return self.network(tokens)[0]


def start(command: list[str]) -> tuple[dict[str, Any], float]:
    """The JSON a program prints, and its seconds from start to end."""
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout), seconds


def train_ours(text: Path, folder: Path, steps: int, seed: int) -> tuple[dict[str, Any], nn.Module]:
    command = [str(Path(sysconfig.get_path("scripts")) / "unrolled"), "train", str(text), "--json"]
    run = folder / f"ours-{seed}"
    chosen = {
        "run": run,
        "data.vocabulary": "char",
        "data.context": CONTEXT,
        "data.cache": folder / "cache",
        "model.family": "transformer",
        "model.layers": nanogpt.LAYERS,
        "model.heads": nanogpt.HEADS,
        "model.width": nanogpt.WIDTH,
        "train.batch_size": nanogpt.BATCH,
        "train.max_steps": steps,
        "train.seed": seed,
    }
    command += [piece for name, value in chosen.items() for piece in (f"--{name}", str(value))]
    result, seconds = start(command)
    return result | {"program": seconds}, Ours(run).eval()


def train_theirs(tokens: TextData, folder: Path, steps: int, seed: int) -> tuple[dict[str, Any], nn.Module]:
    size = len(tokens.vocabulary)
    command = [sys.executable, nanogpt.__file__ or "", str(folder), "--vocabulary", str(size)]
    result, seconds = start([*command, "--steps", str(steps), "--seed", str(seed)])
    model = nanogpt.GPT(size)
    safetensors.torch.load_model(model, folder / "peer.safetensors")
    return result | {"program": seconds}, model.eval()


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=3, help="how often both are trained, each time with a new seed")
    options.add_argument("--steps", type=int, default=2000)
    chosen = options.parse_args()
    rounds, steps = (1, 10) if chosen.quick else (chosen.rounds, chosen.steps)
    by_side: dict[str, list[dict[str, Any]]] = {"ours": [], "theirs": []}
    with workplace(chosen.data, quick=chosen.quick) as (folder, text):
        tokens = prepare_text([text], DataConfig(vocabulary="char", cache=str(folder / "cache")))
        valid = tokens.valid
        if valid is None or len(valid) <= CONTEXT:
            raise SystemExit(f"{text} is too short: its validation part must be longer than {CONTEXT} characters")
        np.save(folder / "train.npy", tokens.train.tokens)
        np.save(folder / "valid.npy", valid.tokens)
        for turn in range(rounds):
            for side in ("ours", "theirs") if turn % 2 == 0 else ("theirs", "ours"):
                if side == "ours":
                    result, model = train_ours(text, folder, steps, turn)
                else:
                    result, model = train_theirs(tokens, folder, steps, turn)
                whole = sliding_loss(model, valid.tokens, CONTEXT, STRIDE)
                torch.manual_seed(turn)
                windows = nanogpt.estimate(model, valid.tokens)
                if side == "ours" and len(valid) < 1_000_000 and abs(whole - result["loss"]) > 1e-3:
                    raise SystemExit(f"unrolled reports a loss of {result['loss']}, computed here it is {whole}")
                by_side[side].append(result | {"whole": whole, "windows": windows})
                print(f"round {turn + 1}, {side}: {result['seconds']:.1f} s of training, loss {whole:.4f}", flush=True)
    columns = {
        "training, s": ("seconds", ".1f"),
        "whole program, s": ("program", ".1f"),
        "loss, whole validation part": ("whole", ".4f"),
        "loss, random windows": ("windows", ".4f"),
    }
    names = {"ours": "unrolled train", "theirs": "nanoGPT's recipe, plain PyTorch"}
    rows = [
        [
            names[side],
            *(spread([result[key] for result in results]).say(form) for key, form in columns.values()),
            f"{results[0]['parameters']:,}",
            f"{results[0]['tokens']:,}",
        ]
        for side, results in by_side.items()
    ]
    quotients = [
        ratios([result[key] for result in by_side["ours"]], [result[key] for result in by_side["theirs"]]).say()
        for key in ("seconds", "program")
    ]
    body = [
        table(["", *columns, "parameters", "tokens"], rows),
        f"Time of ours over theirs: training {quotients[0]}, whole program {quotients[1]}. Below 1 ours is faster. "
        "The training time holds each side's own validations but our last one, the whole program everything, with our "
        "final evaluation, samples and report.",
        f"Median of {rounds} runs with different seeds (in brackets the quartiles), {steps:,} updates each, in turn. "
        f"Same tokens for both: {len(tokens.train):,} for training, {len(valid):,} for validation, "
        f"{len(tokens.vocabulary)} characters.",
    ]
    title = "A character Transformer on a CPU: unrolled and nanoGPT's recipe"
    publish("nanogpt_cpu", title, body, write=chosen.write, quick=chosen.quick)


if __name__ == "__main__":
    main()
