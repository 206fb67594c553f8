"""Words in the order of how often they came."""

import heapq
from collections.abc import Iterable, Iterator

AT_ONCE = 100_000
"""words sorted in one step of Python, in which it cannot be stopped"""


def most_frequent_first(counts: Iterable[tuple[str, int]]) -> Iterator[str]:
    """The words of pairs (word, count) by falling count, those that came equally often by their code points."""
    by_count: dict[int, list[str]] = {}
    for word, count in counts:
        by_count.setdefault(count, []).append(word)
    for count in sorted(by_count, reverse=True):
        words = by_count.pop(count)
        yield from heapq.merge(*(sorted(words[begin : begin + AT_ONCE]) for begin in range(0, len(words), AT_ONCE)))
