"""How sure a share of 0 or 1 is: resampling says nothing there, since all resamples are alike."""

import math

import numpy as np

LEVEL = 0.025
"""of each side of an interval of 95 %"""


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


def interval_at_edge(value: float, trials: np.ndarray, *, f1: bool = False) -> tuple[float, float]:
    """The 95 % interval of a mean share that is 0 or 1, from the independent trials of each part `[parts]`.

    With `f1` the value is a mean of F1 scores, 2J / (1 + J) of the share J of what is right among all that is true or
    predicted.
    """
    share = largest_share(trials) if value == 0 else 1 - largest_share(trials)
    limit = float((2 * share / (1 + share) if f1 else share).mean())
    return (0.0, limit) if value == 0 else (limit, 1.0)
