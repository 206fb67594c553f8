"""What to forecast from how much, when nobody says: rules from the series themselves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unrolled.data.readers.time_steps import Step, calendar_periods
from unrolled.errors import UserError
from unrolled.tasks.forecast.channel_gain import channel_gain
from unrolled.tasks.forecast.periods import find_period, repeats_better

USUAL_HORIZON = 24
"""Steps ahead where the series has no period."""

MOST_PATCH = 48
"""Steps in a segment."""

MOST_PERIOD, MOST_CONTEXT = 2048, 8192
"""Steps; what is longer is for the user to ask for."""

MOST_OUTPUTS = 50_000
"""Values of a forecast, over all steps and channels."""

LEAST_BETTER = 0.06
"""Part by which a period that does not show in the autocorrelation must beat the last value."""

LEAST_GAIN = 0.01
"""From reading the other channels, above which they are read together."""


@dataclass(frozen=True)
class ForecastRules:
    """Sizes chosen for some series, in steps."""

    period: int | None
    context: int
    horizon: int
    patch: int
    stride: int
    """steps between training windows"""
    channel_independent: bool
    bounded: str = ""
    """what is shorter than the period suggests, in words"""


def choose_sizes(
    series: Sequence[np.ndarray],
    *,
    context: int | None = None,
    horizon: int | None = None,
    most_windows: int = 20_000,
    step: Step | None = None,
) -> ForecastRules:
    """Sizes for the training parts `[time, channels]` of some series, the channels to forecast; what is given is kept.

    * period: of the longest series, if it has one (`choose_period`).
    * horizon: a period of at most `MOST_PERIOD` steps, but at most a twentieth of the longest series, and
      `MOST_OUTPUTS` over all channels.
    * context: four such periods, twice the horizon if that is longer, but at most an eighth of the longest series, and
      `MOST_CONTEXT`.
    * patch: half the context, at most 48: longer segments forecast as well as shorter ones, and are quicker.
    * stride: as small as keeps the windows of an epoch below `most_windows`.
    * channel_independent: unless a linear forecast that reads all channels makes errors at least a hundredth smaller
      than one that reads its own (`channel_gain`). Rows that share weights are more rows to learn from, and less to
      learn by heart, which wins where the channels say little about each other.

    Raises `UserError` if the longest series is shorter than 4 steps.
    """
    longest = max(series, key=len)
    if len(longest) < 4:
        raise UserError(
            f"the longest series has {len(longest)} steps for training, too few to forecast; give at least 4"
        )
    period = choose_period(longest, step, horizon or 0)
    usual = period if period is not None and period <= MOST_PERIOD else USUAL_HORIZON
    bounds = []
    if horizon is None:
        horizon = max(1, min(usual, len(longest) // 20, MOST_OUTPUTS // longest.shape[1]))
        bounds += ["horizon"] if period is not None and horizon < period else []
    if context is None:
        context = max(2, min(max(4 * usual, 2 * horizon), len(longest) // 8, MOST_CONTEXT))
        bounds += ["context"] if period is not None and context < 2 * period else []
    patch = max(1, min(MOST_PATCH, context // 2))
    mixed = channel_gain(longest, horizon) > LEAST_GAIN
    windows = sum(max(0, len(values) - context - horizon + 1) for values in series)
    stride = max(1, windows // most_windows)
    bounded = ""
    if bounds:
        flags = " and ".join(f"--data.{name}" for name in bounds)
        bounded = (
            f"the period of {period:,} steps is long for {len(longest):,} steps of training, so the network looks back "
            f"{context:,} steps and forecasts {horizon:,}; {flags} {'says' if len(bounds) == 1 else 'say'} otherwise"
        )
    return ForecastRules(period, context, horizon, patch, stride, not mixed, bounded)


def choose_period(series: np.ndarray, step: Step | None = None, horizon: int = 0) -> int | None:
    """The period of a series `[time, channels]`: that of its autocorrelation (`find_period`), or one of the calendar
    close by, or of which it is a multiple, that repeats better: noise and slow movements shift the peak.

    Where a slow movement hides it, it is looked for in the changes from step to step, and in the calendar. Of these the
    one counts whose last repetition forecasts best, if it does better than the last value by a part of `LEAST_BETTER`,
    and better in both halves of the series.
    """
    peak = find_period(series)
    if peak is not None:
        near = [
            period
            for period in calendar_periods(step)
            if abs(period - peak) <= max(1, period // 12) or peak % period == 0
        ]
        ahead = max(peak, horizon, *near)
        return min((*near, peak), key=lambda period: repeats_better(series, period, horizon=ahead))
    changes = find_period(np.diff(series, axis=0)) if len(series) > 2 else None
    candidates = {*calendar_periods(step), *([] if changes is None else [changes])}

    def ratio_of(part: np.ndarray, period: int) -> float:
        return repeats_better(part, period, horizon=max(period, horizon))

    ratios = {period: ratio_of(series, period) for period in candidates}
    halves = series[: len(series) // 2], series[len(series) // 2 :]
    good = [
        period
        for period, ratio in sorted(ratios.items())
        if ratio < 1 - LEAST_BETTER and all(ratio_of(half, period) < 1 - LEAST_BETTER / 2 for half in halves)
    ]
    return min(good, key=ratios.__getitem__, default=None)
