"""What a report says of forecasts, beside forecasts without a model."""

import re

from unrolled.scoring.bootstrap import Metric
from unrolled.tasks.forecast.pictures import table, tiles
from unrolled.tasks.forecast.scores import ForecastJudgement
from unrolled.tasks.forecast.task import Forecast


def metric(name: str, value: float) -> Metric:
    return Metric(value, value - 0.1, value + 0.1, name, "lower")


JUDGEMENT = ForecastJudgement(
    metrics={"mse": metric("mse", 1.5), "mae": metric("mae", 0.75)},
    baselines={
        "value 24 steps before": {"mse": metric("mse", 2.5), "mae": metric("mae", 1.25)},
        "last value": {"mse": metric("mse", 3.5), "mae": metric("mae", 1.75)},
    },
    windows=7,
    channels={"demand": 3.0},
    unscored=0,
)


def test_the_tiles_stand_beside_the_best_forecast_without_a_model() -> None:
    assert tiles(JUDGEMENT) == {"MSE": "1.5, baseline 2.5", "MAE": "0.75, baseline 1.25"}
    assert JUDGEMENT.to_json()["baseline"]["name"] == "value 24 steps before"
    assert JUDGEMENT.to_json()["baseline"]["mse"]["value"] == 2.5


def test_the_table_has_a_row_for_each() -> None:
    title, page = table("test", JUDGEMENT)
    assert title == "Test part: 7 windows"
    rows = re.findall(r"<tr><th[^>]*>([^<]+)</th>(.*?)</tr>", page)
    assert {name: re.findall(r"<td>([\d.]+)", cells) for name, cells in rows} == {
        "this model": ["1.5", "0.75"],
        "value 24 steps before": ["2.5", "1.25"],
        "last value": ["3.5", "1.75"],
    }


def test_the_lines_say_the_same() -> None:
    assert Forecast().score_lines(JUDGEMENT.to_json()) == [
        "MSE 1.5000 (1.4 to 1.6), MAE 0.7500; 7 windows, in standard deviations of each channel",
        "  value 24 steps before: MSE 2.5000 (2.4 to 2.6), MAE 1.2500",
        "  last value: MSE 3.5000 (3.4 to 3.6), MAE 1.7500",
    ]
