"""A series in each row, as GluonTS writes them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from small_forecasts import predicted, train

from unrolled.cli.main import main
from unrolled.data.readers.registry import open_source
from unrolled.data.readers.tables import table_layout
from unrolled.data.readers.time_steps import step_of_frequency, times_from
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError
from unrolled.tasks.reads import wish_of

COUNT, HORIZON = 60, 4


def rows(**more: Any) -> list[dict[str, Any]]:
    """Three series of an hour's steps."""
    wave = np.sin(np.arange(COUNT) / 3)
    return [
        {
            "start": f"2020-01-0{number + 1} 00:00:00",
            "target": (10 * number + wave[number:]).round(4).tolist(),
            "item_id": f"T{number}",
            "freq": "h",
            **{name: value[number] for name, value in more.items()},
        }
        for number in range(3)
    ]


def write(path: Path, lines: list[dict[str, Any]]) -> Path:
    if path.suffix == ".parquet":
        pl.DataFrame(lines).write_parquet(path)
    else:
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def opened(path: Path, **reading: Any):  # type: ignore[no-untyped-def]
    return open_source([path], Reading(**reading), Notes())


@pytest.mark.parametrize("name", ["series.jsonl", "series.parquet", "series.json"])
def test_a_row_is_a_series_with_its_start_and_steps(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, rows())
    source = opened(path)
    assert len(source) == 3
    assert [record.origin for record in source] == [f"{path}, item_id T{number}" for number in range(3)]
    for number, record in enumerate(source):
        assert record.values["values"][:, 0] == pytest.approx(rows()[number]["target"])
        expected = pd.date_range(rows()[number]["start"], periods=COUNT - number, freq="h")
        assert source.times(number).tolist() == expected.to_numpy().astype("datetime64[us]").tolist()


def test_without_more_it_is_forecast_and_predictions_name_the_series_and_the_times(tmp_path: Path) -> None:
    path = write(tmp_path / "series.jsonl", rows())
    result = train(path, tmp_path / "run")
    assert result["task"] == "forecast"
    predictions = predicted(tmp_path / "run", path)
    for number in range(3):
        first = pd.Timestamp(rows()[number]["start"]) + pd.Timedelta(hours=COUNT - number)
        times = [f"{time:%Y-%m-%d %H:%M:%S}" for time in pd.date_range(first, periods=HORIZON, freq="h")]
        assert [row["time"] for row in predictions if row["series"] == f"T{number}"] == times


def test_static_features_are_known_ahead_and_used(tmp_path: Path) -> None:
    lines = rows(
        feat_static_cat=[[0, 5], [1, 5], [1, 5]], feat_static_real=[[0.5], [1.5], [2.5]], region=["n", "s", "n"]
    )
    path = write(tmp_path / "series.jsonl", lines)
    source = opened(path)
    assert source.targets == ("target",)
    assert set(source.known) == {"feat_static_cat_0", "feat_static_real", "region"}, "all have 5 for the second"
    assert source.record(1).values["feat_static_cat_0"] == ["1"] * (COUNT - 1)
    train(path, tmp_path / "run")
    changed = [line | {"feat_static_real": [line["feat_static_real"][0] + 5]} for line in lines]
    unchanged = predicted(tmp_path / "run", path)
    other = predicted(tmp_path / "run", write(tmp_path / "changed.jsonl", changed))
    assert len(unchanged) == len(other) == 3 * HORIZON
    assert [row["prediction"] for row in unchanged] != [row["prediction"] for row in other]


def test_dynamic_features_are_inputs_and_known_ahead_where_they_reach_further(tmp_path: Path) -> None:
    past = [[np.arange(COUNT - number).tolist()] for number in range(3)]
    source = opened(write(tmp_path / "past.jsonl", rows(feat_dynamic_real=past)))
    assert (source.targets, source.known, source.horizon) == (("target",), (), None)
    assert source.record(0).values["values"].shape == (COUNT, 2)
    ahead = [
        [np.sin(np.arange(COUNT - number + HORIZON)).tolist(), [1.0] * (COUNT - number + HORIZON)]
        for number in range(3)
    ]
    path = write(tmp_path / "ahead.jsonl", rows(feat_dynamic_real=ahead))
    source = opened(path)
    assert source.known == ("feat_dynamic_real_0", "feat_dynamic_real_1")
    assert source.horizon == HORIZON
    values = source.record(0).values["values"]
    assert values.shape == (COUNT + HORIZON, 3)
    assert np.isnan(values[COUNT:, 0]).all()
    assert values[:, 1] == pytest.approx(ahead[0][0], abs=1e-6)


