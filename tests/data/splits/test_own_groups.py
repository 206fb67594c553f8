"""Groups that the data names itself hold without --group: nobody is on both sides of the split."""

import json
from pathlib import Path

import numpy as np
import pytest

from unrolled.cli.main import main
from unrolled.data.config import DataConfig
from unrolled.tasks.labels.dataset import Dataset, prepare_records

QUICK = ["--train.max_steps", "2", "--model.width", "8", "--model.layers", "1", "--model.members", "1"]


def entries(people: int = 8, each: int = 5) -> list[tuple[str, str]]:
    return [(f"p{n}", f"{'AC' if k % 2 else 'GT'}{n:02}") for n in range(people) for k in range(each)]


def fasta(path: Path) -> None:
    path.write_text(
        "".join(f">{who}_{'xy'[n % 2]}_{n}\nGATTACA{'A' * (n % 5)}\n" for n, (who, _) in enumerate(entries()))
    )


def sides(dataset: Dataset) -> tuple[set[str], set[str]]:
    assert dataset.train.groups is not None
    assert dataset.valid is not None
    assert dataset.valid.groups is not None
    return set(dataset.train.groups), set(dataset.valid.groups)


def test_a_group_in_a_pattern(tmp_path: Path) -> None:
    fasta(tmp_path / "a.fasta")
    labels = r"(?P<group>p\d)_(?P<label>[xy])_"
    dataset = prepare_records([str(tmp_path / "a.fasta")], DataConfig(labels=labels), task=None, seed=0)
    train, valid = sides(dataset)
    assert train | valid == {f"p{n}" for n in range(8)}
    assert not train & valid
    assert dataset.recipe.reading.group == "group"
    named = prepare_records([str(tmp_path / "a.fasta")], DataConfig(labels=labels, group="group"), task=None, seed=0)
    assert named.split == dataset.split
    other = prepare_records([str(tmp_path / "a.fasta")], DataConfig(labels=labels, split="random"), task=None, seed=0)
    assert other.train.groups is None


def test_a_column_called_group_in_a_table_of_labels(tmp_path: Path) -> None:
    fasta(tmp_path / "a.fasta")
    rows = [f"{who}_{'xy'[n % 2]}_{n},{'xy'[n % 2]},{who}" for n, (who, _) in enumerate(entries())]
    (tmp_path / "labels.csv").write_text("name,label,group\n" + "\n".join(rows) + "\n")
    data = DataConfig(labels=str(tmp_path / "labels.csv"))
    train, valid = sides(prepare_records([str(tmp_path / "a.fasta")], data, task=None, seed=0))
    assert valid
    assert not train & valid


def test_groups_in_an_npz_file(tmp_path: Path) -> None:
    groups = np.repeat(np.arange(8), 5)
    path = tmp_path / "a.npz"
    np.savez(path, X=np.random.default_rng(0).normal(size=(40, 6, 2)), y=np.tile([0, 1], 20), groups=groups)
    train, valid = sides(prepare_records([str(path)], DataConfig(), task="classify", seed=0))
    assert valid
    assert not train & valid


def test_the_run_finds_its_parts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    fasta(Path("a.fasta"))
    assert main(["train", "a.fasta", "--labels", r"(?P<group>p\d)_(?P<label>[xy])_", *QUICK, "--run", "r"]) == 0
    split = json.loads(Path("r/split.json").read_text())
    assert "group" in split["how"]
    assert len({n // 5 for n in split["train"]} & {n // 5 for n in split["valid"]}) == 0
    assert main(["evaluate", "r", "--json"]) == 0
    assert "groups" in capsys.readouterr().out
    assert main(["evaluate", "r", "a.fasta"]) == 0
