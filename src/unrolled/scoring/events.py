"""How well events, such as heart beats, are found in time."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from unrolled.scoring.bootstrap import Metric, measure, record_units, stretches
from unrolled.scoring.classification import retrieval_measures


class Matches(NamedTuple):
    """Which true events were found, and which predicted events were right."""

    truth: Int[np.ndarray, " matches"]
    """indices into the true events, ascending"""
    predicted: Int[np.ndarray, " matches"]
    """indices into the predicted events, in the same order"""


def match_events(
    truth: Int[np.ndarray, " true"], predicted: Int[np.ndarray, " found"], tolerance: float | int
) -> Matches:
    """Pairs of a true and a predicted event at most `tolerance` steps apart, each event in at most one pair.

    Positions are in steps, ascending. Both lists are walked in order, pairing the first two that are close enough; on
    a line no other choice gives more pairs. (Agreement of beats as in ANSI/AAMI EC57, where the tolerance is 150 ms.)
    """
    for positions, whose in ((truth, "true"), (predicted, "predicted")):
        if (np.diff(positions) < 0).any():
            raise ValueError(f"{whose} events are not in order of time")
    pairs: list[tuple[int, int]] = []
    i = j = 0
    true, guessed = truth.tolist(), predicted.tolist()
    while i < len(true) and j < len(guessed):
        if abs(true[i] - guessed[j]) <= tolerance:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif true[i] < guessed[j]:
            i += 1
        else:
            j += 1
    table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return Matches(table[:, 0], table[:, 1])


def event_metrics(
    truth: Sequence[Int[np.ndarray, " _true"]],
    predicted: Sequence[Int[np.ndarray, " _found"]],
    lengths: Sequence[int],
    tolerance: float | int,
    *,
    groups: Int[np.ndarray, " recordings"] | None = None,
    seed: int = 0,
) -> dict[str, Metric]:
    """Sensitivity, precision and F1 of events found within ± `tolerance` steps.

    Positions of the events of each recording, ascending, and the steps that each recording has. What is resampled is
    recordings, or stretches of them where there are fewer than 30; with `groups` (a number per recording) it is groups
    of recordings.
    """
    if groups is None:
        first, steps, units = stretches(np.array(lengths, dtype=np.int64))
    else:
        first, steps = record_units(len(lengths), groups, seed=seed), max(lengths, default=0) + 1
        units = int(first.max(initial=-1)) + 1
    precision, sensitivity, f1 = retrieval_measures(
        "sensitivity", "precision", "f1", "there are no events", "no event was predicted"
    )
    counts = np.zeros((units, 3))
    for start, length, true, guessed in zip(first, lengths, truth, predicted, strict=True):
        hits = true[match_events(true, guessed, tolerance).truth]
        for column, positions in enumerate((hits, guessed, true)):
            inside = np.clip(positions, 0, max(length - 1, 0)) // steps
            np.add.at(counts[:, column], start + inside, 1.0)
    return measure(
        counts,
        [sensitivity, precision, f1],
        seed=seed,
    )
