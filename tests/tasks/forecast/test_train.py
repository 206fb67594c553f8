"""Runs that forecast: what they learn, write and refuse; exact resume; files to predict and to judge; live streams."""

import csv
import io
import json
import re
import shutil
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
from small_runs import assert_same_run, train_until

from unrolled.cli.main import main
from unrolled.data.config import DataConfig
from unrolled.data.readers import times
from unrolled.data.records import Notes
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.tasks.forecast.files import own_parts, read_series
from unrolled.tasks.forecast.load import load_forecast
from unrolled.tasks.forecast.predict import predictions
from unrolled.tasks.forecast.scores import judge_forecasts
from unrolled.tasks.forecast.stream import ForecastStream
from unrolled.tasks.train_files import train_files
from unrolled.training.config import TrainConfig

DATA: dict[str, Any] = {"context": 24, "horizon": 8, "parts": "200,50,50"}
MODEL: dict[str, Any] = {"width": 8, "patch": 8}
TRAIN: dict[str, Any] = {"max_steps": 30, "batch_size": 16, "warmup_steps": 5, "learning_rate": 1e-2}


def sine_file(folder: Path, count: int = 300, name: str = "sine.csv") -> str:
    t = np.arange(count)
    times = np.datetime64("2020-01-01", "s") + t * np.timedelta64(1, "h")
    noise = np.random.default_rng(0).normal(0, 0.02, count)
    rows = zip(times, 50 + 5 * np.sin(2 * np.pi * t / 17) + noise, np.cos(2 * np.pi * t / 17) / 10, strict=True)
    with (folder / name).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["date", "a", "b"])
        writer.writerows((str(time).replace("T", " "), f"{a:.5f}", f"{b:.5f}") for time, a, b in rows)
    return str(folder / name)


