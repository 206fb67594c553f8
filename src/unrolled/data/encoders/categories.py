"""Categories as numbers."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from unrolled.data.encoders.folding import fold, folded_numbers, most_usual
from unrolled.data.encoders.step_alone import StepAlone
from unrolled.data.encoders.token_counts import TokenCounts, count_tokens

UNKNOWN = 0
"""The number of a category or token that training did not see, or too rarely."""
LARGEST = 200_000
"""Tokens of a table at most: the most frequent ones."""


@dataclass(frozen=True)
class TokenTable(StepAlone):
    """Tokens or categories that come ready cut, as numbers from 1 on; 0 is everything else."""

    field: str
    tokens: tuple[str, ...]
    rare: tuple[str, ...] | None = ()
    """what training saw too rarely to have a number; None where there was too much to tell"""
    folds: bool = False
    """whether truth values and numbers are known in every way to write them, as categories are (see `folding`)"""

    @classmethod
    def fit(
        cls,
        field: str,
        values: Iterable[Sequence[str]] | TokenCounts,
        *,
        min_count: int = 1,
        most: int = LARGEST,
        folds: bool = False,
    ) -> "TokenTable":
        """From the training part. Tokens seen less often than `min_count` stay unknown, and of more than `most` the
        rarest."""
        tokens = count_tokens(values)
        if folds:
            usual, merged = most_usual(tokens.counts), Counter[str]()
            for value, count in tokens.counts.items():
                merged[usual[value]] += count
            tokens = TokenCounts(merged, tokens.lost)
        _, kept = tokens.at_least(min_count, most)
        rare = None if tokens.lost else tuple(sorted(tokens.counts.keys() - set(kept)))
        return cls(field, tuple(kept), rare, folds)

    def __len__(self) -> int:
        return len(self.tokens) + 1

    @property
    def unknown(self) -> int:
        """The number of what training did not see, or too rarely."""
        return UNKNOWN

    def count_rare(self, value: str | Sequence[str]) -> int | None:
        """How many of its unknown tokens training saw, if too rarely; None where that cannot be told."""
        if self.rare is None:
            return None
        return sum(token in self._rare for token in ([value] if isinstance(value, str) else value))

    def encode(self, value: str | Sequence[str]) -> np.ndarray:
        """int64 `[time]`; a single category counts as one step."""
        number, tokens = self._number, [value] if isinstance(value, str) else value
        if self.folds:
            return np.array([number.get(fold(token), UNKNOWN) for token in tokens], dtype=np.int64)
        return np.array([number.get(token, UNKNOWN) for token in tokens], dtype=np.int64)

    @cached_property
    def _number(self) -> dict[str, int]:
        if self.folds:
            return folded_numbers(self.tokens, 1)
        return {token: number for number, token in enumerate(self.tokens, 1)}

    @cached_property
    def _rare(self) -> frozenset[str]:
        return frozenset(self.rare or ())

    def to_json(self) -> dict[str, Any]:
        rare = {} if self.rare == () else {"rare": None if self.rare is None else list(self.rare)}
        folds = {"folds": True} if self.folds else {}
        return {"kind": "tokens", "field": self.field, "tokens": list(self.tokens)} | rare | folds

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "TokenTable":
        rare = data.get("rare", ())
        return cls(
            data["field"], tuple(data["tokens"]), None if rare is None else tuple(rare), data.get("folds", False)
        )
