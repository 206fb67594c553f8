"""From text files to tokens ready for training, encoded once and memory-mapped ever after."""

import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.data.config import DataConfig
from unrolled.data.encoders.bpe import BPEVocabulary
from unrolled.data.encoders.token_parts import Meter, Progress, TokenPart, encode_documents, naming, read_document
from unrolled.data.encoders.vocabulary import VOCABULARIES, Vocabulary, infer_vocabulary
from unrolled.data.encoders.words import WordNumbering, WordVocabulary, looks_tokenised
from unrolled.data.readers.text import MIB, find_text_files, refuse_blank, unreadable
from unrolled.data.splits.text_files import Document, Splits, choose_splits, cut_off_end, whole
from unrolled.errors import UserError
from unrolled.tasks.language.token_cache import STORE_VERSION, TextStore, cache_folder, disk_errors

__all__ = ["Progress", "TextData", "TextStore", "TokenPart", "cache_folder", "encode_text", "prepare_text"]

PARTS = ("train", "valid", "test")
_BPE_SAMPLE = 128  # pieces of a MiB a bpe vocabulary is learned from, evenly spread, if there is more text


@dataclass(frozen=True)
class TextData:
    """Text ready for training."""

    train: TokenPart
    valid: TokenPart | None
    test: TokenPart | None
    vocabulary: Vocabulary
    summary: str
    """one line for a person: what was found and chosen"""
    fingerprint: str
    """hexadecimal; the same exactly if contents, splits and settings are the same"""

    @property
    def parts(self) -> dict[str, TokenPart]:
        """The parts there are, by name."""
        parts = {"train": self.train, "valid": self.valid, "test": self.test}
        return {name: part for name, part in parts.items() if part is not None}


