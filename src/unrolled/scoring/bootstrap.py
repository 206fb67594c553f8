"""Metrics with bootstrap intervals, from sums of statistics over records.

Nearly every metric is a function of sums over records: accuracy of the numbers of right answers and of answers, F1 of
the counts of each class, BLEU of the counts of n-grams. So what is resampled is one row of numbers per record, and the
metric is computed anew from each resampled sum, for all resamples at once.

Source: Efron 1979, "Bootstrap methods: another look at the jackknife"; percentile intervals as in Efron and
Tibshirani 1993, section 13.3. Blocks: Politis and Romano 1992, "A circular block-resampling procedure". Groups
(cluster bootstrap): Davison and Hinkley 1997, section 3.8; Field and Welsh 2007, "Bootstrapping clustered data".
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from unrolled.plural import rounded

RESAMPLES = 1000
LEVEL = 0.025
"""of each side of an interval of 95 %"""
_MOST_UNITS = 10_000
_FEW_RECORDS, _STRETCHES = 30, 100

Better = Literal["higher", "lower", "nominal"]


class Metric(NamedTuple):
    """A number that says how good predictions are, with its 95 % interval."""

    value: float | None
    """None where it is undefined; `note` says why"""
    low: float | None
    """None where there are too few records for an interval"""
    high: float | None
    name: str
    better: Better
    """nominal: the closer to what was asked for the better, as for the coverage of an interval"""
    note: str = ""
    """why it is undefined, what was left out, or how it was measured"""

    def to_json(self) -> dict[str, float | str | None]:
        """Value, interval and note."""
        return {"value": self.value, "low": self.low, "high": self.high, "note": self.note}

    def __str__(self) -> str:
        if self.value is None:
            return f"undefined ({self.note})"
        if self.low is None or self.high is None:
            return rounded(self.value)
        return f"{rounded(self.value)} ({rounded(self.low)} to {rounded(self.high)})"


class Measure(NamedTuple):
    """How a metric follows from sums of statistics."""

    name: str
    better: Better
    of: Callable[[np.ndarray], np.ndarray]
    """from sums `[samples, statistics]` to values `[samples]`, NaN where undefined"""
    undefined: str = "nothing to measure"
    """the reason to give if the value over all records is NaN"""
    note: str = ""
    trials: Callable[[np.ndarray], np.ndarray] | None = None
    """of a share between 0 and 1: from statistics `[units, statistics]` the trials that it is a share of, `[units]`, or
    `[units, parts]` if it is a mean over parts"""
    f1: bool = False
    """whether that share is an F1 score, or a mean of such"""


def measure(
    statistics: Float[np.ndarray, "records statistics"],
    measures: Sequence[Measure],
    *,
    seed: int = 0,
    block: int = 1,
    series: Int[np.ndarray, " records"] | None = None,
) -> dict[str, Metric]:
    """The metrics by name, each with the interval that holds the middle 95 % of its values over 1,000 resamples.

    With `block` > 1, stretches of that many neighbouring records are drawn instead of single records, since neighbours
    are alike; `series` says which series a record belongs to, and no stretch goes across series.
    Resamples in which a metric is undefined are left out; if that is most of them there is no interval. A share of 0 or
    1 has the interval that its number of trials allows, counted in what is resampled (see `interval_at_edge`).
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        values = [float(formula.of(statistics.sum(axis=0, keepdims=True))[0]) for formula in measures]
        known = np.isfinite(values)
        if not known.any():
            sums = np.zeros((0, statistics.shape[1]))
        else:
            sums = resampled_sums(statistics, seed=seed, block=block, series=series)
        return {
            formula.name: _metric(formula, value, formula.of(sums) if sure else sums, statistics, block)
            for formula, value, sure in zip(measures, values, known, strict=True)
        }


