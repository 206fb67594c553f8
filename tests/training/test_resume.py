"""A run that was cut off and resumed is, bit for bit, the run that was not."""

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from small_runs import KINDS, TEXT, assert_same_run, last_checkpoint, metrics, text_file, train, train_until, with_train

from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.training import run_training as run_module
from unrolled.training.config import TrainConfig
from unrolled.training.interruption import Interruption
from unrolled.training.resume import as_begun, require_same_settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    text_file(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", KINDS)
def test_cut_off_and_resumed_is_the_same_run(folder: Path, name: str) -> None:
    kind = with_train(KINDS[name], checkpoint_every=4)
    train(folder, "whole", **kind)
    train_until(14, lambda: train(folder, "cut", **kind))
    assert last_checkpoint(folder / "cut")[1]["step"] == 12
    torch.manual_seed(999)  # a new process begins with other random numbers
    train(folder, "cut", **with_train(kind, resume="auto"))
    assert_same_run(folder / "whole", folder / "cut")


def test_cut_off_before_the_first_checkpoint(folder: Path) -> None:
    train(folder, "whole")
    train_until(15, lambda: train(folder, "cut"))
    assert len(metrics(folder / "cut")) > 1
    train(folder, "cut", train={"resume": "auto"})
    assert_same_run(folder / "whole", folder / "cut")


def test_the_comparison_can_fail(folder: Path) -> None:
    train(folder, "one")
    train(folder, "other", train={"seed": 1})
    with pytest.raises(AssertionError):
        assert_same_run(folder / "one", folder / "other")


class AskedAt(Interruption):
    """Asks to stop while a given step is under way."""

    def __init__(self, look: int) -> None:
        super().__init__()
        self._looks_left = look

    @property
    def asked(self) -> bool:
        self._looks_left -= 1
        return self._looks_left == 0

    @asked.setter
    def asked(self, _: bool) -> None: ...


@pytest.mark.parametrize("step", [1, 7, 19])
def test_interrupted_and_resumed_is_the_same_run(folder: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    train(folder, "whole")
    with monkeypatch.context() as patch:

        @contextlib.contextmanager
        def watch() -> Iterator[Interruption]:
            yield AskedAt(step)

        patch.setattr(run_module, "watch_for_interruption", watch)
        with pytest.raises(KeyboardInterrupt):
            train(folder, "cut")
    assert last_checkpoint(folder / "cut")[1]["step"] == step
    log = (folder / "cut" / "log.txt").read_text()
    assert f"stopped at step {step}; go on with the same command and --run {folder / 'cut'} --train.resume auto" in log
    train(folder, "cut", train={"resume": "auto"})
    assert_same_run(folder / "whole", folder / "cut")


def damage_cut_short(checkpoint: Path) -> None:
    tensors = checkpoint / "tensors.safetensors"
    tensors.write_bytes(tensors.read_bytes()[:-100])


def damage_one_bit(checkpoint: Path) -> None:
    tensors = checkpoint / "tensors.safetensors"
    content = bytearray(tensors.read_bytes())
    content[-5] ^= 1
    tensors.write_bytes(content)


@pytest.mark.parametrize("damage", [damage_cut_short, damage_one_bit])
def test_a_torn_newest_checkpoint_is_passed_over(folder: Path, damage: object) -> None:
    kind = with_train(KINDS["lstm-dropout"], checkpoint_every=4)
    train(folder, "whole", **kind)
    train_until(13, lambda: train(folder, "cut", **kind))
    damage(folder / "cut/checkpoints/step-00000012")  # type: ignore[operator]
    train(folder, "cut", **with_train(kind, resume="auto"))
    assert_same_run(folder / "whole", folder / "cut")


def test_all_checkpoints_damaged_is_said_and_nothing_is_overwritten(folder: Path) -> None:
    train(folder)
    best = (folder / "run/best/model.safetensors").read_bytes()
    for checkpoint in (folder / "run/checkpoints").glob("step-*"):
        damage_one_bit(checkpoint)
    with pytest.raises(UserError, match=r"all checkpoints in .* are damaged; the best model in .*best may still"):
        train(folder, train={"resume": "auto"})
    assert (folder / "run/best/model.safetensors").read_bytes() == best


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"train": {"learning_rate": 0.5}}, "--train.learning_rate was 0.01, now 0.5"),
        ({"train": {"accumulate": 2}}, "--train.accumulate was 1, now 2"),
        ({"model": {"width": 16}}, "--model.width was 8, now 16"),
        ({"model": {"family": "gru"}}, "--model.family was lstm, now gru"),
        ({"data": {"carry": False}}, "--data.carry was true, now false"),
        ({"data": {"valid_fraction": 0.2}}, "the text is another one"),
    ],
)
def test_a_changed_configuration_is_named(folder: Path, change: dict, words: str) -> None:
    train(folder)
    before = {path: path.read_bytes() for path in (folder / "run").rglob("*") if path.is_file()}
    changed = with_train(change, resume="auto")
    with pytest.raises(UserError) as caught:
        train(folder, **changed)
    assert words in str(caught.value)
    assert "since the run began otherwise" in str(caught.value)
    assert "\n" not in str(caught.value)
    after = {path: path.read_bytes() for path in (folder / "run").rglob("*") if path.is_file()}
    assert after == before


def test_another_text_is_named(folder: Path) -> None:
    train(folder)
    text_file(folder, "something else entirely, and more of it\n" * 20)
    with pytest.raises(UserError, match="the text is another one"):
        train(folder, train={"resume": "auto"})


