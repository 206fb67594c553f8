"""A task of one's own goes through every verb as those that come along."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unrolled.cli.main import main
from unrolled.errors import UserError
from unrolled.tasks import task as tasks
from unrolled.tasks.load import load
from unrolled.tasks.task import register, task_named


@pytest.fixture
def parity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "TASKS", tasks.TASKS.copy())
    monkeypatch.setattr("unrolled.cli.options.TASKS", tasks.TASKS)
    monkeypatch.setattr("unrolled.tasks.load.TASKS", tasks.TASKS)
    register("parity", "parity_task:Parity")


def verb(capsys: pytest.CaptureFixture, *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    return (code, *capsys.readouterr())


def bits_file(path: Path, rows: int = 60) -> Path:
    bits = np.random.default_rng(0).integers(0, 2, (rows, 6))
    path.write_text("\n".join("".join(map(str, row)) for row in bits) + "\n")
    return path


def test_every_verb(tmp_path: Path, parity: None, capsys: pytest.CaptureFixture, monkeypatch: Any) -> None:
    file, run = bits_file(tmp_path / "coins.bits"), tmp_path / "run"
    small = ("--model.width", 16, "--train.learning_rate", 0.02, "--train.weight_decay", 0, "--train.batch_size", 45)
    small = (*small, "--train.optimizer", "adamw", "--train.warmup_steps", 0)
    train = ("train", file, "--task", "parity", "--run", run, *small)
    code, out, err = verb(capsys, *train, "--train.max_steps", 5)
    assert code == 0, err
    assert "parity: 60 rows of bits" in err
    assert "validation: accuracy" in out
    assert (run / "config.yaml").read_text().count("task: parity") == 1

    code, out, err = verb(capsys, *train, "--train.max_steps", 300, "--train.resume", "auto", "--json")
    assert code == 0, err
    assert "going on from step 5" in err
    result = json.loads(out)
    assert result["task"] == "parity"
    assert result["valid"]["metrics"]["accuracy"]["value"] > 0.9
    report = (run / "report.html").read_text()
    assert "a picture of bits" in report
    assert "validation accuracy" in report
    assert "# A model of parity (gru)" in (run / "best" / "README.md").read_text()

    code, out, _ = verb(capsys, "evaluate", run, "--json")
    assert code == 0
    assert json.loads(out)["valid"] == result["valid"]
    assert json.loads(verb(capsys, "evaluate", run, file, "--json")[1])["file"]["main"] == "accuracy"

    predictions = tmp_path / "out.csv"
    assert verb(capsys, "predict", run, file, "-o", predictions)[0] == 0
    expected = load(run).said(np.array([[int(bit) for bit in row] for row in file.read_text().split()]))  # type: ignore[attr-defined]
    assert predictions.read_text().split() == ["row,parity", *(f"{n},{row[-1]}" for n, row in enumerate(expected, 1))]

    bits = [int(bit) for bit in file.read_text().split()[0]]
    told = stream(monkeypatch, capsys, run, bits[:3], "--save-state", tmp_path / "state")
    told += stream(monkeypatch, capsys, run, bits[3:], "--load-state", tmp_path / "state")
    assert told == expected[0].tolist()

    code, _, err = verb(capsys, "predict", run, file, "--horizon", 3)
    assert (code, err) == (2, f"unrolled: --horizon is for models that forecast, and {run} was trained for parity\n")
    code, _, err = verb(capsys, "generate", run)
    assert code == 2
    assert "trained to parity; use unrolled predict" in err


def stream(monkeypatch: Any, capsys: pytest.CaptureFixture, run: Path, bits: list[int], *options: object) -> list[int]:
    lines = "".join(json.dumps({"bit": bit}) + "\n" for bit in bits)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
    code, out, err = verb(capsys, "stream", run, *options)
    assert code == 0, err
    return [json.loads(line)["parity"] for line in out.splitlines()]


def test_a_model_of_a_task_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"format": 1, "task": "juggle", "model": {}}')
    with pytest.raises(UserError, match="trained for juggle, which this version of Unrolled does not know"):
        load(tmp_path)
    with pytest.raises(UserError, match="there is no task 'juggle'; the tasks are language"):
        task_named("juggle")


def test_a_name_that_is_taken() -> None:
    with pytest.raises(ValueError, match="there is a task forecast already"):
        register("forecast", "elsewhere:Forecast")
