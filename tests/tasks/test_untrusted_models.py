"""Model folders of strangers: whatever their files say, loading ends at once with one sentence."""

import copy
import json
import math
import random
import resource
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from small_models import write_run
from small_pairs import reversals
from small_pairs import train as train_pairs
from small_record_runs import train_small, write_flowers
from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.tasks.describe.load import load_description
from unrolled.tasks.forecast.load import load_forecast
from unrolled.tasks.labels.load import load_records
from unrolled.tasks.language.load import load
from unrolled.tasks.train_files import train_files
from unrolled.tasks.translate.load import load_translation
from unrolled.training.config import TrainConfig

LOADERS: dict[str, Callable[[Path], Any]] = {
    "language": load,
    "records": load_records,
    "forecast": load_forecast,
    "translation": load_translation,
    "description": load_description,
}
VALUES: list[Any] = [1_000_000, 20_000, -1, 0, 2.5, "abc", None, [], {}, True, 1e308, 10**30, "\ud800", [[1]], math.nan]
MEMORY = 150e6
"""Bytes that refusing may take; each of the wide ones asks for gigabytes."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small model of each kind."""
    root = tmp_path_factory.mktemp("models")
    small = ModelConfig(family="gru", width=6, layers=1)
    briefly = TrainConfig(max_steps=1, precision="32")

    def trained(name: str, lines: list[str], **settings: Any) -> Path:
        file = root / f"{name}.csv"
        file.write_text("\n".join(lines) + "\n")
        data, model = settings.get("data", DataConfig()), settings.get("model", small)
        task = settings.get("task")
        train_files([str(file)], task=task, run=str(root / name), data=data, model=model, train_config=briefly)
        return root / name / "best"

    days = [f"2024-01-{day:02d},{day * 1.5 + 0.25},{day % 7 * 2.5}" for day in range(1, 32)]
    return {
        "language": write_run(root / "language", "transformer") / "best",
        "records": train_small([write_flowers(root / "flowers.csv")], root / "records") / "best",
        "forecast": trained(
            "forecast", ["date,a,b", *days], model=ModelConfig(width=8, patch=4), data=DataConfig(context=8, horizon=4)
        ),
        "translation": Path(train_pairs(reversals(40), root / "translation", train={"max_steps": 1})["model"]),
        "description": trained(
            "description",
            ["kind,word", *(f"{'ab'[n % 2]},{'xy'[n % 2] * (n % 5 + 1)}" for n in range(40))],
            task="describe",
            data=DataConfig(target="word"),
        ),
    }


def places(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside."""
    if before:
        yield before
    inside = value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    for name, inner in inside:
        yield from places(inner, (*before, name))


def changed(content: Any, way: tuple[Any, ...], value: Any) -> Any:
    content = copy.deepcopy(content)
    inner = content
    for name in way[:-1]:
        inner = inner[name]
    inner[way[-1]] = value
    return content


def largest_so_far() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def refusal(kind: str, folder: Path) -> str:
    """The sentence that a folder is refused with, or nothing if it is not."""
    try:
        LOADERS[kind](folder)
    except UserError as error:
        sentence = str(error)
    else:
        return ""
    assert "\n" not in sentence
    assert len(sentence) < 1000
    return sentence


@pytest.mark.parametrize("kind", LOADERS)
@pytest.mark.parametrize("name", ["config.json", "encoding.json"])
def test_any_value_anywhere(kind: str, name: str, models: dict[str, Path], tmp_path: Path) -> None:
    if not (models[kind] / name).exists():
        pytest.skip("this kind has no such file")
    shutil.copytree(models[kind], tmp_path / "best")
    content = json.loads((models[kind] / name).read_text())
    cases = [(way, value) for way in places(content) for value in VALUES]
    random.Random(kind + name).shuffle(cases)
    before = largest_so_far()
    for way, value in cases[:60]:
        (tmp_path / "best" / name).write_text(json.dumps(changed(content, way, value)))
        refusal(kind, tmp_path / "best")
    assert largest_so_far() - before < MEMORY


SIZES = {
    "language": ["model.layers", "model.width", "model.heads", "vocabulary_size"],
    "records": ["model.layers", "model.width", "model.members", "outputs", "inputs.channels"],
    "forecast": ["model.layers", "model.width", "model.channels", "model.horizon", "model.patch"],
    "translation": ["model.layers", "model.width", "sizes.0", "sizes.1"],
    "description": ["model.layers", "model.width", "tokens", "known.tables.0"],
}


@pytest.mark.parametrize(("kind", "setting"), [(kind, setting) for kind, names in SIZES.items() for setting in names])
@pytest.mark.parametrize("size", [20_000, 1_000_000, 10**12])
def test_sizes_that_the_weights_do_not_have(
    kind: str, setting: str, size: int, models: dict[str, Path], tmp_path: Path
) -> None:
    shutil.copytree(models[kind], tmp_path / "best")
    path = tmp_path / "best" / "config.json"
    way = tuple(int(name) if name.isdigit() else name for name in setting.split("."))
    path.write_text(json.dumps(changed(json.loads(path.read_text()), way, size)))
    before = largest_so_far()
    assert "holds a damaged model" in refusal(kind, tmp_path / "best")
    assert largest_so_far() - before < MEMORY


@pytest.mark.parametrize("kind", LOADERS)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_no_numbers(kind: str, value: float, models: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(models[kind], tmp_path / "best")
    path = tmp_path / "best" / "model.safetensors"
    weights = safetensors.torch.load_file(path)
    name = sorted(weights)[-1]
    weights[name] = torch.full_like(weights[name], value)
    safetensors.torch.save_file(weights, path)
    assert refusal(kind, tmp_path / "best").endswith(
        f"{name} holds numbers that are not finite; use another checkpoint or train again"
    )


@pytest.mark.parametrize("kind", LOADERS)
@pytest.mark.parametrize("content", ["[" * 5000 + "]" * 5000, '{"a":' * 5000 + "1" + "}" * 5000, "", "null", "\0", "3"])
def test_files_that_hold_something_else(kind: str, content: str, models: dict[str, Path], tmp_path: Path) -> None:
    for name in ("config.json", "encoding.json", "vocabulary.json", "model.safetensors"):
        if (models[kind] / name).exists():
            shutil.copytree(models[kind], tmp_path / "best", dirs_exist_ok=True)
            (tmp_path / "best" / name).write_text(content)
            assert refusal(kind, tmp_path / "best")
