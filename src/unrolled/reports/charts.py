"""Line charts: curves over a horizontal axis that may count several things."""

from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from unrolled.reports.drawing import Number, distinct, number, scale, text, ticks

_LEFT, _RIGHT, _TOP, _ROW = 64, 16, 14, 17
_MOST_POINTS = 400


class Curve(NamedTuple):
    """One line of a chart. Points that are not finite, or not above zero on a logarithmic axis, are left out."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    style: str
    """CSS class of the line"""
    dots: bool = False
    """mark every point, with its numbers as a tooltip"""
    fit: bool = True
    """whether the vertical axis must hold the whole curve"""


class TickRow(NamedTuple):
    """One row of labels under the horizontal axis."""

    title: str
    text: Callable[[float], str]
    """the label at a place of the axis"""


def line_chart(
    curves: Sequence[Curve],
    *,
    title: str,
    rows: Sequence[TickRow],
    log_x: bool = False,
    log_y: bool = False,
    width: int = 760,
    height: int = 340,
) -> str:
    """An `<svg>` element. `title` is read out by screen readers; `rows` label the horizontal axis, top row first."""
    cleaned = [_clean(curve, log_x, log_y) for curve in curves]
    drawn = [curve for curve in cleaned if len(curve.x)]
    bottom = height - _ROW * len(rows) - 12
    head = f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">'
    if not any(curve.fit for curve in drawn):
        return f"{head}{text(width / 2, height / 2, 'nothing was measured', anchor='middle')}</svg>"
    x_low, x_high = _span([curve.x for curve in drawn], log_x, margin=0.0)
    y_low, y_high = _span([curve.y for curve in drawn if curve.fit], log_y, margin=0.04)
    to_x = scale(x_low, x_high, _LEFT, width - _RIGHT, log=log_x)
    to_y = scale(y_low, y_high, bottom, _TOP, log=log_y)

    parts = [head]
    marks = ticks(y_low, y_high, 6, log_y)
    for value, label in zip(marks, distinct(marks), strict=True):
        y = to_y(value)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{width - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(text(_LEFT - 8, y + 4, label, anchor="end"))
    parts.append(f'<line class="axis" x1="{_LEFT}" x2="{width - _RIGHT}" y1="{bottom}" y2="{bottom}"/>')
    for index, row in enumerate(rows):
        y = bottom + 16 + _ROW * index
        parts.append(text(0, y, row.title, style="row"))
        taken = 7.0 * len(row.title)  # where the title of the row ends
        for value in ticks(x_low, x_high, 7, log_x):
            words, x = row.text(value), to_x(value)
            half = 3.6 * len(words)
            x = min(x, width - half)
            if x - half < taken + 8:  # would touch its neighbour
                continue
            taken = x + half
            parts.append(text(x, y, words, anchor="middle"))
    # A nested svg cuts off what lies outside the axes, such as single outliers.
    left = _LEFT - 4  # room for half a dot
    inner = f'x="{left}" y="0" width="{width - left}" height="{bottom + 4}"'
    parts.append(f'<svg {inner} viewBox="{left} 0 {width - left} {bottom + 4}">')
    parts += [_draw(curve, to_x, to_y, rows[0].title) for curve in drawn]
    parts.append("</svg></svg>")
    return "".join(parts)


def smoothed(values: Sequence[float]) -> list[float]:
    """A centred moving average over about one fiftieth of the values; near the ends the window shrinks.

    So a steep curve is not shifted, as it would be by an average over the past alone.
    """
    count = len(values)
    index = np.arange(count)
    half = np.minimum(np.minimum(index, count - 1 - index), count // 100)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    return ((sums[index + half + 1] - sums[index - half]) / (2 * half + 1)).tolist() if count >= 100 else list(values)


def _clean(curve: Curve, log_x: bool, log_y: bool) -> Curve:
    x, y = np.asarray(curve.x, dtype=float), np.asarray(curve.y, dtype=float)
    good = np.isfinite(x) & np.isfinite(y) & ((x > 0) | (not log_x)) & ((y > 0) | (not log_y))
    x, y = x[good], y[good]
    if len(x) > _MOST_POINTS:
        picked = np.geomspace(1, len(x), _MOST_POINTS) - 1 if log_x else np.linspace(0, len(x) - 1, _MOST_POINTS)
        kept = np.unique(picked.round().astype(int))
        x, y = x[kept], y[kept]
    return curve._replace(x=x.tolist(), y=y.tolist())


def _span(values: list[Sequence[float]], log: bool, margin: float) -> tuple[float, float]:
    low, high = min(min(v) for v in values), max(max(v) for v in values)
    if low == high:  # a single value gets some room around it
        return (low / 2, high * 2) if log else (low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2)
    if log:
        return low / (high / low) ** margin, high * (high / low) ** margin
    return low - margin * (high - low), high + margin * (high - low)


def _draw(curve: Curve, to_x: Callable[[Number], float], to_y: Callable[[Number], float], x_name: str) -> str:
    places = [(to_x(x), to_y(y)) for x, y in zip(curve.x, curve.y, strict=True)]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    line = f'<polyline class="{curve.style}" points="{points}"/>'
    if not curve.dots and len(places) > 1:
        return line
    circles = (
        f'<circle class="{curve.style}" cx="{x:.1f}" cy="{y:.1f}" r="3">'
        f"<title>{escape(curve.label)} {number(value)} at {escape(x_name)} {step:,.6g}</title></circle>"
        for (x, y), step, value in zip(places, curve.x, curve.y, strict=True)
    )
    return line + "".join(circles)
