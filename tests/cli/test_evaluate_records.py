"""`unrolled evaluate` of models of records, as a person uses it."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from small_record_runs import (
    train_small,
    write_flowers,
    write_heartbeats,
    write_prices,
    write_recordings,
    write_sentences,
)
from unrolled.cli.main import main
from unrolled.data.readers.read_like_training import reopen
from unrolled.data.records import Notes
from unrolled.scoring.names import metric_in_words
from unrolled.tasks.labels.load import load_records
from unrolled.tasks.labels.predict import predictions


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flowers")
    return train_small([write_flowers(folder / "flowers.csv")], folder / "run")


def evaluate(capsys: pytest.CaptureFixture, *arguments: object) -> tuple[int, str, str]:
    code = main(["evaluate", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_any_labelled_file(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = write_flowers(tmp_path / "other.csv", 12, extra="7")
    code, out, err = evaluate(capsys, run, path, "--json")
    assert code == 0
    result = json.loads(out)
    loaded = load_records(run)
    rows = predictions(loaded, reopen([str(path)], loaded.recipe, Notes(), labelled=False)).rows
    accuracy = np.mean([row["prediction"] == "abc"[number % 3] for number, row in enumerate(rows)])
    scores = result["file"]
    assert scores["metrics"]["accuracy"]["value"] == pytest.approx(accuracy)
    assert scores["metrics"]["accuracy"]["low"] is not None
    assert (scores["count"], scores["unscored"]) == (12, 0)
    assert scores["baseline"]["accuracy"]["value"] == pytest.approx(1 / 3)
    assert result["task"] == "classify"
    assert any("colour" in note for note in result["notes"])
    assert f"{path}: accuracy {accuracy:.4g} (" in err
    assert "12 scored; baseline: class shares of the training part" in err


def test_the_parts_of_the_run(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    code, out, _ = evaluate(capsys, run, "--json")
    assert code == 0
    own = json.loads(out)
    assert own["valid"]["count"] == 3
    code, out, err = evaluate(capsys, run, "--part", "train", "--json")
    assert code == 0
    assert json.loads(out)["train"]["count"] == 27
    assert "train part: accuracy" in err
    code, out, err = evaluate(capsys, run, "--part", "test")
    assert (code, out, err) == (2, "", "unrolled: the run has no test part; it has train, valid\n")
    copy = shutil.copytree(run / "best", tmp_path / "model")
    code, _, err = evaluate(capsys, copy)
    assert code == 2
    assert "does not say which data it was trained with; name the files to judge" in err


def test_data_that_changed_is_not_judged(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = write_flowers(tmp_path / "flowers.csv", 30)
    run = train_small([path], tmp_path / "run")
    write_flowers(path, 33)
    code, _, err = evaluate(capsys, run)
    assert code == 2
    assert "have changed since, so its parts are others now; name the files to judge" in err
    (run / "split.json").unlink()
    code, _, err = evaluate(capsys, run)
    assert code == 2
    assert "split.json is damaged or missing" in err


def test_the_scores_are_those_of_the_end_of_training(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    from unrolled.models.config import ModelConfig
    from unrolled.tasks.train_files import train_files
    from unrolled.training.config import TrainConfig

    write_flowers(tmp_path / "flowers_TRAIN.csv", 600)
    write_flowers(tmp_path / "flowers_TEST.csv", 9)
    result = train_files(
        [str(tmp_path / "flowers_TRAIN.csv")],
        run=str(tmp_path / "run"),
        model=ModelConfig(width=4, members=1),
        train_config=TrainConfig(max_steps=1, precision="32"),
        silent=True,
    )
    code, out, _ = evaluate(capsys, tmp_path / "run", "--json")
    assert code == 0
    for name in ("valid", "test"):
        assert json.loads(out)[name] == json.loads(json.dumps(result[name]))


def test_labels_that_training_did_not_see(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = write_flowers(tmp_path / "strange.csv", 8, labels=("a", "x"))
    code, out, err = evaluate(capsys, run, path)
    assert code == 0
    assert "4 scored, 4 without a known label" in out
    assert "with a label that training did not see, left out of the scores: 4" in err
    code, _, err = evaluate(capsys, run, write_flowers(tmp_path / "none.csv", 8, labels=("x", "z")))
    assert code == 2
    assert "none.csv has no record whose species the model knows (it knows a, b, c); there is nothing to judge" in err


def test_what_cannot_be(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "near.csv").write_text("petal_lenght,petal_width,species\n1,2,a\n2,3,b\n")
    (tmp_path / "empty.csv").touch()
    plain = write_flowers(tmp_path / "plain.csv", 4, labels=None)
    for arguments, sentence in {
        (run, plain): "no column 'species'",
        (run, tmp_path / "near.csv"): "near.csv has no column 'petal_length', which the model reads",
        (run, tmp_path / "empty.csv"): "empty.csv",
        (run, tmp_path / "none.csv"): "there is no file",
    }.items():
        code, out, err = evaluate(capsys, *arguments)
        assert (code, out) == (2, ""), err
        assert sentence in err
        assert err.count("\n") == 1


def test_values_tags_texts_and_events(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    pytest.importorskip("soundfile")
    pytest.importorskip("wfdb")
    prices = write_prices(tmp_path / "prices.csv")
    sentences = write_sentences(tmp_path / "sentences.conll")
    clips, beats = write_recordings(tmp_path / "clips"), write_heartbeats(tmp_path / "beats")
    runs = {
        "r2": (train_small([prices], tmp_path / "r1", "regress", target="price"), prices),
        "span_f1": (train_small([sentences], tmp_path / "r2"), sentences),
        "cer": (train_small([clips], tmp_path / "r3", "transcribe"), clips),
        "f1": (train_small([beats], tmp_path / "r4", "tag"), beats),
    }
    for metric, (run, path) in runs.items():
        code, out, err = evaluate(capsys, run, path, "--json")
        assert code == 0, err
        scores = json.loads(out)["file"]
        assert metric in scores["metrics"]
        # Every metric has the naive one beside it: in the result, on the console and in the report.
        assert scores["baseline"]["name"]
        assert scores["metrics"].keys() == scores["baseline"].keys() - {"name"}
        assert f"baseline: {scores['baseline']['name']}" in err
        parts = err.split(f"{path}: ")[1].splitlines()[0].split("; ")
        assert parts
        assert all(", baseline " in part for part in parts), parts
        page = (run / "report.html").read_text()
        for name, value in scores["metrics"].items():
            if value["value"] is not None:
                assert re.search(rf"<dt>[a-z]+ {metric_in_words(name)}</dt><dd>.*?<small>baseline .+?</small>", page)


def test_intervals_are_over_groups(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    random = np.random.default_rng(3)
    header = "width,length,patient,species"

    def write(path: Path, patients: int, *, named: bool = True) -> Path:
        lines = [header if named else header.replace(",patient", "")]
        for patient in range(patients):
            kind = patient % 2
            row = [f"{value:.3f}" for value in random.normal(kind, 0.2, 2)]
            cells = [*row, *([f"p{patient}"] if named else []), "ab"[kind]]
            lines += [",".join(cells)] * 25  # all records of a patient are alike
        path.write_text("\n".join(lines) + "\n")
        return path

    run = train_small([write(tmp_path / "seen.csv", 8)], tmp_path / "run", "classify", group="patient")
    new = write(tmp_path / "new.csv", 12)
    code, out, err = evaluate(capsys, run, new, "--json")
    assert code == 0, err
    grouped = json.loads(out)["file"]
    assert grouped["groups"] == 12
    assert "300 scored; intervals over 12 groups; baseline" in err
    code, out, err = evaluate(capsys, run, write(tmp_path / "plain.csv", 12, named=False), "--json")
    assert code == 0, err
    assert json.loads(out)["file"]["groups"] is None
    assert any("without patient, the groups of training" in note for note in json.loads(out)["notes"])
    # A record alone would have an interval five times as narrow as its patient.
    loss = grouped["metrics"]["log_loss"]
    rows = predictions(load_records(run), reopen([str(new)], load_records(run).recipe, Notes(), labelled=False)).rows
    shares = np.array([row[f"p_{'ab'[number // 25 % 2]}"] for number, row in enumerate(rows)])
    means = -np.log(shares).reshape(12, 25).mean(axis=1)
    assert loss["value"] == pytest.approx(means.mean(), rel=1e-4)
    assert loss["high"] - loss["low"] == pytest.approx(2 * 1.96 * means.std() / np.sqrt(12), rel=0.15)
    code, out, _ = evaluate(capsys, run, "--json")
    assert json.loads(out)["valid"]["groups"] == 1
    assert json.loads(out)["valid"]["metrics"]["accuracy"]["low"] is None


def test_labels_from_file_names_are_found_again(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    soundfile = pytest.importorskip("soundfile")
    random = np.random.default_rng(0)
    for name, count in (("old", 12), ("new", 2)):
        (tmp_path / name).mkdir()
        for number in range(count):
            path = tmp_path / name / f"{'yes' if number % 2 else 'no'}_anna_{number}.wav"
            soundfile.write(path, random.normal(size=900) * 0.1, 8000)
    run = train_small([tmp_path / "old"], tmp_path / "run")
    # Two files alone would not tell which part of their names is the label.
    code, out, err = evaluate(capsys, run, tmp_path / "new", "--json")
    assert code == 0, err
    assert json.loads(out)["file"]["count"] == 2
    labels = tmp_path / "labels.csv"
    labels.write_text("path,label\nno_anna_0.wav,yes\nyes_anna_1.wav,maybe\n")
    code, out, err = evaluate(capsys, run, tmp_path / "new", "--labels", labels, "--json")
    assert code == 0, err
    assert (json.loads(out)["file"]["count"], json.loads(out)["file"]["unscored"]) == (1, 1)
    code, out, _ = evaluate(capsys, run, tmp_path / "new" / "no_anna_0.wav", "--json")
    assert (code, json.loads(out)["file"]["count"]) == (0, 1)


@pytest.mark.parametrize("header", [">s{n}|{label}", ">s{n} {label} of a cell", '>s{n} class="{label}" x=1'])
def test_labels_in_fasta_headers_are_found_again(header: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    def write(path: Path, count: int) -> Path:
        lines = [f"{header.format(n=n, label=['even', 'odd'][n % 2])}\nACGT{'ACGT'[n % 4] * 3}" for n in range(count)]
        path.write_text("\n".join(lines) + "\n")
        return path

    run = train_small([write(tmp_path / "many.fasta", 30)], tmp_path / "run", "classify")
    # One sequence alone would not tell where the label is.
    code, out, err = evaluate(capsys, run, write(tmp_path / "one.fasta", 1), "--json")
    assert code == 0, err
    assert (json.loads(out)["file"]["count"], json.loads(out)["file"]["unscored"]) == (1, 0)


def test_arrays_with_names_for_their_parts(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    X, y = np.random.default_rng(0).normal(size=(12, 5, 2)), np.arange(12) % 2
    np.savez(tmp_path / "parts.npz", x_train=X, y_train=y)
    run = train_small([tmp_path / "parts.npz"], tmp_path / "run", "classify")
    code, out, err = evaluate(capsys, run, tmp_path / "parts.npz", "--json")
    assert code == 0, err
    assert json.loads(out)["file"]["count"] == 12
