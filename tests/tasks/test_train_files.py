"""Which training some files come to."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from small_record_runs import write_flowers, write_prices, write_sentences
from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.tasks.task import Task
from unrolled.tasks.train_files import train_files
from unrolled.training.run_training import Beginning

KINDS = {"classify": "records", "regress": "records", "tag": "records", "transcribe": "records"}
"""Tasks whose files are opened alike."""


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Which task was trained with what, in the place of training."""
    calls: list[tuple[str, dict[str, Any]]] = []

    def stand_in(task: Task, prepared: Any, start: Beginning, *, silent: bool) -> dict[str, Any]:
        kind = KINDS.get(task.name, task.name)
        settings = {"files": start.files, "data": start.data, "run": str(start.folder), "silent": silent}
        calls.append((kind, settings | {"task": prepared.task}))
        return {"kind": kind}

    monkeypatch.setattr("unrolled.tasks.train_files._train", stand_in)
    return calls


def series(path: Path) -> Path:
    rows = [f"2024-01-{1 + n // 24:02} {n % 24:02}:00,{n % 24},{n % 7}" for n in range(300)]
    path.write_text("\n".join(["time,load,rain", *rows]) + "\n")
    return path


def pairs(path: Path) -> Path:
    path.write_text("".join(f"a cat and {n} dogs\teine Katze und {n} Hunde\n" for n in range(40)))
    return path


@pytest.mark.parametrize(
    ("write", "name", "task", "data", "kind"),
    [
        (lambda path: path.write_text("some text\n" * 50) and path, "poems.txt", None, {}, "language"),
        (write_flowers, "flowers.csv", None, {}, "records"),
        (write_flowers, "flowers.csv", "language", {}, "language"),
        (write_prices, "prices.csv", None, {"target": "price"}, "records"),
        (write_sentences, "words.conll", None, {}, "records"),
        (series, "load.csv", "forecast", {}, "forecast"),
        (series, "load.csv", None, {"target": "load"}, "records"),
        (series, "load.csv", None, {"target": "load", "known": ["rain"]}, "forecast"),
        (pairs, "pairs.tsv", None, {}, "translate"),
        (pairs, "pairs.tsv", "translate", {}, "translate"),
        (write_flowers, "flowers.csv", "describe", {"target": "species"}, "describe"),
    ],
)
def test_the_training_of_each_kind(
    write: Callable[[Path], Path],
    name: str,
    task: str | None,
    data: dict[str, Any],
    kind: str,
    tmp_path: Path,
    called: list[tuple[str, dict[str, Any]]],
) -> None:
    path, config = write(tmp_path / name), DataConfig(**data)
    result = train_files([str(path)], task=task, run=str(tmp_path / "run"), data=config, silent=True)
    assert result == {"kind": kind}
    ((trained, settings),) = called
    assert trained == kind
    assert settings["files"] == [str(path)]
    assert settings["run"] == str(tmp_path / "run")
    assert settings["data"] is config
    assert settings["silent"] is True
    assert kind in (settings["task"], KINDS.get(settings["task"]))
    assert task in (None, settings["task"])


def test_a_file_that_is_not_there(tmp_path: Path, called: list[Any]) -> None:
    with pytest.raises(UserError, match=r"nothing\.csv"):
        train_files([str(tmp_path / "nothing.csv")])
    assert called == []
