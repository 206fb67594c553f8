"""Text fields as tokens: with a vocabulary, or as overlapping k-mers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from unrolled.data.encoders.categories import LARGEST, UNKNOWN, TokenTable
from unrolled.data.encoders.codec import Vocabulary
from unrolled.data.encoders.vocabulary import VOCABULARIES, vocabulary_from_json

BPE_TEXT = 1 << 27
"""Characters that are enough to learn byte pairs from."""


@dataclass(frozen=True)
class TextEncoder:
    """A text as the tokens of a byte, word or bpe vocabulary, from 1 on."""

    field: str
    vocabulary: Vocabulary

    def __len__(self) -> int:
        return len(self.vocabulary) + 1

    @property
    def unknown(self) -> int:
        """The number of what training did not see, or too rarely."""
        return UNKNOWN if self.vocabulary.unknown is None else self.vocabulary.unknown + 1

    def count_rare(self, text: str) -> int | None:
        """How many of its unknown tokens training saw, if too rarely; None where that cannot be told."""
        return None if self.vocabulary.min_count > 1 else 0

    def encode(self, text: str) -> np.ndarray:
        """int64 `[tokens]`; a text without any is one token 0."""
        tokens = self.vocabulary.encode(text) + 1
        return tokens if len(tokens) else np.zeros(1, dtype=np.int64)

    def to_json(self) -> dict[str, Any]:
        return {"kind": "text", "field": self.field, "vocabulary": self.vocabulary.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "TextEncoder":
        return cls(data["field"], vocabulary_from_json(data["vocabulary"]))


@dataclass(frozen=True)
class KmerEncoder:
    """A text as overlapping pieces of k letters, one a step: with k = 1 its characters; longer pieces are usual for
    DNA (Ji et al. 2021, "DNABERT"). Pieces that training did not see are 0."""

    k: int
    table: TokenTable

    @classmethod
    def fit(cls, field: str, texts: Iterable[str], k: int, *, min_count: int = 1) -> "KmerEncoder":
        return cls(k, TokenTable.fit(field, (pieces(text, k) for text in texts), min_count=min_count))

    @property
    def field(self) -> str:
        return self.table.field

    def __len__(self) -> int:
        return len(self.table)

    @property
    def unknown(self) -> int:
        """The number of what training did not see, or too rarely."""
        return UNKNOWN

    def count_rare(self, text: str) -> int | None:
        """How many of its unknown pieces training saw, if too rarely; None where that cannot be told."""
        return self.table.count_rare(pieces(text, self.k))

    def encode(self, text: str) -> np.ndarray:
        """int64 `[letters - k + 1]`; a text shorter than k is one unknown piece."""
        return self.table.encode(pieces(text, self.k) or [""])

    def to_json(self) -> dict[str, Any]:
        return {"kind": "kmers", "k": self.k, "table": self.table.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "KmerEncoder":
        return cls(data["k"], TokenTable.from_json(data["table"]))


def pieces(text: str, k: int) -> list[str]:
    """All pieces of k letters, in order."""
    return [text[start : start + k] for start in range(len(text) - k + 1)]


def fit_vocabulary(
    kind: str, texts: Callable[[], Iterable[str]], *, size: int = 8192, min_count: int = 1
) -> Vocabulary:
    """A vocabulary of texts, learned from the training part: of all of it, and of no more than the `LARGEST` most
    frequent words.

    Byte pairs know every text, so of more than `BPE_TEXT` characters they are learned from texts evenly spread.
    """
    if kind == "bpe":
        step = max(1, -(-sum(map(len, texts())) // BPE_TEXT))
        blocks = (text + "\n" for text in islice(texts(), 0, None, step))
        return VOCABULARIES[kind].fit(blocks, vocabulary_size=size)  # type: ignore[call-arg]
    blocks = (text + "\n" for text in texts())
    if kind == "word":
        return VOCABULARIES[kind].fit(blocks, min_count=min_count, most=LARGEST)  # type: ignore[call-arg]
    return VOCABULARIES[kind].fit(blocks)