def test_several_channels(tmp_path: Path) -> None:
    line = {"start": "2020-01-31", "target": [list(range(50)), list(range(50, 100))], "freq": "ME"}
    source = opened(write(tmp_path / "a.jsonl", [line]))
    assert source.targets == ("target_0", "target_1")
    assert source.record(0).values["values"][49].tolist() == [49, 99]
    assert [str(time)[:10] for time in source.times(0)[:3]] == ["2020-01-31", "2020-02-29", "2020-03-31"]


TWO = [{"target": list(range(40)), "feat": [0.0]}, {"target": list(range(40)), "feat": [0.0]}]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (TWO, "row 1: field 'feat' has 1 value in 1 list, and 'target' has 40"),
        (rows(feat_dynamic_real=[[[1.0] * 60], [[1.0] * 59], [[1.0] * 10]]), "row 3: field 'feat_dynamic_real' has 10"),
        (rows(feat_dynamic_real=[[[1.0] * 60], [[1.0] * 59], [[1.0] * 58, [1.0] * 58]]), "row 3: field 'feat_dyn"),
        (rows(feat_static_cat=[[1], [2], [3, 4]]), "row 3: field 'feat_static_cat' is no list as long"),
        (rows(tags=[["a"], ["b"], ["c"]]), "field 'tags' holds lists of something else than numbers"),
        ([{"start": "2020", "target": [[1, 2], [3]]}], "row 1: field 'target' has lists of 1 and 2 values"),
        ([{"target": [1.0, 2]}, {"target": []}], "row 2: field 'target' is an empty list"),
        ([{"target": [1.0, 2]}, {"target": None}], "row 2: field 'target' is missing"),
        ([line | {"freq": "often"} for line in rows()], "row 1: field 'freq' is 'often'"),
        ([line | {"item_id": "same"} for line in rows()], "has item_id 'same' in several rows"),
        ([line | {"start": "soon"} for line in rows()], "row 1: column 'start' has 'soon' where a time"),
    ],
)
def test_lists_that_do_not_fit_are_refused_with_row_and_field(lines: list, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=sentence):
        opened(write(tmp_path / "a.jsonl", lines), wish=wish_of("forecast"))


def test_the_command_says_so_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "two.jsonl", TWO)
    assert main(["train", str(path), "--task", "forecast", "--run", str(tmp_path / "run")]) == 2
    assert "field 'feat'" in capsys.readouterr().err
    settings = ["--data.context", "8", "--data.horizon", "4", "--train.max_steps", "2", "--run", str(tmp_path / "run")]
    assert main(["train", str(path), "--task", "forecast", "--inputs", "target", *settings]) == 0


def test_other_tables_with_lists_stay_what_they_are(tmp_path: Path) -> None:
    labelled = [{"signal": [1.0, 2, 3], "target": "a"}, {"signal": [1.0, 2], "target": "b"}]
    assert table_layout(write(tmp_path / "a.jsonl", labelled), Reading()) == "wide"
    assert table_layout(write(tmp_path / "b.jsonl", TWO), Reading()) == "wide"
    assert (
        table_layout(write(tmp_path / "c.jsonl", rows()), Reading(wish=wish_of("classify"), target="item_id")) == "wide"
    )


FREQUENCIES = ["s", "min", "15min", "T", "h", "2h", "H", "D", "B", "W", "W-SUN", "MS", "M", "ME", "QS", "QE", "YS", "A"]


@pytest.mark.parametrize("text", FREQUENCIES)
def test_frequencies_are_those_of_pandas(text: str) -> None:
    now = {"T": "min", "H": "h", "M": "ME", "A": "YE"}.get(text, text)
    expected = pd.date_range("2021-01-31" if now in ("ME", "QE", "YE") else "2021-03-01", periods=6, freq=now)
    step = step_of_frequency(text)
    assert step is not None
    if now in ("ME", "QE", "YE"):
        step = type(step)(step.size, "months to their end")
    first = expected[0].to_datetime64().astype("datetime64[us]")
    assert times_from(first, step, np.arange(6)).tolist() == expected.to_numpy().astype("datetime64[us]").tolist()
    assert step_of_frequency("often") is None
    assert step_of_frequency("0h") is None
