"""A small loop of plain PyTorch that does what nanoGPT does on a CPU (https://github.com/karpathy/nanoGPT).

Written anew from its description, with the settings of its README's command for a CPU: GPT-2's pre-norm blocks,
LayerNorm without bias, learned positions, GELU, tied weights, no dropout; AdamW with betas 0.9 and 0.99 and decay 0.1
of everything two-dimensional, rate 1e-3 falling as a cosine to 1e-4 after 100 steps of warm-up, gradient norm clipped
at 1; every 250 steps the loss of 20 random batches of either part. Float32, as there. It saves nothing while it
trains, which nanoGPT does, so it is a little quicker.

`python peers/nanogpt.py FOLDER --vocabulary N` reads FOLDER/train.npy and FOLDER/valid.npy, writes
FOLDER/peer.safetensors and prints one line of JSON.
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional

LAYERS, HEADS, WIDTH, BLOCK, BATCH = 4, 4, 128, 64, 12
RATE, LOWEST_RATE, WARMUP = 1e-3, 1e-4, 100
EVALUATE_EVERY, EVALUATION_BATCHES = 250, 20


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.projection = nn.Linear(WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        batch, time, width = x.shape
        q, k, v = (part.view(batch, time, HEADS, -1).transpose(1, 2) for part in self.qkv(x).split(width, dim=2))
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.projection(y.transpose(1, 2).reshape(batch, time, width))


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(WIDTH, bias=False), nn.LayerNorm(WIDTH, bias=False)
        self.attention = Attention()
        self.up = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.projection = nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm_1(x))
        return x + self.projection(functional.gelu(self.up(self.norm_2(x))))


class GPT(nn.Module):
    """Tokens `[batch, time <= 64]` to logits `[batch, time, vocabulary]`."""

    def __init__(self, vocabulary_size: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary_size, WIDTH)
        self.positions = nn.Embedding(BLOCK, WIDTH)
        self.blocks = nn.ModuleList([Block() for _ in range(LAYERS)])
        self.norm = nn.LayerNorm(WIDTH, bias=False)
        self.head = nn.Linear(WIDTH, vocabulary_size, bias=False)
        self.head.weight = self.tokens.weight
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                deviation = 0.02 / math.sqrt(2 * LAYERS) if name.endswith("projection.weight") else 0.02
                nn.init.normal_(parameter, std=deviation)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.tokens(tokens) + self.positions(torch.arange(tokens.shape[1], device=tokens.device))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def random_batch(tokens: np.ndarray) -> tuple[Tensor, Tensor]:
    """Windows from random places, and the tokens that follow."""
    places = torch.randint(len(tokens) - BLOCK, (BATCH,)).tolist()
    windows = torch.stack([torch.from_numpy(tokens[start : start + BLOCK + 1].astype(np.int64)) for start in places])
    return windows[:, :-1], windows[:, 1:]


def batch_loss(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())


@torch.no_grad()
def estimate(model: nn.Module, tokens: np.ndarray, batches: int = EVALUATION_BATCHES) -> float:
    """The mean loss of random batches."""
    return sum(batch_loss(model, *random_batch(tokens)).item() for _ in range(batches)) / batches


def rate(step: int, steps: int) -> float:
    if step < WARMUP:
        return RATE * (step + 1) / (WARMUP + 1)
    done = min(1.0, (step - WARMUP) / max(1, steps - WARMUP))
    return LOWEST_RATE + 0.5 * (1 + math.cos(math.pi * done)) * (RATE - LOWEST_RATE)


def train(model: GPT, train_tokens: np.ndarray, valid_tokens: np.ndarray, steps: int) -> None:
    decayed = [parameter for parameter in model.parameters() if parameter.dim() >= 2]
    plain = [parameter for parameter in model.parameters() if parameter.dim() < 2]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.99))
    inputs, targets = random_batch(train_tokens)
    for step in range(steps + 1):  # the last one after the last evaluation, as there
        for group in optimizer.param_groups:
            group["lr"] = rate(step, steps)
        if step % EVALUATE_EVERY == 0:
            model.eval()
            estimate(model, train_tokens)
            estimate(model, valid_tokens)
            model.train()
        loss = batch_loss(model, inputs, targets)
        inputs, targets = random_batch(train_tokens)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss.item()  # shown after every step there


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--vocabulary", type=int, required=True)
    options.add_argument("--steps", type=int, default=2000)
    options.add_argument("--seed", type=int, default=1337)
    chosen = options.parse_args()
    torch.manual_seed(chosen.seed)
    model = GPT(chosen.vocabulary)
    train_tokens, valid_tokens = (np.load(chosen.folder / f"{part}.npy", mmap_mode="r") for part in ("train", "valid"))
    started = time.perf_counter()
    train(model, train_tokens, valid_tokens, chosen.steps)
    seconds = time.perf_counter() - started
    safetensors.torch.save_model(model, str(chosen.folder / "peer.safetensors"))
    parameters = sum(parameter.numel() for parameter in model.parameters())
    print(json.dumps({"seconds": seconds, "parameters": parameters, "tokens": BATCH * BLOCK * (chosen.steps + 1)}))


if __name__ == "__main__":
    main()