def resampled_sums(
    statistics: Float[np.ndarray, "records statistics"],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    block: int = 1,
    series: Int[np.ndarray, " records"] | None = None,
) -> Float[np.ndarray, "resamples statistics"]:
    """Sums of the rows of `resamples` bootstrap samples; none where there is but one row (or one block) to draw."""
    random = np.random.default_rng(seed)
    if block == 1:
        table = add_up(fold(len(statistics), seed=seed), statistics)
        draws = len(table)
    else:
        table, draws = _block_sums(statistics, max(block, math.ceil(len(statistics) / _MOST_UNITS)), series)
    if draws < 2:
        return np.zeros((0, statistics.shape[1]))
    sums = np.empty((resamples, table.shape[1]))
    few = 4 * draws < len(table)
    at_once = max(1, 1_000_000 // (draws if few else len(table)))
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        drawn = random.integers(len(table), size=(rows, draws), dtype=np.int32)
        if few:
            sums[start : start + rows] = table[drawn].sum(axis=1)
            continue
        drawn += np.arange(rows, dtype=np.int32)[:, None] * np.int32(len(table))
        times = np.bincount(drawn.ravel(), minlength=rows * len(table)).reshape(rows, -1)
        sums[start : start + rows] = times.astype(float) @ table
    return sums


def fold(count: int, *, most: int = _MOST_UNITS, seed: int = 0) -> Int[np.ndarray, " count"]:
    """A number below `most` for each of `count` records: itself, or if there are more, a random group of equal size.

    Resampling groups that were put together at random estimates the same spread as resampling records, and so the work
    stays the same however many records there are.
    """
    if count <= most:
        return np.arange(count)
    return np.random.default_rng(seed).permutation(count) % most


def record_units(
    count: int,
    groups: Int[np.ndarray, " records"] | None = None,
    *,
    most: int = _MOST_UNITS,
    seed: int = 0,
) -> Int[np.ndarray, " records"]:
    """What is drawn together when `count` records are resampled: each alone, or with `groups` (a number per record)
    all of a group, since records of one patient or speaker are alike and tell less than as many of different ones.

    Of more than `most` units some are drawn together, see `fold`.
    """
    if groups is None:
        return fold(count, most=most, seed=seed)
    names, group = np.unique(groups, return_inverse=True)
    return fold(len(names), most=most, seed=seed)[group]


def add_up(
    unit: Int[np.ndarray, " rows"], statistics: Float[np.ndarray, "rows statistics"]
) -> Float[np.ndarray, "units statistics"]:
    """Sums of the rows that belong to each unit."""
    if len(unit) == 0 or (len(unit) == unit.max() + 1 and np.array_equal(unit, np.arange(len(unit)))):
        return statistics
    return np.stack([np.bincount(unit, weights=column) for column in statistics.T], axis=1)


def stretches(lengths: Int[np.ndarray, " records"]) -> tuple[Int[np.ndarray, " records"], int, int]:
    """What to resample where records have steps: records, or stretches of them where there are fewer than 30 records.

    Returns (number of the first stretch of each record, steps per stretch, stretches in all): step `t` of record `r` is
    in stretch `first[r] + t // steps`. Without this, one long recording would have no interval.
    """
    total, longest = int(lengths.sum()), int(lengths.max(initial=1))
    steps = max(1, math.ceil(total / _STRETCHES) if len(lengths) < _FEW_RECORDS else longest)
    pieces = np.maximum(1, -(-lengths // steps))
    return np.cumsum(pieces) - pieces, steps, int(pieces.sum())


def mean_defined(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what is not NaN; NaN where nothing is."""
    known = ~np.isnan(values)
    return np.where(known, values, 0.0).sum(axis=-1) / known.sum(axis=-1)


def _block_sums(
    statistics: np.ndarray, block: int, series: np.ndarray | None
) -> tuple[Float[np.ndarray, "blocks statistics"], int]:
    """Sums of the blocks that start at each record and go around the end of its series, and how many to draw."""
    if series is None:
        series = np.zeros(len(statistics), dtype=np.int64)
    order = np.argsort(series, kind="stable")
    _, counts = np.unique(series, return_counts=True)
    tables = []
    drawn = 0.0
    for rows in np.split(order, np.cumsum(counts)[:-1]):
        size = min(block, len(rows))
        around = np.concatenate([statistics[rows], statistics[rows[: size - 1]]])
        sums = np.cumsum(np.concatenate([np.zeros((1, statistics.shape[1])), around]), axis=0)
        tables.append(sums[size:] - sums[:-size])
        drawn += len(rows) * size
    # As many blocks as make up, on average, the number of records there is.
    return np.concatenate(tables), round(len(statistics) / (drawn / len(statistics)))


def _metric(formula: Measure, value: float, samples: np.ndarray, statistics: np.ndarray, block: int) -> Metric:
    if not math.isfinite(value):
        return Metric(None, None, None, formula.name, formula.better, formula.undefined)
    samples = samples[np.isfinite(samples)]
    if len(samples) < RESAMPLES // 2:
        return Metric(value, None, None, formula.name, formula.better, formula.note)
    low, high = np.percentile(samples, (2.5, 97.5)).tolist()
    if formula.trials is not None and low == high == value and value in (0.0, 1.0):
        units = (formula.trials(statistics).reshape(len(statistics), -1) > 0).sum(axis=0)
        low, high = interval_at_edge(value, np.maximum(1, units[units > 0] // block), f1=formula.f1)
    return Metric(value, low, high, formula.name, formula.better, formula.note)


def interval_at_edge(value: float, trials: np.ndarray, *, f1: bool = False) -> tuple[float, float]:
    """The 95 % interval of a mean share that is 0 or 1, from the independent trials of each part `[parts]`.

    With `f1` the value is a mean of F1 scores, 2J / (1 + J) of the share J of what is right among all that is true or
    predicted.
    """
    share = largest_share(trials) if value == 0 else 1 - largest_share(trials)
    limit = float((2 * share / (1 + share) if f1 else share).mean())
    return (0.0, limit) if value == 0 else (limit, 1.0)


def largest_share(trials: np.ndarray) -> np.ndarray:
    """How large the shares of errors of some parts may be where none came in `trials` `[parts]`, one for each part.

    One part: 1 - .025^(1/n), the limit of Clopper and Pearson 1934, "The use of confidence or fiducial limits
    illustrated in the case of the binomial", for n trials without an error. Several parts, whose mean is asked for:
    those of the largest mean among all that would still give no error at all with a probability of .025. Of the parts'
    chances to be right, which maximise it, those below 1 are proportional to their trials.
    """
    allowed = -math.log(LEVEL)
    trials = trials.astype(np.float64)
    order = np.sort(trials)
    for parts in range(len(order), 0, -1):  # those with the fewest trials may be wrong most
        few = order[:parts]
        # The scale at which the probability of no error is .025: sum of n log(scale n) = -allowed.
        scale = math.exp((-allowed - (few * np.log(few)).sum()) / few.sum())
        if scale * few[-1] <= 1:
            return 1 - np.minimum(1.0, scale * trials)
    raise AssertionError("there is no part")
