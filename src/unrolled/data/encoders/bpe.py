"""Byte-level byte-pair encoding: a vocabulary of any size that loses nothing, by Hugging Face tokenizers."""

import functools
import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

from unrolled.data.encoders.characters import BytesDecoder
from unrolled.data.encoders.codec import Vocabulary, utf8
from unrolled.data.interruptible import Check, interruptible
from unrolled.errors import UserError

# The split of GPT-2 (Radford et al. 2019) with combining marks counted as letters and every piece of bounded length, so
# that a text without white space can be encoded in bounded memory too.
_LONGEST = 64
_SPLIT = (
    r"'(?:[sdmt]|ll|ve|re)"
    rf"| ?[\p{{L}}\p{{M}}]{{1,{_LONGEST}}}| ?\p{{N}}{{1,{_LONGEST}}}| ?[^\s\p{{L}}\p{{M}}\p{{N}}]{{1,{_LONGEST}}}"
    rf"|\s{{1,{_LONGEST}}}(?!\S)|\s{{1,{_LONGEST}}}"
)
_LOOKAHEAD = 8  # more characters than the split looks at beyond the end of a piece
_PIECE = 1 << 16  # characters encoded at once by one thread
_PIECES = 16  # pieces handed to the threads together


class BPEVocabulary(Vocabulary):
    """Byte-pair encoding over the bytes of UTF-8 (Sennrich et al. 2016; byte level: Radford et al. 2019).

    The 256 bytes are among the tokens, so no text is unknown and decoding gives back exactly what was encoded.
    """

    kind = "bpe"

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        by_number = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
        self._pieces = [bytes(_BYTE_OF[character] for character in token) for token, _ in by_number]

    @classmethod
    def fit(cls, blocks: Iterable[str], *, vocabulary_size: int = 8192) -> "BPEVocabulary":
        """Merge the most frequent pairs until there are `vocabulary_size` tokens, or no pair occurs twice.

        Raises `UserError` for a size below 256, the number of bytes.
        """
        if vocabulary_size < 256:
            raise UserError(
                f"a bpe vocabulary of {vocabulary_size} tokens cannot hold the 256 bytes; "
                "set --data.vocabulary_size to 257 or more, or use --data.vocabulary byte"
            )
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = _split()
        trainer = trainers.BpeTrainer(
            vocab_size=vocabulary_size,
            min_frequency=2,
            show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        )

        def learn(check: Check) -> None:
            def pieces() -> Iterator[str]:
                for piece in _whole_pieces(blocks):
                    check()
                    yield piece

            tokenizer.train_from_iterator(pieces(), trainer)

        interruptible(learn)
        return cls(tokenizer)

    def __len__(self) -> int:
        return len(self._pieces)

    @property
    def tokens(self) -> list[str]:
        return [piece.decode("utf-8", "backslashreplace") for piece in self._pieces]

    def encode(self, text: str) -> np.ndarray:
        return np.concatenate([np.zeros(0, dtype=np.int64), *self.encode_blocks([text])])

    def encode_blocks(self, blocks: Iterable[str]) -> Iterator[np.ndarray]:
        for batch in _batches(_whole_pieces(blocks)):
            encoded = self.tokenizer.encode_batch_fast(batch, add_special_tokens=False)
            yield np.concatenate([np.array(piece.ids, dtype=np.int64) for piece in encoded])

    def certain(self, text: str) -> int:
        """What ends before a space or newline that follows something else, or far back in a long text without."""
        return _safe_cut(text, _split())

    def stream_decoder(self) -> BytesDecoder:
        return BytesDecoder(self, self._pieces)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "tokenizer": json.loads(self.tokenizer.to_str())}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "BPEVocabulary":
        return cls(Tokenizer.from_str(json.dumps(data["tokenizer"])))


@functools.cache
def _split() -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def _byte_of() -> dict[str, int]:
    """The printable character that stands for each byte in a byte-level tokenizer (`bytes_to_unicode` of GPT-2)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + number): byte for number, byte in enumerate(others)}


_BYTE_OF = _byte_of()


def _whole_pieces(blocks: Iterable[str]) -> Iterator[str]:
    """The same text in pieces that are encoded alike alone and together: no token crosses from one to the next."""
    splitter = _split()
    rest = ""
    for block in blocks:
        utf8(block)
        for start in range(0, len(block), _PIECE):
            rest += block[start : start + _PIECE]
            cut = _safe_cut(rest, splitter)
            if cut:
                yield rest[:cut]
                rest = rest[cut:]
    if rest:
        yield rest


def _safe_cut(text: str, splitter: pre_tokenizers.PreTokenizer) -> int:
    """The last place in a text, which begins where the split begins a piece, that ends a piece whatever follows.

    That is before a space or newline that follows something else, since white space only ever begins a piece; and in a
    long text without, the end of a piece so far back that the split saw all it looks at.
    """
    for position in reversed(range(1, len(text))):
        if text[position] in " \n" and not text[position - 1].isspace():
            return position
    if len(text) < _PIECE:
        return 0
    ends = [end for _, (_, end) in splitter.pre_tokenize_str(text) if end <= len(text) - _LOOKAHEAD]
    return ends[-1] if ends else 0


def _batches(pieces: Iterator[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for piece in pieces:
        batch.append(piece)
        if len(batch) == _PIECES:
            yield batch
            batch = []
    if batch:
        yield batch
