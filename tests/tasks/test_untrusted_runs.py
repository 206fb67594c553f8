"""Run folders of strangers: checkpoints, measurements and configurations with anything in them end in one sentence."""

import json
import math
import os
import random
import shutil
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from small_runs import text_file, train

from unrolled.errors import UserError
from unrolled.tasks.run_data import data_of_run, split_of_run
from unrolled.training.checkpoints import load_checkpoint
from unrolled.training.config import TrainConfig
from unrolled.training.folder import find_resume
from unrolled.training.metrics import MetricsLog
from unrolled.training.parallel import make_accelerator

DEEP = "[" * 5000 + "]" * 5000
VALUES: list[Any] = [-1, 2.5, "abc", None, [], {}, True, 1e308, math.nan, 10**30, [[1]], "\ud800"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    text_file(folder)
    train(folder, train={"max_steps": 2})
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """The text and the run, to be damaged."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    return tmp_path


def places(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    return [*([before] if before else []), *(p for name, inner in inside for p in places(inner, (*before, name)))]


def changed(meta: Any, way: tuple[Any, ...], value: Any) -> Any:
    """A copy with another value at a place."""
    content = json.loads(json.dumps(meta))
    inner = content
    for name in way[:-1]:
        inner = inner[name]
    inner[way[-1]] = value
    return content


def resume(folder: Path, **settings: Any) -> str:
    """The sentence that going on is refused with, or nothing if it is not."""
    try:
        train(folder, train={"resume": "auto", "max_steps": 2, **settings})
    except UserError as error:
        sentence = str(error)
        assert "\n" not in sentence
        return sentence
    return ""


def newest(folder: Path) -> Path:
    return max((folder / "run/checkpoints").glob("step-*"))


def rewrite(folder: Path, meta: Any, tensors: Any = None) -> None:
    """A checkpoint with other content and the right checksums."""
    checkpoint = newest(folder)
    manifest = json.loads((checkpoint / "manifest.json").read_text())
    contents = {"meta.json": json.dumps(meta).encode()}
    if tensors is not None:
        contents["tensors.safetensors"] = safetensors.torch.save(tensors)
    for name, content in contents.items():
        (checkpoint / name).write_bytes(content)
        manifest["files"][name] = {"bytes": len(content), "blake2b": blake2b(content, digest_size=32).hexdigest()}
    (checkpoint / "manifest.json").write_text(json.dumps(manifest))


WHOLE = ["position", "settings", "optimizers", "random", "settings.data", "settings.threads", "position.step"]


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("value", ["abc", None, [[1]], -1, "gone"])
def test_meta_of_the_wrong_type(name: str, value: Any, folder: Path) -> None:
    _, meta = load_checkpoint(newest(folder))
    inner, *ways = meta, *name.split(".")
    for way in ways[:-1]:
        inner = inner[way]
    inner[ways[-1]] = value
    if value == "gone":
        del inner[ways[-1]]
    rewrite(folder, meta)
    if value == "gone" and name == "settings.threads":
        assert resume(folder) == ""  # as runs were before there was such a number
    else:
        assert "step-00000002 is not a whole checkpoint: " in resume(folder)


@pytest.mark.parametrize(
    ("setting", "value"), [("embedding_size", -1), ("embedding_size", 10**30), ("forget_bias", 1e308), ("layers", -1)]
)
def test_settings_of_a_checkpoint_out_of_their_range(setting: str, value: Any, folder: Path) -> None:
    _, meta = load_checkpoint(newest(folder))
    rewrite(folder, changed(meta, ("settings", "model", setting), value))
    assert resume(folder)


@pytest.mark.slow
def test_every_value_everywhere_in_meta(folder: Path) -> None:
    _, meta = load_checkpoint(newest(folder))
    for way in places(meta):
        for value in (-1, 1e308, 10**30):
            rewrite(folder, changed(meta, way, value))
            resume(folder)


def test_any_value_anywhere_in_meta(folder: Path) -> None:
    _, meta = load_checkpoint(newest(folder))
    cases = [(way, value) for way in places(meta) for value in VALUES if value != "\ud800"]
    random.Random(0).shuffle(cases)
    for way, value in cases[:50]:
        rewrite(folder, changed(meta, way, value))
        resume(folder)


@pytest.mark.parametrize("meta", [[], None, 3, "abc", {}, {"position": {}}])
def test_meta_that_is_something_else(meta: Any, folder: Path) -> None:
    rewrite(folder, meta)
    for checkpoint in (folder / "run/checkpoints").glob("step-*"):
        if checkpoint != newest(folder):
            shutil.rmtree(checkpoint)
    assert "is not a whole checkpoint" in (sentence := resume(folder)) or "all checkpoints in" in sentence


def test_tensors_of_another_shape(folder: Path) -> None:
    tensors, meta = load_checkpoint(newest(folder))
    for name in sorted(tensors)[:: max(1, len(tensors) // 12)]:
        rewrite(folder, meta, {**tensors, name: torch.zeros(3, 1)})
        resume(folder)
        rewrite(folder, meta, {other: tensor for other, tensor in tensors.items() if other != name})
        resume(folder)


@pytest.mark.parametrize("content", [DEEP, "[]", "{", "\0", '{"format": "x"}', '{"format": 1, "files": 3}'])
def test_a_manifest_that_is_something_else(content: str, folder: Path) -> None:
    for checkpoint in (folder / "run/checkpoints").glob("step-*"):
        (checkpoint / "manifest.json").write_text(content)
    assert "all checkpoints in" in resume(folder)


@pytest.mark.parametrize(
    "line", [DEEP, "[]", "3", '{"step": true}', '{"step": "1"}', '{"step": 1, "\\ud800": 2}', "\0"]
)
def test_a_line_of_measurements_that_is_none(line: str, folder: Path) -> None:
    path = folder / "run/metrics.jsonl"
    path.write_text(line + "\n" + path.read_text())
    assert "metrics.jsonl, line 1, is not a JSON object with a step" in resume(folder)


@pytest.mark.parametrize(
    "content", [DEEP, "[]", "a: &a [*a]", "files: 3", "files: [1]\ndata: {}\ntrain: {seed: x}", "\0"]
)
def test_a_configuration_that_is_none(content: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "run/config.yaml").write_text(content)
    with pytest.raises(UserError, match=r"config\.yaml is damaged or missing \(|config\.yaml is damaged or missing: "):
        data_of_run(folder / "run/best")
    monkeypatch.chdir(folder)
    (folder / "runs").mkdir()
    (folder / "run").rename(folder / "runs/run")
    find_resume([str(folder / "text.txt")], None, TrainConfig(resume="auto"))


@pytest.mark.parametrize("content", [DEEP, "[]", "{", "\0", "3"])
def test_a_split_that_is_none(content: str, folder: Path) -> None:
    (folder / "run/split.json").write_text(content)
    with pytest.raises(UserError, match=r"split\.json is damaged or missing"):
        split_of_run(folder / "run/best")


@pytest.mark.parametrize(
    "environment",
    [
        {"WORLD_SIZE": "abc"},
        {"WORLD_SIZE": ""},
        {"WORLD_SIZE": "-3"},
        {"WORLD_SIZE": "0"},
        {"WORLD_SIZE": "1.5"},
        {"WORLD_SIZE": "2", "RANK": "x"},
        {"RANK": "abc"},
        {"LOCAL_RANK": "²"},
    ],
)
def test_what_torchrun_sets_and_is_none(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match="start with torchrun"):
        make_accelerator()
    assert not torch.distributed.is_initialized()
    assert os.environ.get("WORLD_SIZE") == environment.get("WORLD_SIZE")


@pytest.mark.parametrize("step", [1, 2])
def test_a_run_whose_folder_is_deleted_meanwhile(step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text_file(tmp_path)
    write = MetricsLog.write

    def deleting(log: MetricsLog, record: Any) -> None:
        write(log, record)
        if record["step"] == step:
            shutil.rmtree(tmp_path / "run")

    monkeypatch.setattr(MetricsLog, "write", deleting)
    with pytest.raises(UserError, match="run of the run was deleted or moved while it trained"):
        train(tmp_path, train={"max_steps": 3, "validate_every": 1})
