"""Run directories: free names, never overwritten, found again."""

import os
from pathlib import Path

import pytest
import yaml
from small_runs import text_file, train

from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.training.config import TrainConfig
from unrolled.training.folder import find_resume, new_folder, write_config


def begin(folder: Path, files: list[str]) -> None:
    write_config(folder, files, "language", DataConfig(), ModelConfig(), TrainConfig())


def test_a_run_directory_is_never_overwritten(tmp_path: Path) -> None:
    text_file(tmp_path)
    train(tmp_path)
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    with pytest.raises(UserError, match=r"run already exists; go on with it by --train.resume auto, or choose another"):
        train(tmp_path)
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("resume", [None, "auto"])
def test_a_folder_of_other_things_is_never_trained_into(tmp_path: Path, resume: str | None) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("precious")
    with pytest.raises(UserError, match="thesis already exists"):
        find_resume(["a.txt"], str(tmp_path / "thesis"), TrainConfig(resume=resume))


def test_an_empty_or_missing_folder_is_free(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "missing"):
        for resume in (None, "auto"):
            run = str(tmp_path / name)
            assert find_resume(["a.txt"], run, TrainConfig(resume=resume)) == (Path(run), None)
    assert find_resume(["a.txt"], None, TrainConfig()) == (None, None)


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file already exists"):
        find_resume(["a.txt"], str(tmp_path / "file"), TrainConfig())


def test_names_are_free_and_tell_what_they_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert new_folder(["texts/my poems.txt"], "gru") == Path("runs/my-poems-gru")
    (tmp_path / "runs" / "my-poems-gru").mkdir(parents=True)
    assert new_folder(["texts/my poems.txt"], "gru") == Path("runs/my-poems-gru-2")


def test_auto_finds_the_newest_run_of_these_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text_file(tmp_path)
    assert find_resume([str(tmp_path / "text.txt")], None, TrainConfig(resume="auto")) == (None, None)
    train(tmp_path, run=None)
    train(tmp_path, run=None, train={"seed": 1})
    (tmp_path / "other").mkdir()
    text_file(tmp_path / "other")
    train(tmp_path / "other", run=None)  # another file of the same name
    run, checkpoint = find_resume([str(tmp_path / "text.txt")], None, TrainConfig(resume="auto"))
    assert run == Path("runs/text-lstm-2")
    assert checkpoint is not None
    assert checkpoint.meta["settings"]["train"]["seed"] == 1
    assert train(tmp_path, run=None, train={"seed": 1, "resume": "auto"})["run"] == "runs/text-lstm-2"
    assert train(tmp_path / "other", run=None, train={"resume": "auto"})["run"] == "runs/text-lstm-3"


def test_auto_passes_over_a_run_without_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    begin(Path("runs/a-lstm"), ["a.txt"])
    assert find_resume(["a.txt"], None, TrainConfig(resume="auto")) == (None, None)
    assert new_folder(["a.txt"], "lstm") == Path("runs/a-lstm-2")


def test_resume_by_name_of_the_run_or_of_a_checkpoint(tmp_path: Path) -> None:
    text_file(tmp_path)
    train(tmp_path, train={"checkpoint_every": 8})
    run = tmp_path / "run"
    for resume, step in ((run, 20), (run / "checkpoints/step-00000016", 16)):
        folder, checkpoint = find_resume(["text.txt"], None, TrainConfig(resume=str(resume)))
        assert folder == run
        assert checkpoint is not None
        assert checkpoint.meta["position"]["step"] == step
    with pytest.raises(UserError, match="a run goes on in its own folder"):
        find_resume(["text.txt"], str(tmp_path / "another"), TrainConfig(resume=str(run)))
    torn = run / "checkpoints/step-00000016/meta.json"
    torn.write_text(torn.read_text()[:-9])
    with pytest.raises(UserError, match=f"use --train.resume {run} for the newest whole one"):
        find_resume(["text.txt"], None, TrainConfig(resume=str(run / "checkpoints/step-00000016")))


def test_resume_of_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere does not exist; give a run folder"):
        find_resume(["a.txt"], None, TrainConfig(resume=str(tmp_path / "nowhere")))
    with pytest.raises(UserError, match="holds no checkpoint; give a run folder"):
        find_resume(["a.txt"], None, TrainConfig(resume=str(tmp_path)))


def test_config_yaml_holds_everything_that_was_chosen(tmp_path: Path) -> None:
    text_file(tmp_path)
    train(tmp_path)
    config = yaml.safe_load((tmp_path / "run/config.yaml").read_text())
    assert config["files"] == [str(tmp_path / "text.txt")]
    assert config["data"]["feed"] == "streams"
    assert (config["model"]["family"], config["model"]["embedding_size"]) == ("lstm", 8)
    assert config["train"]["weight_decay"] is not None
    assert config["train"]["resume"] is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_that_refuses(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="could not be written: Permission denied"):
        begin(tmp_path / "run", ["a.txt"])
