import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.errors import UserError
from unrolled.training.limits import Limits, duration_in_words, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("10m", 600),
        ("1h30m", 5400),
        ("2.5m", 150),
        ("45", 45),
        ("0.5", 0.5),
        ("1d", 86400),
        ("1h 2m 3s", 3723),
        (" 3M ", 180),
    ],
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "0",
        "0m",
        "-5m",
        "10x",
        "m",
        "30m1h",
        "1h30",
        "1m1m",
        "1e3",
        "nan",
        "inf",
        "9" * 400,
        "1,5m",
        "٣m",
        "1..5s",
    ],
)
def test_nonsense_is_refused(text):
    with pytest.raises(UserError, match=r"--budget is .* write for example"):
        parse_duration(text, "--budget")


@given(st.integers(0, 30), st.integers(0, 23), st.integers(0, 59), st.integers(1, 59))
def test_written_durations_read_back(days, hours, minutes, seconds):
    expected = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    assert parse_duration(f"{days}d{hours}h{minutes}m{seconds}s") == expected


def test_progress_is_the_limit_that_ends_first():
    limits = Limits(max_steps=100, max_epochs=2.0, max_time=60.0)
    assert limits.progress(10, 0.1, 3.0) == 0.1
    assert limits.progress(10, 0.5, 3.0) == 0.25
    assert limits.progress(10, 0.5, 45.0) == 0.75
    assert limits.progress(500, 0.5, 45.0) == 1.0


def test_done():
    limits = Limits(max_steps=3, max_time=60.0)
    assert not limits.done(2, 99.0, 59.9)
    assert limits.done(3, 0.0, 0.0)
    assert limits.done(0, 0.0, 60.0)
    assert not Limits().done(10**9, 1e9, 1e9)
    assert Limits().progress(10**9, 1e9, 1e9) == 0


@pytest.mark.parametrize(
    "limits", [{"max_steps": 0}, {"max_steps": -1}, {"max_epochs": 0.0}, {"max_time": float("nan")}]
)
def test_limits_above_zero(limits):
    with pytest.raises(UserError, match=f"--train.{next(iter(limits))} is"):
        Limits(**limits)


@given(st.one_of(st.integers(1, 10**7).map(float), st.floats(0.01, 59.9).map(lambda seconds: round(seconds, 3))))
def test_durations_are_said_as_they_are_read(seconds: float) -> None:
    assert parse_duration(duration_in_words(seconds)) == pytest.approx(seconds, abs=1e-9)


def test_durations_in_words() -> None:
    assert [duration_in_words(s) for s in (40.0, 2.5, 600.0, 5400.0, 90061.0)] == [
        "40s",
        "2.5s",
        "10m",
        "1h30m",
        "1d1h1m1s",
    ]
