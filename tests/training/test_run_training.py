"""What trainings of all tasks begin with."""

from pathlib import Path
from typing import Any

import pytest
import torch
from small_runs import text_file, train
from torch import nn

from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.training.config import TrainConfig
from unrolled.training.run_training import limits_in_words, model_in_words, seed_beginning, start_run


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"max_steps": 12000}, "12,000 updates"),
        ({"max_epochs": 2.5}, "2.5 epochs"),
        ({"max_epochs": 1.0}, "1 epoch"),
        ({"max_steps": 1, "max_time": "40.000000000s"}, "1 update or 40s"),
        ({"max_steps": 12000, "max_time": "90m"}, "12,000 updates or 1h30m"),
        ({"max_steps": 5, "max_epochs": 3.0, "max_time": "10m"}, "5 updates or 3 epochs or 10m"),
    ],
)
def test_when_a_run_ends(limits: dict[str, Any], words: str) -> None:
    assert limits_in_words(TrainConfig(**limits)) == words


def test_the_model_in_a_line() -> None:
    weights = nn.Linear(30, 40).parameters()
    gru = ModelConfig(family="gru", layers=1, width=16)
    assert model_in_words(gru, weights) == "model: gru, 1 layer of width 16, 1,240 parameters"
    net = ModelConfig(family="transformer", layers=2, width=16, heads=4, positions="rotary")
    assert (
        model_in_words(net, []) == "model: transformer, 2 layers of width 16, 4 heads, rotary positions, 0 parameters"
    )


def test_equal_seeds_give_equal_weights() -> None:
    made = []
    for seed in (3, 3, 4):
        seed_beginning(seed)
        made.append(nn.Linear(4, 4).weight)
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


def test_bad_settings_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--model\.width"):
        start_run(["x.csv"], str(tmp_path / "run"), None, ModelConfig(width=0), None)
    assert list(tmp_path.iterdir()) == []


def test_a_new_run_begins_with_what_is_given(tmp_path: Path) -> None:
    start = start_run(["x.csv"], str(tmp_path / "run"), None, None, TrainConfig(seed=5))
    assert (start.files, start.config.seed, start.checkpoint) == (["x.csv"], 5, None)
    assert (start.data, start.model) == (DataConfig(), ModelConfig())
    assert start.main


def test_a_run_that_goes_on_begins_with_what_it_had(tmp_path: Path) -> None:
    text_file(tmp_path)
    train(tmp_path, "run", train={"max_steps": 6, "checkpoint_every": 3})
    start = start_run(
        [str(tmp_path / "text.txt")],
        str(tmp_path / "run"),
        DataConfig(context=7, cache=str(tmp_path / "cache")),
        ModelConfig(family="lstm"),
        TrainConfig(max_steps=9, resume="auto"),
    )
    assert start.checkpoint is not None
    assert start.checkpoint.meta["position"]["step"] == 6
    assert start.model.width == 8, "what was left open now is as it was then"
    assert start.model.layers == 1
    assert start.config.learning_rate == 1e-2
    assert start.config.max_steps == 9, "limits may change"
