"""How good predicted tags are: per step, and for tags of the BIO family per span."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from unrolled.scoring.bootstrap import Metric, fold, measure, record_units, stretches
from unrolled.scoring.classification import (
    ClassScores,
    class_counts,
    count_measures,
    most_units,
    retrieval_measures,
    scores_from_counts,
)
from unrolled.scoring.spans import find_spans, has_spans, span_kinds


def tagging_metrics(
    truth: Sequence[Int[np.ndarray, " _steps"]],
    predicted: Sequence[Int[np.ndarray, " _steps"]],
    names: Sequence[str],
    *,
    groups: Int[np.ndarray, " sequences"] | None = None,
    seed: int = 0,
) -> dict[str, Metric]:
    """Per-step accuracy and macro-F1 and, if `names` are tags of the BIO family, the micro F1 of spans.

    One array of tags per sequence, as indices into `names`; steps whose truth is negative have no known tag and are
    left out. What is resampled is sequences, or stretches of them where there are fewer than 30; with `groups` (a
    number per sequence) it is groups of sequences.
    """
    true, guessed, unit = _laid_out(truth, predicted, 3 * len(names), groups, seed)
    known = true >= 0
    counts = class_counts(unit[known], true[known], guessed[known], len(names))
    accuracy, _, macro = count_measures(len(names))
    metrics = measure(counts, [accuracy, macro], seed=seed)
    if has_spans(names):
        metrics |= measure(
            _span_counts(truth, predicted, names, groups, seed).reshape(-1, 3, len(span_kinds(names))).sum(axis=2),
            retrieval_measures(
                "span_recall", "span_precision", "span_f1", "there are no spans", "no span was predicted"
            ),
            seed=seed,
        )
    return metrics


def per_tag_scores(
    truth: Sequence[Int[np.ndarray, " _steps"]],
    predicted: Sequence[Int[np.ndarray, " _steps"]],
    names: Sequence[str],
    *,
    groups: Int[np.ndarray, " sequences"] | None = None,
    seed: int = 0,
) -> list[ClassScores]:
    """Precision, recall and F1 of each kind of span, or of each tag per step where tags do not make spans."""
    if has_spans(names):
        kinds = [kind or "span" for kind in span_kinds(names)]
        return scores_from_counts(_span_counts(truth, predicted, names, groups, seed), kinds, seed=seed)
    true, guessed, unit = _laid_out(truth, predicted, 3 * len(names), groups, seed)
    known = true >= 0
    return scores_from_counts(class_counts(unit[known], true[known], guessed[known], len(names)), names, seed=seed)


def _laid_out(
    truth: Sequence[np.ndarray],
    predicted: Sequence[np.ndarray],
    statistics: int,
    groups: np.ndarray | None,
    seed: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All steps end to end: true tag, predicted tag, unit of resampling."""
    lengths = np.array([len(tags) for tags in truth], dtype=np.int64)
    if [len(tags) for tags in predicted] != lengths.tolist():
        raise ValueError("predicted tags are not as long as the true ones")
    none = [np.zeros(0, dtype=np.int64)]
    if groups is None:
        first, steps, units = stretches(lengths)
        inside = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        unit = np.repeat(first, lengths) + inside // steps
        folded = fold(units, most=most_units(statistics), seed=seed)[unit]
    else:
        folded = np.repeat(record_units(len(lengths), groups, most=most_units(statistics), seed=seed), lengths)
    return np.concatenate([*truth, *none]), np.concatenate([*predicted, *none]), folded


def _span_counts(
    truth: Sequence[np.ndarray],
    predicted: Sequence[np.ndarray],
    names: Sequence[str],
    groups: np.ndarray | None,
    seed: int,
) -> Float[np.ndarray, "units counts"]:
    """For each unit and kind of span: how many are right (start, end and kind), predicted, true."""
    kinds = len(span_kinds(names))
    true, guessed, unit = _laid_out(truth, predicted, 3 * kinds, groups, seed)
    outside = list(names).index("O")
    unknown = true < 0
    true, guessed = np.where(unknown, outside, true), np.where(unknown, outside, guessed)
    lengths = np.array([len(tags) for tags in truth], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    are, seen = find_spans(true, starts, names), find_spans(guessed, starts, names)
    _, left, right = np.intersect1d(are.start, seen.start, return_indices=True)
    same = (are.end[left] == seen.end[right]) & (are.kind[left] == seen.kind[right])
    units = int(unit.max(initial=-1)) + 1

    def count(steps: np.ndarray, kind: np.ndarray) -> np.ndarray:
        return np.bincount(unit[steps] * kinds + kind, minlength=units * kinds).reshape(units, kinds)

    hits = left[same]
    parts = [count(are.start[hits], are.kind[hits]), count(seen.start, seen.kind), count(are.start, are.kind)]
    return np.concatenate(parts, axis=1).astype(float)