def train(file: str, run: Path, **groups: dict[str, Any]) -> dict[str, Any]:
    return train_files(
        [file],
        task="forecast",
        run=str(run),
        data=DataConfig(**DATA | groups.get("data", {})),
        model=ModelConfig(**MODEL | groups.get("model", {})),
        train_config=TrainConfig(**TRAIN | groups.get("train", {})),
        silent=True,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("forecast")
    file = sine_file(folder)
    train(file, folder / "run", train={"max_steps": 150})
    return file, folder / "run"


def test_a_sine_is_forecast_far_better_than_by_its_last_value(trained: tuple[str, Path]) -> None:
    loaded = load_forecast(trained[1])
    part = own_parts(loaded, "test")["test"]
    judgement = judge_forecasts(loaded.network, loaded.encoding, part.windows, part.values)
    assert judgement.metrics["mse"].value < 0.02 * judgement.baselines["last value"]["mse"].value  # type: ignore[operator]
    assert judgement.windows == 50 - 8 + 1


def test_what_a_run_leaves(trained: tuple[str, Path]) -> None:
    run = trained[1]
    names = {"config.yaml", "log.txt", "metrics.jsonl", "checkpoints", "best", "report.html", "split.json"}
    assert {path.name for path in run.iterdir()} == names
    assert json.loads((run / "split.json").read_text()) == {
        "train": [["", 0, 200]],
        "valid": [["", 200, 250]],
        "test": [["", 250, 300]],
    }
    assert "forecast: 2 channels x 300 hourly steps; look-back 24, horizon 8" in (run / "log.txt").read_text()
    report = (run / "report.html").read_text()
    for name in ("MSE", "MAE"):  # beside the best forecast without a model
        assert re.search(rf"<dt>test {name}</dt><dd>[\d.e-]+<small>baseline [\d.e-]+</small></dd>", report)
    assert {">values</text>", ">time</text>"} <= set(re.findall(r">\w+</text>", report))
    assert 'class="picture"' in report
    assert "80 % interval" in report
    assert "Forecaster" in (run / "best/README.md").read_text()


@pytest.mark.parametrize("family", ["lstm", "transformer", "convolution", "inception", "feedforward"])
def test_every_family_trains(tmp_path: Path, family: str) -> None:
    result = train(sine_file(tmp_path), tmp_path / "run", model={"family": family, "layers": 1}, train={"max_steps": 3})
    assert np.isfinite(result["test"]["metrics"]["mse"]["value"])


def test_settings_reach_the_network(tmp_path: Path) -> None:
    changes = {
        "data": {"quantiles": "none", "calendar": "all", "scaling": "window"},
        "model": {"channels": "mixed", "patch": 6, "layers": 2, "dropout": 0.25},
        "train": {"max_steps": 2},
    }
    train(sine_file(tmp_path), tmp_path / "run", **changes)  # type: ignore[arg-type]
    config = load_forecast(tmp_path / "run").network.config
    assert (config.quantiles, config.known, config.normalise) == ((), 2, "standard")
    assert (config.channel_independent, config.patch, config.layers, config.dropout) == (False, 6, 2, 0.25)
    train(sine_file(tmp_path), tmp_path / "other", data={"calendar": "none"}, model={"channels": "independent"})
    config = load_forecast(tmp_path / "other").network.config
    assert (config.quantiles, config.known, config.normalise) == ((0.1, 0.5, 0.9), 0, "last")
    assert config.channel_independent


def test_settings_of_the_family_reach_the_network(tmp_path: Path) -> None:
    given = {"kv_heads": 1, "positions": "alibi", "window": 2, "feedforward": "gelu", "qk_norm": False, "heads": 2}
    train(sine_file(tmp_path), tmp_path / "run", model={"family": "transformer", **given}, train={"max_steps": 2})
    config = load_forecast(tmp_path / "run").network.config
    assert {name: getattr(config, name) for name in given} == given
    given = {"forget_bias": 2.0, "variational": True, "bidirectional": True, "members": 2}
    train(sine_file(tmp_path), tmp_path / "lstm", model={"family": "lstm", **given}, train={"max_steps": 2})
    network = load_forecast(tmp_path / "lstm").network
    assert {name: getattr(network.config, name) for name in given} == given
    assert len(network.members) == 2


def test_a_model_of_an_older_version_forecasts_the_same(trained: tuple[str, Path], tmp_path: Path) -> None:
    """It had one network, without the settings of its family, under names of its own."""
    shutil.copytree(trained[1] / "best", tmp_path / "best")
    weights = safetensors.torch.load_file(tmp_path / "best/model.safetensors")
    old = {name.removeprefix("members.0."): weight for name, weight in weights.items()}
    assert old.keys().isdisjoint(weights)
    safetensors.torch.save_file(old, tmp_path / "best/model.safetensors")
    config = json.loads((tmp_path / "best/config.json").read_text())
    new = ("kv_heads", "positions", "window", "feedforward", "qk_norm", "kernel", "forget_bias", "nonlinearity")
    new += ("bidirectional", "variational", "members")
    config["model"] = {name: value for name, value in config["model"].items() if name not in new}
    (tmp_path / "best/config.json").write_text(json.dumps(config))
    now, then = (load_forecast(folder) for folder in (trained[1], tmp_path / "best"))
    series = read_series(now, [trained[0]], Notes())
    assert list(predictions(now, series).rows) == list(predictions(then, series).rows)


@pytest.mark.parametrize("members", [None, 2])
def test_a_run_goes_on_bit_for_bit(tmp_path: Path, members: int | None) -> None:
    file = sine_file(tmp_path)
    settings = {"train": {"checkpoint_every": 5, "validate_every": 10}, "model": {"members": members}}
    train(file, tmp_path / "whole", **settings)  # type: ignore[arg-type]
    train_until(17, lambda: train(file, tmp_path / "cut", **settings))  # type: ignore[arg-type]
    settings["train"]["resume"] = "auto"  # type: ignore[assignment]
    train(file, tmp_path / "cut", **settings)  # type: ignore[arg-type]
    assert_same_run(tmp_path / "whole", tmp_path / "cut")


def test_a_run_does_not_go_on_with_other_values(tmp_path: Path) -> None:
    train(sine_file(tmp_path), tmp_path / "run", train={"checkpoint_every": 10})
    changed = Path(sine_file(tmp_path)).read_text().replace("50.0", "51.0", 1)
    (tmp_path / "sine.csv").write_text(changed)
    with pytest.raises(UserError, match="cannot resume"):
        train(str(tmp_path / "sine.csv"), tmp_path / "run", train={"resume": "auto", "max_steps": 60})


def test_predictions_go_on_from_the_end_of_the_file(trained: tuple[str, Path]) -> None:
    file, run = trained
    loaded = load_forecast(run)
    series = read_series(loaded, [file], Notes())
    forecasts = predictions(loaded, series)
    rows = list(forecasts.rows)
    assert list(forecasts.columns) == ["time", "ahead", "channel", "prediction", "q0.1", "q0.5", "q0.9"]
    assert len(rows) == 8 * 2
    # 300 hours after the beginning of 2020.
    assert [row["time"] for row in rows[::2]] == [f"2020-01-13 {hour:02}:00:00" for hour in range(12, 20)]
    assert [row["channel"] for row in rows[:3]] == ["a", "b", "a"]
    assert all(row["q0.1"] <= row["q0.5"] <= row["q0.9"] for row in rows)
    truth = 50 + 5 * np.sin(2 * np.pi * np.arange(300, 308) / 17)
    assert np.abs(np.array([row["prediction"] for row in rows[::2]]) - truth).mean() < 1.0
    assert len(list(predictions(loaded, series, horizon=20).rows)) == 20 * 2


def run_cli(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_verbs(trained: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, run = trained
    code, out, _ = run_cli(capsys, "predict", run, file, "-o", tmp_path / "out.csv", "--horizon", "10")
    assert (code, out.splitlines()[-1].endswith("20 rows for 1 record")) == (0, True)
    with (tmp_path / "out.csv").open() as lines:
        assert next(csv.DictReader(lines))["time"] == "2020-01-13 12:00:00"
    code, out, err = run_cli(capsys, "evaluate", run, "--json")
    assert code == 0, err
    own = json.loads(out)
    assert set(own) >= {"valid", "test"}
    for naive in own["valid"]["baselines"].values():
        assert set(naive) == set(own["valid"]["metrics"])
    code, out, _ = run_cli(capsys, "evaluate", run, file, "--json")
    assert json.loads(out)["file"]["windows"] == 300 - 24 - 8 + 1


def test_files_that_do_not_fit_are_refused(
    trained: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, run = trained
    lines = Path(file).read_text().splitlines()
    (tmp_path / "other.csv").write_text("\n".join([lines[0].replace("b", "bb"), *lines[1:60]]))
    code, _, err = run_cli(capsys, "predict", run, tmp_path / "other.csv", "-o", tmp_path / "out.csv")
    assert code == 2
    assert "no column 'b', which the model reads, did you mean 'bb'?" in err
    assert not (tmp_path / "out.csv").exists()
    daily = [line.replace(" ", "T") for line in lines[1:]][::24]
    (tmp_path / "daily.csv").write_text("\n".join([lines[0], *daily]))
    code, _, err = run_cli(capsys, "predict", run, tmp_path / "daily.csv", "-o", tmp_path / "out.csv")
    assert code == 2
    assert "has daily steps, and the model was trained on hourly ones" in err
    (tmp_path / "short.csv").write_text("\n".join(lines[:20]))
    code, _, err = run_cli(capsys, "evaluate", run, tmp_path / "short.csv")
    assert code == 2
    assert "the longest series has 19 steps" in err


def test_an_extra_column_may_hold_anything(trained: tuple[str, Path], tmp_path: Path) -> None:
    file, run = trained
    lines = Path(file).read_text().splitlines()
    extra = [f"{line},{'x' if number == 40 else number}" for number, line in enumerate(lines[1:])]
    (tmp_path / "extra.csv").write_text("\n".join([f"{lines[0]},extra", *extra]))
    loaded = load_forecast(run)
    rows = [
        list(predictions(loaded, read_series(loaded, [str(name)], Notes())).rows)
        for name in (file, tmp_path / "extra.csv")
    ]
    assert rows[0] == rows[1]


def test_a_stream_says_what_predictions_say(trained: tuple[str, Path]) -> None:
    file, run = trained
    loaded = load_forecast(run)
    with open(file) as lines:
        rows = list(csv.DictReader(lines))
    stream = ForecastStream(loaded)
    messages = [{"time": row["date"], "a": float(row["a"]), "b": float(row["b"])} for row in rows]
    for message in messages[:280]:
        stream.feed(message)
    kept = stream.save()
    stream = ForecastStream(loaded)
    stream.load(kept)
    for message in messages[280:]:
        answer = stream.feed(message)
    wanted = list(predictions(loaded, read_series(loaded, [file], Notes())).rows)
    assert answer["step"] == 300
    assert answer["times"] == [row["time"] for row in wanted[::2]]
    for channel, name in enumerate(("a", "b")):
        for column in ("prediction", "q0.1", "q0.9"):
            assert answer["forecast"][name][column] == pytest.approx(
                [row[column] for row in wanted[channel::2]], rel=1e-5
            )


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        ("{:%Y-%m-%d %H:%M:%S}", True),
        ("{:%Y/%m/%d %H:%M}", True),
        ("{0:%Y-%m-%d} {0.hour}:00", False),  # a number may have one digit: one time alone does not tell
        ("{:%d.%m.%Y %H:%M}", False),
    ],
)
def test_a_time_that_was_expected_is_not_read_again(
    trained: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, write: str, expected: bool
) -> None:
    loaded = load_forecast(trained[1])
    stream, read = ForecastStream(loaded), []
    monkeypatch.setattr(times, "read_time", lambda *given, plain=times.read_time: read.append(given) or plain(*given))
    for hour in range(22, 60):
        message = {"a": 50.0, "time": write.format(datetime(2020, 2, 27) + timedelta(hours=hour))}
        alone = ForecastStream(loaded)
        alone.load(stream.save())
        wanted, read[:] = alone.feed(message), []
        assert stream.feed(message) == wanted
        assert bool(read) == (hour == 22) or not expected


def test_a_stream_line_that_cannot_be_used_changes_nothing(
    trained: tuple[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    good = '{"a": 50, "b": null, "time": "2020-01-01 05:00"}'
    wrong = ['{"c": 1}', '{"a": "x", "time": "2020-01-01"}', "[1]", "{", '{"a": 1, "time": "soon"}', "{}"]
    wrong += [
        '{"\\ud800": 1}',
        '{"' + "a" * 1_000_000 + '": 1}',
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"a": ' + "9" * 400 + "}",
    ]
    wrong += ['{"a": 1, "time": {"x": "' + "y" * 100_000 + '"}}', '{"a": [' * 20_000]

    def answers(lines: list[str]) -> list[dict[str, Any]]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\n".join(lines).encode())))
        assert main(["stream", str(trained[1])]) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    replies = answers([good, *wrong, good])
    assert ["error" in reply for reply in replies] == [False, *[True] * len(wrong), False]
    assert all(len(json.dumps(reply)) < 1000 for reply in replies if "error" in reply)
    assert answers([good, good]) == [replies[0], replies[-1]]


def test_a_saved_state_of_another_window_is_refused(trained: tuple[str, Path], tmp_path: Path) -> None:
    stream = ForecastStream(load_forecast(trained[1]))
    stream.feed({"a": 50, "b": 1, "time": "2020-01-01 05:00"})
    tensors = safetensors.torch.load(stream.save())
    window = next(name for name in tensors if name.endswith("window"))
    for value, sentence in (
        (tensors[window][:, 1:], "this model needs"),
        (tensors[window] + float("inf"), "not finite"),
        (tensors[window][:, :0], "this model needs"),
    ):
        with pytest.raises(ValueError, match=sentence):
            stream.load(safetensors.torch.save(tensors | {window: value.contiguous()}))
    stream.load(stream.save())
