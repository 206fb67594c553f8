"""What the date alone says about a step: features of it that are known for the future too."""

import numpy as np

_CYCLES = (
    # name, unit within which the position is measured, unit of the cycle, steps of the first in the second
    ("hour", "m", "D", 24 * 60.0),
    ("weekday", "D", "W", 7.0),
    ("year", "D", "Y", 365.2425),
)
CYCLES = tuple(name for name, *_ in _CYCLES)


def calendar_features(times: np.ndarray, *, cycles: tuple[str, ...]) -> np.ndarray:
    """Place in each cycle as sine and cosine: datetime64 `[time]` to float32 `[time, 2 * cycles]`.

    The cycles are "hour" (of the day), "weekday" (of the week) and "year" (day of the year).
    """
    columns = []
    for name, unit, cycle, size in _CYCLES:
        if name in cycles:
            since = times.astype(f"datetime64[{unit}]") - times.astype(f"datetime64[{cycle}]").astype(
                f"datetime64[{unit}]"
            )
            angle = 2 * np.pi * since.astype(np.float64) / size
            columns += [np.sin(angle), np.cos(angle)]
    return np.stack(columns, axis=1).astype(np.float32) if columns else np.zeros((len(times), 0), np.float32)


def useful_cycles(times: np.ndarray) -> tuple[str, ...]:
    """The cycles that the times of the training part go through at least twice, with at least four steps in each."""
    if len(times) < 2:
        return ()
    seconds = times.astype("datetime64[s]").astype(np.int64)
    step, span = float(np.median(np.diff(seconds))), float(seconds[-1] - seconds[0])
    lengths = {"hour": 86400.0, "weekday": 7 * 86400.0, "year": 365.2425 * 86400}
    return tuple(name for name, length in lengths.items() if step * 4 <= length and span >= 2 * length)