def test_limits_may_change(folder: Path) -> None:
    model = {"dropout": 0.1}  # by itself it depends on the limits
    train(folder, model=model, train={"schedule": "constant", "checkpoint_every": 5})
    result = train(
        folder,
        model=model,
        train={"schedule": "constant", "max_steps": 60, "patience": 50, "checkpoint_every": 7, "resume": "auto"},
    )
    assert result["steps"] == 60
    validations = [record["step"] for record in metrics(folder / "run") if record["kind"] == "validation"]
    assert [step for step in validations if 20 < step < 60], "it validates on, although the part done went back"
    train(folder, "whole", model=model, train={"schedule": "constant", "max_steps": 60})
    tensors, other = last_checkpoint(folder / "run")[0], last_checkpoint(folder / "whole")[0]
    assert all(torch.equal(tensors[name], other[name]) for name in tensors if name.startswith(("network", "optimizer")))


def test_the_text_may_have_moved(folder: Path) -> None:
    valid = folder / "valid.txt"
    valid.write_text("the lazy dog jumps.\n" * 10)
    train(folder, data={"valid": [str(valid)]})
    moved = folder / "elsewhere.txt"
    shutil.move(valid, moved)
    assert train(folder, data={"valid": [str(moved)]}, train={"resume": "auto", "max_steps": 25})["steps"] == 25


def test_a_finished_run_only_concludes_again(folder: Path) -> None:
    first = train(folder)
    before = last_checkpoint(folder / "run")
    (folder / "run" / "report.html").unlink()
    again = train(folder, train={"resume": "auto"})
    assert again["loss"] == first["loss"]
    assert (folder / "run" / "report.html").is_file()
    assert last_checkpoint(folder / "run")[1] == before[1]


def test_a_limit_already_passed_before_the_first_validation(folder: Path) -> None:
    kind = {"train": {"checkpoint_every": 2, "validate_every": 100}}
    train_until(7, lambda: train(folder, **kind))
    result = train(folder, **with_train(kind, max_steps=3, resume="auto"))
    assert (result["steps"], result["best_step"]) == (6, 6)


def test_a_run_that_gave_up_stays_so(folder: Path) -> None:
    kind = {"train": {"validate_every": 1, "patience": 2, "learning_rate": 0.3, "max_steps": 400}}
    first = train(folder, **kind)
    assert first["reason"].startswith("stopped early")
    again = train(folder, **with_train(kind, resume="auto"))
    assert (again["steps"], again["reason"]) == (first["steps"], first["reason"])


def test_what_a_kill_left_of_a_model_is_removed_or_brought_back(folder: Path) -> None:
    train(folder)
    run = folder / "run"
    (run / "best").rename(run / ".best.old")
    (run / ".best.123.new").mkdir()
    train(folder, train={"resume": "auto"})
    assert (run / "best" / "model.safetensors").is_file()
    assert [path.name for path in run.iterdir() if path.name.startswith(".")] == []


def test_a_checkpoint_of_a_newer_version(folder: Path) -> None:
    train(folder)
    manifest = max((folder / "run/checkpoints").glob("step-*")) / "manifest.json"
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**content, "format": 99}))
    with pytest.raises(UserError, match="written by a newer version"):
        train(folder, train={"resume": "auto"})


def test_fewer_processes_than_the_checkpoint_needs(folder: Path) -> None:
    train(folder)
    checkpoint = max((folder / "run/checkpoints").glob("step-*"))
    meta = json.loads((checkpoint / "meta.json").read_text())
    meta["settings"]["processes"] = 2
    from unrolled.training.checkpoints import load_checkpoint, save_checkpoint

    tensors, _ = load_checkpoint(checkpoint)
    save_checkpoint(checkpoint.parent, 20, tensors, meta)
    with pytest.raises(UserError, match="processes were 2, now 1"):
        train(folder, train={"resume": "auto"})


def test_what_was_chosen_stays_chosen() -> None:
    """Defaults depend on the limits; a resumed run with other limits must not be given other defaults."""
    saved = {"family": "lstm", "width": 512, "dropout": 0.0}
    resumed = as_begun(ModelConfig(width=64), saved)
    assert (resumed.family, resumed.width, resumed.dropout) == ("lstm", 64, 0.0)
    before = {"max_steps": 10, "max_epochs": None, "max_time": "3m", "optimizer": "adamw"}
    assert as_begun(TrainConfig(), before).max_steps == 10
    longer = as_begun(TrainConfig(max_steps=20), before)
    assert (longer.max_steps, longer.max_time, longer.optimizer) == (20, None, "adamw")


def test_a_run_from_before_there_was_a_setting_had_its_default() -> None:
    wanted = {"data": asdict(DataConfig()), "model": asdict(ModelConfig()), "train": asdict(TrainConfig())}
    saved = {group: dict(values) for group, values in wanted.items()}
    del saved["data"]["known"], saved["train"]["seed"]
    require_same_settings(saved, wanted)
    wanted["train"]["seed"] = 1
    with pytest.raises(UserError, match=r"--train\.seed was 0, now 1;"):
        require_same_settings(saved, wanted)


def test_data_that_has_changed_is_named(tmp_path: Path) -> None:
    text = text_file(tmp_path)
    train(tmp_path, "run", train={"max_steps": 4})
    before = text.stat().st_size
    text.write_text(TEXT + "more\n" * 50)
    with pytest.raises(
        UserError, match=rf"the text is another one \(.*text.txt had {before:,} bytes, now {before + 250:,}\)"
    ):
        train(tmp_path, "run", train={"max_steps": 8, "resume": "auto"})
