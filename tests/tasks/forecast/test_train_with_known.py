"""Runs with columns known ahead: what knowing is worth, the rows that `predict` needs, and the live stream."""

import csv
import io
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_runs import assert_same_run, train_until

from unrolled.cli.main import main
from unrolled.data.config import DataConfig
from unrolled.data.records import Notes
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.tasks.forecast.files import own_parts, read_series, windows_of
from unrolled.tasks.forecast.load import LoadedForecast, load_forecast
from unrolled.tasks.forecast.predict import predictions
from unrolled.tasks.forecast.scores import judge_forecasts
from unrolled.tasks.forecast.stream import ForecastStream
from unrolled.tasks.train_files import train_files
from unrolled.training.config import TrainConfig

DATA: dict[str, Any] = {"context": 16, "horizon": 4, "target": "y"}
MODEL: dict[str, Any] = {"width": 8, "patch": 4}
TRAIN: dict[str, Any] = {"max_steps": 150, "batch_size": 16, "warmup_steps": 5, "learning_rate": 2e-2}
PAST, AHEAD = 400, 10


def noise() -> np.ndarray:
    return np.random.default_rng(0).normal(5, 2, PAST + AHEAD)


def sale() -> list[str]:
    draw = np.random.default_rng(1).random(PAST + AHEAD)
    return ["" if chance < 0.5 else "half" if chance < 0.8 else "third" for chance in draw]


def truth() -> np.ndarray:
    """Three times a white noise, which nobody can know but from the noise itself, and some for a sale."""
    return 3 * noise() + np.array([{"": 0, "half": 10, "third": 5}[word] for word in sale()])


def write(path: Path, ahead: int = AHEAD, begin: int = 0) -> str:
    days = np.datetime64("2020-01-01") + np.arange(PAST + AHEAD)
    rows = list(zip(days, [*truth()[:PAST].round(5), *[""] * AHEAD], noise().round(5), sale(), strict=True))
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["date", "y", "x", "sale"])
        writer.writerows(rows[begin : PAST + ahead])
    return str(path)


