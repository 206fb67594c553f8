"""Waiting buys what a causal model cannot know at once: here the tag of a word is the word after the next."""

from pathlib import Path

import numpy as np
import pytest

from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.tasks.labels.load import load_records
from unrolled.tasks.train_files import train_files
from unrolled.training.config import TrainConfig


def train(folder: Path, **settings: object) -> dict:
    random, lines = np.random.default_rng(0), []
    for _ in range(120):
        words = random.choice(["a", "b", "c", "d"], 12).tolist()
        lines += [f"{word}\t{tag}" for word, tag in zip(words, [*words[2:], "end", "end"], strict=True)] + [""]
    (folder / "words.conll").write_text("\n".join(lines))
    return train_files(
        [str(folder / "words.conll")],
        task="tag",
        run=str(folder / "run"),
        data=DataConfig(context=10),
        model=ModelConfig(family="gru", layers=1, width=16, dropout=0.0, **settings),  # type: ignore[arg-type]
        train_config=TrainConfig(max_steps=120, learning_rate=1e-2, precision="32"),
        silent=True,
    )


def test_a_model_that_waits_learns_what_comes_next(tmp_path: Path) -> None:
    result = train(tmp_path, lookahead=2)
    assert result["valid"]["metrics"]["accuracy"]["value"] > 0.99
    network = load_records(tmp_path / "run").model.network
    assert (network.latency, network.supports_step) == (2, True), "a lookahead chooses a causal form"


def test_a_model_that_does_not_wait_cannot(tmp_path: Path) -> None:
    assert train(tmp_path, bidirectional=False)["valid"]["metrics"]["accuracy"]["value"] < 0.6


@pytest.mark.parametrize("settings", [{"bidirectional": True}, {"family": "feedforward"}])
def test_where_there_is_nothing_to_wait_for(settings: dict, tmp_path: Path) -> None:
    (tmp_path / "words.conll").write_text("a\tx\nb\ty\n\n" * 20)
    with pytest.raises(
        UserError, match=r"--model\.lookahead 2 would have no effect: it is for tag and transcribe where"
    ):
        train_files(
            [str(tmp_path / "words.conll")],
            task="tag",
            run=str(tmp_path / "run"),
            model=ModelConfig(**{"family": "gru", "lookahead": 2} | settings),
            train_config=TrainConfig(max_steps=1),
            silent=True,
        )
