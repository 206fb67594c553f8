"""Decoding of what a network trained with CTC says step by step: blanks and repeats become a sequence of tokens.

Class 0 is the blank, class k + 1 is token k of the vocabulary; see `unrolled.objectives.ctc`.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor

_PRIME = np.uint64(0x9E3779B97F4A7C15)
"""Odd and without pattern (the golden ratio of 2^64): multiplying with it spreads keys over all 64 bits."""


class Transcript(NamedTuple):
    """What was said."""

    tokens: list[int]
    log_probability: float
    """in nats: of the one path for greedy decoding, of all paths that were seen for a beam search"""


def transcribe(
    logits: Float[Tensor, "batch time classes"], mask: Bool[Tensor, "batch time"] | None = None, *, beams: int = 16
) -> list[Transcript]:
    """The most probable transcript of each row of logits, by `prefix_beam_search`, or with one beam by `greedy`."""
    lengths = np.full(len(logits), logits.shape[1]) if mask is None else mask.sum(1).cpu().numpy()
    log_probabilities = logits.detach().float().log_softmax(-1).cpu().numpy()
    if beams == 1:
        return greedy(log_probabilities, lengths)
    return [best[0] for best in prefix_beam_search(log_probabilities, lengths, beams=beams)]


def greedy(log_probabilities: np.ndarray, lengths: np.ndarray) -> list[Transcript]:
    """The best path of each row `[batch, time, classes]`: the best class of each step, repeats merged, blanks dropped.

    Source: Graves et al. 2006, section 3.2.
    """
    best = log_probabilities.argmax(-1)
    values = np.take_along_axis(log_probabilities, best[..., None], -1)[..., 0]
    transcripts = []
    for path, value, length in zip(best, values, lengths, strict=True):
        path = path[:length]
        fresh = np.diff(path, prepend=0) != 0
        transcripts.append(Transcript((path[fresh & (path > 0)] - 1).tolist(), float(value[:length].sum())))
    return transcripts


def prefix_beam_search(
    log_probabilities: np.ndarray, lengths: np.ndarray, *, beams: int = 16
) -> list[list[Transcript]]:
    """For each row `[batch, time, classes]` up to `beams` transcripts, the most probable first.

    Per step the `beams` most probable prefixes are kept, each with the probability that its paths end in a blank and
    that they end in its last token. The probability of a transcript is the sum over the paths whose prefixes were all
    kept; with as many beams as there are prefixes, over all paths. Only the loop over time is in Python: rows and
    prefixes run together. Raises `ValueError` for less than one beam.

    Source: Hannun et al. 2014, arXiv:1408.2873, algorithm 1, without a language model.
    """
    if beams < 1:
        raise ValueError(f"a beam search needs at least 1 beam, got {beams}")
    lengths = np.asarray(lengths)
    # The longest rows first: those still running at a step are then the first ones.
    order = np.argsort(-lengths, kind="stable")
    rows = np.asarray(log_probabilities, dtype=np.float64)[order]
    beam = _Beam.empty(len(rows), beams)
    history = []
    for step in range(int(lengths.max(initial=0))):
        running = int((lengths > step).sum())
        after, origin, new = _advance(_Beam(*(values[:running] for values in beam)), rows[:running, step])
        beam = _Beam(*(np.concatenate([a, b[running:]]) for a, b in zip(after, beam, strict=True)))
        history.append((origin, new))
    transcripts: list[list[Transcript]] = [[] for _ in rows]
    totals = np.logaddexp(beam.blank, beam.token)
    for sorted_row, row in enumerate(order.tolist()):
        for rank in np.argsort(-totals[sorted_row], kind="stable"):
            if np.isfinite(totals[sorted_row, rank]):
                tokens = _trace(history[: lengths[row]], sorted_row, int(rank))
                transcripts[row].append(Transcript(tokens, float(totals[sorted_row, rank])))
    return transcripts


class _Beam(NamedTuple):
    """Prefixes `[batch, beams]`."""

    blank: np.ndarray
    """log probability of the paths that end in a blank"""
    token: np.ndarray
    """and of those that end in the last token"""
    last: np.ndarray
    """class of the last token, 0 for the empty prefix"""
    key: np.ndarray
    """uint64 that stands for the prefix, however it came about"""
    parent_key: np.ndarray
    """that of the prefix without its last token"""

    @classmethod
    def empty(cls, batch: int, beams: int) -> "_Beam":
        blank = np.full((batch, beams), -np.inf)
        blank[:, 0] = 0
        nothing = np.full((batch, beams), -np.inf)
        keys = np.zeros((batch, beams), dtype=np.uint64)
        return cls(blank, nothing, np.zeros((batch, beams), dtype=np.int64), keys, keys)


def _advance(beam: _Beam, now: np.ndarray) -> tuple[_Beam, np.ndarray, np.ndarray]:
    """One step `[batch, classes]`: the beam after it, the prefix each came from, and its new class (0 where it
    only stayed)."""
    batch, beams = beam.blank.shape
    total = np.logaddexp(beam.blank, beam.token)
    # Prefixes that stay: a blank, or their last token once more.
    blank = total + now[:, :1]
    token = beam.token + np.take_along_axis(now, beam.last, axis=1)
    # Prefixes that grow: by another token, or by the same one after a blank. [batch, beams, classes - 1]
    same = np.arange(1, now.shape[1]) == beam.last[:, :, None]
    grown = np.where(same, beam.blank[:, :, None], total[:, :, None]) + now[:, None, 1:]
    # A prefix that grows into one that is kept already adds to it. [batch, beams that grow, beams that stay]
    meets = (beam.key[:, :, None] == beam.parent_key[:, None]) & (beam.last > 0)[:, None]
    into = np.take_along_axis(grown, np.maximum(beam.last[:, None] - 1, 0).repeat(beams, axis=1), axis=2)
    token = np.logaddexp(token, np.logaddexp.reduce(np.where(meets, into, -np.inf), axis=1))
    row, grows, stays = meets.nonzero()
    grown[row, grows, beam.last[row, stays] - 1] = -np.inf

    every = np.concatenate([np.logaddexp(blank, token), grown.reshape(batch, -1)], axis=1)
    chosen = np.argpartition(-every, beams - 1, axis=1)[:, :beams]
    value = np.take_along_axis(every, chosen, axis=1)
    stayed = chosen < beams
    origin, new = np.divmod(np.maximum(chosen - beams, 0), max(1, now.shape[1] - 1))
    origin, new = np.where(stayed, chosen, origin), np.where(stayed, 0, new + 1)

    def of(values: np.ndarray) -> np.ndarray:
        return np.take_along_axis(values, origin, axis=1)

    key = of(beam.key)
    after = _Beam(
        blank=np.where(stayed, of(blank), -np.inf),
        token=np.where(stayed, of(token), value),
        # Without a probability it is no prefix, and must not be taken for the one with the same key.
        last=np.where(np.isfinite(value), np.where(stayed, of(beam.last), new), 0),
        key=np.where(stayed, key, (key ^ (key >> np.uint64(29))) * _PRIME + new.astype(np.uint64)),
        parent_key=np.where(stayed, of(beam.parent_key), key),
    )
    return after, origin, new


def _trace(history: list[tuple[np.ndarray, np.ndarray]], row: int, rank: int) -> list[int]:
    """The tokens of a prefix, from its last step back."""
    tokens = []
    for origin, new in reversed(history):
        if new[row, rank]:
            tokens.append(int(new[row, rank]) - 1)
        rank = origin[row, rank]
    return tokens[::-1]
