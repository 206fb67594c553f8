"""A word LSTM, 2 layers of 200 with a full softmax, as in WikiText-2's usual small model: ours and plain PyTorch.

Equal: the tokens and their order (20 contiguous streams in chunks of 35, the state carried), the sizes, dropout 0.2,
untied weights, AdamW with the same settings for both, gradient norm clipped at 0.25. The plain loop is `nn.Embedding`,
`nn.LSTM`, `nn.Linear` and cross entropy, with the initial weights of PyTorch's word language model example.

First both begin with the same weights and no dropout and take the same steps in turn: their losses must agree, and each
step is timed. Then each trains on its own, as `train_language` and as a plain loop, with its own initial weights and
dropout, for the curves.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from harness.options import parser, workplace
from harness.result import publish, ratios, spread, table
from torch import Tensor, nn
from torch.nn import functional

from unrolled.data.config import DataConfig
from unrolled.data.feeds.text_feeds import Batch, StreamFeed
from unrolled.layers import state as states
from unrolled.models.config import ModelConfig
from unrolled.models.language import LanguageNetwork
from unrolled.models.on_device import on_device
from unrolled.tasks.language.evaluate import evaluate_part
from unrolled.tasks.language.text_data import TextData, prepare_text
from unrolled.tasks.language.train import LanguageObjective
from unrolled.tasks.train_files import train_files
from unrolled.training.config import TrainConfig
from unrolled.training.gradients import clip_gradients
from unrolled.training.optimizers import BETAS, make_optimizers
from unrolled.training.precision import autocast, choose_precision

BATCH, CONTEXT, CLIP, DROPOUT, LAYERS, DECAY = 20, 35, 0.25, 0.2, 2, 0.0
AGREEMENT = 2e-4
"""Largest difference of two losses that began equal: float32 sums in another order, grown over the steps."""


class PlainLSTM(nn.Module):
    """The model in PyTorch's own layers."""

    def __init__(self, vocabulary_size: int, width: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, width)
        self.backbone = nn.LSTM(width, width, LAYERS, dropout=dropout, batch_first=True)
        self.head = nn.Linear(width, vocabulary_size)
        self.dropout = nn.Dropout(dropout)
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
        nn.init.uniform_(self.head.weight, -0.1, 0.1)
        nn.init.zeros_(self.head.bias)

    def forward(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        x, state = self.backbone(self.dropout(self.embedding(tokens)), state)
        return self.head(self.dropout(x)), state


class PlainLoop:
    """Truncated backpropagation as everyone writes it."""

    def __init__(self, model: PlainLSTM, rate: float) -> None:
        self.model = model.train()
        self.state: Any = None
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=BETAS, weight_decay=DECAY, fused=True)

    def step(self, batch: Batch) -> float:
        if batch.fresh:
            self.state = None
        inputs, targets = torch.from_numpy(batch.inputs), torch.from_numpy(batch.targets)
        logits, state = self.model(inputs, self.state)
        self.state = tuple(leaf.detach() for leaf in state)
        loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten())  # -100 is left out
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimizer.step()
        return loss.item()


class OurLoop:
    """One update of our training loop, without what stands around it (records, progress, checkpoints)."""

    def __init__(self, network: LanguageNetwork, rate: float, precision: Any) -> None:
        device = torch.device("cpu")
        context = autocast(choose_precision(precision, device), device)
        self.objective = LanguageObjective(network.train(), label_smoothing=0.0, autocast=context)
        self.network = network
        self.state: Any = None
        self.optimizers = make_optimizers(network, "adamw", rate, DECAY, is_matrix=network.is_matrix)

    def step(self, batch: Batch) -> float:
        if batch.fresh:
            self.state = None
        device = torch.device("cpu")
        loss, state = self.objective(on_device(batch, device), self.state)
        loss = loss / batch.scored
        loss.backward()
        self.state = states.detach(state)
        clip_gradients(self.network.parameters(), max_norm=CLIP)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        return loss.item()


