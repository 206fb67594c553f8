"""`init` and `train` say the same of the same files: one line, to which training adds what only training knows."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from small_record_runs import write_flowers, write_prices, write_recordings, write_sentences
from unrolled.data.config import DataConfig
from unrolled.tasks import train_files as training
from unrolled.tasks.inspect_data import outline

ROOT = Path(__file__).parents[2]
NEEDS = {"heart": "wfdb", "sounds": "soundfile", "clips": "av"}
MADE: list[tuple[str, str | None, dict[str, Any]]] = [
    ("pulses_TRAIN.csv", None, {}),
    ("activities_TRAIN.ts", None, {}),
    ("sites.fasta", None, {}),
    ("reviews.tsv", None, {}),
    ("entities.conll", None, {}),
    ("demand.csv", None, {}),
    ("demand.csv", "forecast", {"target": "demand"}),
    ("demand.csv", None, {"target": "demand"}),
    ("sales.csv", None, {"target": "units", "known": ["price", "holiday"]}),
    ("heart.hea", None, {}),
    ("sounds", None, {}),
    ("morse.jsonl", "transcribe", {"target": "text"}),
    ("phrases.tsv", None, {}),
    ("tunes.csv", "describe", {"target": "tune"}),
    ("flats.csv", None, {"target": "rent"}),
    ("flats.csv", "classify", {"target": "district"}),
    ("pendulum.npz", None, {}),
    ("clips", None, {}),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made-up data of the examples."""
    spec = importlib.util.spec_from_file_location("make_data", ROOT / "examples" / "make_data.py")
    assert spec is not None
    assert spec.loader is not None
    make_data = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_data)
    folder = tmp_path_factory.mktemp("made")
    make_data.make(folder, [name for name in make_data.KINDS if _is_there(NEEDS.get(name))])
    return folder


def _is_there(package: str | None) -> bool:
    return package is None or importlib.util.find_spec(package) is not None


def first_line_of_training(file: Path, task: str | None, data: DataConfig, patch: pytest.MonkeyPatch) -> str:
    patch.setattr(training, "_train", lambda task, prepared, start, *, silent: {"line": prepared.summary})
    run = str(file.parent / "run")
    return training.train_files([str(file)], task=task, run=run, data=data, silent=True)["line"]


def require_alike(init: str, train: str) -> None:
    """Word for word, but for what is in brackets behind a name, steps of records, vocabularies and counts of parts."""
    init_roles, *init_rest = init.split("; ")
    roles, *rest = train.split("; ")
    if not roles.startswith("forecast"):
        roles = re.sub(r" \(\d[\d,]* (channels?|tokens|classes|tags)\)", "", roles)
        roles = re.sub(r" x [\d,]+( to [\d,]+)? steps", "", roles)
        roles = re.sub(r", (one )?(bpe|char|word) vocabular.*", "", roles)
        roles = re.sub(r", \d[\d,]* \w+, [\d,]+ to [\d,]+ steps", "", roles)
    assert init_roles == roles
    counts = [part for part in init_rest if re.fullmatch(r"[\d,]+ records?", part)]
    assert len(counts) == (not roles.startswith("forecast"))
    assert {*init_rest} <= {*rest, *counts}


@pytest.mark.parametrize(("name", "task", "settings"), MADE)
def test_init_says_what_training_says(
    name: str, task: str | None, settings: dict[str, Any], made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = NEEDS.get(Path(name).stem)
    if package is not None:
        pytest.importorskip(package)
    data = DataConfig(**settings)
    plan = outline([str(made / name)], data, task=task)
    line = first_line_of_training(made / name, task, data, monkeypatch)
    hint = "; tag tells demand from the other columns of the same step; --task forecast tells it ahead"
    assert plan.summary.endswith(hint) == (name == "demand.csv" and task is None and "target" in settings)
    require_alike(plan.summary.removesuffix(hint), line)
    assert line.startswith(f"{plan.schema.task}: ")


@pytest.mark.parametrize("write", [write_flowers, write_prices, write_sentences, write_recordings])
def test_the_same_of_small_data(write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if write is write_recordings:
        pytest.importorskip("soundfile")
    file = write(tmp_path / {write_sentences: "words.conll", write_recordings: "clips"}.get(write, "table.csv"))
    data = DataConfig(target="price" if write is write_prices else None)
    task = "transcribe" if write is write_recordings else None
    plan = outline([str(file)], data, task=task)
    require_alike(plan.summary, first_line_of_training(file, task, data, monkeypatch))


def test_the_same_of_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNROLLED_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "w"
    folder.mkdir()
    for name in ("wiki.train.tokens", "wiki.valid.tokens", "other.txt"):
        (folder / name).write_text("some words of it\n" * 20)
    line = first_line_of_training(folder, None, DataConfig(), monkeypatch)
    line = re.sub(r"[\d,]+ characters in ", "", line)
    line = re.sub(r" → [^;]*", "", line)
    assert outline([str(folder)], DataConfig(), task=None).summary == line
