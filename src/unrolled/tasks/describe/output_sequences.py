"""Sequences that a model writes, as tokens from 1 on; 0 is the beginning and the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.data.encoders.categories import TokenTable
from unrolled.data.encoders.codec import Vocabulary
from unrolled.data.encoders.numbers import fill_forward
from unrolled.data.encoders.vocabulary import vocabulary_from_json
from unrolled.tasks.translate.pairs import encode, unknown_in

LEVELS = 64
"""Levels that the values of a channel are cut into, each with as many training values as the others."""


@dataclass(frozen=True)
class WrittenText:
    """A text by a vocabulary. Characters that training did not see are left out."""

    field: str
    vocabulary: Vocabulary

    def __len__(self) -> int:
        return len(self.vocabulary)

    @property
    def complete(self) -> bool:
        """Whether all that training saw has a number."""
        return self.vocabulary.min_count == 1

    def encode(self, value: str) -> np.ndarray:
        """int64 `[tokens]`."""
        return encode(self.vocabulary, value) + 1

    def unknown(self, value: str, tokens: np.ndarray) -> int:
        """How much of a value its tokens do not hold."""
        return unknown_in(self.vocabulary, value, tokens - 1)

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of some tokens."""
        return self.vocabulary.decode(np.asarray(tokens, dtype=np.int64) - 1)

    def to_json(self) -> dict[str, Any]:
        return {"kind": "text", "field": self.field, "vocabulary": self.vocabulary.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "WrittenText":
        return cls(data["field"], vocabulary_from_json(data["vocabulary"]))


@dataclass(frozen=True)
class WrittenTokens:
    """A list of words. Those that training did not see are left out."""

    field: str
    table: TokenTable

    def __len__(self) -> int:
        return len(self.table.tokens)

    @property
    def complete(self) -> bool:
        """Whether all that training saw has a number."""
        return self.table.rare == ()

    def encode(self, value: Sequence[str]) -> np.ndarray:
        """int64 `[tokens]`."""
        tokens = self.table.encode(list(value))
        return tokens[tokens != self.table.unknown]

    def unknown(self, value: Sequence[str], tokens: np.ndarray) -> int:
        """How much of a value its tokens do not hold."""
        return len(value) - len(tokens)

    def decode(self, tokens: Sequence[int]) -> list[str]:
        """The words of some tokens."""
        return [self.table.tokens[token - 1] for token in tokens]

    def to_json(self) -> dict[str, Any]:
        return {"kind": "tokens", "field": self.field, "table": self.table.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "WrittenTokens":
        return cls(data["field"], TokenTable.from_json(data["table"]))


@dataclass(frozen=True)
class WrittenLevels:
    """One channel over time, cut into levels at the quantiles of training: a value becomes the number of its level, and
    a level the mean of the training values in it. A missing value is the last known one before it."""

    field: str
    edges: tuple[float, ...]
    """between the levels, ascending"""
    values: tuple[float, ...]
    """of the levels"""

    @classmethod
    def fit(cls, field: str, values: np.ndarray, levels: int = LEVELS) -> "WrittenLevels":
        """From training values `[steps]`, NaN where missing. Equal values share a level, so there may be fewer."""
        known = np.sort(values[~np.isnan(values)].astype(np.float64))
        edges = np.unique(np.quantile(known, np.linspace(0, 1, levels + 1)[1:-1], method="inverted_cdf"))
        edges = edges[edges > known[0]]  # values that exist, so that no level is empty
        level = np.searchsorted(edges, known, side="right")
        sums = np.bincount(level, weights=known, minlength=len(edges) + 1)
        means = sums / np.bincount(level, minlength=len(edges) + 1)
        return cls(field, tuple(edges.tolist()), tuple(means.tolist()))

    def __len__(self) -> int:
        return len(self.values)

    @property
    def complete(self) -> bool:
        """Whether all that training saw has a number."""
        return True

    def encode(self, value: np.ndarray) -> np.ndarray:
        """int64 `[time]` of values `[time, 1]`."""
        filled = fill_forward(np.asarray(value, dtype=np.float32))[:, 0]
        return np.searchsorted(np.array(self.edges), filled, side="right").astype(np.int64) + 1

    def unknown(self, value: np.ndarray, tokens: np.ndarray) -> int:
        """How much of a value its tokens do not hold."""
        return 0

    def decode(self, tokens: Sequence[int]) -> list[float]:
        """The values of some tokens."""
        return [float(f"{self.values[token - 1]:.6g}") for token in tokens]

    def to_json(self) -> dict[str, Any]:
        return {"kind": "levels", "field": self.field, "edges": list(self.edges), "values": list(self.values)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "WrittenLevels":
        return cls(data["field"], tuple(data["edges"]), tuple(data["values"]))


Written = WrittenText | WrittenTokens | WrittenLevels

WRITTEN: dict[str, Any] = {"text": WrittenText, "tokens": WrittenTokens, "levels": WrittenLevels}
