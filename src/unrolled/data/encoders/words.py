# ruff: noqa: RUF001 - typographic punctuation is data here
"""One token per word, for text that is already tokenised and for ordinary text."""

import re
import string
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import count, repeat
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from unrolled.data.encoders.codec import StreamDecoder, Vocabulary
from unrolled.data.encoders.frequency import most_frequent_first
from unrolled.data.encoders.token_counts import TokenCounts, without_rarer
from unrolled.errors import UserError

Tokenisation = Literal["spaces", "punctuation"]

UNKNOWN, END_OF_LINE = "<unk>", "<eos>"
_LONGEST_WORD = 1 << 20  # characters without white space after which a text has no words
_MOST_WORDS = 5_000_000  # different words counted at once: about a gigabyte

# Marks that are tokens of their own: punctuation, symbols and emoji; the underscore belongs to words.
_MARKS = (
    re.escape(string.punctuation.replace("_", ""))
    + "\u00a1-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7"
    + "\u060c\u061b\u061f\u06d4\u0964\u0965\u2010-\u2027\u2030-\u205e\u20a0-\u20cf\u2100-\u2bff"
    + "\u3001-\u3004\u3008-\u3020\u3030\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\U0001f000-\U0001faff"
)
_LETTERS = rf"[^\s{_MARKS}]+"
_TOKEN = re.compile(
    rf"{UNKNOWN}|{END_OF_LINE}|\n"
    rf"|{_LETTERS}(?:['’\-]{_LETTERS}|(?<=\d)[.,](?=\d){_LETTERS})*"  # don't, well-known, 3.14, 1,000
    rf"|[{_MARKS}]"
)

_NO_SPACE_BEFORE = set(".,!?;:)]}%»”’…、。，！？；：）」』，؟،۔।")
_NO_SPACE_AFTER = set("([{«“‘¿¡$£€#（「『")
_STRAIGHT_QUOTES = "\"'"


def looks_tokenised(text: str) -> bool:
    """Whether words and punctuation already stand apart, as in WikiText or the Penn Treebank."""
    words = text.split()
    unknown = words.count(UNKNOWN)
    apart = words.count(",") + words.count(".")
    attached = sum(len(word) > 1 and word[-1] in ",." for word in words)
    return (unknown > 0 and unknown * 1000 >= len(words)) or (apart >= 5 and apart >= 4 * attached)


class WordVocabulary(Vocabulary):
    """One token per word, the most frequent first, after `<unk>` (number 0) and `<eos>` (1), the end of a line.

    Two tokenisations:

    * `spaces`, for text that is already tokenised: whatever stands between white space is a word. With it WikiText-2
      has the 33,278 types and 2,088,628 tokens of the literature.
    * `punctuation`, for ordinary text: punctuation marks and symbols are tokens of their own. Apostrophes and hyphens
      inside a word (don't, well-known) and points and commas inside a number (3.14, 1,000) do not split it.

    In both every newline is `<eos>`, other white space only separates, and `<unk>` and `<eos>` written in the text
    mean these tokens. Decoding sets spaces as a person would and gives a text with the same tokens again.
    """

    kind = "word"
    unknown: int = 0

    def __init__(self, words: Iterable[str], tokenisation: Tokenisation = "punctuation", min_count: int = 1) -> None:
        special = (UNKNOWN, END_OF_LINE)
        self._words = [*special, *(word for word in words if word not in special)]
        self.tokenisation = tokenisation
        self.min_count = min_count
        self._numbers = {word: number for number, word in enumerate(self._words)}
        self._split = _SPLITTERS[tokenisation]

    @classmethod
    def fit(
        cls,
        blocks: Iterable[str],
        *,
        tokenisation: Tokenisation | None = None,
        min_count: int = 1,
        most: int | None = None,
    ) -> "WordVocabulary":
        """Every word seen at least `min_count` times. Without a tokenisation, the first block decides.

        With `most` no more than so many words: where there are more, `min_count` is raised. Raises `UserError` for a
        text without white space, and without `most` for one with too many different words to count.
        """
        tokens = TokenCounts(Counter())
        for piece in _whole_words(blocks):
            tokenisation = tokenisation or ("spaces" if looks_tokenised(piece) else "punctuation")
            tokens.counts.update(_SPLITTERS[tokenisation](piece))
            if most is None:
                _require_few(len(tokens.counts))
            elif len(tokens.counts) > _MOST_WORDS:
                tokens = without_rarer(tokens)
        if most is not None:
            min_count, words = tokens.at_least(min_count, most)
            return cls(words, tokenisation or "punctuation", min_count)
        return cls.of_counts(tokens.counts.items(), tokenisation or "punctuation", min_count)

    @classmethod
    def of_counts(
        cls, counts: Iterable[tuple[str, int]], tokenisation: Tokenisation, min_count: int
    ) -> "WordVocabulary":
        """Every word that came at least `min_count` times, the most frequent first."""
        return cls(most_frequent_first(item for item in counts if item[1] >= min_count), tokenisation, min_count)

    def __len__(self) -> int:
        return len(self._words)

    @property
    def tokens(self) -> list[str]:
        return list(self._words)

    def encode(self, text: str) -> np.ndarray:
        words = self._split(text)
        return np.fromiter(map(self._numbers.get, words, repeat(self.unknown)), dtype=np.int64, count=len(words))

    def encode_blocks(self, blocks: Iterable[str]) -> Iterator[np.ndarray]:
        """The tokens of a text in blocks. Raises `UserError` if it has no white space to cut it at."""
        return map(self.encode, _whole_words(blocks))

    def certain(self, text: str) -> int:
        """What ends with white space."""
        cut = _after_last_space(text)
        if len(text) - cut > _LONGEST_WORD:
            raise _no_words(len(text) - cut)
        return cut

    def stream_decoder(self) -> "_WordDecoder":
        return _WordDecoder(self)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "tokenisation": self.tokenisation,
            "min_count": self.min_count,
            "words": self._words,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "WordVocabulary":
        if data["tokenisation"] not in _SPLITTERS:
            raise ValueError(f"tokenisation {data['tokenisation']!r}, expected one of {', '.join(_SPLITTERS)}")
        return cls(data["words"], data["tokenisation"], data["min_count"])


