"""Runs on records: interrupted and resumed they are the same, bit for bit; what is fitted, is fitted on training."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from small_runs import assert_same_run, metrics, train_until

from unrolled.data.config import DataConfig
from unrolled.data.feeds.examples import NO_TARGET, Example, Examples
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.tasks.labels.load import load_records
from unrolled.tasks.labels.targets.labels import ClassTarget
from unrolled.tasks.train_files import train_files
from unrolled.training.config import TrainConfig

KINDS: dict[str, dict[str, dict[str, Any]]] = {
    "inception": {"model": {"family": "inception", "width": 8, "layers": 3, "kernel": 4, "members": 2}},
    "gru packed": {"model": {"family": "gru", "dropout": 0.3}, "data": {"batching": "packed"}},
    "transformer": {"model": {"family": "transformer", "heads": 2, "dropout": 0.1}, "train": {"optimizer": "muon"}},
    "gru in streams": {"model": {"family": "gru", "dropout": 0.3}, "data": {"feed": "streams", "context": 3}},
    "lstm in streams": {
        "model": {"family": "lstm", "pooling": "attention", "members": 2},
        "data": {"feed": "streams", "context": 4},
        "train": {"accumulate": 2},
    },
    "feedforward": {"model": {"family": "feedforward"}, "train": {"accumulate": 2}, "data": {"augment": "signal"}},
}


def write_ts(path: Path, count: int = 30) -> None:
    random = np.random.default_rng(0)
    lines = ["@problemName small", "@timeStamps false", "@univariate true", "@classLabel true one two", "@data"]
    for number in range(count):
        values = random.normal(size=6 + number % 5) + number % 2
        lines.append(",".join(f"{value:.3f}" for value in values) + f":{('one', 'two')[number % 2]}")
    path.write_text("\n".join(lines) + "\n")


def train(folder: Path, run: str, groups: dict[str, dict[str, Any]], **settings: Any) -> dict[str, Any]:
    small = {"batch_size": 4, "max_steps": 14, "warmup_steps": 2, "validate_every": 4, "checkpoint_every": 3}
    return train_files(
        [str(folder / "small.ts")],
        run=str(folder / run),
        data=DataConfig(**{"valid_fraction": 0.2, **groups.get("data", {})}),
        model=ModelConfig(**{"width": 8, "layers": 1, **groups["model"]}),
        train_config=TrainConfig(**{**small, **groups.get("train", {}), **settings}),
        silent=True,
    )


@pytest.mark.parametrize("name", KINDS)
def test_resumed_is_the_same_run(name: str, tmp_path: Path) -> None:
    """Weights, running statistics, optimiser, random states and measurements."""
    kind = KINDS[name]
    write_ts(tmp_path / "small.ts")
    whole = train(tmp_path, "whole", kind)
    train_until(11, lambda: train(tmp_path, "cut", kind))
    torch.manual_seed(999)  # a new process begins with other random numbers
    resumed = train(tmp_path, "cut", kind, resume="auto")
    assert resumed["valid"] == whole["valid"]
    assert_same_run(tmp_path / "whole", tmp_path / "cut")
    tensors = load_records(tmp_path / "whole").model.network.state_dict()
    assert any("running_mean" in key for key in tensors) == (name == "inception")
    assert len(metrics(tmp_path / "whole")) > 3


def test_other_data_or_settings_cannot_be_resumed(tmp_path: Path) -> None:
    write_ts(tmp_path / "small.ts")
    train(tmp_path, "run", KINDS["gru packed"], max_steps=3)
    with pytest.raises(UserError, match=r"--data\.batching was packed, now buckets"):
        train(tmp_path, "run", {"model": KINDS["gru packed"]["model"]}, resume="auto")
    write_ts(tmp_path / "small.ts", count=31)
    with pytest.raises(UserError, match="is another one"):
        train(tmp_path, "run", KINDS["gru packed"], resume="auto")


def test_the_split_is_written_and_the_model_answers_as_it_was_judged(tmp_path: Path) -> None:
    write_ts(tmp_path / "small.ts")
    result = train(tmp_path, "run", KINDS["inception"])
    split = json.loads((tmp_path / "run/split.json").read_text())
    assert sorted(split["train"] + split["valid"]) == list(range(30))
    assert len(split["valid"]) == result["valid"]["count"] == 6
    assert not list(tmp_path.rglob("*.pkl"))
    loaded = load_records(tmp_path / "run")
    assert loaded.model.encoding.target.labels == ("one", "two")  # type: ignore[union-attr]


COUNTS = [50, 40, 5, 1]


def labelled() -> tuple[ClassTarget, Examples]:
    examples = Examples()
    for label, count in enumerate(COUNTS):
        for _ in range(count):
            examples.append(Example(np.ones((1, 1), dtype=np.float32), None, np.array(label)), "")
    examples.append(Example(np.ones((1, 1), dtype=np.float32), None, np.array(NO_TARGET)), "")
    return ClassTarget("y", ("a", "b", "c", "d")), examples


def test_class_weights_are_those_of_scikit_learn() -> None:
    target, examples = labelled()
    y = np.repeat(range(4), COUNTS)
    wanted = compute_class_weight("balanced", classes=np.arange(4), y=y)
    balanced = target.class_weights(examples, "balanced")
    assert balanced is not None
    np.testing.assert_allclose(balanced, wanted, rtol=1e-6)
    auto = target.class_weights(examples, "auto")
    assert auto is not None
    np.testing.assert_allclose(auto, np.sqrt(wanted), rtol=1e-6)
    assert target.class_weights(examples, "none") is None
    even = Examples()
    for label in (0, 1, 2, 3) * 3:
        even.append(Example(np.ones((1, 1), dtype=np.float32), None, np.array(label)), "")
    assert target.class_weights(even, "auto") is None
    assert np.array_equal(target.class_weights(even, "balanced"), np.ones(4))  # type: ignore[arg-type]


def test_a_validation_part_with_none_of_the_labels_is_refused(tmp_path: Path) -> None:
    rows = [f"{number % 7},{number % 5},{('a', 'b')[number % 2]}" for number in range(40)]
    (tmp_path / "train.csv").write_text("\n".join(["x,y,label", *rows]) + "\n")
    (tmp_path / "valid.csv").write_text("x,y,label\n1,2,c\n3,4,d\n")
    with pytest.raises(UserError, match="the valid part has no record whose label the model knows"):
        train_files(
            [str(tmp_path / "train.csv")],
            run=str(tmp_path / "run"),
            data=DataConfig(valid=[str(tmp_path / "valid.csv")]),
            train_config=TrainConfig(max_steps=1),
            silent=True,
        )
    assert not (tmp_path / "run").exists()
