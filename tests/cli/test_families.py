"""The families that the reference says a task has are those that training takes."""

from pathlib import Path

import pytest

from unrolled.cli.main import main
from unrolled.tasks.task import FAMILIES, task_named

FILES = {
    "language": ("poem.txt", "roses are red, violets are blue\n" * 4),
    "translate": ("pairs.tsv", "".join(f"eins {n}\tone {n}\n" for n in "abcdefghijkl")),
    "describe": ("tunes.csv", "style,notes\n" + "".join(f"{('jig', 'reel')[n % 2]},abc{n % 3}d\n" for n in range(20))),
}
TINY = ["--train.max_steps", "1", "--model.width", "4", "--model.layers", "1", "--train.batch_size", "2"]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("task", FILES)
def test_training_takes_the_families_of_a_task(
    task: str, family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNROLLED_CACHE", str(tmp_path / "cache"))
    name, text = FILES[task]
    Path(name).write_text(text)
    target = ["--target", "notes"] if task == "describe" else []
    code = main(["train", name, "--task", task, "--model.family", family, *target, *TINY])
    err = capsys.readouterr().err
    assert code in (0, 2), err
    assert (code == 0) == (family in task_named(task).families), err
