"""Which training some files come to."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from small_record_runs import write_flowers, write_prices, write_sentences
from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.tasks.train_files import train_files

TRAININGS = {
    "language.train.train_language": "language",
    "describe.train.train_description": "describe",
    "forecast.train.train_forecast": "forecast",
    "translate.train.train_translation": "translate",
    "labels.train.train_records": "records",
}


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What was called with what, in the place of training."""
    found: list[tuple[str, dict[str, Any]]] = []

    def instead(kind: str) -> Callable[..., dict[str, Any]]:
        def stand_in(*arguments: Any, **settings: Any) -> dict[str, Any]:
            found.append((kind, {"files": arguments[0], **settings}))
            return {"kind": kind}

        return stand_in

    for place, kind in TRAININGS.items():
        monkeypatch.setattr(f"unrolled.tasks.{place}", instead(kind))
    return found


def series(path: Path) -> Path:
    rows = [f"2024-01-{1 + n // 24:02} {n % 24:02}:00,{n % 24}" for n in range(300)]
    path.write_text("\n".join(["time,load", *rows]) + "\n")
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
        (series, "load.csv", None, {"target": "load", "known": ["load"]}, "forecast"),
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
    ((found, settings),) = called
    assert found == kind
    assert settings["files"] == [str(path)]
    assert settings["run"] == str(tmp_path / "run")
    assert settings["data"] is config
    assert settings["silent"] is True
    if kind == "records":
        assert settings["task"] == task


def test_a_file_that_is_not_there(tmp_path: Path, called: list[Any]) -> None:
    with pytest.raises(UserError, match=r"nothing\.csv"):
        train_files([str(tmp_path / "nothing.csv")])
    assert called == []
