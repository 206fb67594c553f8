"""Events from probabilities per step, each as soon as nothing that may still come can change it."""

from typing import NamedTuple

import numpy as np

THRESHOLD = 0.3
"""What the smoothed probability of an event reaches at its place."""


class FoundEvents(NamedTuple):
    """Some events, in the order of their places."""

    places: np.ndarray
    """int64 `[events]`, steps"""
    kinds: np.ndarray
    """int64 `[events]`: the most probable label, from 0 on"""
    probabilities: np.ndarray
    """float32 `[events]`: that there is any event at this step"""


class EventState(NamedTuple):
    """What is kept of a sequence of answers that comes piece by piece."""

    seen: np.ndarray
    """int64 `[]`: steps that came"""
    tail: np.ndarray
    """float32 `[steps, labels + 1]`: the last of their answers"""
    begun: np.ndarray
    """int64 `[]`: the step from which on the smoothed probability has its last value"""
    before: np.ndarray
    """float64 `[]`: what it was before, as far as it matters: less (-inf) or more (inf); 0 before the first step"""
    places: np.ndarray
    """int64 `[candidates]`: maxima that are events, or may become or prevent some; ascending"""
    heights: np.ndarray
    """float64 `[candidates]`"""
    kinds: np.ndarray
    """int64 `[candidates]`"""
    probabilities: np.ndarray
    """float32 `[candidates]`"""
    certain: np.ndarray
    """bool `[candidates]`: those that are events and have been told"""


class EventSteps:
    """Events where the probability of any, smoothed by a moving mean as wide as an event is marked, has a maximum of at
    least `THRESHOLD`; of two nearer than two such widths the higher one stays, of equal ones the later.

    What `feed` returns, and at last `finish`, joined, are the events of the whole.
    """

    def __init__(self, reach: int, labels: int) -> None:
        """An event is marked on `2 * reach + 1` steps; answers are `[time, labels + 1]`, the first for none."""
        self.reach, self.labels = reach, labels
        self.width = 2 * reach + 1
        self.distance = 2 * self.width

    @property
    def delay(self) -> int:
        """Steps after its place at which an event that no other one is near is certain."""
        return self.reach + self.distance

    def begin(self) -> EventState:
        """Before the first step."""
        whole, real = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float64)
        tail = np.zeros((0, self.labels + 1), dtype=np.float32)
        likely, told = np.zeros(0, dtype=np.float32), np.zeros(0, dtype=bool)
        return EventState(np.array(0), tail, np.array(0), np.array(0.0), whole, real, whole, likely, told)

    def feed(self, answers: np.ndarray, state: EventState) -> tuple[FoundEvents, EventState]:
        """The next answers `[time, labels + 1]` to the events that are certain now."""
        return self._advance(answers, state, last=False)

    def finish(self, state: EventState) -> FoundEvents:
        """The events that were not certain yet."""
        return self._advance(state.tail[:0], state, last=True)[0]

    def check(self, state: EventState) -> None:
        """Raises `ValueError` for a state that no answers leave behind."""
        seen, begun, places = int(state.seen), int(state.begun), state.places
        known = max(0, seen - self.reach)
        fits = (
            0 <= seen < 1 << 62
            and 0 <= begun <= max(0, known - 1)
            and float(state.before) in ((-np.inf, np.inf) if known else (0.0,))
            and len(state.tail) == seen - max(0, begun - self.reach)
            and {len(places)} == {len(state.heights), len(state.kinds), len(state.probabilities), len(state.certain)}
            and bool((np.diff(places, prepend=-1, append=known) > 0).all())
            and bool(((state.kinds >= 0) & (state.kinds < self.labels)).all())
            and bool(np.isfinite(state.tail).all() and np.isfinite(state.heights).all())
        )
        if not fits:
            raise ValueError("the parts of the saved events do not fit each other")

    def _advance(self, answers: np.ndarray, state: EventState, *, last: bool) -> tuple[FoundEvents, EventState]:
        begun, seen = int(state.begun), int(state.seen) + len(answers)
        rows = np.concatenate([state.tail, answers])
        first = seen - len(rows)
        known = seen if last else max(0, seen - self.reach)  # steps whose smoothed probability is certain
        smooth = self._smoothed(rows, first, begun, known)
        places = begun + _maxima(smooth, float(state.before), last=last)
        begun, before, coming = _last_run(smooth, begun, float(state.before))
        own = rows[places - first]
        candidates = EventState(
            np.array(seen),
            rows[max(0, begun - self.reach) - first :].copy(),
            np.array(begun),
            np.array(before),
            np.concatenate([state.places, places]),
            np.concatenate([state.heights, smooth[places - int(state.begun)]]),
            np.concatenate([state.kinds, own[:, 1:].argmax(axis=1)]),
            np.concatenate([state.probabilities, 1 - own[:, 0]]),
            np.concatenate([state.certain, np.zeros(len(places), dtype=bool)]),
        )
        return self._told(candidates, np.iinfo(np.int64).max if last else coming)

    def _smoothed(self, rows: np.ndarray, first: int, begun: int, known: int) -> np.ndarray:
        """The moving mean of the probability of any event, float64 from step `begun` to before `known`, of answers from
        step `first` on; beyond the ends it is 0."""
        low, size = begun - self.reach, max(0, known - begun)
        padded = np.zeros(size + 2 * self.reach)
        some = 1.0 - rows[max(low, first) - first : known + self.reach - first, 0].astype(np.float64)
        padded[max(low, first) - low :][: len(some)] = some
        return moving_mean(padded, self.width)

    def _told(self, state: EventState, coming: int) -> tuple[FoundEvents, EventState]:
        """The candidates that are certain now, where all further ones will lie at `coming` or later, and the state
        without those that no longer matter."""
        places, heights, certain = state.places, state.heights, state.certain.copy()
        dropped = np.zeros(len(places), dtype=bool)
        near_from = np.searchsorted(places, places - self.distance, side="right")
        near_to = np.searchsorted(places, places + self.distance, side="left")
        for candidate in np.lexsort((places, heights))[::-1]:  # the highest first: only higher ones count
            if certain[candidate]:
                continue
            near = slice(near_from[candidate], near_to[candidate])
            higher = (heights[near] > heights[candidate]) | (
                (heights[near] == heights[candidate]) & (places[near] > places[candidate])
            )
            if (certain[near] & higher).any():
                dropped[candidate] = True
            elif places[candidate] <= coming - self.distance and not (higher & ~dropped[near]).any():
                certain[candidate] = True
        fresh = certain & ~state.certain
        events = FoundEvents(places[fresh], state.kinds[fresh], state.probabilities[fresh])
        keep = ~dropped & ~(certain & (places <= coming - self.distance))
        kept = (values[keep] for values in (places, heights, state.kinds, state.probabilities, certain))
        return events, EventState(state.seen, state.tail, state.begun, state.before, *kept)


