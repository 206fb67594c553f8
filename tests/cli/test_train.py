"""`unrolled train` from a text file to a model that speaks; the engine itself is tested in tests/training."""

import json
import math
from pathlib import Path

import pytest
import yaml

from small_models import TEXT
from unrolled.cli.main import main

TINY = ["--model.width", "8", "--model.family", "gru", "--train.max_steps", "3", "--train.seed", "5"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("train")
    (folder / "poems.txt").write_text(TEXT, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("UNROLLED_CACHE", str(folder / "cache"))
        printed: list[str] = []
        patch.setattr("builtins.print", lambda *words, **_: printed.append(" ".join(map(str, words))))
        assert main(["train", "poems.txt", *TINY, "--json"]) == 0
    return folder, json.loads(printed[-1]) | {"printed": printed[:-1]}


def test_the_result_and_what_to_do_next(trained: tuple[Path, dict]) -> None:
    folder, result = trained
    assert result["run"] == "runs/poems-gru"
    assert result["steps"] == 3
    assert result["loss"] < math.log(60)
    assert result["perplexity"] == pytest.approx(math.exp(result["loss"]))
    assert any(line.startswith(f"validation: {result['loss']:.4f} nats per token") for line in result["printed"])
    assert f"report: {result['report']}" in result["printed"]
    assert result["printed"][-1].startswith("next: ")
    assert result["printed"][-1].endswith("unrolled generate runs/poems-gru")
    assert (folder / result["report"]).is_file()
    config = yaml.safe_load((folder / "runs/poems-gru/config.yaml").read_text())
    assert (config["model"]["width"], config["train"]["seed"]) == (8, 5)


def test_evaluate_repeats_the_loss_of_the_run(
    trained: tuple[Path, dict], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    folder, result = trained
    monkeypatch.chdir(folder)
    monkeypatch.setenv("UNROLLED_CACHE", str(folder / "cache"))
    assert main(["evaluate", result["run"], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["loss"] == pytest.approx(result["loss"], rel=1e-5)


def test_the_run_speaks(trained: tuple[Path, dict], capsys: pytest.CaptureFixture) -> None:
    folder, result = trained
    assert main(["generate", str(folder / result["run"]), "--prompt", "The ", "--length", "10"]) == 0
    assert len(capsys.readouterr().out) == 15
