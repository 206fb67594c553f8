"""Predicted values against true ones."""

import numpy as np
from jaxtyping import Float

from unrolled.reports.drawing import number, picture, scale, text, ticks

MOST_POINTS = 1500


def scatter(truth: Float[np.ndarray, " values"], predicted: Float[np.ndarray, " values"], *, title: str) -> str:
    """A dot per value; on the diagonal both are equal. Of many values every n-th is drawn."""
    step = max(1, len(truth) // MOST_POINTS)
    truth, predicted = truth[::step], predicted[::step]
    both = np.concatenate([truth, predicted])
    both = both[np.isfinite(both)]
    low, high = (float(both.min()), float(both.max())) if len(both) else (0.0, 1.0)
    room = 0.04 * (high - low) or 0.5
    low, high = low - room, high + room
    size, left, bottom = 420.0, 84.0, 452.0
    to_x, to_y = scale(low, high, left, left + size), scale(low, high, bottom, bottom - size)
    parts = [text(0, 14, title, style="strong")]
    parts.append(f'<path class="edge" d="M{left},{bottom - size}V{bottom}H{left + size}"/>')
    for value in ticks(low, high, 5, False):
        parts.append(f'<path class="edge" d="M{to_x(value):.1f},{bottom}V{bottom - size}"/>')
        parts.append(f'<path class="edge" d="M{left},{to_y(value):.1f}H{left + size}"/>')
        parts.append(text(to_x(value), bottom + 18, number(value), anchor="middle"))
        parts.append(text(left - 8, to_y(value) + 4, number(value), anchor="end"))
    parts.append(f'<path class="now" d="M{to_x(low):.1f},{to_y(low):.1f}L{to_x(high):.1f},{to_y(high):.1f}"/>')
    for true, guess in zip(truth.tolist(), predicted.tolist(), strict=True):
        if np.isfinite(true) and np.isfinite(guess):
            x, y = to_x(true), to_y(guess)
            parts.append(f'<circle class="mark truth" cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill-opacity="0.5"/>')
    parts += [text(left + size / 2, bottom + 40, "true", anchor="middle"), text(14, 240, "predicted", turn=-90)]
    return picture(left + size + 20, bottom + 50, title, parts, natural=True)