def train(file: str, run: Path, known: list[str], **groups: dict[str, Any]) -> dict[str, Any]:
    return train_files(
        [file],
        task="forecast",
        run=str(run),
        data=DataConfig(**DATA | {"known": known} | groups.get("data", {})),
        model=ModelConfig(**MODEL | groups.get("model", {})),
        train_config=TrainConfig(**TRAIN | groups.get("train", {})),
        silent=True,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("known")
    file = write(folder / "shop.csv")
    train(file, folder / "run", ["x", "sale"])
    return file, folder / "run"


@pytest.fixture(scope="module")
def loaded(trained: tuple[str, Path]) -> LoadedForecast:
    return load_forecast(trained[1])


def test_what_depends_on_a_known_value_alone_is_forecast_only_with_it(
    trained: tuple[str, Path], loaded: LoadedForecast, tmp_path: Path
) -> None:
    errors: list[float] = []
    for run in (trained[1], Path(train(trained[0], tmp_path / "run", [])["run"])):
        model = load_forecast(run)
        past = write(tmp_path / "past.csv", ahead=0)
        part = windows_of(model, read_series(model, [past], Notes()), Notes(), past)
        judgement = judge_forecasts(model.network, model.encoding, part.windows, part.values)
        errors.append(judgement.metrics["mae"].value or 0.0)
    assert errors[1] > 0.7  # 0.8 is the mean distance of a normal value from its mean
    assert 0 < errors[0] < 0.05


def test_the_future_rows_are_no_part_of_training_or_judging(trained: tuple[str, Path], loaded: LoadedForecast) -> None:
    split = json.loads((trained[1] / "split.json").read_text())
    assert split["valid"][0][2] == PAST
    notes = Notes()
    part = windows_of(loaded, read_series(loaded, [trained[0]], notes), notes, "x")
    assert len(part.windows) == PAST - 16 - 4 + 1
    own = own_parts(loaded, "valid")["valid"]
    assert not np.isnan(own.windows.batch(np.arange(len(own.windows))).future).any()
    assert "known ahead: x, sale" in (trained[1] / "log.txt").read_text()


def values(loaded: LoadedForecast, file: str, horizon: int | None = None) -> list[float]:
    notes = Notes()
    rows = predictions(loaded, read_series(loaded, [file], notes), horizon=horizon, notes=notes).rows
    return [float(row["prediction"]) for row in rows]


def test_predictions_begin_after_the_last_target(trained: tuple[str, Path], loaded: LoadedForecast) -> None:
    rows = list(predictions(loaded, read_series(loaded, [trained[0]], Notes())).rows)
    day = np.datetime64("2020-01-01") + PAST
    assert [row["time"] for row in rows] == [str(day + step) for step in range(4)]
    assert [row["prediction"] for row in rows] == pytest.approx(truth()[PAST : PAST + 4], abs=2)


def test_beyond_the_horizon_the_known_values_go_on(trained: tuple[str, Path], loaded: LoadedForecast) -> None:
    far = values(loaded, trained[0], 10)
    assert far == pytest.approx(truth()[PAST:], abs=2)
    assert far[:4] == pytest.approx(values(loaded, trained[0]), rel=1e-5)
    assert values(loaded, trained[0], 3) == pytest.approx(far[:3], rel=1e-5)


def test_too_few_rows_ahead_are_refused(trained: tuple[str, Path], tmp_path: Path, capsys: Any) -> None:
    # A cell of words that is empty is a value too, so all rows at the end count.
    file = write(tmp_path / "short.csv", ahead=3)
    out = tmp_path / "out.csv"
    assert main(["predict", str(trained[1]), file, "-o", str(out)]) == 2
    error = capsys.readouterr().err
    assert "short.csv: a forecast of 4 steps takes as many rows after the last value of y that say x and sale" in error
    assert "and 3 are there; add 1 row with the time and x and sale, and y empty" in error
    assert main(["predict", str(trained[1]), file, "-o", str(out), "--horizon", "9"]) == 2
    assert "add 6 rows" in capsys.readouterr().err
    assert not out.exists()
    assert main(["predict", str(trained[1]), file, "-o", str(out), "--horizon", "3"]) == 0


def test_missing_values_ahead_are_counted(trained: tuple[str, Path], tmp_path: Path, capsys: Any) -> None:
    lines = Path(trained[0]).read_text().splitlines()
    day, _, _, words = lines[PAST + 2].split(",")
    lines[PAST + 2] = f"{day},,,{words}"
    (tmp_path / "gap.csv").write_text("\n".join(lines))
    assert main(["predict", str(trained[1]), str(tmp_path / "gap.csv"), "-o", str(tmp_path / "out.csv")]) == 0
    assert "missing values of columns known ahead, taken as their mean: 1" in capsys.readouterr().err


def messages(loaded: LoadedForecast, begin: int = 0) -> list[dict[str, Any]]:
    x, words, horizon = noise().round(5), sale(), loaded.network.config.horizon
    rows = []
    for step in range(begin, PAST):
        ahead = slice(step + 1, step + 1 + horizon)
        day = str(np.datetime64("2020-01-01") + step)
        known = {"x": x[ahead].tolist(), "sale": [word or None for word in words[ahead]]}
        y = float(truth()[step].round(5))
        rows.append({"time": day, "y": y, "x": float(x[step]), "sale": words[step], "known": known})
    return rows


@pytest.mark.parametrize("begin", [0, PAST - 5])  # the second is shorter than the window
def test_a_stream_says_what_predictions_say(loaded: LoadedForecast, tmp_path: Path, begin: int) -> None:
    stream = ForecastStream(loaded)
    size = len(stream.save())
    for message in messages(loaded, begin)[-30:-5]:
        stream.feed(message)
    kept = stream.save()
    assert len(kept) == size
    stream = ForecastStream(loaded)
    stream.load(kept)
    for message in messages(loaded, begin)[-5:]:
        answer = stream.feed(message)
    wanted = list(predictions(loaded, read_series(loaded, [write(tmp_path / "x.csv", begin=begin)], Notes())).rows)
    assert answer["times"] == [row["time"] for row in wanted]
    for column in ("prediction", "q0.1", "q0.9"):
        assert answer["forecast"]["y"][column] == pytest.approx([row[column] for row in wanted], rel=1e-4)


WRONG: list[tuple[Any, str]] = [
    (None, 'the model knows x and sale ahead; give the values of the next 4 steps, as "known": {"x": [...], "sale"'),
    ([1], "the model knows x and sale ahead"),
    ({"x": [1, 2, 3, 4]}, '"known" has no list of "sale"; give 4'),
    ({"x": [1, 2, 3], "sale": [""] * 4}, '"known" has 3 values of "x"; give 4, one for each step ahead'),
    ({"x": [1, 2, 3, "a"], "sale": [""] * 4}, "\"x\" is 'a'; give a finite number"),
    ({"x": [1, 2, 3, math.inf], "sale": [""] * 4}, '"x" is inf; give a finite number'),
    ({"x": [1, 2, 3, 4], "sale": [1] * 4}, '"sale" is 1; give a text'),
    ({"X": [1, 2, 3, 4], "sale": [""] * 4}, '"known" holds "X", which the model does not know ahead'),
    ({"x": 1, "sale": [""] * 4}, '"known" has no list of "x"'),
]


@pytest.mark.parametrize(("known", "sentence"), WRONG)
def test_a_line_without_what_is_known_ahead_changes_nothing(loaded: LoadedForecast, known: Any, sentence: str) -> None:
    stream = ForecastStream(loaded)
    good = messages(loaded)[0]
    stream.feed(good)
    before = stream.save()
    with pytest.raises(UserError) as error:
        stream.feed({name: value for name, value in (good | {"known": known}).items() if value is not None})
    assert sentence in str(error.value)
    assert stream.save() == before


def test_the_verb_stream_reads_what_is_known_ahead(
    trained: tuple[str, Path], loaded: LoadedForecast, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = messages(loaded)[0]
    lines = [json.dumps(good), json.dumps(good | {"known": {}}), json.dumps(good | {"reset": True})]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\n".join(lines).encode())))
    assert main(["stream", str(trained[1])]) == 0
    first, wrong, again = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "the model knows x and sale ahead" in wrong["error"]
    assert first == again


def test_a_model_from_before_there_were_columns_known_ahead_loads(trained: tuple[str, Path], tmp_path: Path) -> None:
    train(trained[0], tmp_path / "run", [], train={"max_steps": 2})
    path = tmp_path / "run" / "best" / "config.json"
    config = json.loads(path.read_text())
    assert config["model"].pop("known_channels") == []
    path.write_text(json.dumps(config))
    assert load_forecast(tmp_path / "run").network.config.known_channels == ()
    assert "known_ahead" not in (tmp_path / "run" / "best" / "encoding.json").read_text()


def test_a_run_goes_on_bit_for_bit(trained: tuple[str, Path], tmp_path: Path) -> None:
    settings: dict[str, Any] = {"max_steps": 30, "checkpoint_every": 5, "validate_every": 10}
    train(trained[0], tmp_path / "whole", ["x"], train=settings)
    train_until(17, lambda: train(trained[0], tmp_path / "cut", ["x"], train=settings))
    train(trained[0], tmp_path / "cut", ["x"], train=settings | {"resume": "auto"})
    assert_same_run(tmp_path / "whole", tmp_path / "cut")
