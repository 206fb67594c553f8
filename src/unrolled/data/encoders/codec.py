"""What every vocabulary is: text to token numbers and back, also in pieces of any size."""

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from unrolled.errors import UserError

FORMAT = "unrolled vocabulary"
VERSION = 1


class StreamDecoder(ABC):
    """Tokens to text as they come. What `feed` and at last `finish` return is, joined, what `decode` returns."""

    @abstractmethod
    def feed(self, ids: ArrayLike) -> str:
        """The text that these tokens complete; never half a character."""

    def finish(self) -> str:
        """What is left when no more tokens come."""
        return ""


class Vocabulary(ABC):
    """A fixed table of tokens.

    Encoding a text block by block (`encode_blocks`) gives the same tokens as encoding it whole.
    """

    kind: ClassVar[str]
    unknown: int | None = None
    """Number of the token that stands for what the vocabulary does not know; None if it has none."""
    min_count: int = 1
    """what came less often in training is unknown"""

    @classmethod
    @abstractmethod
    def fit(cls, blocks: Iterable[str]) -> "Vocabulary":
        """The vocabulary of a text that comes in blocks, cut anywhere; memory does not grow with its length."""

    @abstractmethod
    def __len__(self) -> int: ...

    @property
    @abstractmethod
    def tokens(self) -> list[str]:
        """Each token as a person can read it, in order."""

    @abstractmethod
    def encode(self, text: str) -> np.ndarray:
        """Token numbers, int64 `[tokens]`. Raises `UserError` if the text cannot be expressed."""

    def certain(self, text: str) -> int:
        """How many characters of the beginning of a text become the same tokens whatever follows, where the text begins
        as a token does; what is left begins so again. Raises `UserError` if far too many depend on what follows."""
        return len(text)

    @abstractmethod
    def stream_decoder(self) -> StreamDecoder:
        """A decoder for tokens that come one after the other, with no text before them."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Everything there is to know, as JSON values, with `kind` among them."""

    @classmethod
    @abstractmethod
    def from_json(cls, data: dict[str, Any]) -> "Vocabulary":
        """The inverse of `to_json`."""

    def decode(self, ids: ArrayLike) -> str:
        """The text of some tokens. Raises `ValueError` for a number that is not in the vocabulary."""
        decoder = self.stream_decoder()
        return decoder.feed(ids) + decoder.finish()

    def encode_blocks(self, blocks: Iterable[str]) -> Iterator[np.ndarray]:
        """The tokens of a text that comes in blocks, cut anywhere."""
        return map(self.encode, blocks)

    @property
    def dtype(self) -> np.dtype:
        """The smallest unsigned type that holds every token number."""
        return np.min_scalar_type(max(len(self) - 1, 0))

    def checked(self, ids: ArrayLike) -> np.ndarray:
        """Token numbers as int64 `[tokens]`. Raises `ValueError` for one outside the vocabulary."""
        numbers = np.asarray(ids, dtype=np.int64).ravel()
        outside = (numbers < 0) | (numbers >= len(self))
        if outside.any():
            raise ValueError(f"token {numbers[outside][0]} is not in a vocabulary of {len(self):,} tokens")
        return numbers

    def to_text(self) -> str:
        """What `save` writes and `load_vocabulary` reads."""
        return json.dumps({"format": FORMAT, "version": VERSION, **self.to_json()}, indent=1) + "\n"

    def save(self, path: str | Path) -> None:
        """Write a JSON file, beside and then renamed, so that no half-written file stays."""
        path = Path(path)
        beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
        try:
            beside.write_text(self.to_text(), encoding="utf-8")
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)


def utf8(text: str) -> bytes:
    """UTF-8 bytes. Raises `UserError` for half a surrogate pair, which a badly decoded command line can hold."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UserError(
            f"the text has an invalid character (U+{ord(text[error.start]):04X}) at position {error.start:,}; "
            "it was not decoded as UTF-8: check the encoding of the terminal or of the program that sent it"
        ) from None
