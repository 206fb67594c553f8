"""Forecasts carry times and names as the data wrote them, from files and in streams."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small_forecasts import predicted, train

from unrolled.data.records import Notes
from unrolled.errors import UserError
from unrolled.tasks.forecast.files import read_series
from unrolled.tasks.forecast.load import load_forecast
from unrolled.tasks.forecast.predict import predictions
from unrolled.tasks.forecast.stream import ForecastStream

COUNT, HORIZON = 90, 4


def write_series(path: Path, cells: list[Any], header: str = "when,sales", before: str = "") -> Path:
    values = 10 + np.sin(np.arange(len(cells)) / 3)
    lines = [f"{before}{cell},{value:.4f}" for cell, value in zip(cells, values, strict=True)]
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def epoch(per_second: int) -> list[int]:
    return [1668463200 * per_second + per_second * step // 4 for step in range(COUNT + HORIZON)]


KINDS: dict[str, list[Any]] = {
    "with an offset": [
        f"{time:%Y-%m-%d %H:%M:%S}+01:00" for time in pd.date_range("2022-11-14", periods=COUNT + HORIZON, freq="h")
    ],
    "two-digit years": [f"{time:%m/%d/%y}" for time in pd.date_range("2019-01-30", periods=COUNT + HORIZON)],
    "months": [f"{time:%Y-%m}" for time in pd.date_range("2010-01-01", periods=COUNT + HORIZON, freq="MS")],
    "days by name": [f"{time:%d-%b-%Y}" for time in pd.date_range("2019-01-01", periods=COUNT + HORIZON)],
    "epoch milliseconds": epoch(1000),
    "four rows a second": [
        f"{time:%H:%M:%S.%f}"[:-3] for time in pd.date_range("2022-11-14", periods=COUNT + HORIZON, freq="250ms")
    ],
}


@pytest.mark.parametrize("kind", KINDS)
def test_times_come_back_as_they_came(kind: str, tmp_path: Path) -> None:
    cells = KINDS[kind]
    file = write_series(tmp_path / "sales.csv", cells[:COUNT])
    train(file, tmp_path / "run", time="when")
    rows = predicted(tmp_path / "run", file)
    assert [row["time"] for row in rows] == cells[COUNT:]
    stream = ForecastStream(load_forecast(tmp_path / "run"))
    for cell in cells[:COUNT]:
        answer = stream.feed({"time": cell, "sales": 10})
    assert answer["times"] == cells[COUNT:]
    json.dumps(answer, allow_nan=False)


def test_a_stream_takes_the_times_of_its_model_and_no_others(tmp_path: Path) -> None:
    file = write_series(
        tmp_path / "sales.csv", [f"{day:%d/%m/%Y}" for day in pd.date_range("2019-01-01", periods=COUNT)]
    )
    train(file, tmp_path / "run")
    stream = ForecastStream(load_forecast(tmp_path / "run"))
    assert stream.feed({"time": "02/03/2019", "sales": 10})["times"][0] == "03/03/2019", "the day first, as in training"
    assert stream.feed({"time": "2019-03-03", "sales": 10})["times"][0] == "2019-03-04"
    for time in ("now", "99999999999-01-01", 99999999999, 5, "soon", [], True, "2019-02-30"):
        with pytest.raises(UserError, match=r'"time" is .*; write times such as'):
            stream.feed({"time": time, "sales": 10})


def test_a_short_file_is_read_with_the_order_of_day_and_month_of_training(tmp_path: Path) -> None:
    days = pd.date_range("2019-01-01", periods=COUNT)
    train(write_series(tmp_path / "long.csv", [f"{day:%m/%d/%Y}" for day in days]), tmp_path / "run")
    short = write_series(tmp_path / "short.csv", ["02/03/2019", "02/04/2019", "02/05/2019"])
    assert predicted(tmp_path / "run", short)[0]["time"] == "02/06/2019"


def panel(path: Path, lengths: dict[str, int]) -> Path:
    lines = ["shop,date,sales"]
    for name, length in lengths.items():
        for step, day in enumerate(pd.date_range("2019-01-01", periods=length)):
            lines.append(f"{name},{day:%Y-%m-%d},{10 + np.sin(step / 3):.4f}")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_series_of_one_row_leaves_the_others_their_dates_and_has_its_own(tmp_path: Path) -> None:
    train(panel(tmp_path / "shops.csv", {"north": COUNT, "south": COUNT}), tmp_path / "run", id="shop")
    rows = predicted(tmp_path / "run", panel(tmp_path / "new.csv", {"north": 30, "east": 1}))
    times = {name: [row["time"] for row in rows if row["series"] == name] for name in ("north", "east")}
    assert times == {
        "north": ["2019-01-31", "2019-02-01", "2019-02-02", "2019-02-03"],
        "east": ["2019-01-02", "2019-01-03", "2019-01-04", "2019-01-05"],
    }


def test_the_id_stays_with_one_series(tmp_path: Path) -> None:
    train(panel(tmp_path / "shops.csv", {"north": COUNT, "south": COUNT}), tmp_path / "run", id="shop")
    rows = predicted(tmp_path / "run", panel(tmp_path / "one.csv", {"south": 30}))
    assert {row["series"] for row in rows} == {"south"}


def test_a_column_named_like_a_time_that_cannot_be_read_is_said_or_refused(tmp_path: Path) -> None:
    cells = [f"{season} {year}" for year in range(1950, 1980) for season in ("Spring", "Summer", "Autumn")]
    file = write_series(tmp_path / "sales.csv", cells, "date,sales")
    with pytest.raises(UserError, match="row 1: column 'date' has 'Spring 1950' where a time is expected"):
        train(file, tmp_path / "run", time="date", task="forecast")
    train(file, tmp_path / "run", task="forecast")
    assert "the column 'date' is named like a time and is read as words" in (tmp_path / "run" / "log.txt").read_text()


def test_rows_of_predictions_hold_numbers_where_the_data_does(tmp_path: Path) -> None:
    file = write_series(tmp_path / "sales.csv", epoch(1000)[:COUNT])
    train(file, tmp_path / "run", time="when")
    loaded = load_forecast(tmp_path / "run")
    forecasts = predictions(loaded, read_series(loaded, [str(file)], Notes()))
    assert forecasts.columns["time"] == "count"