class Curve(NamedTuple):
    losses: list[float]
    """mean training loss of every ten steps"""
    milliseconds: float
    """per step"""
    valid: float
    """loss on the validation part"""

    def means(self, every: int) -> list[float]:
        """The mean over every so many steps."""
        pieces = [self.losses[first : first + every // 10] for first in range(0, len(self.losses), every // 10)]
        return [sum(piece) / len(piece) for piece in pieces]


def same_steps(
    feed: StreamFeed, size: int, model: ModelConfig, steps: int, chosen: argparse.Namespace
) -> tuple[list[list[float]], float]:
    """Milliseconds of every step of ours and of the plain loop, which began equal, and how far their losses part."""
    torch.manual_seed(0)
    network, plain = LanguageNetwork(size, replace(model, dropout=0.0)), PlainLSTM(size, model.width or 0, 0.0)
    with torch.no_grad():
        nn.init.uniform_(network.head.weight, -0.1, 0.1)  # it begins at zero, which would hide a difference behind it
    plain.load_state_dict(network.state_dict())
    loops: list[OurLoop | PlainLoop] = [OurLoop(network, chosen.rate, chosen.precision), PlainLoop(plain, chosen.rate)]
    times: list[list[float]] = [[], []]
    apart = 0.0
    for index in range(min(steps, feed.batches_per_epoch - 1)):
        batch, losses = feed.batch(index), [0.0, 0.0]
        for side in (index % 2, 1 - index % 2):
            started = time.perf_counter()
            losses[side] = loops[side].step(batch)
            times[side].append(1000 * (time.perf_counter() - started))
        apart = max(apart, abs(losses[0] - losses[1]))
    return [series[len(series) // 5 :] for series in times], apart  # the first ones warm up


def train_ours(
    text: Path, folder: Path, data: DataConfig, model: ModelConfig, steps: int, seed: int, chosen: argparse.Namespace
) -> Curve:
    """What `unrolled train` does, with these settings."""
    train = TrainConfig(
        batch_size=BATCH, learning_rate=chosen.rate, optimizer="adamw", weight_decay=DECAY, schedule="constant",
        warmup_steps=0, max_steps=steps, clip_norm=CLIP, precision=chosen.precision, validate_every=steps, seed=seed,
    )  # fmt: skip
    run = folder / f"ours-{seed}"
    result = train_files(
        [str(text)], task="language", run=str(run), data=data, model=model, train_config=train, silent=True
    )
    lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    records = [record for record in lines if record["kind"] == "train"]
    return Curve([record["loss"] for record in records], 1000 * records[-1]["seconds"] / steps, result["loss"])


def train_plain(tokens: TextData, model: ModelConfig, steps: int, seed: int, chosen: argparse.Namespace) -> Curve:
    """The plain loop; its weights are put into our network to be judged the same way."""
    feed = StreamFeed(tokens.train, batch_size=BATCH, context=CONTEXT, seed=seed)  # as ours has it
    torch.manual_seed(seed)
    plain = PlainLSTM(len(tokens.vocabulary), model.width or 0, DROPOUT)
    loop = PlainLoop(plain, chosen.rate)
    started = time.perf_counter()
    losses = [loop.step(feed.batch(index)) for index in range(steps)]
    seconds = time.perf_counter() - started
    network = LanguageNetwork(len(tokens.vocabulary), model)
    network.load_state_dict(plain.state_dict())
    means = [sum(losses[first : first + 10]) / len(losses[first : first + 10]) for first in range(0, steps, 10)]
    return Curve(
        means, 1000 * seconds / steps, evaluate_part(network, tokens.valid or tokens.train, limit=1_000_000).loss
    )


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--steps", type=int, default=500)
    options.add_argument("--equal_steps", type=int, default=40, help="steps both take in turn from the same weights")
    options.add_argument("--rounds", type=int, default=1, help="how often both are trained, each time with a new seed")
    options.add_argument("--rate", type=float, default=1e-3)
    options.add_argument("--precision", choices=["32", "auto", "bf16"], default="32", help="of ours; plain is float32")
    chosen = options.parse_args()
    if chosen.quick:
        chosen.steps, chosen.equal_steps, chosen.rounds = 20, 10, 1
    every, width = (10, 32) if chosen.quick else (50, 200)
    model = ModelConfig(
        family="lstm",
        layers=LAYERS,
        width=width,
        embedding_size=width,
        tie_weights=False,
        dropout=DROPOUT,
    )
    with workplace(chosen.data, quick=chosen.quick) as (folder, text):
        data = DataConfig(vocabulary="word", context=CONTEXT, feed="streams", cache=str(folder / "cache"))
        tokens = prepare_text([text], data)
        size = len(tokens.vocabulary)
        feed = StreamFeed(tokens.train, batch_size=BATCH, context=CONTEXT, seed=0)
        times, apart = same_steps(feed, size, model, chosen.equal_steps, chosen)
        print(f"from equal weights the losses part by {apart:.1e} nats at most", flush=True)
        if chosen.precision == "32" and apart > AGREEMENT:
            raise SystemExit("ours and the plain loop do not compute the same thing")
        ours: list[Curve] = []
        plain: list[Curve] = []
        for turn in range(chosen.rounds):
            for side in (ours, plain) if turn % 2 == 0 else (plain, ours):
                if side is ours:
                    side.append(train_ours(text, folder, data, model, chosen.steps, turn, chosen))
                else:
                    side.append(train_plain(tokens, model, chosen.steps, turn, chosen))
                name = "ours" if side is ours else "plain"
                print(f"round {turn + 1}, {name}: validation {side[-1].valid:.4f}", flush=True)

    curves = [[curve.means(every) for curve in side] for side in (ours, plain)]
    rows = [
        [
            f"to {min(chosen.steps, every * (number + 1))}",
            *(spread([m[number] for m in side]).say(".4f") for side in curves),
        ]
        for number in range(len(curves[0][0]))
    ]
    rows.append(["validation part", *(spread([curve.valid for curve in side]).say(".4f") for side in (ours, plain))])
    whole = [[curve.milliseconds for curve in side] for side in (ours, plain)]
    timing = [
        [name, *(spread(series).say(".1f") for series in pair), ratios(*pair).say()]
        for name, pair in (("in turn, from equal weights", times), ("whole training", whole))
    ]
    body = [
        table(["steps", "ours, nats", "plain nn.LSTM loop, nats"], rows),
        table(["", "ours, ms/step", "plain, ms/step", "ours / plain"], timing),
        f"LSTM {LAYERS} x {width}, full softmax over {size:,} words, {BATCH} streams in chunks of {CONTEXT}, dropout "
        f"{DROPOUT}, AdamW at {chosen.rate:g} with betas {BETAS}, norm clipped at {CLIP}, precision of ours "
        f"{chosen.precision}. Each line is the mean training loss, with dropout, of the {every} steps up to there; "
        f"median of {chosen.rounds} (in brackets the quartiles). The validation part is read with the state carried, "
        "by the same code for both.",
        f"From equal weights and without dropout the losses of both part by {apart:.1e} nats at most.",
    ]
    title = "A word LSTM: ours and a plain nn.LSTM loop"
    publish("wikitext_lstm", title, body, write=chosen.write, quick=chosen.quick)


if __name__ == "__main__":
    main()
