"""Naive predictions, which show what a model adds. Each has the shape that the metrics of its task take."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from unrolled.scoring.text import edit_distances

_MEDOID_WORK = 10_000
"""Transcripts times their longest length that are compared with each other."""


def class_shares(training: Int[np.ndarray, " records"], classes: int, count: int) -> Float[np.ndarray, "count classes"]:
    """For `count` records the shares of the classes in training: the likeliest is the majority class."""
    shares = np.bincount(training, minlength=classes) / max(1, len(training))
    return np.repeat(shares[None], count, axis=0)


def label_shares(training: Bool[np.ndarray, "records labels"], count: int) -> Float[np.ndarray, "count labels"]:
    """For `count` records the share of training records that have each label; several may hold at once."""
    return np.repeat(training.mean(axis=0)[None], count, axis=0)


def mean_value(training: Float[np.ndarray, "records targets"], count: int) -> Float[np.ndarray, "count targets"]:
    """For `count` records the mean over training, which has the least squared error of all constants."""
    return np.repeat(np.nanmean(training, axis=0)[None], count, axis=0)


def frequent_tags(
    words: Int[np.ndarray, " steps"], tags: Int[np.ndarray, " steps"], vocabulary: int
) -> Int[np.ndarray, " vocabulary"]:
    """For each word the tag it has most often in training, for one without a known tag (-100) the most frequent of
    all."""
    words, tags = words[tags >= 0], tags[tags >= 0]
    kinds = int(tags.max(initial=0)) + 1
    pairs, counts = np.unique(words * kinds + tags, return_counts=True)  # a table of both would be mostly empty
    order = np.lexsort((-(pairs % kinds), counts))  # the most frequent last, of equal ones the first tag
    usual = np.full(vocabulary, np.bincount(tags, minlength=1).argmax(), dtype=np.int64)
    usual[pairs[order] // kinds] = pairs[order] % kinds
    return usual


def unigram_cross_entropy(
    training: Int[np.ndarray, " tokens"], tokens: Int[np.ndarray, " new_tokens"], vocabulary: int
) -> Float[np.ndarray, " new_tokens"]:
    """Nats for each token under its frequency in training, with one added to each count (Laplace)."""
    counts = np.bincount(training, minlength=vocabulary) + 1.0
    return -np.log(counts / counts.sum())[tokens]


def copied_source(sources: Sequence[str]) -> list[str]:
    """The source text as its own translation: names, numbers and punctuation come out right."""
    return list(sources)


def central_text(training: Sequence[str], *, seed: int = 0) -> str:
    """The one text with the fewest edits to all transcripts of training: the constant answer of the least CER.

    It is sought among the transcripts (their medoid) and the empty text, which has a CER of 1. Of very many or long
    ones a random sample stands for all, of at most 100 transcripts of a hundred characters, so that it takes well below
    a second. Source: Kohonen 1985, "Median strings".
    """
    counts = Counter(training)
    longest = max(map(len, counts), default=0)
    most = int(np.clip(_MEDOID_WORK / max(1, longest), 10, 100))
    if len(counts) > most:
        drawn = np.random.default_rng(seed).choice(len(training), most, replace=False)
        counts = Counter(training[number] for number in drawn.tolist())
    texts, weights = sorted({"", *counts}), np.array([counts[text] for text in sorted({"", *counts})])
    pairs = [(text, other) for row, text in enumerate(texts) for other in texts[:row]]
    distances = np.zeros((len(texts), len(texts)), dtype=np.int64)
    distances[np.tril_indices(len(texts), -1)] = edit_distances(*zip(*pairs, strict=True)) if pairs else 0
    return texts[int(((distances + distances.T) @ weights).argmin())]


def event_gap(training: Sequence[Int[np.ndarray, " _events"]]) -> float:
    """Steps between two events that follow each other, the mean over training; infinite where no recording has two."""
    gaps = np.concatenate([*(np.diff(positions) for positions in training), np.zeros(0, dtype=np.int64)])
    return float(gaps.mean()) if len(gaps) else np.inf


def periodic_events(gap: float, lengths: Sequence[int]) -> list[Int[np.ndarray, " _found"]]:
    """Events `gap` steps apart, beginning half of that into each recording: as many as there should be, where chance
    has it. None at all if the gap is infinite."""
    if not np.isfinite(gap):
        return [np.zeros(0, dtype=np.int64) for _ in lengths]
    return [np.arange(gap / 2, length, max(1.0, gap)).astype(np.int64) for length in lengths]
