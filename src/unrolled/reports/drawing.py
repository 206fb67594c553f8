"""What all pictures are drawn with, as SVG text: scales and their marks, paths, texts and keys.

No dependency and no script; colours follow the page between light and dark.
"""

import math
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


def scale(low: Number, high: Number, start: Number, end: Number, *, log: bool = False) -> Callable[[Number], float]:
    """A line through (low, start) and (high, end), of the logarithm on a logarithmic axis; what has no width lands in
    the middle."""
    if high == low:
        return lambda value: (start + end) / 2
    transform: Callable[[Number], float] = math.log10 if log else float
    first, last = transform(low), transform(high)
    return lambda value: start + (transform(value) - first) / (last - first) * (end - start)


def ticks(low: float, high: float, count: int, log: bool) -> list[float]:
    """About `count` round numbers from `low` to `high`; powers of ten (and 2 and 5 times these) on a log axis."""
    if log and high / low > 20:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        steps = (1, 2, 5) if len(decades) <= 3 else (1,)
        every = max(1, math.ceil(len(decades) / count))
        values = [step * 10.0**decade for decade in decades[::every] for step in steps]
        return [value for value in values if low <= value * (1 + 1e-9) and value <= high * (1 + 1e-9)]
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(nice * power for nice in (1, 2, 2.5, 5, 10) if nice * power >= rough * 0.999)
    return [index * step for index in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def distinct(values: Sequence[float]) -> list[str]:
    """Numbers in as few digits, from four on, as tell them apart."""
    if len({number(value) for value in values}) == len(values):
        return [number(value) for value in values]
    digits = next((some for some in range(5, 12) if len({f"{value:.{some}g}" for value in values}) == len(values)), 12)
    return [f"{value:,.{digits}g}" for value in values]


def line(
    x: Sequence[Number],
    y: Sequence[Number],
    to_x: Callable[[Number], float],
    to_y: Callable[[Number], float],
    style: str,
) -> str:
    """A path that is broken where a value is not finite; a value between two gaps is a dot."""
    pieces, pen = [], "M"
    for position, value in zip(x, y, strict=True):
        if not np.isfinite(value):
            pen = "M"
            continue
        point = f"{to_x(position):.1f},{to_y(value):.1f}"
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
        start + offset
        for start, end in pairwise(edges)
        for offset in (np.argmin(filled[start:end]), np.argmax(filled[start:end]))
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
