"""Two processes train what one process trains."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from small_runs import PARALLEL, last_checkpoint, losses, metrics, text_file, train, with_train

from unrolled.errors import UserError
from unrolled.tasks.language.load import load
from unrolled.training.parallel import full_tensor, make_accelerator


def torchrun(folder: Path, parallel: str, *names: str) -> subprocess.CompletedProcess:
    script = str(Path(__file__).with_name("small_runs.py"))
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    return subprocess.run(
        [*launcher, script, str(folder), parallel, *names],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.mark.slow
@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_two_processes_train_the_same(tmp_path: Path, parallel: str) -> None:
    text_file(tmp_path)
    done = torchrun(tmp_path, parallel, *PARALLEL)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == ["process 0 is done", "process 1 is done"]
    assert "Warning" not in done.stderr
    for name, kind in PARALLEL.items():
        train(tmp_path, name, **kind)
        alone, together = tmp_path / name, tmp_path / f"{parallel}-{name}"
        # Muon orthogonalises in bfloat16, which makes more of the last bit of a sum.
        tolerance = 1e-4 if kind.get("train", {}).get("optimizer") == "muon" else 1e-5
        for kind_of_record in ("train", "validation"):
            assert losses(together, kind_of_record) == pytest.approx(losses(alone, kind_of_record), rel=tolerance), name
        assert [record.get("tokens") for record in metrics(together)] == [
            record.get("tokens") for record in metrics(alone)
        ]
        (whole, position), (again, other) = last_checkpoint(alone), last_checkpoint(together)
        assert other["step"] == position["step"]
        for tensor_name, tensor in whole.items():
            if tensor_name.startswith("network"):
                assert again[tensor_name].shape == tensor.shape
                distance = (again[tensor_name] - tensor).norm() / tensor.norm()
                assert distance < 500 * tolerance, (name, tensor_name)
        assert load(together).network.vocabulary_size == load(alone).network.vocabulary_size
        assert not list(together.rglob(".*"))
    first, cut = next(iter(PARALLEL)), tmp_path / f"{parallel}-cut"
    assert metrics(cut) == metrics(tmp_path / f"{parallel}-{first}"), "resumed with two processes, it is the same run"
    (one_cut, _), (one_whole, _) = last_checkpoint(cut), last_checkpoint(tmp_path / f"{parallel}-{first}")
    assert all(torch.equal(tensor, one_whole[name]) for name, tensor in one_cut.items() if "gauss" not in name)


def test_one_process_asked_for_fsdp_simply_trains(tmp_path: Path) -> None:
    text_file(tmp_path)
    kind = PARALLEL["lstm-accumulate"]
    train(tmp_path, "plain", **kind)
    train(tmp_path, "fsdp", **with_train(kind, parallel="fsdp"))
    assert metrics(tmp_path / "fsdp") == metrics(tmp_path / "plain")


def test_processes_that_cannot_be_connected_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert make_accelerator().num_processes == 1
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="2 processes were started, but on the device cpu only one can train"):
        make_accelerator()


def test_a_plain_tensor_is_whole() -> None:
    tensor = torch.arange(3)
    assert full_tensor(tensor) is tensor
