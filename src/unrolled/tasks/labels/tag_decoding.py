"""The best sequence of tags that is allowed, such as after `O` no `I-x` where a span begins with `B-x`."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from unrolled.scoring.spans import span_kind

TINY = 1e-30
"""The least probability, so that its logarithm is finite; a forbidden step is worse than any of that."""

ODD = 0.01
"""Of the pairs of tags in training at most this share may break a scheme that holds."""


class Rules(NamedTuple):
    """Which tags may stand where."""

    first: Bool[np.ndarray, " tags"]
    next: Bool[np.ndarray, "tags tags"]
    """`next[a, b]`: tag b after tag a"""
    last: Bool[np.ndarray, " tags"]


def rules_of(labels: Sequence[str], pairs: Sequence[tuple[int, int, int]] | None = None) -> Rules:
    """The rules of tags of the BIO family, such as `B-x I-x O` (Ramshaw and Marcus 1995, arXiv:cmp-lg/9505040), also
    with E or L for the last step of a span and S or U for the only one.

    Mostly, a span of x begins with B-x (or S-x, U-x), or where x has no such tag with I-x; it goes on with I-x and E-x.
    Where x has an E or L, a span that began has to end with it. In IOB1 a span begins with I-x, and with B-x only right
    behind another one of x. Which of the two holds is told from `pairs`, the tags that followed each other in training
    (see `TagTarget`): all that hold for them but for a share of `ODD`. What was seen in training is allowed in any
    case, and where neither holds, everything is. Without `pairs`, or with none seen, it is the first.
    """
    if not pairs:
        return _prefixed(labels)
    seen = np.zeros((len(labels) + 1, len(labels) + 1), dtype=np.int64)
    for before, tag, times in pairs:
        seen[before, tag] = times
    allowed = seen > 0
    allowed[-1, -1] = True
    of_spans = seen.copy()
    nothing = [*(number for number, label in enumerate(labels) if label == "O"), len(labels)]
    of_spans[np.ix_(nothing, nothing)] = 0
    schemes = [_whole(rules) for rules in (_prefixed(labels), _iob1(labels)) if rules is not None]
    fitting = [scheme for scheme in schemes if of_spans[~scheme].sum() <= ODD * of_spans.sum()]
    for scheme in fitting or [np.ones_like(allowed)]:
        allowed |= scheme
    return Rules(allowed[-1, :-1], allowed[:-1, :-1], allowed[:-1, -1])


def _whole(rules: Rules) -> np.ndarray:
    """The rules in one table, whose last row and column are the border."""
    return np.block([[rules.next, rules.last[:, None]], [rules.first[None], np.ones((1, 1), dtype=bool)]])


def _prefixed(labels: Sequence[str]) -> Rules:
    """BIO, BIOES and BILOU, for each kind as its tags say."""
    roles = [label[0] for label in labels]
    kinds = [span_kind(label) for label in labels]
    of_kind = {kind: {role for role, other in zip(roles, kinds, strict=True) if other == kind} for kind in set(kinds)}

    def begins(tag: int) -> bool:
        others = of_kind[kinds[tag]]
        if roles[tag] == "I":
            return "B" not in others
        return roles[tag] in "BSUO" or not others & {"B", "I"}

    def ends(tag: int) -> bool:
        return roles[tag] not in "BI" or not of_kind[kinds[tag]] & {"E", "L"}

    def continues(before: int, tag: int) -> bool:
        return kinds[before] == kinds[tag] and roles[before] in "BI" and roles[tag] in "IEL"

    tags = range(len(labels))
    first, last = np.array([begins(tag) for tag in tags]), np.array([ends(tag) for tag in tags])
    joined = np.array([[continues(before, tag) for tag in tags] for before in tags])
    return Rules(first, joined | (last[:, None] & first[None]), last)


def _iob1(labels: Sequence[str]) -> Rules | None:
    """IOB1; None for tags that it does not have."""
    if any(label[0] not in "BIO" for label in labels):
        return None
    begin = np.array([label[0] == "B" for label in labels])
    kinds = np.array([span_kind(label) for label in labels])
    inside = np.array([label != "O" for label in labels])
    behind_its_kind = inside[:, None] & (kinds[:, None] == kinds[None])
    return Rules(~begin, ~begin[None] | behind_its_kind, np.ones(len(labels), dtype=bool))


def decode_tags(probabilities: Float[np.ndarray, "time tags"], rules: Rules) -> Int[np.ndarray, " time"]:
    """The sequence with the largest product of probabilities among those that the rules allow.

    Source: Viterbi 1967, "Error bounds for convolutional codes and an asymptotically optimum decoding algorithm".
    """
    scores = np.log(np.maximum(probabilities.astype(np.float64), TINY))
    steps, tags = scores.shape
    if not steps:
        return np.zeros(0, dtype=np.int64)
    transition = np.where(rules.next, 0.0, -np.inf)
    came_from = np.zeros((steps, tags), dtype=np.int64)
    best = np.where(rules.first, scores[0], -np.inf)
    for step in range(1, steps):
        candidates = best[:, None] + transition
        came_from[step] = candidates.argmax(axis=0)
        best = candidates[came_from[step], np.arange(tags)] + scores[step]
    path = np.empty(steps, dtype=np.int64)
    path[-1] = np.where(rules.last, best, -np.inf).argmax()
    for step in range(steps - 1, 0, -1):
        path[step - 1] = came_from[step, path[step]]
    return path
