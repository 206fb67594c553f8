"""Text fields as tokens: with a vocabulary, or as overlapping k-mers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from unrolled.data.encoders.categories import LARGEST, UNKNOWN, TokenTable
from unrolled.data.encoders.codec import Vocabulary
from unrolled.data.encoders.vocabulary import VOCABULARIES, vocabulary_from_json
from unrolled.errors import UserError

BPE_TEXT = 1 << 27
"""Characters that are enough to learn byte pairs from."""


class TextState(NamedTuple):
    """What is kept of a text that comes piece by piece."""

    made: np.ndarray
    """bool `[]`: whether there was a token"""
    pending: np.ndarray
    """uint8 `[bytes]`: the end of what came, as UTF-8, whose tokens depend on what follows"""


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

    def begin(self) -> TextState:
        """Before the first piece."""
        return TextState(np.array(False), np.zeros(0, dtype=np.uint8))

    def feed(self, text: str, state: TextState) -> tuple[np.ndarray, TextState]:
        """The tokens that are certain with the next piece of the text. Raises `UserError` if it cannot be expressed,
        and for a text without the white space that ends words."""
        text = _text_of(state.pending) + text
        certain = self.vocabulary.certain(text)
        tokens = self.vocabulary.encode(text[:certain]) + 1
        return tokens, TextState(np.array(bool(state.made) or len(tokens) > 0), _codes_of(text[certain:]))

    def finish(self, state: TextState) -> np.ndarray:
        """The tokens that were held back."""
        tokens = self.vocabulary.encode(_text_of(state.pending)) + 1
        return tokens if len(tokens) or state.made else np.zeros(1, dtype=np.int64)

    def check(self, state: TextState) -> None:
        """Raises `ValueError` for a state that no text leaves behind."""
        try:
            text = _text_of(state.pending)
            fits = self.vocabulary.certain(text) == 0
        except (UnicodeDecodeError, UserError):
            fits = False
        if not fits:
            raise ValueError(f"the saved state holds a text of {self.field} that is not one to wait with")

    def to_json(self) -> dict[str, Any]:
        return {"kind": "text", "field": self.field, "vocabulary": self.vocabulary.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "TextEncoder":
        return cls(data["field"], vocabulary_from_json(data["vocabulary"]))


class KmerState(NamedTuple):
    """What is kept of a text that comes piece by piece."""

    seen: np.ndarray
    """int64 `[]`: letters that came"""
    tail: np.ndarray
    """uint8 `[bytes]`: the last k - 1 of them, as UTF-8"""


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

    def begin(self) -> KmerState:
        """Before the first letter."""
        return KmerState(np.array(0), np.zeros(0, dtype=np.uint8))

    def feed(self, text: str, state: KmerState) -> tuple[np.ndarray, KmerState]:
        """The pieces that the next letters complete."""
        seen, text = int(state.seen) + len(text), _text_of(state.tail) + text
        tail = _codes_of(text[max(0, len(text) - self.k + 1) :])
        return self.table.encode(pieces(text, self.k)), KmerState(np.array(seen), tail)

    def finish(self, state: KmerState) -> np.ndarray:
        """The unknown piece of a text shorter than k; else nothing."""
        return self.table.encode([""] if state.seen < self.k else [])

    def check(self, state: KmerState) -> None:
        """Raises `ValueError` for a state that no text leaves behind."""
        try:
            fits = 0 <= state.seen < 1 << 62 and len(_text_of(state.tail)) == min(int(state.seen), self.k - 1)
        except UnicodeDecodeError:
            fits = False
        if not fits:
            raise ValueError(f"the saved state holds letters of {self.field} that do not fit")

    def to_json(self) -> dict[str, Any]:
        return {"kind": "kmers", "k": self.k, "table": self.table.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "KmerEncoder":
        return cls(data["k"], TokenTable.from_json(data["table"]))


def _text_of(codes: np.ndarray) -> str:
    return codes.tobytes().decode("utf-8", "surrogatepass")


def _codes_of(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-8", "surrogatepass"), dtype=np.uint8).copy()


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