class WordNumbering:
    """Words by numbers in the order in which they first come: how a text is written before its vocabulary is known, so
    that it need not be read once to count the words and once more to encode them."""

    dtype = np.dtype(np.uint32)
    unknown: int | None = None

    def __init__(self, tokenisation: Tokenisation, min_count: int) -> None:
        self._tokenisation: Tokenisation = tokenisation
        self._min_count = min_count
        self._numbers: dict[str, int] = defaultdict(count().__next__)

    def encode_blocks(self, blocks: Iterable[str]) -> Iterator[np.ndarray]:
        """int64 `[words]`, as `WordVocabulary.encode_blocks`. Raises `UserError` for too many different words."""
        number = self._numbers.__getitem__
        for piece in _whole_words(blocks):
            words = _SPLITTERS[self._tokenisation](piece)
            yield np.fromiter(map(number, words), dtype=np.int64, count=len(words))
            _require_few(len(self._numbers))

    def vocabulary(self, counts: np.ndarray) -> tuple[WordVocabulary, np.ndarray]:
        """The vocabulary of a text in which number `i` came `counts[i]` times, and its number of each word, int64
        `[numbers]`."""
        word_counts = zip(self._numbers, counts.tolist(), strict=True)
        vocabulary = WordVocabulary.of_counts(word_counts, self._tokenisation, self._min_count)
        number = vocabulary._numbers
        lookup = (number.get(word, vocabulary.unknown) for word in self._numbers)
        return vocabulary, np.fromiter(lookup, dtype=np.int64, count=len(self._numbers))

    def __len__(self) -> int:
        return len(self._numbers)


def _require_few(words: int) -> None:
    if words > _MOST_WORDS:
        raise UserError(
            f"the text has more than {_MOST_WORDS:,} different words; use --data.vocabulary bpe, "
            "which keeps its size on any text"
        )


class _WordDecoder(StreamDecoder):
    """Words to text: a space between words, where the tokenisation splits off punctuation none before a full stop,
    none after an opening bracket, and straight quotes opening and closing in turn."""

    def __init__(self, vocabulary: WordVocabulary) -> None:
        self._vocabulary = vocabulary
        self._attach_marks = vocabulary.tokenisation == "punctuation"
        self._begin_line()

    def _begin_line(self) -> None:
        self._space = False  # whether the next word needs a space before it
        self._open: set[str] = set()

    def feed(self, ids: ArrayLike) -> str:
        words = self._vocabulary._words
        return "".join([self._spaced(words[number]) for number in self._vocabulary.checked(ids)])

    def _spaced(self, word: str) -> str:
        if word == END_OF_LINE:
            self._begin_line()
            return "\n"
        space, self._space = self._space, True
        if self._attach_marks:
            if word in _STRAIGHT_QUOTES:
                closing = word in self._open
                self._open ^= {word}
                space, self._space = space and not closing, closing
            elif word in _NO_SPACE_AFTER:
                self._space = False
            elif word in _NO_SPACE_BEFORE:
                space = False
        return f" {word}" if space else word


def _split_at_spaces(text: str) -> list[str]:
    return text.replace("\n", f" {END_OF_LINE} ").split()


def _split_off_punctuation(text: str) -> list[str]:
    return [END_OF_LINE if word == "\n" else word for word in _TOKEN.findall(text)]


_SPLITTERS: dict[str, Callable[[str], list[str]]] = {
    "spaces": _split_at_spaces,
    "punctuation": _split_off_punctuation,
}


def _whole_words(blocks: Iterable[str]) -> Iterator[str]:
    """The same text cut after white space only, so that no word is split."""
    pending: list[str] = []
    length = 0
    for block in blocks:
        cut = _after_last_space(block)
        if not cut:
            pending.append(block)
            length += len(block)
            if length > _LONGEST_WORD:
                raise _no_words(length)
            continue
        yield "".join([*pending, block[:cut]])
        pending, length = [block[cut:]], len(block) - cut
    yield "".join(pending)


def _no_words(length: int) -> UserError:
    return UserError(
        f"the text has no white space within {length:,} characters, so it has no words; "
        "use --data.vocabulary char, byte or bpe"
    )


def _after_last_space(text: str) -> int:
    return next((position + 1 for position in reversed(range(len(text))) if text[position].isspace()), 0)
