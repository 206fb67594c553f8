"""A forecast against what came."""

import numpy as np
from jaxtyping import Float

from unrolled.reports.drawing import key, line, number, picture, scale, text, thinned, ticks

_LEFT, _RIGHT, _TOP, _WIDTH, _HEIGHT = 64, 16, 34, 760, 300


def forecast_chart(
    history: Float[np.ndarray, " past"],
    truth: Float[np.ndarray, " horizon"],
    forecast: Float[np.ndarray, " horizon"],
    low: Float[np.ndarray, " horizon"] | None = None,
    high: Float[np.ndarray, " horizon"] | None = None,
    *,
    title: str,
    interval: str = "interval",
) -> str:
    """One channel of one window: its past, what came, what was forecast, and the interval if there is one.

    `interval` names the interval in the key, such as `80 % interval`. Values that are not finite are gaps.
    """
    past, horizon = len(history), len(forecast)
    bottom = _HEIGHT - 34
    everything = np.concatenate([part for part in (history, truth, forecast, low, high) if part is not None])
    everything = everything[np.isfinite(everything)]
    parts = [text(0, 14, title, style="strong")]
    if not len(everything):
        return picture(_WIDTH, 60, title, [*parts, text(_WIDTH / 2, 45, "nothing is known", anchor="middle")])
    least, most = float(everything.min()), float(everything.max())
    room = 0.05 * (most - least) or 0.5 * abs(most) or 1.0
    to_x = scale(-past, horizon - 1, _LEFT, _WIDTH - _RIGHT)
    to_y = scale(least - room, most + room, bottom, _TOP)
    for value in ticks(least - room, most + room, 5, False):
        parts.append(f'<path class="edge" d="M{_LEFT},{to_y(value):.1f}H{_WIDTH - _RIGHT}"/>')
        parts.append(text(_LEFT - 8, to_y(value) + 4, number(value), anchor="end"))
    parts += [
        text(to_x(value), bottom + 16, f"{value:+,.0f}" if value else "0", anchor="middle")
        for value in ticks(float(-past), float(max(horizon - 1, 1)), 8, False)
        if float(value).is_integer()
    ]
    parts.append(text(_WIDTH - _RIGHT, bottom + 31, "steps from the start of the forecast", anchor="end"))
    start = to_x(-0.5)
    parts.append(f'<path class="now" d="M{start:.1f},{_TOP}V{bottom}"/>')
    entries = [("past", "past"), ("truth", "what came"), ("predicted", "forecast")]
    ahead = np.arange(horizon)
    if low is not None and high is not None:
        both = np.isfinite(low) & np.isfinite(high)
        corners = [(t, high[t]) for t in ahead[both]] + [(t, low[t]) for t in ahead[both][::-1]]
        outline = "L".join(f"{to_x(t):.1f},{to_y(value):.1f}" for t, value in corners)
        parts.append(f'<path class="interval" d="M{outline}Z"/>' if corners else "")
        entries.append(("interval", interval))
    kept = thinned(history)
    # The last value of the past is joined to what came, since it is one series.
    came = np.concatenate([history[-1:], truth])
    parts += [
        line((kept - past).tolist(), history[kept].tolist(), to_x, to_y, "past"),
        line(np.arange(horizon - len(came), horizon).tolist(), came.tolist(), to_x, to_y, "truth"),
        line(ahead.tolist(), forecast.tolist(), to_x, to_y, "predicted"),
        key(_LEFT, bottom + 31, entries),
    ]
    return picture(_WIDTH, _HEIGHT, title, parts)
