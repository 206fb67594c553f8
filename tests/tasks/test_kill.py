"""kill -9 and Ctrl-C on a real process."""

import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from small_runs import assert_same_run, last_checkpoint, text_file

MODEL = ["--model.family", "lstm", "--model.width", "16", "--model.layers", "2", "--model.dropout", "0.2"]
TRAIN = ["--train.batch_size", "4", "--train.max_steps", "100", "--train.checkpoint_every", "5"]


def launch(*options: object) -> subprocess.Popen:
    """`unrolled train` in a process of its own."""
    command = [sys.executable, "-c", "import sys; from unrolled.cli.main import main; sys.exit(main())", "train"]
    return subprocess.Popen([*command, *map(str, options)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def start(folder: Path, run: str, *options: str) -> subprocess.Popen:
    where = ["--run", folder / run, "--data.cache", folder / "cache"]
    return launch(folder / "text.txt", *where, "--data.context", "16", *MODEL, *TRAIN, *options)


def classify(folder: Path, run: str, *options: str) -> subprocess.Popen:
    path = folder / "small.csv"
    if not path.exists():
        random = np.random.default_rng(0)
        rows = [[*np.round(random.normal(n % 2, 1, 12), 3), "ab"[n % 2]] for n in range(60)]
        lines = [",".join(map(str, row)) for row in [[*(f"t{step}" for step in range(12)), "label"], *rows]]
        path.write_text("\n".join(lines) + "\n")
    small = ["--model.family", "gru", "--model.width", "16", "--model.dropout", "0.2", "--model.members", "2"]
    return launch(path, "--task", "classify", "--run", folder / run, *small, *TRAIN, *options)


def forecast(folder: Path, run: str, *options: str) -> subprocess.Popen:
    path = folder / "series.csv"
    if not path.exists():
        values = np.sin(np.arange(400) / 3) + np.random.default_rng(1).normal(0, 0.1, 400)
        path.write_text("\n".join(["value", *(f"{value:.4f}" for value in values)]) + "\n")
    small = ["--data.context", "24", "--data.horizon", "6", "--model.width", "8", "--model.dropout", "0.2"]
    return launch(path, "--task", "forecast", "--run", folder / run, *small, *TRAIN, *options)


def wait_for_step(process: subprocess.Popen, run: Path, step: int) -> None:
    """Until a checkpoint of at least this step is there."""
    while process.poll() is None:
        steps = [int(path.name.removeprefix("step-")) for path in (run / "checkpoints").glob("step-*[0-9]")]
        if max(steps, default=0) >= step:
            return
        time.sleep(0.002)
    raise AssertionError(f"no checkpoint of step {step}: {process.communicate()[1]}")


def killed_three_times(start: Callable[..., subprocess.Popen], folder: Path, run: str, chance: random.Random) -> bool:
    """Whether each process was killed before its end: a busy machine may come too late."""
    for turn in range(3):
        process = start(folder, run, *(["--train.resume", "auto"] if turn else []))
        wait_for_step(process, folder / run, 25 * turn + 5)
        time.sleep(chance.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        _, errors = process.communicate()
        if process.returncode == 0:
            return False
        assert process.returncode == -signal.SIGKILL, errors
    return True


@pytest.mark.slow
@pytest.mark.parametrize("start", [start, classify, forecast], ids=["language", "classify", "forecast"])
def test_killed_at_any_moment_and_resumed_is_the_same_run(
    start: Callable[..., subprocess.Popen], tmp_path: Path
) -> None:
    text_file(tmp_path)
    whole = start(tmp_path, "whole")
    _, errors = whole.communicate()
    assert whole.returncode == 0, errors
    seed = random.randrange(10**6)
    print("moments drawn with seed", seed)  # for a failure to be repeated
    chance = random.Random(seed)
    while not killed_three_times(start, tmp_path, "cut", chance):
        shutil.rmtree(tmp_path / "cut")
    last = start(tmp_path, "cut", "--train.resume", "auto")
    _, errors = last.communicate()
    assert last.returncode == 0, errors
    assert re.search(r"going on from step \d+", errors)
    assert_same_run(tmp_path / "whole", tmp_path / "cut", apart_from=())
    assert list((tmp_path / "cut").rglob(".*")) == []


def test_interrupted_by_ctrl_c(tmp_path: Path) -> None:
    text_file(tmp_path)
    process = start(tmp_path, "cut", "--train.max_steps", "100000", "--train.checkpoint_every", "50")
    wait_for_step(process, tmp_path / "cut", 50)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    _, position = last_checkpoint(tmp_path / "cut")
    step = f"{position['step']:,}"
    assert f"stopped at step {step}; go on with the same command and --run {tmp_path / 'cut'} --train.resume auto" in (
        " ".join(errors.split())
    )
    assert "Traceback" not in errors
    assert errors.splitlines()[-1] == "unrolled: stopped"
