"""Numbers as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.plural import counted, rounded


@pytest.mark.parametrize(("number", "words"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (24000, "24,000 rows")])
def test_counted(number: int, words: str) -> None:
    assert counted(number, "row") == words


@pytest.mark.parametrize(
    ("value", "digits", "words"),
    [
        (98756.822, 4, "98,760"),
        (55312.0, 3, "55,300"),
        (1234.56, 4, "1,235"),
        (0.123456, 4, "0.1235"),
        (28.166, 4, "28.17"),
        (0.0, 4, "0"),
        (999.7, 3, "1,000"),
        (-1.14e5, 3, "-114,000"),
        (1e-7, 4, "1e-07"),
        (float("nan"), 4, "nan"),
    ],
)
def test_rounded(value: float, digits: int, words: str) -> None:
    assert rounded(value, digits) == words


@given(st.floats(-9e8, 9e8), st.integers(2, 6))
def test_as_many_digits_as_asked_for(value: float, digits: int) -> None:
    assert float(rounded(value, digits).replace(",", "")) == pytest.approx(float(f"{value:.{digits}g}"), rel=1e-9)
    assert abs(value) < 1e-4 or "e" not in rounded(value, digits)


def test_what_is_not_known_is_undefined() -> None:
    assert rounded(None) == rounded(None, 3) == "undefined"
