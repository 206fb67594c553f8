"""Long records in chunks with the state carried: the same losses as whole, and a memory beyond a chunk."""

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unrolled.data.config import DataConfig
from unrolled.data.feeds.examples import Example, Examples, collate
from unrolled.data.feeds.record_streams import RecordStreamFeed
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.models.on_device import on_device
from unrolled.models.records import InputSizes, RecordNetwork
from unrolled.tasks.labels.objective import RecordObjective
from unrolled.tasks.labels.targets.labels import ClassTarget
from unrolled.tasks.train_files import train_files
from unrolled.training.config import TrainConfig

CPU = torch.device("cpu")


@pytest.mark.parametrize("family", ["gru", "convolution", "inception"])
def test_the_losses_of_all_chunks_are_those_of_whole_records(family: str) -> None:
    random, examples = np.random.default_rng(0), Examples()
    for length in (17, 5, 30):
        numbers = random.normal(size=(length, 2)).astype(np.float32)
        examples.append(Example(numbers, None, random.integers(0, 3, length)), "")
    torch.manual_seed(0)
    config = ModelConfig(family=family, layers=2, width=8, kernel=3, bidirectional=False, dropout=0.0, members=2)  # type: ignore[arg-type]
    network = RecordNetwork(InputSizes(2), 3, config, pooled=False).eval()
    target = ClassTarget("y", ("a", "b", "c"))
    whole = RecordObjective(network, target, autocast=contextlib.nullcontext())
    alone = [whole(on_device(collate([examples[number]], per_step=True), CPU), None)[0].detach() for number in range(3)]
    feed = RecordStreamFeed(examples, batch_size=1, context=7, seed=0, per_step=True)
    chunks = RecordObjective(network, target, autocast=contextlib.nullcontext(), streams=True)
    carried, dropped, state = 0.0, 0.0, None
    for index in range(feed.batches_per_epoch):
        batch = on_device(feed.batch(index), CPU)
        loss, state = chunks(batch, state)
        carried += float(loss.detach())
        dropped += float(chunks(batch, None)[0].detach())
    assert carried == pytest.approx(float(sum(alone)), rel=1e-5)
    assert dropped != pytest.approx(float(sum(alone)), rel=1e-4)


def train(folder: Path, task: str, **settings: Any) -> dict[str, Any]:
    """The tag of every word is the first of its record, chunks before."""
    random, lines = np.random.default_rng(0), []
    for _ in range(60):
        first = random.choice(["a", "b", "c"])
        lines += [f"{word}\t{first}" for word in [first] + ["x"] * 19] + [""]
    (folder / "words.conll").write_text("\n".join(lines))
    return train_files(
        [str(folder / "words.conll")],
        task=task,
        run=str(folder / "run"),
        data=DataConfig(context=5, **settings.pop("data", {})),
        model=ModelConfig(**{"family": "gru", "layers": 1, "width": 16, "dropout": 0.0} | settings),
        train_config=TrainConfig(max_steps=150, learning_rate=1e-2, batch_size=8, precision="32"),
        silent=True,
    )


def test_a_causal_tagger_remembers_what_came_chunks_before(tmp_path: Path) -> None:
    result = train(tmp_path, "tag", bidirectional=False)
    assert "streams in chunks of 5 steps, state carried" in (tmp_path / "run/log.txt").read_text()
    assert "feed: streams" in (tmp_path / "run/config.yaml").read_text()
    assert result["valid"]["metrics"]["accuracy"]["value"] > 0.99


def test_windows_if_they_are_wanted_or_nothing_can_be_carried(tmp_path: Path) -> None:
    for number, (settings, feed) in enumerate([({}, "auto"), ({"bidirectional": False}, "windows")]):
        folder = tmp_path / str(number)
        folder.mkdir()
        train_with = {"data": {"feed": feed}} | settings
        result = train(folder, "tag", **train_with)
        assert "feed: windows" in (folder / "run/config.yaml").read_text()
        assert result["valid"]["count"] > 0


@pytest.mark.parametrize(
    "settings",
    [{"bidirectional": True}, {"family": "feedforward"}, {"family": "transformer", "bidirectional": False}],
)
def test_streams_that_nothing_can_be_carried_through(settings: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="streams carry the state through long records, which this model cannot"):
        train(tmp_path, "tag", data={"feed": "streams"}, **settings)
