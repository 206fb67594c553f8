import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.formats import format_count, format_duration
from unrolled.training.limits import parse_duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0s"),
        (4.21, "4.2s"),
        (9.96, "10s"),
        (59.6, "1m 00s"),
        (80, "1m 20s"),
        (3599.7, "1h 00m"),
        (7500, "2h 05m"),
        (86399, "1d 00h"),
        (97200, "1d 03h"),
    ],
)
def test_durations(seconds, text):
    assert format_duration(seconds) == text


@given(st.floats(0.1, 1e7))
def test_a_written_duration_is_near(seconds):
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, rel=0.03, abs=0.06)


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (950, "950"), (999.7, "1.00k"), (12345, "12.3k"), (999_600, "1.00M"), (4.56e9, "4.56G")],
)
def test_counts(number, text):
    assert format_count(number) == text
    assert format_count(number, "B").replace(" ", "") == f"{text}B"


@given(st.floats(0, 1e15))
def test_a_written_count_is_near(number):
    digits, prefix = re.fullmatch(r"([\d.]+)([kMGT]?)", format_count(number)).groups()
    assert float(digits) * 1000 ** " kMGT".index(prefix or " ") == pytest.approx(number, rel=0.006, abs=0.5)
