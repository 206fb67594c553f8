"""How often tokens come, counted in bounded memory."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from unrolled.data.encoders.frequency import most_frequent_first

AT_ONCE = 2_000_000
"""Different tokens that are counted at once: some hundred megabytes."""


class TokenCounts(NamedTuple):
    """Tokens and how often they came."""

    counts: Counter[str]
    """at most `lost` too low each"""
    lost: int = 0
    """every token that came more often than this is there; 0 where all were counted"""

    def at_least(self, count: int, most: int) -> tuple[int, list[str]]:
        """The tokens that came at least `count` times, the most frequent first. Where more than `most` did, `count` is
        raised until no more are left; it comes back, so that all tokens that are not there came less often."""
        frequencies = np.fromiter(self.counts.values(), dtype=np.int64, count=len(self.counts))
        frequencies = np.sort(frequencies[frequencies >= count])[::-1]
        if len(frequencies) > most:
            count = int(frequencies[most]) + 1
        kept = most_frequent_first(item for item in self.counts.items() if item[1] >= count)
        return count + self.lost, list(kept)


def unseen(complete: bool) -> str:
    """What is unknown, in words: `complete` if there is a number for all that training saw."""
    return "that training did not see" if complete else "that training did not see, or too rarely to know them"


def count_tokens(values: Iterable[Iterable[str]] | TokenCounts, at_once: int = AT_ONCE) -> TokenCounts:
    """Counts of tokens that come a few at a time, at most `at_once` different ones in memory (see `without_rarer`).

    What is counted already is given back.
    """
    if isinstance(values, TokenCounts):
        return values
    tokens = TokenCounts(Counter())
    for value in values:
        tokens.counts.update(value)
        if len(tokens.counts) > at_once:
            tokens = without_rarer(tokens)
    return tokens


def without_rarer(tokens: TokenCounts) -> TokenCounts:
    """The more frequent half; the others, should they come again, begin from 0.

    Source: Manku and Motwani 2002, "Approximate Frequency Counts over Data Streams", VLDB, lossy counting.
    """
    level = sorted(tokens.counts.values())[len(tokens.counts) // 2]
    kept = {token: count for token, count in tokens.counts.items() if count > level}
    return TokenCounts(Counter(kept), tokens.lost + level)
