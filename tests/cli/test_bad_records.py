"""Records that a person can get wrong: one sentence, exit code 2, nothing half-written; or handled and counted."""

import json
from pathlib import Path

import numpy as np
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
    assert "the test part (x_TEST.csv) has no column 'b', which the model reads" in refused(capsys, "x_TRAIN.csv")


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
    assert "columns of the test part (x_TEST.csv) that training did not have, left out (extra): 1" in log
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
    train_groups, valid_groups = ({content[number][3] for number in split[part]} for part in ("train", "valid"))
    assert valid_groups
    assert not train_groups & valid_groups


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


def test_a_table_with_a_time_is_read_once(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it is found to be: to forecast, to tag, to classify."""
    import polars

    opened = []
    read_csv = polars.read_csv
    monkeypatch.setattr(polars, "read_csv", lambda *args, **more: (opened.append(args), read_csv(*args, **more))[1])
    lines = [f"2024-01-{n // 24 + 1:02d} {n % 24:02d}:00,{n % 7}.5,{n % 5}.25" for n in range(240)]
    Path("demand.csv").write_text("\n".join(["time,demand,rain", *lines]) + "\n")
    arguments = ["train", "demand.csv", "--train.max_steps", "2", "--model.width", "8"]
    for number, (more, task) in enumerate(
        [([], "forecast"), (["--target", "demand"], "tag"), (["--target", "demand", "--task", "forecast"], "forecast")]
    ):
        opened.clear()
        assert main([*arguments, *more, "--run", f"run{number}", "--json"]) == 0
        out, err = capsys.readouterr()
        assert json.loads(out)["task"] == task
        assert len(opened) == 1
        assert ("--task forecast tells it ahead" in err) == (task == "tag")


def test_several_labels_from_a_table(capsys: pytest.CaptureFixture) -> None:
    """From training to scores and answers, and without the flag again."""
    topics = ["news;sport", "sport", "music", "news;music"]
    lines = [f"words about {topics[n % 4].replace(';', ' and ')} {n},{topics[n % 4]}" for n in range(40)]
    Path("topics.csv").write_text("\n".join(["text,topics", *lines]) + "\n")
    result, _ = trained(capsys, "topics.csv", "--target", "topics", "--data.label_separator", ";")
    assert "micro_f1" in result["valid"]["metrics"]
    assert main(["evaluate", "run", "topics.csv", "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)["file"]
    assert (scores["count"], scores["unscored"]) == (40, 0)
    assert main(["predict", "run", "topics.csv", "-o", "out.csv"]) == 0
    assert Path("out.csv").read_text().splitlines()[0] == "record,prediction,p_music,p_news,p_sport"


def test_numbers_are_not_translated(capsys: pytest.CaptureFixture) -> None:
    sentence = "translate needs one text to read and one to write; name them with --inputs and --target"
    lines = [",".join([*("1.5" for _ in range(8)), "xy"[n % 2]]) for n in range(20)]
    Path("steps.csv").write_text("\n".join([",".join([*(f"t{n}" for n in range(8)), "label"]), *lines]) + "\n")
    code = main(["train", "steps.csv", "--task", "translate"])
    assert (code, capsys.readouterr().err) == (2, f"unrolled: {sentence}\n")


def test_series_with_a_number_each_are_regressed(capsys: pytest.CaptureFixture) -> None:
    """The task is what the header of a .ts file says, and a number that is missing is left out."""
    lines = [f"1,2,{n}:{'NaN' if n == 3 else n}" for n in range(20)]
    Path("x.ts").write_text("\n".join(["@univariate true", "@targetLabel true", "@data", *lines]) + "\n")
    result, log = trained(capsys, "x.ts")
    assert result["task"] == "regress"
    assert "18 train, 2 valid" in log


def test_gaps_of_recordings_are_counted_once(capsys: pytest.CaptureFixture) -> None:
    wfdb = pytest.importorskip("wfdb")
    values = np.random.default_rng(0).normal(size=(2000, 1))
    values[100:150] = np.nan
    values[1950:1960] = np.nan
    wfdb.wrsamp("r0", fs=250, units=["mV"], sig_name=["II"], p_signal=values, fmt=["16"])
    wfdb.wrann("r0", "atr", np.arange(60, 2000, 125), ["N"] * 16)
    _, log = trained(capsys, "r0.hea")
    assert "samples that a recording lacks, bridged by a straight line: 60" in log


def test_a_target_that_folders_do_not_say(capsys: pytest.CaptureFixture) -> None:
    soundfile = pytest.importorskip("soundfile")
    for label in ("cat", "dog"):
        Path(label).mkdir()
        for number in range(3):
            soundfile.write(f"{label}/{number}.wav", np.sin(np.arange(800) * (number + 1) / 9), 8000)
    assert "has no target 'labl': what its folders or names say is called 'label'" in refused(
        capsys, ".", "--target", "labl"
    )


def test_recordings_with_labels_and_annotations_are_classified_by_their_signal(capsys: pytest.CaptureFixture) -> None:
    wfdb = pytest.importorskip("wfdb")
    for number in range(6):
        values = np.random.default_rng(number).normal(size=(100, 1)) + number % 2
        wfdb.wrsamp(f"r{number}", fs=250, units=["mV"], sig_name=["II"], p_signal=values, fmt=["16"])
        wfdb.wrann(f"r{number}", "atr", np.array([20, 60]), ["N", "N"])
    Path("l.csv").write_text("record,label\n" + "".join(f"r{number},{'ab'[number % 2]}\n" for number in range(6)))
    result, log = trained(capsys, ".", "--labels", "l.csv", "--task", "classify")
    assert result["task"] == "classify"
    assert "signal (1 channel) x" in log


def test_kinds_of_events_only_in_test_are_counted(capsys: pytest.CaptureFixture) -> None:
    wfdb = pytest.importorskip("wfdb")
    for name, kind in (("train", "N"), ("test", "V")):
        Path(name).mkdir()
        values = np.random.default_rng(0).normal(size=(1000, 1))
        wfdb.wrsamp("r0", fs=250, units=["mV"], sig_name=["II"], p_signal=values, fmt=["16"], write_dir=name)
        places = np.arange(60, 1000, 125)
        wfdb.wrann("r0", "atr", places, [kind, *"NNNNNNN"], write_dir=name)
    _, log = trained(capsys, ".", "--data.event_labels", "true")
    assert "events in test of a kind that training did not see, left out: 1" in log


def test_a_folder_of_texts_with_a_readme_and_a_blank_file(capsys: pytest.CaptureFixture) -> None:
    for label in ("pos", "neg"):
        Path("texts", label).mkdir(parents=True)
        for number in range(6):
            Path("texts", label, f"{number}.txt").write_text(f"this is {label} number {number}")
    Path("texts/README.txt").write_text("what this is\n")
    Path("texts/pos/blank.txt").write_text(" \n\n")
    result, log = trained(capsys, "texts")
    assert result["task"] == "classify"
    assert "files left out, since they are empty or no text: 1" in log
    assert "files left out, since they lie outside the folders of classes: 1" in log


def test_files_without_a_label_or_with_one_class_are_named(capsys: pytest.CaptureFixture) -> None:
    Path("genes.fa").write_text("".join(f">s{number}\nACGT\n" for number in range(9)))
    sentence = refused(capsys, "genes.fa")
    assert sentence.startswith("genes.fa: there is no label to learn; name a field with --target or say with --labels")
    write("one.csv", [[*row[:4], "yes"] for row in rows()])
    assert refused(capsys, "one.csv").startswith("one.csv: the training part has only the label 'yes'")
    Path("packed.csv.gz").write_bytes(b"\x1f\x8b\x08\x00rest")
    assert "packed.csv.gz is compressed" in refused(capsys, "packed.csv.gz")
