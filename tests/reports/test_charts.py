import itertools
import math
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.reports.charts import Curve, TickRow, line_chart, smoothed
from unrolled.reports.drawing import distinct, ticks

STEP = TickRow("step", lambda value: f"{value:g}")


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(3, 8))
def test_linear_ticks_are_few_even_and_inside(low, span, count):
    high = low + span
    if high - low < 1e-6 * abs(low):
        return
    values = ticks(low, high, count, log=False)
    assert 1 <= len(values) <= count + 2
    gaps = [b - a for a, b in itertools.pairwise(values)]
    assert all(gap == pytest.approx(gaps[0], rel=1e-3) for gap in gaps)
    assert all(low - 1e-6 * span <= value <= high + 1e-6 * span for value in values)


@given(st.floats(1e-8, 1e3), st.floats(1.01, 1e9))
def test_log_ticks_are_inside(low, ratio):
    values = ticks(low, low * ratio, 6, log=True)
    assert 1 <= len(values) <= 12
    assert all(low * 0.999 <= value <= low * ratio * 1.001 for value in values)


def test_smoothing_keeps_lines_and_reduces_noise():
    line = [3.0 - 0.01 * i for i in range(500)]
    assert smoothed(line) == pytest.approx(line)
    noise = [(-1.0) ** i for i in range(1000)]
    assert max(abs(value) for value in smoothed(noise)[50:-50]) < 0.1
    assert smoothed([]) == []
    assert smoothed([1.0, 5.0]) == [1.0, 5.0]


def points(svg, style):
    line = next(e for e in ElementTree.fromstring(svg).iter("polyline") if e.get("class") == style)
    return [tuple(map(float, pair.split(","))) for pair in line.get("points").split()]


def test_points_land_where_the_ticks_say():
    svg = line_chart([Curve("a", [0, 50, 100], [1.0, 3.0, 2.0], "train")], title="t", rows=[STEP])
    texts = {e.text: e for e in ElementTree.fromstring(svg).iter("text")}
    drawn = points(svg, "train")
    for x_label, y_label, (x, y) in zip(("0", None, "100"), ("1", "3", "2"), drawn, strict=True):
        if x_label:
            assert float(texts[x_label].get("x")) == pytest.approx(x, abs=0.6)
        assert float(texts[y_label].get("y")) - 4 == pytest.approx(y, abs=0.6)
    assert drawn[1][1] < drawn[2][1] < drawn[0][1]


def test_log_axes():
    svg = line_chart(
        [Curve("a", [1, 10, 100, 0], [1e-3, 1.0, 1e3, 1.0], "train")], title="t", rows=[STEP], log_x=True, log_y=True
    )
    (x0, y0), (x1, y1), (x2, y2) = points(svg, "train")
    assert x1 == pytest.approx((x0 + x2) / 2, abs=0.2)
    assert y1 == pytest.approx((y0 + y2) / 2, abs=0.2)


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    count = 100_000
    for log_x in (False, True):
        curve = Curve("a", list(range(1, count + 1)), [1 / i for i in range(1, count + 1)], "train")
        svg = line_chart([curve], title="t", rows=[STEP], log_x=log_x)
        assert len(svg) < 12_000
        drawn = points(svg, "train")
        assert drawn[0][0] == pytest.approx(64, abs=0.1)
        assert drawn[-1][0] == pytest.approx(744, abs=0.1)


@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.floats(allow_nan=True, allow_infinity=True, width=32)), max_size=8),
    st.booleans(),
    st.booleans(),
)
def test_any_values_give_a_well_formed_chart(values, log_x, log_y):
    x, y = [float(x) for x, _ in values], [y for _, y in values]
    svg = line_chart([Curve("<a&b>", x, y, "train", dots=True)], title='"<t>', rows=[STEP], log_x=log_x, log_y=log_y)
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        for name in ("x", "y", "cx", "cy", "x1", "y1"):
            assert math.isfinite(float(element.get(name, 0)))
    assert "nan" not in svg.replace("<a&b>", "")


def test_labels_of_near_numbers_differ():
    assert distinct([0.26205, 0.2621, 0.26215]) == ["0.26205", "0.2621", "0.26215"]
    assert distinct([1.0, 1.5, 2.0]) == ["1", "1.5", "2"]
    near = [12345.1, 12345.2, 12345.3]
    assert len(set(distinct(near))) == 3
    assert [float(label.replace(",", "")) for label in distinct(near)] == near


def test_a_dot_on_the_axis_is_whole():
    chart = line_chart([Curve("loss", [1, 2, 3], [3, 2, 1], "valid", dots=True)], title="t", rows=[STEP])
    tree = ElementTree.fromstring(chart)
    inner = tree.find("svg")
    left = float(inner.get("viewBox").split()[0])
    dots = list(inner.iter("circle"))
    assert len(dots) == 3
    assert all(float(dot.get("cx")) - float(dot.get("r")) >= left for dot in dots)
