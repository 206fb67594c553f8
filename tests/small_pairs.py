"""Pairs that are learned in seconds, and runs on them of a moment."""

import random
from pathlib import Path
from typing import Any

from unrolled.data.config import DataConfig
from unrolled.models.config import ModelConfig
from unrolled.tasks.choose_reading import Opened
from unrolled.tasks.train_files import train_files
from unrolled.tasks.translate.data import opened_pairs
from unrolled.training.config import TrainConfig

MODEL: dict[str, Any] = {"family": "gru", "width": 8, "layers": 1}
TRAIN: dict[str, Any] = {"batch_size": 8, "max_steps": 12, "precision": "32"}


def reversals(count: int, *, letters: str = "abcd", longest: int = 4, seed: int = 0) -> list[tuple[str, str]]:
    """Different short strings, each with itself backwards."""
    draw = random.Random(seed)
    pairs: dict[str, str] = {}
    while len(pairs) < count:
        text = "".join(draw.choice(letters) for _ in range(draw.randint(1, longest)))
        pairs[text] = text[::-1]
    return list(pairs.items())


def train(pairs: list[tuple[str, str]] | Opened, run: Path, **groups: dict[str, Any]) -> dict[str, Any]:
    """Train on pairs into a folder; `data`, `model` and `train` change the small settings."""
    return train_files(
        [],
        task="translate",
        opened=opened_pairs(pairs) if isinstance(pairs, list) else pairs,
        run=str(run),
        data=DataConfig(**groups.get("data", {})),
        model=ModelConfig(**{**MODEL, **groups.get("model", {})}),
        train_config=TrainConfig(**{**TRAIN, **groups.get("train", {})}),
        silent=True,
    )
