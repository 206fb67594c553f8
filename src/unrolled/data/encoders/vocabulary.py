"""The vocabularies, how to load one, and which one suits a text."""

from pathlib import Path
from typing import Any

from unrolled.data.encoders.bpe import BPEVocabulary
from unrolled.data.encoders.characters import ByteVocabulary, CharVocabulary
from unrolled.data.encoders.codec import FORMAT, VERSION, StreamDecoder, Vocabulary
from unrolled.data.encoders.words import WordVocabulary, looks_tokenised
from unrolled.errors import UserError
from unrolled.untrusted import parse_json, read_text

__all__ = [
    "VOCABULARIES",
    "BPEVocabulary",
    "ByteVocabulary",
    "CharVocabulary",
    "StreamDecoder",
    "Vocabulary",
    "WordVocabulary",
    "infer_vocabulary",
    "load_vocabulary",
    "vocabulary_from_json",
]

VOCABULARIES: dict[str, type[Vocabulary]] = {
    vocabulary.kind: vocabulary for vocabulary in (CharVocabulary, ByteVocabulary, WordVocabulary, BPEVocabulary)
}

_FEW_CHARACTERS = 300
_LARGE = 20_000_000  # bytes


def infer_vocabulary(sample: str, total_bytes: int) -> tuple[str, str]:
    """The kind of vocabulary that suits a text, given a sample of it and its size, and why."""
    if looks_tokenised(sample):
        return "word", "already tokenised"
    if total_bytes >= _LARGE:
        return "bpe", "much text"
    if len(set(sample)) > _FEW_CHARACTERS:
        return "bpe", "many distinct characters"
    return "char", "few distinct characters"


def vocabulary_from_json(data: Any) -> Vocabulary:
    """The inverse of `to_json` for every kind. Raises `ValueError`, `KeyError` or `TypeError` for data that is none."""
    if data["kind"] not in VOCABULARIES:
        raise ValueError(f"kind {data['kind']!r}, expected one of {', '.join(VOCABULARIES)}")
    return VOCABULARIES[data["kind"]].from_json(data)


def load_vocabulary(path: str | Path) -> Vocabulary:
    """What `save` wrote. Raises `UserError` if the file is missing, damaged, or from a newer version."""
    try:
        data = parse_json(read_text(Path(path)))
    except OSError as error:
        raise UserError(f"the vocabulary {path} cannot be read: {(error.strerror or str(error)).lower()}") from error
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise UserError(f"{path} is not a vocabulary: its format is not {FORMAT!r}; give the file that training wrote")
    version = data.get("version")
    if isinstance(version, int) and version > VERSION:
        raise UserError(
            f"the vocabulary {path} has format version {version}, this program knows {VERSION}; update unrolled"
        )
    try:
        return vocabulary_from_json(data)
    except KeyError as error:
        raise _damaged(path, f"{error} is missing") from error
    except Exception as error:  # tokenizers raises a bare Exception for a damaged tokenizer
        raise _damaged(path, str(error)) from error


def _damaged(path: str | Path, reason: str) -> UserError:
    return UserError(f"the vocabulary {path} is damaged ({reason}); take it from another checkpoint of the run")
