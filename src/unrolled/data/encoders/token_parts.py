"""Documents as token numbers: what one part of the data is, and how it is encoded in bounded memory."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from unrolled.data.encoders.characters import UnknownCharacters
from unrolled.data.encoders.codec import Vocabulary
from unrolled.data.encoders.words import WordNumbering, WordVocabulary
from unrolled.data.readers.text import MIB, read_blocks
from unrolled.data.splits.text_files import Document
from unrolled.errors import UserError

Progress = Callable[[str, int, int], None]
"""Called with what is being done, the bytes done and the bytes in all."""


@dataclass(frozen=True)
class TokenPart:
    """The tokens of one part of the data, document after document."""

    tokens: np.ndarray
    """`[tokens]`, the smallest unsigned type for the vocabulary; usually a memory map"""
    starts: np.ndarray
    """`[documents]`, int64: where each document begins; the first is 0"""
    bytes: int
    """UTF-8 bytes of the text"""
    characters: int
    """Unicode code points of the text"""
    unknown: int = 0
    """how many tokens are `<unk>`"""

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def targets(self) -> int:
        """How many tokens can be predicted: all but the first of each document."""
        return len(self.tokens) - len(self.starts)


@dataclass(frozen=True)
class PartRecord:
    """What `store.json` says of one part."""

    tokens: int
    starts: list[int]
    bytes: int
    characters: int
    unknown: int
    crc32: int

    def part(self, file: Path | BinaryIO, dtype: np.dtype) -> TokenPart:
        """The part whose tokens lie in a file."""
        shape = (self.tokens,)
        tokens = np.memmap(file, dtype=dtype, mode="r", shape=shape) if self.tokens else np.zeros(0, dtype=dtype)
        starts = np.array(self.starts, dtype=np.int64)
        return TokenPart(tokens, starts, self.bytes, self.characters, self.unknown)


class Meter:
    """Adds up bytes for a progress callback."""

    def __init__(self, progress: Progress | None, label: str, total: int) -> None:
        self._progress, self._label, self._total = progress, label, total
        self._done = 0

    def add(self, size: int) -> None:
        self._done += size
        if self._progress is not None:
            self._progress(self._label, min(self._done, self._total), self._total)


def read_document(document: Document, meter: Meter) -> Iterator[str]:
    """The text of a document in blocks, with progress."""
    left = len(document)
    for block in read_blocks(document.path, document.start, document.stop, size=MIB):
        yield block
        meter.add(min(left, MIB))
        left -= min(left, MIB)


def encode_documents(
    documents: list[Document], vocabulary: Vocabulary | WordNumbering, file: BinaryIO, meter: Meter
) -> PartRecord:
    """Append the tokens of the documents to a file. Raises `UserError` for text the vocabulary cannot express."""
    starts: list[int] = []
    tokens = size = characters = unknown = crc32 = 0

    def counted(document: Document) -> Iterator[str]:
        nonlocal characters
        for block in read_document(document, meter):
            characters += len(block)
            yield block

    for document in documents:
        begin = tokens
        try:
            for ids in vocabulary.encode_blocks(counted(document)):
                data = ids.astype(vocabulary.dtype).tobytes()
                file.write(data)
                crc32 = zlib.crc32(data, crc32)
                tokens += len(ids)
                if vocabulary.unknown is not None:
                    unknown += int((ids == vocabulary.unknown).sum())
        except UnknownCharacters as error:
            raise UnknownCharacters(error.characters, error.position, _place(document, error.characters)) from None
        except UserError as error:
            raise naming(document.path, error) from None
        size += len(document)
        if tokens > begin:
            starts.append(begin)
    return PartRecord(tokens, starts, size, characters, unknown, crc32)


def settle_words(
    record: PartRecord, numbers: BinaryIO, numbering: WordNumbering, file: BinaryIO
) -> tuple[WordVocabulary, PartRecord]:
    """The vocabulary of a part that was written in the numbers of a `WordNumbering`, and the part written in its own.

    `record` and `numbers` are what `encode_documents` made of it; `file` is written.
    """

    def pieces() -> Iterator[np.ndarray]:
        numbers.seek(0)
        while data := numbers.read(MIB * numbering.dtype.itemsize):
            yield np.frombuffer(data, dtype=numbering.dtype)

    counts = np.zeros(len(numbering), dtype=np.int64)
    for piece in pieces():
        counts += np.bincount(piece, minlength=len(counts))
    vocabulary, lookup = numbering.vocabulary(counts)
    unknown = int(counts[lookup == vocabulary.unknown].sum())
    lookup = lookup.astype(vocabulary.dtype)
    crc32 = 0
    for piece in pieces():
        data = lookup[piece].tobytes()
        file.write(data)
        crc32 = zlib.crc32(data, crc32)
    return vocabulary, replace(record, unknown=unknown, crc32=crc32)


def naming(path: Path, error: UserError) -> UserError:
    """The error with the file it came from, unless it names the file already."""
    return error if str(path) in str(error) else UserError(f"{path}: {error}")


def _place(document: Document, characters: list[str]) -> str:
    """Where one of the characters first stands, for an error message."""
    wanted = set(characters)
    line = 1
    for block in read_blocks(document.path, document.start, document.stop):
        position = next((index for index, character in enumerate(block) if character in wanted), None)
        if position is not None:
            return f"in {document.path}, line {line + block.count(chr(10), 0, position):,}"
        line += block.count("\n")
    return f"in {document.path}"
