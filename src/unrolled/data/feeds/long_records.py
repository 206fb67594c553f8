"""Records too long for one row, as overlapping windows."""

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from unrolled.data.feeds.examples import NO_TARGET, Example, Examples


@runtime_checkable
class Records(Protocol):
    """Encoded records or pieces of them, by number."""

    @property
    def lengths(self) -> list[int]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Example: ...


class Place(NamedTuple):
    """Where a window lies in its record, in steps."""

    record: int
    start: int
    stop: int
    first: int
    """the window answers for the steps from here"""
    last: int
    """to before here; what lies outside is seen only for its context"""


class Windows:
    """Records cut into windows of `size` steps, of which `margin` at either end are only there to be seen.

    Every step of a record is answered for by exactly one window. Records up to `size` stay whole.
    """

    def __init__(self, examples: Examples, size: int, margin: int) -> None:
        if not 0 <= 2 * margin < size:
            raise ValueError(f"a margin of {margin} at both ends leaves nothing of windows of {size} steps")
        self._examples = examples
        self.places = [
            place for record, length in enumerate(examples.lengths) for place in _cut(record, length, size, margin)
        ]
        self.lengths = [place.stop - place.start for place in self.places]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> Example:
        place = self.places[index]
        whole = self._examples[place.record]
        part = slice(place.start, place.stop)
        target = whole.target
        if target is not None:
            nothing = np.nan if np.issubdtype(target.dtype, np.floating) else NO_TARGET
            target = target[part].copy()
            target[: place.first - place.start] = nothing
            target[place.last - place.start :] = nothing
        return Example(
            None if whole.numbers is None else whole.numbers[part],
            None if whole.tokens is None else whole.tokens[part],
            target,
        )


def _cut(record: int, length: int, size: int, margin: int) -> list[Place]:
    if length <= size:
        return [Place(record, 0, length, 0, length)]
    pace = size - 2 * margin
    places = []
    for first in range(0, length, pace):
        last = min(first + pace, length)
        start = max(0, min(first - margin, length - size))
        places.append(Place(record, start, min(start + size, length), first, last))
    return places
