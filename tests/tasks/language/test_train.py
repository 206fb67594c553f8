"""Whole runs: what they write, that every setting counts, and what happens when something goes wrong."""

import json
import math
import re
import resource
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from small_runs import (
    assert_same_run,
    last_checkpoint,
    losses,
    metrics,
    text_file,
    train,
    with_train,
)

from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.tasks.language.load import load
from unrolled.training import loop
from unrolled.training.applicable import RULES, Situation
from unrolled.training.config import TrainConfig


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    text_file(tmp_path)
    return tmp_path


def test_what_a_run_leaves(folder: Path) -> None:
    result = train(folder)
    run = folder / "run"
    assert {path.name for path in run.iterdir()} == {
        *("config.yaml", "log.txt", "metrics.jsonl", "checkpoints", "best", "report.html")
    }
    names = {"config.json", "model.safetensors", "vocabulary.json", "README.md"}
    assert {path.name for path in (run / "best").iterdir()} == names
    best = min(losses(run, "validation"))
    assert last_checkpoint(run)[1]["best"] == best
    assert math.isfinite(result["loss"])
    assert result["parameters"] == sum(parameter.numel() for parameter in load(run).network.parameters())
    assert f"at step {result['best_step']}: {best:.4f} nats per token" in (run / "best/README.md").read_text()


def test_training_learns(folder: Path) -> None:
    train(folder, train={"max_steps": 150})
    curve = losses(folder / "run")
    assert curve[0] == pytest.approx(math.log(29), rel=0.1)
    assert curve[-1] < 0.6 * curve[0]


def test_a_run_can_be_repeated(folder: Path) -> None:
    train(folder, "one", model={"dropout": 0.2})
    train(folder, "two", model={"dropout": 0.2})
    assert_same_run(folder / "one", folder / "two")


def test_the_best_model_is_the_one_with_the_lowest_loss(folder: Path) -> None:
    rate = {"learning_rate": 0.3, "schedule": "constant", "validate_every": 5, "max_steps": 60}
    result = train(folder, train=rate)
    loss_by_step = {
        record["step"]: record["loss"] for record in metrics(folder / "run") if record["kind"] == "validation"
    }
    assert result["best_step"] == min(loss_by_step, key=lambda step: loss_by_step[step])
    assert json.loads((folder / "run/best/config.json").read_text())["step"] == result["best_step"]


def test_validation_carries_the_state(folder: Path) -> None:
    result = train(folder)
    assert result["evaluated"] == "state carried through the text"


BASE: dict[str, dict[str, Any]] = {
    "data": {},
    "model": {"layers": 2, "dropout": 0.2, "embedding_size": 8, "tie_weights": False},
    "train": {"max_steps": 6, "validate_every": 3, "warmup_steps": 1},
}
TRANSFORMER = {"family": "transformer", "layers": 2, "heads": 2, "positions": "rotary"}

EFFECTS: list[tuple[str, str, Any, dict[str, Any]]] = [
    ("data", "context", 5, {}),
    ("data", "feed", "windows", {}),
    ("data", "carry", False, {}),
    ("data", "vocabulary", "byte", {}),
    ("data", "valid_fraction", 0.3, {}),
    ("model", "family", "gru", {}),
    ("model", "layers", 1, {}),
    ("model", "width", 12, {}),
    ("model", "heads", 4, TRANSFORMER),
    ("model", "kv_heads", 1, TRANSFORMER),
    ("model", "positions", "alibi", TRANSFORMER),
    ("model", "window", 3, TRANSFORMER),
    ("model", "feedforward", "gelu", TRANSFORMER),
    ("model", "qk_norm", False, TRANSFORMER),
    ("model", "nonlinearity", "relu", {"family": "rnn"}),
    ("model", "forget_bias", 1.0, {"family": "lstm"}),
    ("model", "embedding", "one-hot", {}),
    ("model", "embedding_size", 6, {}),
    ("model", "tie_weights", True, {}),
    ("model", "dropout", 0.0, {}),
    ("model", "variational", True, {}),
    ("train", "batch_size", 2, {}),
    ("train", "accumulate", 2, {}),
    ("train", "learning_rate", 0.02, {}),
    ("train", "optimizer", "muon", {}),
    ("train", "weight_decay", 0.9, {}),
    ("train", "schedule", "cosine", {}),
    ("train", "warmup_steps", 4, {}),
    ("train", "max_steps", 5, {}),
    ("train", "max_epochs", 0.2, {}),
    ("train", "clip_norm", 1e-3, {}),
    ("train", "clip_value", 1e-3, {}),
    ("train", "label_smoothing", 0.3, {}),
    ("train", "precision", "bf16", {}),
    ("train", "seed", 5, {}),
]
"""A setting, another value of it, and what the model must be for it to matter: each changes the losses of the run."""

ELSEWHERE = {
    *("data.vocabulary_size", "data.min_count", "data.test", "data.valid", "data.cache"),  # tests/data
    *("train.max_time", "train.patience", "train.validate_every", "train.checkpoint_every"),  # test_loop, test_resume
    *("train.parallel", "train.resume", "train.tensorboard"),  # test_parallel, test_resume, test_metrics
}


def test_no_setting_is_forgotten() -> None:
    groups = {"data": DataConfig, "model": ModelConfig, "train": TrainConfig}
    known = {f"{group}.{field.name}" for group, config in groups.items() for field in fields(config)}
    tested = {f"{group}.{name}" for group, name, *_ in EFFECTS}
    language = Situation("language", "lstm", frozenset({"text"}))
    records = {name for name, rule in RULES.items() if not rule.holds(language)} - tested  # test_applicable
    nothing = {"train.class_weights", "model.bidirectional", "model.causal", "data.kmer"}
    assert known == tested | ELSEWHERE | records | nothing
    assert not tested & ELSEWHERE


