"""Word vectors that others have trained: the text formats of word2vec (with a header) and GloVe (without)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unrolled.data.encoders.token_parts import Progress
from unrolled.data.given import refuse_special
from unrolled.errors import UserError

Line = tuple[int, bytes]


@dataclass(frozen=True)
class WordVectors:
    """The vectors of some words, as far as a file has them."""

    path: Path
    matrix: np.ndarray
    """float32 `[words, features]`, 0 where the file has none"""
    known: np.ndarray
    """bool `[words]`"""

    @property
    def size(self) -> int:
        """Features of a vector."""
        return self.matrix.shape[1]

    def __str__(self) -> str:
        share = self.known.mean()
        return (
            f"word vectors: {self.known.sum():,} of {len(self.known):,} words ({share:.0%}) are in {self.path}, "
            f"{self.size} features"
        )


def read_word_vectors(path: Path, words: Sequence[str], progress: Progress | None = None) -> WordVectors:
    """The vectors of `words`. Of the rest of the file only the number of columns is looked at and nothing is kept.

    A word that the file does not have as it is written gets the vector of its lower case, if there is one. If a word
    comes twice, the first counts. Raises `UserError` with the line for another number of columns, and for values that
    are no finite numbers; and if the file has none of the words.
    """
    refuse_special(path)
    wanted = {word.encode() for word in words} | {word.lower().encode() for word in words}
    vectors: dict[bytes, np.ndarray] = {}
    size = 0
    for number, line in _lines(path, progress):
        if not size:
            size = _columns(path, number, line)
        parts = line.rsplit(b" ", size)
        # A word may hold spaces, as some of GloVe's do; a number in front of the values is one column too many.
        if len(parts) <= size or (b" " in parts[0] and _is_number(parts[0].rsplit(b" ", 1)[1])):
            raise UserError(
                f"{path}, line {number:,}: expected a word and {size} numbers as in the lines before, found "
                f"{line.count(b' ')} columns after the word; mend the line or take it away"
            )
        if parts[0] in wanted and parts[0] not in vectors:
            vectors[parts[0]] = _numbers(path, number, parts[1:])
    if not size:
        raise UserError(f"{path} is empty; give word vectors in the text format of word2vec or GloVe")
    rows = [vectors.get(word.encode(), vectors.get(word.lower().encode())) for word in words]
    if all(vector is None for vector in rows):
        raise UserError(f"{path} has none of the {len(words):,} words of the vocabulary; is it in another language?")
    matrix = np.stack([np.zeros(size, dtype=np.float32) if vector is None else vector for vector in rows])
    return WordVectors(path, matrix, np.array([vector is not None for vector in rows]))


def _lines(path: Path, progress: Progress | None) -> Iterator[Line]:
    """The numbered lines with a word, without the header of word2vec."""
    done, total = 0, path.stat().st_size
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            done += len(line)
            if progress is not None and number % 10_000 == 0:
                progress("reading word vectors", done, total)
            line = line.rstrip().replace(b"\t", b" ")
            header = number == 1 and len(line.split()) == 2 and all(part.isdigit() for part in line.split())
            if line and not header:
                yield number, line


def _columns(path: Path, number: int, line: bytes) -> int:
    """How many numbers the first word has."""
    parts = line.split(b" ")
    size = next((count for count, part in enumerate(reversed(parts[1:])) if not _is_number(part)), len(parts) - 1)
    if not size:
        shown = line[:40].decode(errors="replace")
        raise UserError(
            f"{path}, line {number}: expected a word and its numbers, found {shown!r}; give word vectors in the text "
            "format of word2vec or GloVe"
        )
    return size


def _is_number(text: bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(path: Path, number: int, parts: list[bytes]) -> np.ndarray:
    for part in parts:
        if not _is_number(part) or not np.isfinite(float(part)):
            shown = part[:40].decode(errors="replace")
            raise UserError(f"{path}, line {number:,}: expected a finite number, found {shown!r}; mend the line")
    return np.array(parts, dtype=np.float32)
