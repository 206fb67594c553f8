"""Which text is for training, which for validation and which for a final test."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from unrolled.data.config import DataConfig
from unrolled.data.readers.text import BOM, MIB, find_text_files, refuse_blank, unreadable
from unrolled.errors import UserError

_SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
    "dev": "valid",
    "test": "test",
    "testa": "valid",  # as CoNLL 2003 calls its parts
    "testb": "test",
    "tst": "test",
}
_SPLIT_NAME = re.compile(rf"(?:^|[._-])({'|'.join(_SPLIT_WORDS)})(?=$|[._\-\d])", re.IGNORECASE)
_WHITE_SPACE = re.compile(rb"[ \t\r\n]")


@dataclass(frozen=True)
class Document:
    """A stretch of a text file, from byte `start` to before byte `stop`."""

    path: Path
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class Splits:
    """Files by what they are for, and in words how that came about."""

    train: list[Path]
    valid: list[Path] = field(default_factory=list)
    test: list[Path] = field(default_factory=list)
    note: str = ""


def part_of_name(name: str) -> str | None:
    """train, valid or test, if the name of a file or folder says so."""
    match = _SPLIT_NAME.search(name)
    return _SPLIT_WORDS[match[1].lower()] if match else None


def around_part(name: str) -> tuple[str, str]:
    """What stands before and behind the word for the part in a name that has one; else all of it and nothing."""
    match = _SPLIT_NAME.search(name)
    return (name[: match.start(1)], name[match.end(1) :]) if match else (name, "")


def choose_splits(paths: str | Path | Sequence[str | Path], config: DataConfig) -> Splits:
    """Files for each part: those given in the configuration, or those a folder names train*, valid* and test*.

    A folder whose files (or sub-folders) are named so, as in `train.txt`, `wiki.valid.tokens` or `dev/a.txt`, is taken
    as split; files in it with other names are left out, which the note says. Files held out by the configuration are
    removed from a folder of training files. Raises `UserError` if a file is named for training and for something else.
    """
    paths = [paths] if isinstance(paths, (str, Path)) else list(paths)
    train = find_text_files(paths)
    refuse_blank(train)
    if config.valid or config.test:
        valid = find_text_files(config.valid) if config.valid else []
        test = find_text_files(config.test) if config.test else []
        return _without_overlap(train, valid, test, named=[Path(path) for path in paths if Path(path).is_file()])
    if len(paths) == 1 and Path(paths[0]).is_dir():
        return _by_name(Path(paths[0]), train)
    return Splits(train)


def _without_overlap(train: list[Path], valid: list[Path], test: list[Path], named: list[Path]) -> Splits:
    held_out = {
        path.resolve(): purpose for purpose, part in (("testing", test), ("validation", valid)) for path in part
    }
    for path in named:
        if path.resolve() in held_out:
            purpose = held_out[path.resolve()]
            raise UserError(f"{path} is given for training and for {purpose}; name it for one of them")
    both = {path.resolve() for path in valid} & {path.resolve() for path in test}
    if both:
        raise UserError(f"{min(both)} is given for validation and for testing; name it for one of them")
    train = [path for path in train if path.resolve() not in held_out]
    if not train:
        raise UserError("every file is held out for validation or testing; leave at least one for training")
    return Splits(train, valid, test, "validation and test files as given" if valid and test else _given(valid))


def _given(valid: list[Path]) -> str:
    return "validation files as given" if valid else "test files as given"


def _by_name(folder: Path, files: list[Path]) -> Splits:
    parts: dict[str, list[Path]] = {"train": [], "valid": [], "test": [], "other": []}
    for path in files:
        parts[part_of_name(path.relative_to(folder).parts[0]) or "other"].append(path)
    if not parts["train"] or not (parts["valid"] or parts["test"]):
        return Splits(files)
    counts = ", ".join(f"{len(parts[name])} {name}" for name in ("train", "valid", "test") if parts[name])
    note = f"split by file name: {counts}"
    if parts["other"]:
        note += f", {len(parts['other'])} left out"
    return Splits(parts["train"], parts["valid"], parts["test"], note)


def whole(path: Path) -> Document:
    """All of a file, without its byte order mark."""
    try:
        with open(path, "rb") as file:
            start = len(BOM) if file.read(len(BOM)) == BOM else 0
        return Document(path, start, path.stat().st_size)
    except OSError as error:
        raise unreadable(path, error) from error


def cut_off_end(document: Document, fraction: float, *, between_words: bool) -> tuple[Document, Document]:
    """The document without its last `fraction` of bytes, and the rest.

    The cut is moved to the beginning of a character or, `between_words`, on to the next white space if there is any.
    """
    position = document.start + int(len(document) * (1 - fraction))
    try:
        with open(document.path, "rb") as file:
            cut = _white_space_from(file, position, document.stop) if between_words else None
            if cut is None:
                cut = _beginning_of_character(file, position, document.start)
    except OSError as error:
        raise unreadable(document.path, error) from error
    return Document(document.path, document.start, cut), Document(document.path, cut, document.stop)


def _white_space_from(file: BinaryIO, position: int, stop: int) -> int | None:
    file.seek(position)
    while position < stop:
        data = file.read(min(MIB, stop - position))
        match = _WHITE_SPACE.search(data)
        if match:
            return position + match.start()
        if not data:
            break
        position += len(data)
    return None


def _beginning_of_character(file: BinaryIO, position: int, first: int) -> int:
    begin = max(first, position - 3)  # a character has at most four bytes
    file.seek(begin)
    data = file.read(position - begin + 1)
    while position > begin and position - begin < len(data) and data[position - begin] & 0xC0 == 0x80:
        position -= 1
    return position
