"""Encoded text on disk: a folder of token files, named by what was encoded and how, complete or not there at all."""

import contextlib
import errno
import json
import os
import shutil
import tempfile
import time
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from unrolled.data.config import DataConfig
from unrolled.data.encoders.token_parts import Meter, PartRecord, Progress, TokenPart, encode_documents, settle_words
from unrolled.data.encoders.vocabulary import Vocabulary, vocabulary_from_json
from unrolled.data.encoders.words import WordNumbering
from unrolled.data.readers.text import MIB
from unrolled.data.splits.text_files import Document
from unrolled.errors import UserError
from unrolled.untrusted import parse_json, read_text

STORE_VERSION = 1
_STALE = 24 * 3600  # seconds after which a folder half-written by a killed program is removed
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def cache_folder(config: DataConfig) -> Path:
    """Where stores lie: `data.cache`, or `$UNROLLED_CACHE`, or `unrolled` in the user's cache folder."""
    if config.cache:
        return Path(config.cache)
    if os.environ.get("UNROLLED_CACHE"):
        return Path(os.environ["UNROLLED_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "unrolled"


class TextStore:
    """One encoded text: `store.json`, `vocabulary.json`, and `train.bin`, `valid.bin`, `test.bin` as there are parts.

    The folder appears under its name only when it is complete: it is written beside and renamed. Two programs may
    build the same store at once; the first one's is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self) -> tuple[Vocabulary, dict[str, TokenPart]] | None:
        """The vocabulary and the parts; None if the store is not there or is damaged (every byte is checked)."""
        try:
            data = parse_json(read_text(self.folder / "store.json"))
            text = (self.folder / "vocabulary.json").read_text(encoding="utf-8")
            if data["version"] != STORE_VERSION or zlib.crc32(text.encode("utf-8")) != data["vocabulary_crc32"]:
                return None
            vocabulary = vocabulary_from_json(parse_json(text))
            parts = {}
            for name, values in data["parts"].items():
                meta = PartRecord(**values)
                path = self.folder / f"{name}.bin"
                if path.stat().st_size != meta.tokens * vocabulary.dtype.itemsize or _crc32(path) != meta.crc32:
                    return None
                parts[name] = meta.part(path, vocabulary.dtype)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return vocabulary, parts

    def build(
        self,
        documents: dict[str, list[Document]],
        vocabulary: Vocabulary | WordNumbering,
        progress: Progress | None = None,
    ) -> None:
        """Encode the documents of every part and put the store in its place, over a damaged one too.

        With a `WordNumbering` the vocabulary is that of the words of the training part, which is read once. Raises
        `UserError` if the disk is full or the folder cannot be written; nothing half-written stays behind.
        """
        cache = self.folder.parent
        total = sum(len(document) for part in documents.values() for document in part)
        meter = Meter(progress, "encoding", total)
        with disk_errors(cache, "free some space, or choose another folder with --data.cache"):
            cache.mkdir(parents=True, exist_ok=True)
            _remove_stale(cache)
            beside = Path(tempfile.mkdtemp(prefix=f".{self.folder.name}.", suffix=".partial", dir=cache))
            try:
                parts = {}
                if isinstance(vocabulary, WordNumbering):
                    with tempfile.TemporaryFile(dir=beside) as numbers, open(beside / "train.bin", "wb") as file:
                        record = encode_documents(documents["train"], vocabulary, numbers, meter)
                        vocabulary, record = settle_words(record, numbers, vocabulary, file)
                        parts["train"] = asdict(record)
                        _flush(file)
                for name, part in documents.items():
                    if part and name not in parts:
                        with open(beside / f"{name}.bin", "wb") as file:
                            parts[name] = asdict(encode_documents(part, vocabulary, file, meter))
                            _flush(file)
                text = json.dumps(vocabulary.to_json())
                _write(beside / "vocabulary.json", text)
                crc32 = zlib.crc32(text.encode("utf-8"))
                data = {"version": STORE_VERSION, "vocabulary_crc32": crc32, "parts": parts}
                _write(beside / "store.json", json.dumps(data))
                self._put_in_place(beside)
            finally:
                shutil.rmtree(beside, ignore_errors=True)

    def _put_in_place(self, beside: Path) -> None:
        for _ in range(10):
            try:
                os.rename(beside, self.folder)
                return
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                    raise
            if self.open() is not None:  # another program was faster
                return
            aside = beside.with_name(f"{beside.name}.damaged.partial")
            with contextlib.suppress(FileNotFoundError):  # another program may be replacing it too
                os.rename(self.folder, aside)
            _remove(aside)
        raise UserError(f"{self.folder} cannot be replaced; remove it, or choose another folder with --data.cache")


def _crc32(path: Path) -> int:
    crc32 = 0
    with open(path, "rb", buffering=0) as file:
        while data := file.read(MIB):
            crc32 = zlib.crc32(data, crc32)
    return crc32


def _write(path: Path, text: str) -> None:
    with open(path, "wb") as file:
        file.write(text.encode("utf-8"))
        _flush(file)


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _remove_stale(cache: Path) -> None:
    for folder in cache.glob(".text-*.partial"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > _STALE:
                shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def disk_errors(folder: Path, remedy: str) -> Iterator[None]:
    """Turn what the system says about writing to a folder into a `UserError`."""
    try:
        yield
    except OSError as error:
        reason = "the disk is full" if error.errno in _NO_SPACE else (error.strerror or str(error)).lower()
        raise UserError(f"the encoded text cannot be written to {folder}: {reason}; {remedy}") from error
