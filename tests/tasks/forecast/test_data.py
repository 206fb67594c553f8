"""From files to series: which columns are read and forecast, how they are cut and scaled, and what is refused."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.tasks.choose_reading import open_files
from unrolled.tasks.forecast.data import ForecastData, prepare_forecast
from unrolled.tasks.forecast.encoding import ForecastEncoding
from unrolled.tasks.forecast.parts_in_time import cut_in_time


def write(path: Path, columns: dict[str, Any]) -> str:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return str(path)


def hours(count: int, start: str = "2020-01-01") -> list[str]:
    times = np.datetime64(start, "s") + np.arange(count) * np.timedelta64(1, "h")
    return [str(time).replace("T", " ") for time in times]


def waves(count: int) -> dict[str, Any]:
    t = np.arange(count)
    return {"date": hours(count), "a": np.sin(2 * np.pi * t / 24).round(5), "b": (t % 24).astype(float) * 10 + 0.5}


def prepare(file: str, task: str | None = "forecast", **settings: Any) -> ForecastData:
    data = DataConfig(**settings)
    opened = open_files([file], data, task)
    assert opened.task == "forecast"
    return prepare_forecast(opened, data)


def refused(file: str, **settings: Any) -> str:
    with pytest.raises(UserError) as error:
        prepare(file, **settings)
    return str(error.value)


def test_the_parts_are_exact_and_scaled_by_training_alone(tmp_path: Path) -> None:
    columns = waves(400)
    columns["a"][300:] += 1000  # what comes later must not be known
    prepared = prepare(write(tmp_path / "x.csv", columns), parts="200,60,80", context=12, horizon=10)
    assert prepared.bounds["test"] == [(260, 340)]
    assert [len(prepared.windows[name]) for name in ("train", "valid", "test")] == [200 - 22 + 1, 60 - 9, 80 - 9]
    scaled = prepared.values["train"][0][:200]
    assert scaled.mean(0) == pytest.approx(0, abs=1e-5)
    assert scaled.std(0) == pytest.approx(1, abs=1e-5)
    batch = prepared.windows["test"].batch(np.array([0]))
    restored = prepared.encoding.unscale(batch.future[0])
    assert restored[:, 0] == pytest.approx(columns["a"][260:270], abs=1e-3)
    assert prepared.summary.startswith("forecast: 2 channels x 400 hourly steps; look-back 12, horizon 10")
    assert prepared.summary.endswith("200 / 60 / 80 steps for training, validation, test")


def test_a_table_of_numbers_over_time_is_a_forecast(tmp_path: Path) -> None:
    file = write(tmp_path / "x.csv", waves(300))
    assert prepare(file, task=None).encoding.targets == ("a", "b")
    wide = write(tmp_path / "y.csv", {"x": [1.5, 2.5] * 20, "label": ["p", "q"] * 20})
    assert open_files([wide], DataConfig(), None).task != "forecast"
    tagged = write(tmp_path / "z.csv", waves(40) | {"label": ["p", "q"] * 20})
    assert open_files([tagged], DataConfig(target="label"), None).task != "forecast"


def test_nixtla_tables_are_series_side_by_side(tmp_path: Path) -> None:
    columns = {"unique_id": ["A"] * 90 + ["B"] * 120, "ds": hours(90) + hours(120), "y": np.arange(210) % 7 + 0.25}
    prepared = prepare(write(tmp_path / "x.csv", columns), task=None, context=8, horizon=4)
    assert [series.name for series in prepared.series["train"]] == ["A", "B"]
    assert prepared.encoding.targets == ("y",)
    assert prepared.bounds["valid"] == [(81, 90), (108, 120)]
    assert "2 series x 1 channel x 90 to 120 hourly steps" in prepared.summary


def test_one_target_reads_the_other_columns_and_words(tmp_path: Path) -> None:
    columns = waves(300) | {"sky": ["sun", "rain", "sun"] * 80 + ["snow", "", "rain"] * 20}
    prepared = prepare(write(tmp_path / "x.csv", columns), target="b", parts="240,60", context=12, horizon=5)
    encoding = prepared.encoding
    assert encoding.targets == ("b",)
    assert encoding.words == {"sky": ("rain", "sun")}
    assert encoding.channels == 4
    series = prepared.values["train"][0]
    assert series[240:243, 2:].tolist() == [[0, 0], [0, 0], [1, 0]]  # snow was never seen, the second is missing
    assert series[:3, 2:].tolist() == [[0, 1], [1, 0], [0, 1]]
    assert ForecastEncoding.from_text(encoding.to_text()) == encoding


def test_missing_rows_and_values_are_masked_and_counted(tmp_path: Path) -> None:
    columns = waves(300)
    columns["a"] = columns["a"].astype(object)
    columns["a"][5] = ""
    kept = [n for n in range(300) if n not in (50, 51, 120)]
    prepared = prepare(write(tmp_path / "x.csv", {name: [values[n] for n in kept] for name, values in columns.items()}))
    assert prepared.missing
    values = prepared.values["train"][0]
    assert len(values) == 300
    assert np.flatnonzero(np.isnan(values[:, 0])).tolist() == [5, 50, 51, 120]
    assert np.flatnonzero(np.isnan(values[:, 1])).tolist() == [50, 51, 120]
    assert "steps without a row, taken as missing: 3" in prepared.notes
    assert not any("irregular" in note for note in prepared.notes)


def test_the_fingerprint_knows_the_values(tmp_path: Path) -> None:
    columns = waves(300)
    fingerprint = prepare(write(tmp_path / "x.csv", columns)).fingerprint
    assert prepare(write(tmp_path / "y.csv", columns)).fingerprint == fingerprint
    columns["b"][290] += 1
    assert prepare(write(tmp_path / "z.csv", columns)).fingerprint != fingerprint


def test_what_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "x.csv", waves(300))
    assert "x.csv: the series has 300 steps for training, too few for" in refused(file, horizon=300)
    assert "x.csv: the series has 20 steps for test, too few for a horizon of 24" in refused(
        file, parts="200,50,20", horizon=24
    )
    assert "parts of 200, 200 do not fit a series of 300 steps" in refused(file, parts="200,200")
    assert '--data.parts is "7:2"' in refused(file, parts="7:2")
    assert '--data.quantiles is "0.9,0.1"' in refused(file, quantiles="0.9,0.1")
    assert "did you mean" in refused(file, target="aa")
    assert "'--target'" in refused(file, target="aa") or "--target" in refused(file, target="aa")
    flat = write(tmp_path / "flat.csv", {"date": hours(100), "a": [1.5] * 100})
    assert "a never changes in the training part" in refused(flat)
    late = write(tmp_path / "late.csv", {"date": hours(100), "a": [""] * 95 + [1.5, 2, 1, 2, 1], "b": np.arange(100.0)})
    assert "'a' has no value in the training part" in refused(late)
    torn = waves(100)
    torn["date"][40] = "yesterday"
    assert "row 41" in refused(write(tmp_path / "torn.csv", torn))
    short = write(tmp_path / "short.csv", {"date": hours(3), "a": [1.0, 2.5, 1.0]})
    assert "too few to forecast" in refused(short)
    words = write(tmp_path / "words.csv", {"date": hours(50), "sky": ["sun", "rain"] * 25})
    assert "a forecast needs a number for every step" in refused(words)


def test_a_constant_column_beside_others_is_noted(tmp_path: Path) -> None:
    prepared = prepare(write(tmp_path / "x.csv", waves(300) | {"c": [2.5] * 300}))
    assert "columns that never change in training (c): 1" in prepared.notes
    assert np.isfinite(prepared.values["train"][0]).all()


def test_parts_hold_a_horizon_or_nothing() -> None:
    cut = cut_in_time([1000, 40, 20], {"valid": 0.1, "test": 0.0}, None, least=12)
    assert cut["train"] == [(0, 900), (0, 28), (0, 20)]
    assert cut["valid"] == [(900, 1000), (28, 40), (20, 20)]
    assert cut["test"] == [(1000, 1000), (40, 40), (20, 20)]
