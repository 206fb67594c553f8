"""Signals with what was found in them: tags of their steps, or events."""

from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from unrolled.reports.drawing import (
    LETTER,
    Number,
    line,
    number,
    picture,
    rectangle,
    scale,
    shorten,
    text,
    thinned,
    ticks,
)
from unrolled.reports.tagged import tag_hues
from unrolled.scoring.events import match_events

_LEFT, _WIDTH, _LANE, _MOST_CHANNELS = 72, 760, 110, 3


class _Panel(NamedTuple):
    parts: list[str]
    bottom: float
    to_x: Callable[[Number], float]


def tagged_signal(
    signal: Float[np.ndarray, "time channels"],
    rate: float | None,
    truth: Int[np.ndarray, " time"],
    predicted: Int[np.ndarray, " time"],
    names: Sequence[str],
    *,
    title: str = "Signal with its tags",
) -> str:
    """The first three channels of a signal; below it the true and the predicted tag of each step and their differences.

    `rate` is steps per second; without it the axis counts steps. A negative true tag is not known.
    """
    hues = tag_hues(names)
    parts, bottom, to_x = _panel(signal, rate, 26.0)
    differs = np.where((truth >= 0) & (truth != predicted), 0, -1)
    for row, (what, tags) in enumerate((("true", truth), ("predicted", predicted))):
        y = bottom + 34 + 20 * row
        parts.append(text(_LEFT - 8, y + 11, what, anchor="end"))
        for start, end, tag in _runs(tags):
            if names[tag] in hues:
                look = f'style="--hue:{hues[names[tag]]}"'
                parts.append(_stretch(to_x, start, end, y, 14, "band", look, f"{what}: {names[tag]}"))
        parts.append(rectangle(_LEFT, y, to_x(len(truth)) - _LEFT, 14, "edge"))
    y = bottom + 76
    parts.append(text(_LEFT - 8, y + 7, "wrong", anchor="end"))
    parts += [
        _stretch(to_x, start, end, y, 6, "wrong", "", "truth and prediction differ") for start, end, _ in _runs(differs)
    ]
    x, y = float(_LEFT), bottom + 108
    used = [
        name for index, name in enumerate(names) if name in hues and ((truth == index) | (predicted == index)).any()
    ]
    for name in used:
        width = 20 + LETTER * len(shorten(name, 24))
        if x + width > _WIDTH:
            x, y = float(_LEFT), y + 20
        parts.append(rectangle(x, y - 10, 14, 12, "band", more=f'style="--hue:{hues[name]}"'))
        parts.append(text(x + 20, y, shorten(name, 24)))
        x += width + 16
    return picture(_WIDTH, y + 10, title, [text(0, 14, title, style="strong"), *parts])


def events_chart(
    signal: Float[np.ndarray, "time channels"],
    rate: float | None,
    truth: Int[np.ndarray, " true"],
    predicted: Int[np.ndarray, " found"],
    tolerance: float | int,
    *,
    title: str = "Signal with its events",
) -> str:
    """The first three channels of a signal; above it the true events and the predicted ones.

    Events without a partner within `tolerance` steps, the missed and the invented, are hollow. `rate` is steps per
    second; without it the axis counts steps.
    """
    pairs = match_events(truth, predicted, tolerance)
    parts, bottom, to_x = _panel(signal, rate, 74.0)
    for y, style, positions, partnered, word in (
        (42, "truth", truth, pairs.truth, "true"),
        (62, "predicted", predicted, pairs.predicted, "predicted"),
    ):
        parts.append(text(_LEFT - 8, y + 4, word, anchor="end"))
        paired = set(partnered.tolist())
        for index, position in enumerate(positions.tolist()):
            x, alone = to_x(position), index not in paired
            moment = f"{position / rate:,.3f} s" if rate else f"step {position:,}"
            tip = f"{word} event at {moment}{', without a partner' if alone else ''}"
            look = f"mark {style}{' alone' if alone else ''}"
            shape = f"M{x - 4.5:.1f},{y - 5}h9l-4.5,9z"
            parts.append(f'<path class="{look}" d="{shape}"><title>{escape(tip)}</title></path>')
    missed, invented = len(truth) - len(pairs.truth), len(predicted) - len(pairs.predicted)
    summary = f"{len(truth):,} true events, {missed:,} missed, {invented:,} invented (hollow)"
    head = [text(0, 14, title, style="strong"), text(_WIDTH - 8, 14, summary, anchor="end")]
    return picture(_WIDTH, bottom + 36, title, [*head, *parts])


def _panel(signal: np.ndarray, rate: float | None, top: float) -> _Panel:
    """The channels one below the other, each with its own scale, and the axis of time."""
    steps, channels = len(signal), min(signal.shape[1], _MOST_CHANNELS)
    height = float(_LANE if channels > 1 else 160)
    bottom = top + height * channels
    to_x = scale(0, max(steps, 1), _LEFT, _WIDTH - 8)
    parts = []
    for channel in range(channels):
        values = signal[:, channel].astype(float)
        known = values[np.isfinite(values)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        lane = top + height * channel
        to_y = scale(low, high, lane + height - 8, lane + 8)
        parts += [text(_LEFT - 8, to_y(value) + 4, f"{value:.3g}", anchor="end") for value in sorted({low, high})]
        kept = thinned(values)
        parts.append(line(kept.tolist(), values[kept].tolist(), to_x, to_y, "thin"))
        parts.append(f'<path class="edge" d="M{_LEFT},{lane + height:.1f}H{_WIDTH - 8}"/>')
    unit = "seconds" if rate else "steps"
    per_unit = rate or 1.0
    last = 0.0
    for value in ticks(0.0, max(steps, 1) / per_unit, 8, False):
        x = to_x(value * per_unit)
        if x < _WIDTH - 70:
            parts.append(text(x, bottom + 16, number(value), anchor="middle"))
            last = x
    parts.append(text(_WIDTH - 8, bottom + 16, unit, anchor="end") if last else "")
    if signal.shape[1] > channels:
        parts.append(text(0, bottom + 16, f"{channels} of {signal.shape[1]} ch.", style="soft"))
    return _Panel(parts, bottom, to_x)


def _runs(tags: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """Start, end (one beyond) and tag of each run of equal tags that are not negative."""
    edges = np.flatnonzero(np.diff(tags)) + 1
    starts = np.concatenate([[0], edges]) if len(tags) else edges
    ends = np.append(edges, len(tags)) if len(tags) else edges
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if tags[start] >= 0:
            yield start, end, int(tags[start])


def _stretch(
    to_x: Callable[[Number], float], start: int, end: int, y: Number, height: Number, style: str, more: str, tip: str
) -> str:
    return rectangle(to_x(start), y, max(0.8, to_x(end) - to_x(start)), height, style, more=more, tip=tip)
