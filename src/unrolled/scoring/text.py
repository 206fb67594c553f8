"""How good written output is: BLEU and chrF for translations, error rates of characters and words for transcripts."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int

from unrolled.errors import UserError
from unrolled.scoring.bootstrap import Measure, Metric, add_up, measure, record_units


def translation_metrics(references: Sequence[str], hypotheses: Sequence[str], *, seed: int = 0) -> dict[str, Metric]:
    """Corpus BLEU and chrF, from 0 to 100, as sacrebleu computes them; the note of each is its signature.

    Sources: Papineni et al. 2002; Popović 2015; Post 2018, "A call for clarity in reporting BLEU scores".
    Raises `UserError` if sacrebleu is not installed.
    """
    try:
        from sacrebleu.metrics import BLEU, CHRF
    except ImportError:
        raise UserError('scoring translations needs sacrebleu: pip install "unrolled[translation]"') from None
    _same_number(references, hypotheses)
    metrics: dict[str, Metric] = {}
    # Text is scored as it is: the warning that it looks tokenised would come once for every run.
    for name, scorer in (("bleu", BLEU(force=True)), ("chrf", CHRF())):
        metrics |= _sacrebleu_metric(name, scorer, references, hypotheses, seed)
    return metrics


def transcription_metrics(
    references: Sequence[str],
    hypotheses: Sequence[str],
    *,
    groups: Int[np.ndarray, " pairs"] | None = None,
    seed: int = 0,
) -> dict[str, Metric]:
    """CER and WER: insertions, deletions and substitutions per character (spaces too) or word of the references.

    Words are what stands between white space. Upper and lower case differ; nothing is normalised. Both may exceed 1.
    With `groups` (a number per pair) groups are resampled, not pairs.
    """
    _same_number(references, hypotheses)
    words, empty = [text.split() for text in references], "the references are empty"
    statistics = np.stack(
        [
            edit_distances(references, hypotheses),
            np.array([len(text) for text in references], dtype=np.int64),
            edit_distances(words, [text.split() for text in hypotheses]),
            np.array([len(text) for text in words], dtype=np.int64),
        ],
        axis=1,
    ).astype(float)
    return measure(
        add_up(record_units(len(words), groups, seed=seed), statistics),
        [
            Measure("cer", "lower", lambda s: s[..., 0] / s[..., 1], empty, trials=lambda s: s[..., 1]),
            Measure("wer", "lower", lambda s: s[..., 2] / s[..., 3], empty, trials=lambda s: s[..., 3]),
        ],
        seed=seed,
    )


def edit_distances(
    references: Sequence[Sequence[str]], hypotheses: Sequence[Sequence[str]]
) -> Int[np.ndarray, " pairs"]:
    """Levenshtein distance of each pair: the fewest symbols to insert, delete or replace.

    Source: Wagner and Fischer 1974, "The string-to-string correction problem". Pairs of like length run side by side,
    and one row of the table at a time: x[j] = min over k <= j of (y[k] + j - k) takes care of the insertions in a row.
    """
    numbers: dict[str, int] = {}
    coded = [
        [np.array([numbers.setdefault(symbol, len(numbers)) for symbol in side], dtype=np.int32) for side in pair]
        for pair in zip(references, hypotheses, strict=True)
    ]
    distances = np.zeros(len(coded), dtype=np.int64)
    order = sorted(range(len(coded)), key=lambda i: (len(coded[i][0]), len(coded[i][1])))
    while order:
        widest = max(len(coded[i][1]) for i in order[-500:]) + 1
        batch = order[-max(1, min(500, 500_000 // widest)) :]
        del order[-len(batch) :]
        distances[batch] = _distances([coded[i] for i in batch])
    return distances


def _distances(pairs: list[list[np.ndarray]]) -> np.ndarray:
    """Distances of pairs of symbol numbers, padded to the longest: what stands beyond an end is never looked at."""
    lengths = np.array([[len(side) for side in pair] for pair in pairs])
    rows, columns = lengths.max(axis=0)
    reference = np.full((len(pairs), rows), -1, dtype=np.int32)
    hypothesis = np.full((len(pairs), columns), -2, dtype=np.int32)
    for index, (expected, other) in enumerate(pairs):
        reference[index, : len(expected)] = expected
        hypothesis[index, : len(other)] = other
    steps = np.arange(columns + 1, dtype=np.int32)
    above = np.repeat(steps[None], len(pairs), axis=0)
    distances = lengths[:, 1].copy()  # against an empty reference all is inserted
    for row in range(rows):
        here = above + 1
        replaced = above[:, :-1] + (hypothesis != reference[:, row, None])
        np.minimum(here[:, 1:], replaced, out=here[:, 1:])
        above = np.minimum.accumulate(here - steps, axis=1) + steps
        ending = np.flatnonzero(lengths[:, 0] == row + 1)
        distances[ending] = above[ending, lengths[ending, 1]]
    return distances


def _sacrebleu_metric(
    name: str, scorer: Any, references: Sequence[str], hypotheses: Sequence[str], seed: int
) -> dict[str, Metric]:
    if not references:
        return {name: Metric(None, None, None, name, "higher", "there are no sentences")}
    # sacrebleu has no public way to the statistics of single sentences; these two methods are what its own bootstrap
    # uses, and the tests compare the result with its public corpus_score.
    rows = scorer._extract_corpus_statistics(list(hypotheses), [list(references)])

    def score(sums: np.ndarray) -> np.ndarray:
        return np.array([scorer._compute_score_from_stats(row).score for row in sums.astype(int).tolist()])

    signature = f"sacrebleu {scorer.get_signature().format()}"
    return measure(np.array(rows, dtype=float), [Measure(name, "higher", score, note=signature)], seed=seed)


def _same_number(references: Sequence[str], hypotheses: Sequence[str]) -> None:
    if len(references) != len(hypotheses):
        raise ValueError(f"{len(hypotheses):,} hypotheses for {len(references):,} references")
