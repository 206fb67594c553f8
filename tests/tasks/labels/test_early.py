"""What a model says after a part of each record, as if the record ended there."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from small_record_runs import train_small
from unrolled.cli.main import main
from unrolled.data.feeds.examples import Example, Examples
from unrolled.data.records import Notes
from unrolled.tasks.labels.early import SHARES, answers_early
from unrolled.tasks.labels.load import load_records
from unrolled.tasks.load import load
from unrolled.training.progress import Progress


def write_series(path: Path, count: int = 40) -> Path:
    """Series of 20 to 30 steps, of which the class shows in the second half."""
    random, lines = np.random.default_rng(count), ["@problemName late", "@classLabel true up down", "@data"]
    for number in range(count):
        steps = random.normal(size=20 + number % 11) * 0.1
        steps[len(steps) // 2 :] += 2 if number % 2 else -2
        lines.append(",".join(f"{step:.3f}" for step in steps) + (":up" if number % 2 else ":down"))
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("series")
    return train_small([write_series(folder / "late.ts")], folder / "run", live=True, steps=60, split="random")


def test_as_if_each_record_ended_there(run: Path) -> None:
    model = load_records(run).model
    random, whole = np.random.default_rng(0), Examples()
    for steps in (1, 7, 30, 12):
        whole.append(Example(random.normal(size=(steps, 1)).astype(np.float32), None, None), "")
    for share, answers in zip(SHARES, answers_early(model, whole, SHARES), strict=True):
        cut = Examples()
        for number, steps in enumerate(whole.lengths):
            values = whole[number].numbers
            assert values is not None
            cut.append(Example(values[: math.ceil(share * steps)], None, None), "")
        for ours, theirs in zip(answers, model.answers(cut), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_evaluate_and_the_report_say_it(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_series(tmp_path / "other.ts", 30)
    capsys.readouterr()
    assert main(["evaluate", str(run), str(file), "--json"]) == 0
    out, err = capsys.readouterr()
    scores = json.loads(out)["file"]
    early = scores["early"]
    assert early["metric"] == "accuracy"
    assert [value["share"] for value in early["after"]] == [0.1, 0.25, 0.5, 1.0]
    assert early["after"][-1]["value"] == scores["metrics"]["accuracy"]["value"] == 1.0
    assert early["after"][0]["value"] < 0.9  # the class does not show yet
    assert f"accuracy {early['after'][0]['value']:.3g} after 10 %" in err
    report = (run / "report.html").read_text()
    assert "Answers while a record comes" in report
    assert "accuracy after parts of each record" in report


def test_models_that_read_from_both_ends_do_not(tmp_path: Path) -> None:
    file = write_series(tmp_path / "late.ts")
    run = train_small([file], tmp_path / "run", split="random")
    with Progress() as progress:
        trained = load(run)
        judgement = trained.score(trained.read([str(file)], Notes(), progress), Notes(), progress)
    assert "early" not in judgement.scores
    assert not any("while a record comes" in remark for remark in judgement.remarks)
