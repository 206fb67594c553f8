"""A column that says whom a series in a row belongs to is no input, and no one is on both sides of a split."""

from pathlib import Path

import numpy as np
import pytest

from unrolled.cli.main import main
from unrolled.data.readers.tables import read_table
from unrolled.data.records import Notes, Reading


def write(path: Path, name: str = "subject", people: int = 10, rows: int = 10) -> Path:
    draw = np.random.default_rng(0)
    lines = [",".join([name, *(f"t{step}" for step in range(40)), "label"])]
    for person in range(people):
        for row in range(rows):
            values = ",".join(f"{x:.3f}" for x in draw.normal(size=40))
            lines.append(f"S{person},{values},{'ab'[row % 2]}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("name", ["subject", "Patient", "user_id", "SPEAKER"])
def test_the_subject_is_left_out_and_said(name: str, tmp_path: Path) -> None:
    notes = Notes()
    source = read_table([write(tmp_path / "a.csv", name, people=30)], Reading(), notes)
    assert [field.name for field in source.fields] == ["values", "label"]
    assert source.groups("group") == [f"S{person}" for person in range(30) for _ in range(10)]
    assert any(f"{name!r} looks like whom a row belongs to" in line for line in notes.lines())


def test_nobody_is_on_both_sides_of_the_split(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, run = write(tmp_path / "a.csv"), tmp_path / "run"
    settings = ["--train.max_steps", "2", "--model.family", "gru", "--model.width", "8", "--run", str(run)]
    assert main(["train", str(path), *settings]) == 0
    err = capsys.readouterr().err
    assert "1 of 10 groups" in err
    assert "looks like whom a row belongs to" in err
    assert main(["predict", str(run), str(path)]) == 0
    assert "looks like" not in capsys.readouterr().err


def test_what_is_named_is_read_and_other_words_stay_inputs(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv")
    named = read_table([path], Reading(inputs=("subject", "t*")), Notes())
    assert "subject" in [field.name for field in named.fields]
    assert named.groups("group") is None
    other = read_table([write(tmp_path / "b.csv", "district")], Reading(), Notes())
    assert "district" in [field.name for field in other.fields]
    once = read_table([write(tmp_path / "c.csv", rows=1)], Reading(), Notes())
    assert once.groups("group") is None, "each comes once: nobody has several rows"
    assert read_table([path], Reading(group="subject"), Notes()).groups("subject") is not None
