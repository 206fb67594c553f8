"""What the pictures have in common: scales, paths, texts and keys as SVG."""

from collections.abc import Callable, Sequence
from html import escape
from itertools import pairwise

import numpy as np

Number = float | int

LETTER = 6.6
"""width of a letter, about, in the 12 px type of the pictures"""


def picture(width: Number, height: Number, title: str, parts: Sequence[str], *, natural: bool = False) -> str:
    """An `<svg>` element; `title` is read out by screen readers. A `natural` one is not stretched to the page."""
    size = f' width="{width:.0f}"' if natural else ' width="100%"'
    head = f'<svg class="picture"{size} viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(title)}">'
    return f"{head}{''.join(parts)}</svg>"


def text(x: Number, y: Number, words: str, *, anchor: str = "start", style: str = "", turn: int = 0) -> str:
    look = f' class="{style}"' if style else ""
    turned = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{look}{turned}>{escape(words)}</text>'


def label(x: Number, y: Number, words: str, most: int, *, anchor: str = "start", style: str = "", turn: int = 0) -> str:
    """Text of at most `most` letters; the whole of it is its tooltip where it had to be cut."""
    shown = shorten(words, most)
    drawn = text(x, y, shown, anchor=anchor, style=style, turn=turn)
    return drawn if shown == words else f"<g>{drawn}<title>{escape(words)}</title></g>"


def shorten(words: str, most: int) -> str:
    """At most `most` letters: what is too long loses its middle, since names often differ at their end."""
    end = (most - 1) // 2
    return words if len(words) <= most else f"{words[: most - 1 - end].rstrip()}…{words[-end:].lstrip()}"


def rectangle(x: Number, y: Number, width: Number, height: Number, style: str, *, more: str = "", tip: str = "") -> str:
    inner = f"<title>{escape(tip)}</title>" if tip else ""
    return (
        f'<rect class="{style}" x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width):.1f}" height="{height:.1f}"'
        f"{more and ' ' + more}>{inner}</rect>"
    )


def scale(low: Number, high: Number, start: Number, end: Number) -> Callable[[Number], float]:
    """A line through (low, start) and (high, end); what has no width lands in the middle."""
    if high == low:
        return lambda value: (start + end) / 2
    return lambda value: start + (value - low) / (high - low) * (end - start)


def line(
    x: Sequence[Number],
    y: Sequence[Number],
    to_x: Callable[[Number], float],
    to_y: Callable[[Number], float],
    style: str,
) -> str:
    """A path that is broken where a value is not finite; a value between two gaps is a dot."""
    pieces, pen = [], "M"
    for place, value in zip(x, y, strict=True):
        if not np.isfinite(value):
            pen = "M"
            continue
        point = f"{to_x(place):.1f},{to_y(value):.1f}"
        pieces.append(f"M{point}L{point}" if pen == "M" else f"L{point}")
        pen = "L"
    return f'<path class="{style}" d="{"".join(pieces)}"/>' if pieces else ""


def thinned(values: np.ndarray, most: int = 1500) -> np.ndarray:
    """Indices of about `most` values that keep what the eye sees: the lowest and the highest of each stretch."""
    if len(values) <= most:
        return np.arange(len(values))
    edges = np.linspace(0, len(values), most // 2 + 1).astype(int)
    filled = np.where(np.isfinite(values), values, 0.0)
    kept = [
        start + place
        for start, end in pairwise(edges)
        for place in (np.argmin(filled[start:end]), np.argmax(filled[start:end]))
    ]
    return np.unique(kept)


def number(value: Number) -> str:
    return f"{value:,.4g}" if value == 0 or 1e-3 <= abs(value) < 1e5 else f"{value:.2g}"


def key(x: Number, y: Number, entries: Sequence[tuple[str, str]]) -> str:
    """Short lines with their names: pairs of the style of a path and what it means."""
    parts = []
    for style, words in entries:
        thick = "interval" in style
        shape = f"M{x},{y - 8}h18v8h-18z" if thick else f"M{x},{y - 4}h18"
        parts += [f'<path class="{style}" d="{shape}"/>', text(x + 24, y, words)]
        x += 24 + LETTER * len(words) + 18
    return "".join(parts)