def moving_mean(values: np.ndarray, width: int) -> np.ndarray:
    """The mean of each `width` values in a row, float64 `[time - width + 1]`; each is summed in the same order, so that
    it is the same wherever it stands."""
    size = len(values) - width + 1
    total = np.zeros(max(0, size))
    for shift in range(width if size > 0 else 0):
        total += values[shift : shift + size]
    return total / width


def _maxima(smooth: np.ndarray, before: float, *, last: bool) -> np.ndarray:
    """Where local maxima of at least `THRESHOLD` are after the value `before`, the middle where they are flat; the last
    values are in one only at the end of all, where 0 follows."""
    from scipy.signal import find_peaks

    line = np.concatenate([[before], smooth, [0.0] if last else []])
    return find_peaks(line, height=THRESHOLD)[0].astype(np.int64) - 1


def _last_run(smooth: np.ndarray, begun: int, before: float) -> tuple[int, float, int]:
    """The step from which the last value holds, what was before (see `EventState`), and the lowest place that the next
    maximum can have. A last value that cannot be a maximum need not be known from its beginning."""
    if not len(smooth):
        return begun, before, begun
    known = begun + len(smooth)
    line = np.concatenate([[before], smooth])
    changes = np.flatnonzero(line[1:] != line[:-1])
    if len(changes) and line[changes[-1] + 1] > line[changes[-1]] and smooth[-1] >= THRESHOLD:
        begun += int(changes[-1])
        return begun, -np.inf, (begun + known - 1) // 2
    return known - 1, np.inf, known
