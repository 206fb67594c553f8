"""Decoding of what a network trained with CTC says step by step: blanks and repeats become a sequence of tokens.

Class 0 is the blank, class k + 1 is token k of the vocabulary; see `unrolled.objectives.ctc`.
"""

from typing import NamedTuple

import numpy as np


class Transcript(NamedTuple):
    """What was said."""

    tokens: list[int]
    log_probability: float
    """in nats, of the path"""


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
