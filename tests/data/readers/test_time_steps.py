"""The step of a series: found from times, and continued by the calendar."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.readers.time_steps import Step, find_step, places, times_from


def dates(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[us]")


SERIES = {
    "hourly": np.datetime64("2020-02-28T21:00", "us") + np.arange(9) * np.timedelta64(1, "h"),
    "15-minute": np.datetime64("2020-02-28T21:00", "us") + np.arange(9) * np.timedelta64(15, "m"),
    "daily": np.datetime64("2020-02-27", "us") + np.arange(9) * np.timedelta64(1, "D"),
    "weekly": np.datetime64("2020-02-27", "us") + np.arange(9) * np.timedelta64(7, "D"),
    "monthly": (np.datetime64("2019-11", "M") + np.arange(9)).astype("datetime64[us]") + np.timedelta64(14, "D"),
    "quarterly": (np.datetime64("2019-10", "M") + 3 * np.arange(9)).astype("datetime64[us]"),
    "yearly": (np.datetime64("2019", "Y") + np.arange(9)).astype("datetime64[us]"),
}
MONTH_ENDS = (np.datetime64("2019-11", "M") + np.arange(1, 10)).astype("datetime64[us]") - np.timedelta64(1, "D")
WEEKDAYS = np.busday_offset("2020-02-27", np.arange(12)).astype("datetime64[us]")


@pytest.mark.parametrize(("words", "times"), [*SERIES.items(), ("monthly", MONTH_ENDS), ("weekday", WEEKDAYS)])
def test_the_second_half_follows_from_the_first(words: str, times: np.ndarray) -> None:
    half = len(times) - 3
    step = find_step(times[:half])
    assert step is not None
    if words != "weekday":  # a week without a weekend could be any daily series
        assert step.words() == words
        assert times_from(times[half - 1], step, np.arange(1, 4)).tolist() == times[half:].tolist()
    whole = find_step(times)
    assert whole is not None
    assert whole.words() == words
    positions = places(times, whole)
    assert positions is not None
    assert positions.tolist() == list(range(len(times)))
    assert times_from(times[-1], whole, np.arange(1 - len(times), 1)).tolist() == times.tolist()


def test_gaps_are_counted_as_steps() -> None:
    times = SERIES["hourly"][[0, 1, 2, 5, 6]]
    step = find_step(times)
    assert step == Step(3600.0, "seconds")
    positions = places(times, step)
    assert positions is not None
    assert positions.tolist() == [0, 1, 2, 5, 6]


def test_uneven_times_have_no_places() -> None:
    times = dates("2020-01-01", "2020-01-02", "2020-01-03", "2020-01-03T09:00", "2020-01-04")
    step = find_step(times)
    assert step is not None
    assert places(times, step) is None


def test_many_more_gaps_than_times_are_not_filled() -> None:
    times = np.array([0.0, 1.0, 2.0, 1e9])
    step = find_step(times)
    assert step == Step(1.0, "units")
    assert places(times, step) is None


@given(st.floats(-1e3, 1e3), st.floats(0.01, 100), st.integers(2, 30))
def test_plain_numbers_go_on(first: float, size: float, count: int) -> None:
    times = first + size * np.arange(count)
    step = find_step(times)
    assert step is not None
    assert times_from(times[-1], step, np.arange(1, 3)) == pytest.approx(first + size * np.arange(count, count + 2))


def test_one_time_has_no_step() -> None:
    assert find_step(dates("2020-01-01")) is None


def test_every_second_month_end_stays_one() -> None:
    times = dates("2021-01-31", "2021-03-31", "2021-05-31", "2021-07-31")
    step = find_step(times)
    assert step == Step(2.0, "months to their end")
    assert times_from(times[-1], step, np.arange(1, 3)).tolist() == dates("2021-09-30", "2021-11-30").tolist()
    firsts = dates("2021-01-01", "2021-03-01", "2021-05-01")
    assert find_step(firsts) == Step(2.0, "months")
