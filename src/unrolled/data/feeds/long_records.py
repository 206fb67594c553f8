"""Records too long for one row, as overlapping windows."""

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from unrolled.data.feeds.examples import NO_TARGET, Example, steps_of


@runtime_checkable
class Records(Protocol):
    """Encoded records or pieces of them, by number."""

    @property
    def lengths(self) -> list[int]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Example: ...


class Span(NamedTuple):
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

    def __init__(self, examples: Records, size: int, margin: int) -> None:
        if not 0 <= 2 * margin < size:
            raise ValueError(f"a margin of {margin} at both ends leaves nothing of windows of {size} steps")
        self._examples = examples
        self.spans = [
            span for record, length in enumerate(examples.lengths) for span in _cut(record, length, size, margin)
        ]
        self.lengths = [span.stop - span.start for span in self.spans]

    def __len__(self) -> int:
        return len(self.spans)

    def __getitem__(self, index: int) -> Example:
        span = self.spans[index]
        whole = self._examples[span.record]
        part = slice(span.start, span.stop)
        target = whole.target
        if target is not None:
            nothing = np.nan if np.issubdtype(target.dtype, np.floating) else NO_TARGET
            target = target[part].copy()
            target[: span.first - span.start] = nothing
            target[span.last - span.start :] = nothing
        return steps_of(whole._replace(target=None), part)._replace(target=target)


def _cut(record: int, length: int, size: int, margin: int) -> list[Span]:
    if length <= size:
        return [Span(record, 0, length, 0, length)]
    pace = size - 2 * margin
    spans = []
    for first in range(0, length, pace):
        last = min(first + pace, length)
        start = max(0, min(first - margin, length - size))
        spans.append(Span(record, start, min(start + size, length), first, last))
    return spans
