"""Vocabularies without words: one token per character, or one per byte of UTF-8."""

import codecs
import json
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from unrolled.data.encoders.codec import StreamDecoder, Vocabulary, utf8
from unrolled.errors import UserError

_CODE_POINTS = 0x110000


class UnknownCharacters(UserError):
    """The text has characters that a char vocabulary does not know."""

    def __init__(self, characters: list[str], position: int, where: str = "") -> None:
        shown = ", ".join(f"{_named(character)}" for character in characters[:5])
        more = f" and {len(characters) - 5:,} more" if len(characters) > 5 else ""
        location = where or f"at position {position:,}"
        super().__init__(
            f"the text has {shown}{more} (first {location}), which the char vocabulary does not know; "
            "remove such characters, or train with --data.vocabulary byte, which knows every text"
        )
        self.characters = characters
        self.position = position


class CharVocabulary(Vocabulary):
    """One token per Unicode code point, in the order of the code points."""

    kind = "char"

    def __init__(self, characters: Iterable[str]) -> None:
        self._characters = sorted(set(characters))
        self._codes = np.array([ord(character) for character in self._characters], dtype=np.int64)
        # A table by code point, one longer than needed: its last entry catches whatever lies beyond.
        self._table = np.full(int(self._codes.max(initial=-1)) + 2, -1, dtype=np.int64)
        self._table[self._codes] = np.arange(len(self._codes))

    @classmethod
    def fit(cls, blocks: Iterable[str]) -> "CharVocabulary":
        """Every character of the text."""
        seen = np.zeros(_CODE_POINTS, dtype=bool)
        for block in blocks:
            seen[_code_points(block)] = True
        return cls(map(chr, np.flatnonzero(seen)))

    def __len__(self) -> int:
        return len(self._characters)

    @property
    def tokens(self) -> list[str]:
        return list(self._characters)

    def encode(self, text: str) -> np.ndarray:
        codes = _code_points(text)
        ids = self._table[np.minimum(codes, len(self._table) - 1)]
        if len(ids) and ids.min() < 0:
            unknown = ids < 0
            raise UnknownCharacters([chr(code) for code in np.unique(codes[unknown])], position=int(np.argmax(unknown)))
        return ids

    def stream_decoder(self) -> "_CharDecoder":
        return _CharDecoder(self)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "characters": self._characters}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "CharVocabulary":
        return cls(data["characters"])


class _CharDecoder(StreamDecoder):
    def __init__(self, vocabulary: CharVocabulary) -> None:
        self._vocabulary = vocabulary

    def feed(self, ids: ArrayLike) -> str:
        codes = self._vocabulary._codes[self._vocabulary.checked(ids)]
        return codes.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


class ByteVocabulary(Vocabulary):
    """One token per byte of UTF-8: 256 tokens, and no text is unknown."""

    kind = "byte"

    @classmethod
    def fit(cls, blocks: Iterable[str]) -> "ByteVocabulary":
        """Nothing to learn; the text is not read."""
        return cls()

    def __len__(self) -> int:
        return 256

    @property
    def tokens(self) -> list[str]:
        return [chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}" for byte in range(256)]

    def encode(self, text: str) -> np.ndarray:
        return np.frombuffer(utf8(text), dtype=np.uint8).astype(np.int64)

    def stream_decoder(self) -> "BytesDecoder":
        return BytesDecoder(self, [bytes([byte]) for byte in range(256)])

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "ByteVocabulary":
        return cls()


class BytesDecoder(StreamDecoder):
    """Decodes tokens that are strings of bytes: holds back an unfinished character; bad bytes become U+FFFD."""

    def __init__(self, vocabulary: Vocabulary, pieces: list[bytes]) -> None:
        self._vocabulary, self._pieces = vocabulary, pieces
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, ids: ArrayLike) -> str:
        return self._decoder.decode(b"".join([self._pieces[number] for number in self._vocabulary.checked(ids)]))

    def finish(self) -> str:
        return self._decoder.decode(b"", final=True)


def _code_points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def _named(character: str) -> str:
    return f"{json.dumps(character, ensure_ascii=not character.isprintable())} (U+{ord(character):04X})"
