"""What to forecast from how much, when nobody says: rules from the series themselves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unrolled.data.channel_gain import channel_gain
from unrolled.data.periods import find_period
from unrolled.errors import UserError

USUAL_HORIZON = 24
"""Steps ahead where the series has no period."""

MOST_PATCH = 48
"""Steps in a segment."""

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


def choose_sizes(
    series: Sequence[np.ndarray],
    *,
    context: int | None = None,
    horizon: int | None = None,
    most_windows: int = 20_000,
) -> ForecastRules:
    """Sizes for the training parts `[time, channels]` of some series, the channels to forecast; what is given is kept.

    * period: of the longest series, if it has one (`find_period`).
    * horizon: a period, but at most a twentieth of the longest series.
    * context: four periods, twice the horizon if that is longer, but at most an eighth of the longest series.
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
    period = find_period(longest)
    usual = period or USUAL_HORIZON
    if horizon is None:
        horizon = max(1, min(usual, len(longest) // 20))
    if context is None:
        context = max(2, min(max(4 * usual, 2 * horizon), len(longest) // 8))
    patch = max(1, min(MOST_PATCH, context // 2))
    mixed = channel_gain(longest, horizon) > LEAST_GAIN
    windows = sum(max(0, len(values) - context - horizon + 1) for values in series)
    stride = max(1, windows // most_windows)
    return ForecastRules(period, context, horizon, patch, stride, not mixed)