@pytest.mark.parametrize(("group", "name", "value", "model"), EFFECTS, ids=lambda value: str(value)[:20])
def test_every_setting_changes_the_run(folder: Path, group: str, name: str, value: Any, model: dict) -> None:
    base = {**BASE, "model": {**BASE["model"], **model}}
    if name == "embedding" or model.get("family") == "transformer":
        del base["model"]["embedding_size"]  # a setting without an effect is refused
    if name in ("tie_weights", "positions"):
        base["train"] = {**base["train"], "max_steps": 12}  # both begin alike: the head at zero, the values too
    changed = {**base, group: {**base[group], name: value}}
    train(folder, "base", **base)
    train(folder, "changed", **changed)
    assert losses(folder / "changed", "validation") != losses(folder / "base", "validation")


def test_tensorboard_is_asked_for_in_words(folder: Path) -> None:
    try:
        import tensorboard  # noqa: F401
    except ImportError:
        with pytest.raises(UserError, match="needs TensorBoard"):
            train(folder, train={"tensorboard": True})
    else:
        train(folder, train={"tensorboard": True})
        assert list((folder / "run" / "tensorboard").iterdir())


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ({"family": "transformer", "width": 10, "heads": 3}, "width 10 is not divisible by --model.heads 3"),
        (
            {"family": "transformer", "width": 8, "heads": 4, "kv_heads": 3},
            "heads 4 is not divisible by --model.kv_heads 3",
        ),
        ({"family": "transformer", "width": 6, "heads": 2}, "rotary positions need an even number"),
        ({"tie_weights": True, "embedding_size": 4}, "tied weights need a learned embedding"),
        ({"tie_weights": True, "embedding": "one-hot"}, "tied weights need a learned embedding"),
    ],
)
def test_a_model_that_cannot_be_built(folder: Path, model: dict, words: str) -> None:
    with pytest.raises(UserError) as caught:
        train(folder, model=model)
    assert words in str(caught.value)
    assert not (folder / "run").exists(), "nothing half-written stays behind"


def test_a_text_too_short(folder: Path) -> None:
    text_file(folder, "ab")
    with pytest.raises(UserError, match="too few"):
        train(folder)
    assert not (folder / "run").exists()


def test_a_loss_that_is_no_number_leaves_the_run_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = {"train": {"checkpoint_every": 4, "validate_every": 3}}
    train(folder, "whole", **kind)
    real = loop.accumulate_gradients

    def broken(run: loop.Training) -> tuple[float, int]:
        loss, tokens = real(run)
        return (math.nan if run.position.step == 10 else loss), tokens

    with monkeypatch.context() as patch:
        patch.setattr(loop, "accumulate_gradients", broken)
        with pytest.raises(
            UserError, match=r"the loss became nan at step 11 and .* best model so far \(step 9\) is kept"
        ):
            train(folder, **kind)
    tensors, position = last_checkpoint(folder / "run")
    assert position["step"] == 8
    assert all(tensor.isfinite().all() for name, tensor in tensors.items() if not name.endswith("gauss"))
    assert all(parameter.isfinite().all() for parameter in load(folder / "run").network.parameters())
    train(folder, **with_train(kind, resume="auto"))
    assert_same_run(folder / "whole", folder / "run")


def test_a_rate_far_too_high_stops_with_a_sentence(folder: Path) -> None:
    with pytest.raises(UserError, match=r"at step \d+ .*lower --train.learning_rate"):
        train(folder, train={"learning_rate": 1e38, "clip_norm": None, "checkpoint_every": 1, "warmup_steps": 0})
    for checkpoint in (folder / "run" / "checkpoints").glob("step-*"):
        assert checkpoint.is_dir()
    if (folder / "run" / "checkpoints").exists():
        tensors, _ = last_checkpoint(folder / "run")
        assert all(tensor.isfinite().all() for name, tensor in tensors.items() if name.startswith("network"))


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int, int], None]]:
    """`full_disk(step, size)`: from a step on, no file may grow beyond a size."""
    real = loop.accumulate_gradients
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def arrange(step: int, size: int) -> None:
        def fills(run: loop.Training) -> tuple[float, int]:
            if run.position.step == step:
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
            return real(run)

        monkeypatch.setattr(loop, "accumulate_gradients", fills)

    yield arrange
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (16_000, r"step-00000012 could not be written: File too large; earlier checkpoints are untouched; make room"),
        (4_000, r"cannot write the model to .*best: .*free some space and resume"),
    ],
)
def test_a_disk_that_fills_up(
    folder: Path, full_disk: Callable[[int, int], None], monkeypatch: pytest.MonkeyPatch, size: int, words: str
) -> None:
    kind = {"train": {"checkpoint_every": 4, "validate_every": 5}}
    train(folder, "whole", **kind)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    full_disk(9, size)
    with pytest.raises(UserError) as caught:
        train(folder, **kind)
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    monkeypatch.undo()
    assert re.search(words, str(caught.value))
    assert last_checkpoint(folder / "run")[1]["step"] == 8
    assert load(folder / "run").network is not None
    assert list((folder / "run").rglob(".*")) == []
    train(folder, **with_train(kind, resume="auto"))
    assert_same_run(folder / "whole", folder / "run")


def test_one_stream_of_a_text_as_short_as_can_be(folder: Path) -> None:
    text_file(folder, "abab\n")
    assert train(folder, data={"valid_fraction": 0.0}, train={"max_steps": 3})["steps"] == 3