def prepare_text(
    paths: str | Path | Sequence[str | Path], config: DataConfig, progress: Progress | None = None
) -> TextData:
    """Text files as tokens: splits, vocabulary and encoding, read from the store if they were made before.

    Memory stays bounded whatever the size of the files. Raises `UserError` for text that cannot be used and for a
    cache folder that cannot be written.
    """
    if not 0 <= config.valid_fraction < 1:
        raise UserError(f"data.valid_fraction is {config.valid_fraction}; give a number from 0 to below 1, such as 0.1")
    if config.min_count < 1:
        raise UserError(f"data.min_count is {config.min_count}; give 1 or more")
    splits = choose_splits(paths, config)
    documents = {name: [whole(path) for path in getattr(splits, name)] for name in PARTS}
    every = [document for part in documents.values() for document in part]
    total = sum(map(len, every))
    settings, reason = _choose_vocabulary("".join(_sample(documents["train"], 16, MIB // 16)), total, config)
    note = splits.note
    if not documents["valid"] and config.valid_fraction:
        documents |= _hold_out(documents["train"], config.valid_fraction, settings["vocabulary"] in ("word", "bpe"))
        each = " of each file" if len(splits.train) > 1 else ""
        note = f"{note}{'; ' if note else ''}validation: last {100 * config.valid_fraction:g} %{each}"

    fingerprint = _fingerprint(documents, settings, Meter(progress, "reading", total))
    store = TextStore(cache_folder(config) / f"text-{fingerprint}")
    opened = store.open()
    if opened is None:
        store.build(documents, _fit(settings, documents, progress), progress)
        opened = store.open()
    if opened is None:
        raise UserError(
            f"the encoded text in {store.folder} is damaged just after it was written; "
            "check that disk, or choose another folder with --data.cache"
        )
    vocabulary, parts = opened
    _require_enough(parts, splits)
    return TextData(
        train=parts["train"],
        valid=parts.get("valid"),
        test=parts.get("test"),
        vocabulary=vocabulary,
        summary=_summary(parts, vocabulary, reason, note, len({document.path for document in every})),
        fingerprint=fingerprint,
    )


def start_tokens(text: TextData) -> list[int]:
    """What stands for "nothing said yet": the end of a line, as before most texts, else the first token."""
    tokens, vocabulary = text.train.tokens, text.vocabulary
    if "\n" in vocabulary.tokens or vocabulary.kind in ("byte", "bpe", "word"):
        return [int(token) for token in vocabulary.encode("\n")]
    return [int(tokens[0])]


def encode_text(text: str | Path | Sequence[Path], vocabulary: Vocabulary) -> TokenPart:
    """Any text with the vocabulary of a model: a string, or files and folders given as `Path`, one document per file.

    Files are encoded into an unnamed temporary file that is mapped, so they may be larger than the memory.
    Raises `UserError` for text shorter than two tokens, and for text the vocabulary cannot express.
    """
    if isinstance(text, str):
        tokens = vocabulary.encode(text)
        unknown = int((tokens == vocabulary.unknown).sum()) if vocabulary.unknown is not None else 0
        size = len(text.encode("utf-8", "surrogatepass"))
        part = TokenPart(tokens.astype(vocabulary.dtype), np.zeros(1, dtype=np.int64), size, len(text), unknown)
        name = "the text"
    else:
        files = find_text_files(text)
        refuse_blank(files)
        name = str(files[0]) if len(files) == 1 else f"the text in {len(files)} files"
        room = disk_errors(Path(tempfile.gettempdir()), "set TMPDIR to a folder with more room")
        with room, tempfile.TemporaryFile() as file:
            record = encode_documents([whole(path) for path in files], vocabulary, file, Meter(None, "", 0))
            file.flush()
            part = record.part(file, vocabulary.dtype)
    if part.targets < 1:
        raise UserError(f"{name} has {len(part)} token(s), too few to predict one; give a longer text")
    return part


def _choose_vocabulary(sample: str, total: int, config: DataConfig) -> tuple[dict[str, Any], str]:
    """All that the tokens depend on besides the text, and why this kind of vocabulary."""
    kind, reason = infer_vocabulary(sample, total) if config.vocabulary == "auto" else (config.vocabulary, "as chosen")
    if kind not in VOCABULARIES:
        raise UserError(f"data.vocabulary is {kind!r}; choose one of auto, {', '.join(VOCABULARIES)}")
    settings: dict[str, Any] = {"version": STORE_VERSION, "vocabulary": kind}
    if kind == "word":
        settings["tokenisation"] = "spaces" if looks_tokenised(sample) else "punctuation"
        settings["min_count"] = config.min_count
    if kind == "bpe":
        settings["vocabulary_size"] = config.vocabulary_size
    return settings, reason


def _hold_out(documents: list[Document], fraction: float, between_words: bool) -> dict[str, list[Document]]:
    cuts = [cut_off_end(document, fraction, between_words=between_words) for document in documents]
    return {
        "train": [document for document, _ in cuts if len(document)],
        "valid": [document for _, document in cuts if len(document)],
    }


def _sample(documents: list[Document], pieces: int, size: int) -> Iterator[str]:
    """Pieces of the text, evenly spread, or all of it if it is no longer. Bytes that are not UTF-8 are left out here:
    whoever reads everything reports the first."""
    ends = np.cumsum([len(document) for document in documents])
    total = int(ends[-1])
    if total <= pieces * size:
        places = [(number, 0, len(document)) for number, document in enumerate(documents)]
    else:
        offsets = np.arange(pieces) * (total - size) // (pieces - 1)
        numbers = np.searchsorted(ends, offsets, side="right")
        places = [
            (int(number), int(offset - ends[number] + len(documents[number])), size)
            for number, offset in zip(numbers, offsets, strict=True)
        ]
    for number, begin, wanted in places:
        document = documents[number]
        try:
            with open(document.path, "rb") as file:
                file.seek(document.start + begin)
                yield file.read(min(wanted, len(document) - begin)).decode("utf-8", "ignore")
        except OSError as error:
            raise unreadable(document.path, error) from error


def _fingerprint(documents: dict[str, list[Document]], settings: dict[str, Any], meter: Meter) -> str:
    digest = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=16)
    for name, part in documents.items():
        digest.update(f"{name} {len(part)}\n".encode())
        for document in part:
            digest.update(f"{len(document)}\n".encode())
            try:
                with open(document.path, "rb", buffering=0) as file:
                    file.seek(document.start)
                    left = len(document)
                    while left and (data := file.read(min(left, MIB))):
                        digest.update(data)
                        left -= len(data)
                        meter.add(len(data))
            except OSError as error:
                raise unreadable(document.path, error) from error
    return digest.hexdigest()


def _fit(
    settings: dict[str, Any], documents: dict[str, list[Document]], progress: Progress | None
) -> Vocabulary | WordNumbering:
    """Characters come from all parts; words and byte pairs, which carry statistics, from the training part alone.

    Words are counted as they are encoded.
    """
    kind = settings["vocabulary"]
    if kind == "word":
        return WordNumbering(settings["tokenisation"], settings["min_count"])
    part = [document for part in documents.values() for document in part] if kind == "char" else documents["train"]
    total = sum(map(len, part))
    meter = Meter(progress, "vocabulary", min(total, _BPE_SAMPLE * MIB) if kind == "bpe" else total)
    path = Path()

    def blocks() -> Iterator[str]:
        nonlocal path
        for document in part:
            path = document.path
            yield from read_document(document, meter)
            if kind != "char":
                yield "\n"  # the last word of a file must not grow together with the first of the next

    def sampled() -> Iterator[str]:
        for piece in _sample(part, _BPE_SAMPLE, MIB):
            yield piece
            yield "\n"
            meter.add(MIB)

    try:
        if kind == "bpe":
            text = sampled() if total > _BPE_SAMPLE * MIB else blocks()
            return BPEVocabulary.fit(text, vocabulary_size=settings["vocabulary_size"])
        return VOCABULARIES[kind].fit(blocks())
    except UserError as error:
        raise naming(path, error) from None


def _require_enough(parts: dict[str, TokenPart], splits: Splits) -> None:
    for name, purpose in (("train", "training"), ("valid", "validation"), ("test", "test")):
        part = parts.get(name)
        if part is None or part.targets >= 1:
            continue
        files = getattr(splits, name) or splits.train
        where = str(files[0]) if len(files) == 1 else f"the {len(files)} files from {files[0]} on"
        remedy = "give a longer text" + ("" if splits.valid else ", or files to validate on with --data.valid")
        raise UserError(f"the {purpose} part of {where} has {len(part)} token(s), too few to predict one; {remedy}")


def _summary(parts: dict[str, TokenPart], vocabulary: Vocabulary, reason: str, note: str, files: int) -> str:
    characters = sum(part.characters for part in parts.values())
    amount = f"{characters:,} characters" + (f" in {files:,} files" if files > 1 else "")
    line = f"text: {amount} → {vocabulary.kind} vocabulary of {len(vocabulary):,} ({reason})"
    if isinstance(vocabulary, WordVocabulary):
        tokens = sum(map(len, parts.values()))
        line += f", {tokens:,} words, {100 * sum(part.unknown for part in parts.values()) / tokens:.2g} % <unk>"
    return f"{line}; {note}" if note else f"{line}; no validation part"
