"""Whether the channels of a series say something about each other's future."""

import numpy as np

LAGS = 8
RIDGE = 10.0
MOST_CHANNELS = 16
"""Beyond, nothing is tried, and 0 is the answer: the equations grow with the cube of the number of channels."""
BLOCK_VALUES = 1 << 20
"""Numbers looked at together: the equations are summed over a long series block by block."""


def channel_gain(series: np.ndarray, horizon: int) -> float:
    """What part of the squared error of a linear forecast is saved when it reads all channels and not its own alone.

    `series`: `[time, channels]`, missing values NaN. Each channel's change from its last value, 1, horizon / 2 and
    horizon steps ahead, is predicted by ridge regression from its own last 8 values, and from those of all channels;
    fitted on the first 80 % of the time, judged on the rest. Negative where the others only make it worse; 0 for one
    channel, for more than 16, and for a series too short to judge.
    """
    time, channels = series.shape
    lags = min(LAGS, time // 10)
    places = np.arange(lags, time - horizon)
    cut = int(0.8 * len(places))
    if not 1 < channels <= MOST_CHANNELS or lags < 1 or cut < 2 * lags * channels or cut == len(places):
        return 0.0
    ahead = sorted({1, max(1, horizon // 2), horizon})
    centre, spread = _level(series)

    def block(begin: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """Of the places from begin to end what is known, [place, channel * lag + 1], and the changes, [place, ...]."""
        rows = series[begin - lags : end - 1 + horizon].astype(np.float64)
        values = np.where(np.isfinite(rows), (rows - centre) / spread, 0)
        count = end - begin
        past = [values[lags - 1 - lag : lags - 1 - lag + count] for lag in range(lags)]  # the newest first
        known = np.concatenate([np.stack(past, axis=2).reshape(count, -1), np.ones((count, 1))], axis=1)
        changes = [values[lags + steps - 1 : lags + steps - 1 + count] - past[0] for steps in ahead]
        return known, np.concatenate(changes, axis=1)

    first, middle, last = int(places[0]), int(places[cut]), int(places[-1]) + 1
    features = channels * lags + 1
    size = max(1, BLOCK_VALUES // features)
    products, targets = np.zeros((features, features)), np.zeros((features, channels * len(ahead)))
    for begin in range(first, middle, size):
        known, changes = block(begin, min(begin + size, middle))
        products += known.T @ known
        targets += known.T @ changes
    everything = _ridge(products, targets)
    own = np.zeros_like(everything)
    for channel in range(channels):
        inputs = [*range(channel * lags, (channel + 1) * lags), channels * lags]
        outputs = range(channel, everything.shape[1], channels)
        own[np.ix_(inputs, outputs)] = _ridge(products[np.ix_(inputs, inputs)], targets[np.ix_(inputs, outputs)])
    alone = together = 0.0
    for begin in range(middle, last, size):
        known, changes = block(begin, min(begin + size, last))
        together += float(np.square(changes - known @ everything).sum())
        alone += float(np.square(changes - known @ own).sum())
    return 1 - together / alone if alone > 0 else 0.0


def _level(series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each channel, blind to missing values; 0 without any value."""
    centre, spread = [], []
    for column in series.T:
        known = column[np.isfinite(column)].astype(np.float64)
        centre.append(known.mean() if len(known) else 0.0)
        spread.append(known.std() if len(known) else 0.0)
    return np.array(centre), np.array(spread) + 1e-9


def _ridge(products: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The weights of a ridge regression from its sums, [features, features] and [features, targets]."""
    return np.linalg.solve(products + RIDGE * np.eye(len(products)), targets)
