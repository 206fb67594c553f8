"""Periods, calendar features and sizes: what is chosen from a series that nobody described."""

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.encoders.calendar import calendar_features, useful_cycles
from unrolled.data.readers.time_steps import Step, calendar_periods
from unrolled.errors import UserError
from unrolled.tasks.forecast.channel_gain import channel_gain
from unrolled.tasks.forecast.periods import find_period, repeats_better
from unrolled.tasks.forecast.rules import choose_period, choose_sizes
from unrolled.tasks.forecast.windows import ForecastWindows


@given(st.integers(0, 2**32 - 1), st.integers(3, 60), st.floats(0.0, 0.4), st.floats(-1, 1))
def test_a_sine_in_noise_on_a_trend_with_gaps(seed: int, period: int, noise: float, slope: float) -> None:
    draw = np.random.default_rng(seed)
    time = np.arange(12 * period + 200)[:, None]
    values = np.sin(2 * np.pi * time / period) + noise * draw.normal(size=(len(time), 2)) + slope * time
    values[draw.random(values.shape) < 0.05] = np.nan
    estimate = find_period(values.astype(np.float32))
    assert estimate is not None
    assert abs(estimate - period) <= max(1, period // 8)


def test_a_day_is_found_before_its_multiples_and_a_year_in_the_noise_of_days() -> None:
    draw = np.random.default_rng(0)
    hours = np.arange(24 * 60)
    daily = (hours % 24 == 8) * 1.0 + (hours % 168 >= 144) * 0.1 + 0.05 * draw.normal(size=len(hours))
    assert find_period(daily[:, None]) == 24
    days = np.arange(1461)
    yearly = np.sin(2 * np.pi * days / 365) + 0.3 * draw.normal(size=len(days))
    estimate = find_period(yearly[:, None])
    assert estimate is not None
    assert abs(estimate - 365) < 25


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).normal(size=(500, 1)),
        np.random.default_rng(1).normal(size=(500, 1)).cumsum(axis=0),
        np.arange(100.0)[:, None],
        np.ones((50, 2)),
        np.full((50, 1), np.nan),
        np.zeros((1, 1)),
        np.zeros((5, 1)),
    ],
)
def test_no_period_where_there_is_none(values: np.ndarray) -> None:
    assert find_period(values) is None


@given(st.datetimes(datetime.datetime(1950, 1, 1), datetime.datetime(2100, 1, 1)))
def test_calendar_against_datetime(moment: datetime.datetime) -> None:
    moment = moment.replace(second=0, microsecond=0)
    times = np.array([moment], "datetime64[s]")
    hour, weekday, year = (calendar_features(times, cycles=(name,))[0] for name in ("hour", "weekday", "year"))
    phases = {
        "hour": (moment.hour + moment.minute / 60) / 24,
        "year": (moment.timetuple().tm_yday - 1) / 365.2425,
        "weekday": (moment.weekday() - 3) / 7,  # weeks are counted from 1 January 1970, a Thursday
    }
    for name, features in (("hour", hour), ("weekday", weekday), ("year", year)):
        assert features == pytest.approx([np.sin(2 * np.pi * phases[name]), np.cos(2 * np.pi * phases[name])], abs=1e-5)
    assert calendar_features(times, cycles=("hour", "weekday", "year")).shape == (1, 6)
    assert calendar_features(times, cycles=()).shape == (1, 0)


@pytest.mark.parametrize(
    ("step", "count", "cycles"),
    [
        ("h", 24 * 365 * 3, ("hour", "weekday", "year")),
        ("h", 24 * 20, ("hour", "weekday")),
        ("D", 1022, ("weekday", "year")),
        ("M", 60, ("year",)),
        ("Y", 60, ()),
        ("h", 1, ()),
    ],
)
def test_cycles_that_the_times_go_through(step: str, count: int, cycles: tuple[str, ...]) -> None:
    times = np.array("2012-01", f"datetime64[{step}]") + np.arange(count)
    assert useful_cycles(times) == cycles


