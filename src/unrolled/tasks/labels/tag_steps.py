"""The best sequence of tags that is allowed, while the steps come: what is best now, and what turns out otherwise."""

from typing import NamedTuple

import numpy as np

from unrolled.tasks.labels.tag_decoding import TINY, Rules


class ToldTags(NamedTuple):
    """What is told at some steps."""

    tags: np.ndarray
    """int64 `[steps]`: the last tag of the best sequence up to each step"""
    revised: list[list[tuple[int, int]]]
    """for each step what became certain at it and is otherwise than it was told: steps and tags"""


class TagState(NamedTuple):
    """What is kept of probabilities that come piece by piece."""

    seen: np.ndarray
    """int64 `[]`: steps that came"""
    best: np.ndarray
    """float64 `[tags]`: the logarithm of the probability of the best sequence that ends with each tag; before the first
    step 0"""
    came_from: np.ndarray
    """int64 `[steps, tags]`: of the last steps, whose tags are not certain, the tag before"""
    told: np.ndarray
    """int64 `[steps]`: what was told at them"""


class TagSteps:
    """`decode_tags` of probabilities that come in pieces of any size: at each step the last tag of the best sequence up
    to there. As soon as all sequences that may still become the best agree about a step, its tag is certain; where it
    is otherwise than it was told, it is revised. So the tags told, revised, and at last revised by `finish`, are those
    of the whole.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.count = len(rules.first)
        self._transition = np.where(rules.next, 0.0, -np.inf)

    def begin(self) -> TagState:
        """Before the first step."""
        nothing = np.zeros((0, self.count), dtype=np.int64)
        return TagState(np.array(0), np.zeros(self.count), nothing, nothing[:, 0].copy())

    def feed(self, probabilities: np.ndarray, state: TagState) -> tuple[ToldTags, TagState]:
        """The tags at the next steps, of their probabilities `[time, tags]`."""
        seen, best = int(state.seen), state.best
        open_steps, told = list(state.came_from), state.told.tolist()
        tags, revised = [], []
        for scores in np.log(np.maximum(probabilities.astype(np.float64), TINY)):
            if seen:
                candidates = best[:, None] + self._transition
                came_from = candidates.argmax(axis=0)
                best = candidates[came_from, np.arange(self.count)] + scores
            else:
                came_from = np.arange(self.count)
                best = np.where(self.rules.first, scores, -np.inf)
            seen += 1
            tag = int(best.argmax())
            tags.append(tag)
            open_steps.append(came_from)
            told.append(tag)
            settled = _settled(open_steps, np.flatnonzero(np.isfinite(best)))
            first = seen - len(told)
            revised.append([(first + step, tag) for step, tag in enumerate(settled) if tag != told[step]])
            del open_steps[: len(settled)], told[: len(settled)]
        came = np.array(open_steps, dtype=np.int64).reshape(len(open_steps), self.count)
        after = TagState(np.array(seen), best, came, np.array(told, dtype=np.int64))
        return ToldTags(np.array(tags, dtype=np.int64), revised), after

    def finish(self, state: TagState) -> list[tuple[int, int]]:
        """What was told otherwise than it is in the best sequence that may end here: steps and tags."""
        if not state.seen:
            return []
        path = _path(list(state.came_from), int(np.where(self.rules.last, state.best, -np.inf).argmax()))
        first = int(state.seen) - len(path)
        pairs = enumerate(zip(path, state.told.tolist(), strict=True))
        return [(first + step, tag) for step, (tag, told) in pairs if tag != told]

    def check(self, state: TagState) -> None:
        """Raises `ValueError` for a state that no probabilities leave behind."""
        seen, count = int(state.seen), len(state.told)
        tags = np.concatenate([state.told, state.came_from.ravel()])
        fits = (
            0 <= seen < 1 << 62
            and min(seen, 1) <= count <= seen
            and len(state.came_from) == count
            and bool(((tags >= 0) & (tags < self.count)).all())
            and bool((state.best <= 0).all() and np.isfinite(state.best).any())
        )
        if not fits:
            raise ValueError("the parts of the saved tags do not fit each other")


def _settled(open_steps: list[np.ndarray], alive: np.ndarray) -> list[int]:
    """The tags of the first of some steps, as far as all sequences that end with one of the tags `alive` share them.

    `open_steps[i]` is the tag before for each tag of step i. The last step is never among them.
    """
    for step in range(len(open_steps) - 1, 0, -1):
        alive = np.unique(open_steps[step][alive])
        if len(alive) == 1:
            return _path(open_steps[:step], int(alive[0]))
    return []


def _path(open_steps: list[np.ndarray], last: int) -> list[int]:
    """The tags of some steps, back from that of the last one."""
    path = [last]
    for came_from in open_steps[:0:-1]:
        path.append(int(came_from[path[-1]]))
    return path[::-1]
