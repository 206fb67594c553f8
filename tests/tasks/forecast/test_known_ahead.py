"""Columns known ahead: which may be, how they are encoded, and the rows at the end of a file that give them."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.tasks.choose_reading import open_files
from unrolled.tasks.forecast.data import ForecastData, prepare_forecast
from unrolled.tasks.forecast.encoding import ForecastEncoding
from unrolled.tasks.forecast.known_ahead import future_of, require_future, without_future
from unrolled.tasks.forecast.series import Series

NAN = float("nan")


def write(path: Path, columns: dict[str, Any]) -> str:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return str(path)


def shop(count: int = 200, ahead: int = 0) -> dict[str, list[Any]]:
    """Days with a price and a holiday, at whose end `ahead` have no sales yet."""
    draw = np.random.default_rng(0)
    days = np.datetime64("2020-01-01") + np.arange(count + ahead)
    price = draw.normal(5, 1, count + ahead).round(4)
    sales = [*(100 - 3 * price[:count] + draw.normal(0, 1, count)).round(4), *[""] * ahead]
    holiday = ["market" if day % 9 == 0 else "" for day in range(count + ahead)]
    return {
        "date": list(days),
        "sales": sales,
        "price": list(price),
        "holiday": holiday,
        "rain": [*range(count + ahead)],
    }


def prepare(file: str, **settings: Any) -> ForecastData:
    data = DataConfig(**{"context": 12, "horizon": 5, **settings})
    return prepare_forecast(open_files([file], data, "forecast"), data)


def refused(file: str, **settings: Any) -> str:
    with pytest.raises(UserError) as error:
        prepare(file, **settings)
    return str(error.value)


def test_known_columns_are_channels_and_features(tmp_path: Path) -> None:
    columns = shop()
    prepared = prepare(write(tmp_path / "x.csv", columns), target="sales", known=["price"])
    encoding = prepared.encoding
    assert encoding.known_ahead == ("price",)
    assert encoding.known_channels == (encoding.numbers.index("price"),)
    assert encoding.features == 2 * len(encoding.cycles) + 1
    assert encoding.cycles
    batch = prepared.windows["valid"].batch(np.array([2]))
    assert batch.known is not None
    at = int(batch.origin[0])
    channel = encoding.known_channels[0]
    price = np.array(columns["price"])[at - 12 : at + 5]
    scaled = (price - encoding.scaler.centre[channel]) / encoding.scaler.spread[channel]
    assert batch.known[0, :, -1] == pytest.approx(scaled, abs=1e-5)
    assert batch.past[0, :, channel] == pytest.approx(scaled[:12], abs=1e-5)
    assert ", known ahead: price; " in prepared.summary
    assert "(reading rain too)" in prepared.summary


def test_without_a_target_all_other_numbers_are_forecast(tmp_path: Path) -> None:
    file = write(tmp_path / "x.csv", shop())
    assert prepare(file, known=["price"]).encoding.targets == ("sales", "rain")
    assert prepare(file, inputs=["sales"], known=["price"]).encoding.numbers == ("sales", "price")


def test_words_are_known_ahead_by_label_and_an_empty_cell_is_none_of_them(tmp_path: Path) -> None:
    prepared = prepare(write(tmp_path / "x.csv", shop()), target="sales", known=["holiday"], calendar="none")
    assert prepared.encoding.words == {"holiday": ("market",)}
    known = prepared.known["train"]
    assert known is not None
    assert known[0][:10, 0].tolist() == [1, *[0] * 8, 1]


def test_nothing_changes_where_nothing_is_known_ahead(tmp_path: Path) -> None:
    prepared = prepare(write(tmp_path / "x.csv", shop()), target="sales")
    assert "known_ahead" not in json.loads(prepared.encoding.to_text())
    assert prepared.encoding.known_channels == ()
    assert "holiday" not in prepared.encoding.words  # one label alone tells nothing that is not in the past
    assert "known ahead" not in prepared.summary
    none = prepare(str(tmp_path / "x.csv"), target="sales", calendar="none")
    assert none.known["train"] is None
    assert none.windows["train"].batch(np.array([0])).known is None


def test_the_encoding_comes_back_also_one_from_before(tmp_path: Path) -> None:
    encoding = prepare(write(tmp_path / "x.csv", shop()), target="sales", known=["holiday", "price"]).encoding
    assert encoding.known_ahead == ("price", "holiday")
    assert ForecastEncoding.from_text(encoding.to_text()) == encoding
    old = {key: value for key, value in json.loads(encoding.to_text()).items() if key != "known_ahead"}
    assert ForecastEncoding.from_text(json.dumps(old)).known_ahead == ()


def test_rows_without_a_target_at_the_end_are_the_future(tmp_path: Path) -> None:
    plain = prepare(write(tmp_path / "x.csv", shop(200)), target="sales", known=["price"], calendar="none")
    columns = shop(200, ahead=7)
    columns["price"] = shop(200)["price"] + columns["price"][200:]
    columns["sales"] = shop(200)["sales"] + [""] * 7
    prepared = prepare(write(tmp_path / "y.csv", columns), target="sales", known=["price"], calendar="none")
    assert prepared.bounds == plain.bounds
    assert prepared.fingerprint == plain.fingerprint
    assert "steps at the end without a target, taken as the future: 7" in prepared.notes


def test_missing_values_known_ahead_are_the_mean_and_counted(tmp_path: Path) -> None:
    columns = shop()
    columns["price"][4] = columns["price"][150] = ""
    prepared = prepare(write(tmp_path / "x.csv", columns), target="sales", known=["price"], calendar="none")
    known = prepared.known["train"]
    assert known is not None
    assert known[0][[4, 150], 0].tolist() == [0, 0]
    assert np.isnan(prepared.values["train"][0][4, prepared.encoding.known_channels[0]])
    assert "missing values of columns known ahead, taken as their mean: 2" in prepared.notes


def test_what_is_refused(tmp_path: Path) -> None:
    columns = shop()
    columns |= {"flat": [2.5] * 200, "late": [1.0] * 190 + [2.0] * 10, "empty": [""] * 200}
    file = write(tmp_path / "x.csv", columns)
    assert "no column 'prise' to know ahead (--data.known); did you mean 'price'?" in refused(file, known=["prise"])
    assert "cannot be known ahead and be the target" in refused(file, target="sales", known=["sales"])
    assert "to know ahead" in refused(file, known=["date"])
    for name in ("flat", "late"):
        assert f"x.csv: column '{name}' never changes in the training part" in refused(file, known=[name])
    small = write(tmp_path / "y.csv", {name: shop()[name] for name in ("date", "sales", "price")})
    assert "none is left to forecast" in refused(small, known=["sales", "price"])


def series(target: list[float], known: list[float], words: list[str] | None = None) -> Series:
    numbers = {"y": np.array(target, dtype=np.float32), "x": np.array(known, dtype=np.float32)}
    return Series("", "x.csv", numbers, {} if words is None else {"w": words}, None, None)


def test_where_the_future_begins_and_how_far_it_is_given() -> None:
    assert future_of(series([1, 2, NAN, NAN], [1, 1, 1, 1]), ("y",), ("x",)) == (2, 2)
    assert future_of(series([1, 2, NAN, NAN], [1, 1, 1, NAN]), ("y",), ("x",)) == (2, 1)
    assert future_of(series([1, 2, NAN, NAN], [1, 1, NAN, 1]), ("y",), ("x",)) == (2, 2)  # one gap is a missing value
    assert future_of(series([1, NAN, 2, NAN], [1, 1, 1, 1]), ("y",), ("x",)) == (3, 1)
    assert future_of(series([1, 2], [1, 1]), ("y",), ("x",)) == (2, 0)
    assert future_of(series([NAN, NAN], [1, 1]), ("y",), ("x",)) == (0, 2)
    assert future_of(series([1, NAN], [1, NAN], ["", ""]), ("y",), ("w",)) == (1, 1)


@given(st.integers(1, 9), st.integers(0, 9), st.integers(1, 9))
def test_rows_that_lack_are_counted(past: int, ahead: int, horizon: int) -> None:
    with_future = series([1.0] * past + [NAN] * ahead, [2.0] * (past + ahead))
    assert len(without_future(with_future, ("y",), ("x",))) == past
    assert without_future(with_future, ("y",), ()) is with_future
    if ahead >= horizon:
        assert require_future(with_future, ("y",), ("x",), horizon) == (past, ahead)
        return
    with pytest.raises(UserError) as error:
        require_future(with_future, ("y",), ("x",), horizon)
    rows = "row" if horizon - ahead == 1 else "rows"
    assert f"add {horizon - ahead} {rows} with x, and y empty" in str(error.value)


def test_a_series_without_any_target_cannot_be_forecast() -> None:
    with pytest.raises(UserError, match="has no value of y, so there is nothing to forecast from"):
        require_future(series([NAN] * 5, [1.0] * 5), ("y",), ("x",), 2)