@given(st.integers(4, 3000), st.integers(0, 2**32 - 1))
def test_sizes_leave_windows_to_train_on(length: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    period = draw.integers(2, 50)
    series = np.sin(2 * np.pi * np.arange(length) / period)[:, None] + 0.2 * draw.normal(size=(length, 1))
    rules = choose_sizes([series, series[: length // 2]], most_windows=500)
    windows = ForecastWindows(
        [series], context=rules.context, horizon=rules.horizon, stride=rules.stride, least_context=1
    )
    assert length // 3 // rules.stride <= len(windows) <= 1000
    assert 1 <= rules.patch <= rules.context


def test_what_is_given_is_kept() -> None:
    hours = np.sin(2 * np.pi * np.arange(8640) / 24)[:, None]
    assert (choose_sizes([hours]).horizon, choose_sizes([hours]).context) == (24, 96)
    rules = choose_sizes([hours], context=50, horizon=700)
    assert (rules.context, rules.horizon, rules.period, rules.patch) == (50, 700, 24, 25)


def test_channels_are_read_together_where_one_tells_another() -> None:
    draw = np.random.default_rng(0)
    walk = draw.normal(size=(800, 1)).cumsum(axis=0)
    ahead, alone = np.concatenate([walk[5:], walk[:-5]], axis=1), draw.normal(size=(800, 2))
    assert channel_gain(ahead, 5) > 0.2
    alone[1:] += 0.8 * alone[:-1]
    assert channel_gain(alone, 5) < 0.01
    assert not choose_sizes([ahead], horizon=5).channel_independent
    assert choose_sizes([alone], horizon=5).channel_independent


def test_the_gain_does_not_depend_on_units_and_bears_gaps() -> None:
    draw = np.random.default_rng(0)
    series = draw.normal(size=(400, 2)).cumsum(axis=0)
    assert channel_gain(series * [1000, 0.01] + [5, -7], 5) == pytest.approx(channel_gain(series, 5), abs=1e-6)
    series[draw.random(series.shape) < 0.2] = np.nan
    assert np.isfinite(channel_gain(series, 5))


@pytest.mark.parametrize("shape", [(400, 1), (400, 17), (20, 3), (1, 2)])
def test_no_gain_where_nothing_can_be_judged(shape: tuple[int, int]) -> None:
    assert channel_gain(np.random.default_rng(0).normal(size=shape), 5) == 0
    assert channel_gain(np.zeros((400, 3)), 5) == 0


def test_too_short_for_anything() -> None:
    with pytest.raises(UserError, match="has 3 steps for training"):
        choose_sizes([np.zeros((3, 1))])


@pytest.mark.parametrize("seed", range(5))
def test_a_million_steps_of_chance_have_no_period(seed: int) -> None:
    walk = np.random.default_rng(seed).normal(size=(1_000_000, 1)).cumsum(axis=0)
    rules = choose_sizes([walk])
    assert rules.period is None
    assert (rules.horizon, rules.context) == (24, 96)


def test_a_period_is_looked_for_in_the_part_that_is_looked_at() -> None:
    """Of a long series the end is searched: a period of the whole would come there too seldom."""
    time = np.arange(400_000)
    slow = np.sin(2 * np.pi * time / 100_000)[:, None]
    estimate = find_period(slow)
    assert estimate is None or estimate <= 2**17 // 8
    day = slow + 0.3 * np.sin(2 * np.pi * time / 1440)[:, None]
    assert find_period(day) == pytest.approx(1440, abs=20)


def test_a_long_period_bounds_what_is_read_and_forecast_and_says_so() -> None:
    time = np.arange(100_000)
    rules = choose_sizes([np.sin(2 * np.pi * time / 5000)[:, None]])
    assert rules.period == pytest.approx(5000, abs=50)
    assert rules.horizon <= 2048
    assert rules.context <= 8192
    assert "--data.horizon and --data.context say otherwise" in rules.bounded
    assert choose_sizes([np.sin(2 * np.pi * time / 50)[:, None]]).bounded == ""
    wide = choose_sizes([np.sin(2 * np.pi * np.arange(20_000) / 500)[:, None] + np.zeros((1, 1000))])
    assert wide.horizon * 1000 <= 50_000


def wandering_days(days: int, seed: int = 0) -> np.ndarray:
    """Hours with a clear day on a slow wander that is larger."""
    draw = np.random.default_rng(seed)
    hours = np.arange(24 * days)
    wander = draw.normal(size=len(hours)).cumsum() * 0.3
    return (wander + 2 * np.sin(2 * np.pi * hours / 24) + 0.1 * draw.normal(size=len(hours)))[:, None]


@pytest.mark.parametrize("seed", range(4))
def test_a_day_that_a_wander_hides_is_found(seed: int) -> None:
    series = wandering_days(200, seed)
    assert choose_period(series, Step(3600.0, "seconds")) in (23, 24)
    assert choose_period(series) in (23, 24, 25), "also without times"
    assert repeats_better(series, 24) < 0.8


def test_the_calendar_is_tried() -> None:
    draw = np.random.default_rng(0)
    days = np.arange(400)
    shape = draw.normal(size=7)
    sales = (draw.normal(size=400).cumsum() * 0.4 + 1.2 * shape[days % 7])[:, None]
    assert choose_period(sales, Step(86400.0, "seconds")) == 7
    noise = draw.normal(size=(400, 1))
    walk = noise.cumsum(axis=0)
    for series in (noise, walk):
        assert choose_period(series, Step(86400.0, "seconds")) is None


@pytest.mark.parametrize(
    ("step", "periods"),
    [
        (Step(60.0, "seconds"), [60, 1440, 10080]),
        (Step(900.0, "seconds"), [4, 96, 672]),
        (Step(3600.0, "seconds"), [24, 168]),
        (Step(86400.0, "seconds"), [7, 365]),
        (Step(7 * 86400.0, "seconds"), [52]),
        (Step(1.0, "weekdays"), [5]),
        (Step(1.0, "months"), [12]),
        (Step(3.0, "months to their end"), [4]),
        (Step(12.0, "months"), []),
        (Step(1.0, "units"), []),
        (Step(7.0, "seconds"), []),
        (None, []),
    ],
)
def test_periods_of_the_calendar(step: Step | None, periods: list[int]) -> None:
    assert calendar_periods(step) == periods


def test_the_last_repetition_against_the_last_value_by_hand() -> None:
    series = np.array([0.0, 10, 0, 10, 1, 11, 0, 10])[:, None]
    # Period 2, origins 2 to 6: errors of the step before last, and of the last value.
    errors = [abs(series[o + h, 0] - series[o - 2 + h, 0]) for o in range(2, 7) for h in (0, 1)]
    last = [abs(series[o + h, 0] - series[o - 1, 0]) for o in range(2, 7) for h in (0, 1)]
    assert repeats_better(series, 2) == pytest.approx(np.mean(errors) / np.mean(last))
    assert repeats_better(np.ones((20, 1)), 2) == 1.0
