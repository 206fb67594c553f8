"""Runs of a moment, and what is compared between them. Also a script: `small_runs.py FOLDER NAME...` trains runs."""

import json
import os
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import safetensors.torch
from torch import Tensor

from unrolled.data.config import DataConfig
from unrolled.models.config import ModelConfig
from unrolled.tasks.language import trained
from unrolled.tasks.train_files import train_files
from unrolled.training.config import TrainConfig

TEXT = "the quick brown fox jumps over the lazy dog.\n" * 12 + "abcabc"  # 10 % end in a document of its own
MEASURED = {"seconds", "tokens_per_second"}

DATA: dict[str, Any] = {"context": 7}
MODEL: dict[str, Any] = {"family": "lstm", "width": 8, "layers": 1}
TRAIN: dict[str, Any] = {
    "batch_size": 4,
    "max_steps": 20,
    "learning_rate": 1e-2,
    "warmup_steps": 3,
    "optimizer": "adamw",
    "precision": "32",
}

Settings = dict[str, dict[str, Any]]

KINDS: dict[str, Settings] = {
    "lstm-streams": {"model": {"dropout": 0.0}},
    "lstm-dropout": {"model": {"dropout": 0.3, "layers": 2, "variational": True}},
    "lstm-accumulate": {"model": {"dropout": 0.1}, "train": {"accumulate": 3}},
    "lstm-no-carry": {"data": {"carry": False}},
    "gru-muon": {"model": {"family": "gru", "dropout": 0.1}, "train": {"optimizer": "muon"}},
    "rnn-cosine": {"model": {"family": "rnn", "embedding": "one-hot"}, "train": {"schedule": "cosine"}},
    "transformer-windows": {"model": {"family": "transformer", "heads": 2, "dropout": 0.1, "positions": "learned"}},
    "transformer-muon": {
        "model": {"family": "transformer", "heads": 2, "tie_weights": True},
        "train": {"optimizer": "muon", "accumulate": 2},
    },
    "transformer-streams": {
        "model": {"family": "transformer", "heads": 2, "window": 5, "dropout": 0.1},
        "data": {"feed": "streams"},
    },
}


def text_file(folder: Path, text: str = TEXT) -> Path:
    path = folder / "text.txt"
    path.write_text(text)
    return path


def train(folder: Path, run: str | None = "run", **groups: dict[str, Any]) -> dict[str, Any]:
    """Train on the text file in `folder` into `folder/run`; `data`, `model` and `train` change the small settings."""
    with patch.dict(trained.SAMPLE_TOKENS, char=4):
        return train_files(
            [str(folder / "text.txt")],
            task="language",
            run=None if run is None else str(folder / run),
            data=DataConfig(**{**DATA, "cache": str(folder / "cache"), **groups.get("data", {})}),
            model=ModelConfig(**{**MODEL, **groups.get("model", {})}),
            train_config=TrainConfig(**{**TRAIN, **groups.get("train", {})}),
            silent=True,
        )


def with_train(kind: Settings, **settings: Any) -> Settings:
    """The settings of a kind with some of training changed."""
    return {**kind, "train": {**kind.get("train", {}), **settings}}


def metrics(run: Path) -> list[dict[str, Any]]:
    """metrics.jsonl without what a clock measured."""
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in record.items() if name not in MEASURED} for record in records]


def losses(run: Path, kind: str = "train") -> list[float]:
    return [record["loss"] for record in metrics(run) if record["kind"] == kind]


def last_checkpoint(run: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and position of the newest checkpoint, without what a clock measured."""
    folder = max((run / "checkpoints").glob("step-*"))
    position = json.loads((folder / "meta.json").read_text())["position"]
    position = {name: value for name, value in position.items() if name not in ("elapsed", "recent_seconds")}
    return safetensors.torch.load_file(folder / "tensors.safetensors"), position


def assert_same_run(run: Path, other: Path, *, apart_from: tuple[str, ...] = ("random0.python",)) -> None:
    """Weights, optimiser, random states, carried states, position, measurements and best model agree bit for bit.

    But for Python's own random state if the runs were in this process: the checks of types draw from it here.
    """
    (tensors, position), (others, other_position) = last_checkpoint(run), last_checkpoint(other)
    assert position == other_position
    assert tensors.keys() == others.keys()
    for name in tensors.keys() - set(apart_from):
        tensor = tensors[name]
        assert tensor.dtype == others[name].dtype, name
        # Bit for bit, also for NaN: Python's unused random number is stored as one.
        assert tensor.numpy().tobytes() == others[name].numpy().tobytes(), name
    assert metrics(run) == metrics(other)
    best = "best/model.safetensors"
    assert (run / best).read_bytes() == (other / best).read_bytes()


PARALLEL: dict[str, Settings] = {
    "lstm-accumulate": {"model": {"layers": 2, "dropout": 0.0}, "train": {"accumulate": 2}},
    "gru-muon": {"model": {"family": "gru", "dropout": 0.0}, "train": {"optimizer": "muon"}},
    "rnn-epochs": {"model": {"family": "rnn", "dropout": 0.0, "embedding": "one-hot"}, "train": {"max_steps": 40}},
    "transformer-windows": {
        "model": {"family": "transformer", "heads": 2, "dropout": 0.0, "tie_weights": True},
        "train": {"optimizer": "muon"},
    },
    "transformer-streams": {
        "model": {"family": "transformer", "heads": 2, "window": 5, "dropout": 0.0, "positions": "alibi"},
        "data": {"feed": "streams"},
    },
}
"""What two processes train as well; without dropout, whose random numbers are each process's own."""


def main() -> None:
    """`FOLDER ddp|fsdp NAME...`: each of `PARALLEL`, and the first once more, cut off and resumed."""
    folder, parallel, *names = Path(sys.argv[1]), *sys.argv[2:]
    for name in names:
        train(folder, f"{parallel}-{name}", **with_train(PARALLEL[name], parallel=parallel))
    first = with_train(PARALLEL[names[0]], parallel=parallel, checkpoint_every=5)
    cut = f"{parallel}-cut"
    train_until(11, lambda: train(folder, cut, **first))
    train(folder, cut, **with_train(first, resume="auto"))
    # In one piece: both processes write to one pipe, and print would write the line and its end separately.
    os.write(1, f"process {os.environ['RANK']} is done\n".encode())


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def train_until(step: int, start: Any) -> None:
    """Call `start`, which trains, and cut it off in the middle of the update after `step`."""
    from unrolled.training import loop

    real = loop.accumulate_gradients

    def dies(run: loop.Training) -> tuple[float, int]:
        result = real(run)
        if run.position.step == step:
            raise Killed
        return result

    loop.accumulate_gradients = dies
    try:
        start()
    except Killed:
        return
    finally:
        loop.accumulate_gradients = real
    raise AssertionError(f"the run ended before step {step}")


if __name__ == "__main__":
    main()
