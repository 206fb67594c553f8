"""Windows over long series for forecasting: a past to read and a future to predict.

Which batch comes at which index is a pure function, as for text
(`unrolled.data.feeds.text_feeds`), so a run resumes by its index.
"""

import copy
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from unrolled.data.feeds.permutation import epoch_keys, permute
from unrolled.errors import UserError


class ForecastBatch(NamedTuple):
    """Some windows; a missing value is NaN."""

    past: np.ndarray
    """float32 `[batch, context, channels]`; NaN also before the beginning of a series"""
    future: np.ndarray
    """float32 `[batch, horizon, targets]`"""
    known: np.ndarray | None
    """float32 `[batch, context + horizon, known]`: features known also for the future; 0 before the beginning"""
    series: np.ndarray
    """int64 `[batch]`: which series a window is of"""
    origin: np.ndarray
    """int64 `[batch]`: the step of the series at which its future begins"""
    fresh: bool = True
    """windows do not go on from one another"""

    @property
    def scored(self) -> int:
        """How many values there are to predict."""
        return int((self.future == self.future).sum())  # NaN, of an array or a tensor, is not itself


class ForecastWindows:
    """All windows over some series whose future lies in one part of each series.

    The past of a window may lie before its part: what was measured before is known, whatever part it belongs to.
    """

    def __init__(
        self,
        series: Sequence[np.ndarray],
        *,
        context: int,
        horizon: int,
        targets: Sequence[int] | None = None,
        known: Sequence[np.ndarray] | None = None,
        parts: Sequence[tuple[int, int]] | None = None,
        stride: int = 1,
        least_context: int | None = None,
    ) -> None:
        """`series`: float32 `[time, channels]` each; `known`: float32 `[time, features]` each, of the same steps.

        `targets` are the channels to predict, by default all. `parts[i]` = (begin, end) are the steps of series i in
        which futures may lie, by default all. Consecutive windows of a series begin `stride` steps apart.
        `least_context` steps before the future must be in the series (by default the whole context), the others are
        NaN. A series too short for a window has none. Raises `UserError` if the sizes do not fit or no series has one.
        """
        _check(series, known, context, horizon, stride)
        self.context, self.horizon = context, horizon
        channels = series[0].shape[1]
        self.targets = np.arange(channels) if targets is None else np.asarray(targets)
        self._series, self._known = list(series), None if known is None else list(known)
        least = context if least_context is None else max(1, min(least_context, context))
        parts = [(0, len(values)) for values in series] if parts is None else parts
        first = [max(begin, least) for begin, _ in parts]
        counts = [
            max(0, (min(end, len(values)) - horizon - origin) // stride + 1)
            for origin, (_, end), values in zip(first, parts, series, strict=True)
        ]
        if not sum(counts):
            longest = max(end - begin for begin, end in parts)
            raise UserError(
                f"no part of a series is long enough for a window: the longest has {longest} steps, and a window needs "
                f"{least} steps of past and {horizon} of future; choose a shorter look-back or horizon"
            )
        self.series_without = sum(not count for count in counts)
        """series too short for a window"""
        self._first, self.stride = np.array(first), stride
        self._ends = np.cumsum(counts)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def every(self, number: int) -> "ForecastWindows":
        """Only the first of each so many windows of a series."""
        thinned = copy.copy(self)
        counts = np.diff(self._ends, prepend=0)
        thinned._ends, thinned.stride = np.cumsum(-(-counts // number)), self.stride * number
        return thinned

    def batch(self, numbers: np.ndarray) -> ForecastBatch:
        """The windows of these numbers (int64, 0 to `len(self) - 1`, in order of series and time)."""
        index = np.searchsorted(self._ends, numbers, side="right")
        before = np.where(index, self._ends[index - 1], 0)
        origin = self._first[index] + (numbers - before) * self.stride
        pairs = list(zip(index.tolist(), origin.tolist(), strict=True))
        past = np.stack([_cut(self._series[i], at - self.context, at, np.nan) for i, at in pairs])
        future = np.stack([self._series[i][at : at + self.horizon][:, self.targets] for i, at in pairs])
        known = None
        if self._known is not None:
            features = self._known
            known = np.stack([_cut(features[i], at - self.context, at + self.horizon, 0.0) for i, at in pairs])
        return ForecastBatch(past, future, known, index, origin)

    def in_order(self, batch_size: int) -> Iterator[ForecastBatch]:
        """Every window once, in order; the last batch may be smaller."""
        for begin in range(0, len(self), batch_size):
            yield self.batch(np.arange(begin, min(begin + batch_size, len(self))))


class ForecastFeed:
    """Windows in random order, without end: every window once in an epoch, which begins at once after the last.

    Batches are full, also where one epoch ends and the next begins.
    """

    def __init__(self, windows: ForecastWindows, *, batch_size: int, seed: int, rank: int = 0, world: int = 1) -> None:
        """`batch_size` counts all processes; process `rank` of `world` gets the rows rank, rank + world, ..."""
        if batch_size < 1 or batch_size % world or not 0 <= rank < world:
            raise UserError(
                f"batch size {batch_size} cannot be shared by {world} processes (this one is {rank}); make it a "
                f"multiple of {world}, at least {world}"
            )
        self.batch_size, self.windows = batch_size, windows
        self.batches_per_epoch = -(-len(windows) // batch_size)
        """batches after which an epoch is complete"""
        self._rows, self._seed = np.arange(rank, batch_size, world), seed

    def batch(self, index: int) -> ForecastBatch:
        """Batch number `index`, from 0 on."""
        epoch, number = np.divmod(index * self.batch_size + self._rows, len(self.windows))
        order_key, _ = epoch_keys(self._seed, epoch)
        return self.windows.batch(permute(number, len(self.windows), order_key))


def parts_by_time(length: int, sizes: Sequence[float | int] = (0.7, 0.1, 0.2)) -> list[tuple[int, int]]:
    """Consecutive parts (begin, end) of a series: the future never comes before the past.

    `sizes` are fractions of the length that add up to at most 1, or numbers of steps (all above 1) that add up to at
    most the length; what is over is left out. Raises `UserError` if they do not fit.
    """
    fractions = all(0 <= size <= 1 for size in sizes)
    steps = [size * length for size in sizes] if fractions else [float(size) for size in sizes]
    # A sum of fractions such as 0.7 + 0.1 + 0.2 may lie a rounding error above 1.
    if min(steps, default=-1.0) < 0 or sum(steps) > length + 1e-6 * max(length, 1):
        raise UserError(
            f"parts of {', '.join(f'{size:g}' for size in sizes)} do not fit a series of {length} steps; "
            "give fractions that add up to at most 1, or numbers of steps"
        )
    borders = [0, *np.rint(np.cumsum(steps)).astype(int).tolist()]
    return list(itertools.pairwise(borders))


def _cut(values: np.ndarray, begin: int, end: int, outside: float) -> np.ndarray:
    """Steps begin to end; those before the series hold `outside`."""
    if begin >= 0:
        return values[begin:end]
    empty = np.full((-begin, values.shape[1]), outside, dtype=values.dtype)
    return np.concatenate([empty, values[: max(end, 0)]])


def _check(
    series: Sequence[np.ndarray], known: Sequence[np.ndarray] | None, context: int, horizon: int, stride: int
) -> None:
    if min(context, horizon, stride) < 1:
        raise UserError(f"look-back {context}, horizon {horizon} and stride {stride} must all be at least 1")
    if not series:
        raise UserError("there is no series to forecast; give at least one")
    if len({values.shape[1] for values in series}) > 1:
        raise UserError("the series differ in their number of channels; give all of them the same columns")
    if known is not None and [len(values) for values in known] != [len(values) for values in series]:
        raise UserError("the features known for the future differ in length from the series; give one row per step")
