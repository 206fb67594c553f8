"""Records that a person can get wrong: one sentence, exit code 2, nothing half-written; or handled and counted."""

import json
from pathlib import Path

import pytest

from unrolled.cli.main import main

QUICK = ["--train.max_steps", "2", "--model.width", "8", "--model.layers", "1", "--model.members", "1"]
HEAD = ("a", "b", "colour", "who", "label")


def rows(count: int = 40) -> list[list[object]]:
    return [
        [
            round(0.37 * n % 2 + n % 2, 3),
            round(0.11 * n % 1, 3),
            ("red", "blue")[n % 3 > 1],
            f"p{n // 4}",
            ("no", "yes")[n % 2],
        ]
        for n in range(count)
    ]


def write(name: str, content: list[list[object]], head: tuple[str, ...] = HEAD) -> str:
    Path(name).write_text("\n".join(",".join(map(str, row)) for row in [head, *content]) + "\n")
    return name


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(capsys: pytest.CaptureFixture, *arguments: str) -> str:
    """The sentence; no run is left behind."""
    before = sorted(Path().rglob("*"))
    code = main(["train", *arguments, *QUICK])
    out, err = capsys.readouterr()
    assert (code, out) == (2, ""), err
    assert err.startswith("unrolled: ")
    assert err.count("\n") == 1
    assert sorted(Path().rglob("*")) == before
    return err.removeprefix("unrolled: ").strip()


def trained(capsys: pytest.CaptureFixture, *arguments: str) -> tuple[dict, str]:
    """The result and the log."""
    code = main(["train", *arguments, *QUICK, "--json", "--run", "run"])
    out, err = capsys.readouterr()
    assert code == 0, err
    return json.loads(out), Path("run/log.txt").read_text()


def without(column: int, content: list[list[object]]) -> list[list[object]]:
    return [row[:column] + row[column + 1 :] for row in content]


DATA: dict[str, tuple[list[list[object]], list[str], str]] = {
    "one class only": (
        [[*row[:4], "yes"] for row in rows()],
        [],
        "the training part has only the label 'yes' in label; there must be at least two to tell apart",
    ),
    "a single record": (rows(1), [], "there must be at least two to tell apart"),
    "infinity": ([*rows(7), ["inf", *rows(8)[7][1:]], *rows()], [], "bad.csv, row 8: column 'a' has inf"),
    "no labels at all": ([[*row[:4], ""] for row in rows()], ["--target", "label"], "label"),
    "a target that is not there": (rows(), ["--target", "labels"], "did you mean 'label'?"),
    "inputs that are not there": (rows(), ["--inputs", "color"], "did you mean 'colour'?"),
    "a group that is not there": (rows(), ["--group", "whom"], "did you mean 'who'?"),
    "one group": ([[*row[:3], "anna", row[4]] for row in rows()], ["--group", "who"], "belong to one group (anna)"),
    "the target as an input": (
        rows(),
        ["--target", "label", "--inputs", "[a,label]"],
        "label is both an input and the target",
    ),
    "another task than the target allows": (rows(), ["--task", "regress", "--target", "label"], "label"),
    "groups without a column": (rows(), ["--data.split", "group"], "--group"),
    "nothing left for training": (
        rows(),
        ["--data.valid_fraction", "0.5", "--data.test_fraction", "0.5"],
        "leave nothing for training",
    ),
    "validated on what was trained on": (
        rows(),
        ["--data.valid", "bad.csv"],
        "bad.csv is given for train and for valid",
    ),
    "a setting of another task": (rows(), ["--data.carry", "false"], "--data.carry false would have no effect"),
    "a setting of another family": (rows(), ["--model.heads", "2"], "--model.heads 2 would have no effect"),
}


@pytest.mark.parametrize("name", DATA)
def test_refused_before_anything_is_written(name: str, capsys: pytest.CaptureFixture) -> None:
    content, options, sentence = DATA[name]
    assert sentence in refused(capsys, write("bad.csv", content), *options)


def test_files_without_a_record(capsys: pytest.CaptureFixture) -> None:
    Path("empty.csv").write_text("")
    assert "empty.csv" in refused(capsys, "empty.csv")
    assert "head.csv" in refused(capsys, write("head.csv", []))
    write("x_TRAIN.csv", rows())
    write("x_TEST.csv", [])
    assert "x_TEST.csv" in refused(capsys, "x_TRAIN.csv")


def test_a_column_of_training_that_the_test_file_lacks(capsys: pytest.CaptureFixture) -> None:
    write("x_TRAIN.csv", rows())
    write("x_TEST.csv", without(1, rows(8)), ("a", "colour", "who", "label"))
    assert "the test part has no column 'b', which the model reads" in refused(capsys, "x_TRAIN.csv")


def test_extra_and_reordered_columns_of_the_test_file(capsys: pytest.CaptureFixture) -> None:
    """They are left out and counted, and the scores are those of the file without them."""
    train = rows()
    write("x_TRAIN.csv", train)
    write("x_TEST.csv", rows(12))
    plain, _ = trained(capsys, "x_TRAIN.csv")
    Path("run").rename("plain")
    write(
        "x_TEST.csv", [[n, row[1], row[0], *row[2:]] for n, row in enumerate(rows(12))], ("extra", "b", "a", *HEAD[2:])
    )
    other, log = trained(capsys, "x_TRAIN.csv")
    assert "columns of the test part that training did not have, left out (extra): 1" in log
    assert other["test"] == plain["test"]


def test_labels_and_categories_that_only_the_test_file_has(capsys: pytest.CaptureFixture) -> None:
    write("x_TRAIN.csv", rows())
    strange = [
        [*row[:2], "green" if n < 3 else row[2], row[3], "maybe" if n >= 10 else row[4]]
        for n, row in enumerate(rows(12))
    ]
    write("x_TEST.csv", strange)
    result, log = trained(capsys, "x_TRAIN.csv")
    assert "records in test with a label that training did not see, left out of the scores: 2" in log
    assert "read as unknown: 3" in log
    assert (result["test"]["count"], result["test"]["unscored"]) == (10, 2)


def test_gaps_are_filled_and_counted(capsys: pytest.CaptureFixture) -> None:
    content = rows()
    content[2][0] = content[5][0] = "nan"
    content[3][1] = ""
    content[7][4] = ""
    _, log = trained(capsys, write("gaps.csv", content))
    assert "missing" in log
    assert "without a label: 1" in log


def test_groups_stay_together(capsys: pytest.CaptureFixture) -> None:
    content = rows()
    trained(capsys, write("groups.csv", content), "--group", "who", "--data.valid_fraction", "0.3")
    split = json.loads(Path("run/split.json").read_text())
    here, there = ({content[number][3] for number in split[part]} for part in ("train", "valid"))
    assert there
    assert not here & there


def test_short_flags_are_the_long_ones(capsys: pytest.CaptureFixture) -> None:
    write("data.csv", rows())
    trained(capsys, "data.csv", "--target", "colour", "--inputs", "a", "--inputs", "b")
    short = Path("run/config.yaml").read_text()
    Path("run").rename("short")
    trained(capsys, "data.csv", "--data.target", "colour", "--data.inputs", "[a,b]")
    assert Path("run/config.yaml").read_text() == short
    assert "target: colour" in short


def test_a_run_is_repeated_from_its_config(capsys: pytest.CaptureFixture) -> None:
    """What was chosen is accepted when it is given, and gives the same."""
    write("data.csv", rows())
    first, _ = trained(capsys, "data.csv")
    Path("run").rename("first")
    assert main(["train", "--config", "first/config.yaml", "--run", "run", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["valid"] == first["valid"]
