"""Files that are one text in two languages, by their names, such as `train.de` and `train.en`."""

import re
from pathlib import Path

from unrolled.data.readers.header import names_a_language
from unrolled.data.readers.other_formats import RunningText
from unrolled.data.splits.text_files import part_of_name

Pair = tuple[Path, Path]
_TEXT = ("txt", "text", "raw", "tok", "lc", "tc", "clean", "bpe", "spm")
"""endings that say no more than that a file is text, perhaps prepared in some way"""


def language_of(name: str) -> tuple[str, str] | None:
    """The name with `*` for the word that names its language, and that word; None if there is no such.

    It is the ending, as in `news.de`, or in the name of a text any word if it says a part too, as in `train.de.txt`.
    """
    words = re.split(r"([._-])", name)
    places = [len(words) - 1] if len(words) > 1 else []
    if words[-1].lower() in _TEXT and part_of_name(name) is not None:
        places += range(len(words) - 3, -1, -2)
    for index in places:
        if names_a_language(words[index]):
            return "".join([*words[:index], "*", *words[index + 1 :]]), words[index]
    return None


def languages_of(first: Path, second: Path) -> tuple[str, str, str] | None:
    """What two files of a pair have in common (with `*` for what they have not), and what tells each from the other."""
    if first.parent != second.parent or first.suffix == second.suffix == "":
        return None
    named = language_of(first.name), language_of(second.name)
    if named[0] is not None and named[1] is not None and named[0][0] == named[1][0] and named[0][1] != named[1][1]:
        return named[0][0], named[0][1], named[1][1]
    if first.stem == second.stem and first.suffix != second.suffix:
        return f"{first.stem}.*", first.suffix[1:], second.suffix[1:]
    return None


def pairs_like(first: Path, second: Path) -> dict[str, Pair]:
    """The pairs in the folder of one, in the same two languages and order, by what their names have in common."""
    languages = languages_of(first, second)
    if languages is None:
        return {}
    _, language, other = languages
    files = {path.name: path for path in first.parent.iterdir() if path.is_file() and not path.name.startswith(".")}
    keys = {key for name in files for key in _keys(name, language)}
    pairs = {key: (key.replace("*", language), key.replace("*", other)) for key in sorted(keys)}
    return {key: (files[a], files[b]) for key, (a, b) in pairs.items() if a in files and b in files}


def pairs_in(folder: Path) -> dict[str, Pair]:
    """The pairs in a folder, their languages in the order of the alphabet; none if its files name no two languages.

    Raises `UserError` if there are more than two.
    """
    named: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir()):
        match = language_of(path.name) if path.is_file() and not path.name.startswith(".") else None
        if match is not None:
            named.setdefault(match[0], {})[match[1]] = path
    several = {key: files for key, files in named.items() if len(files) > 1}
    languages = sorted({language for files in several.values() for language in files}, key=_side)
    if len(languages) > 2:
        files = next(iter(several.values()))
        source, target = (str(files[language]) for language in sorted(files, key=_side)[:2])
        raise RunningText(
            f"{folder} has texts in {', '.join(languages)}; name the source and the target, such as {source} {target}"
        )
    return {key: (files[languages[0]], files[languages[1]]) for key, files in several.items()}


def training_folders(folder: Path) -> list[Path]:
    """The folders in a folder that are named for training."""
    return [path for path in sorted(folder.iterdir()) if path.is_dir() and part_of_name(path.name) == "train"]


def _side(language: str) -> tuple[bool, str]:
    """Languages in order; a source stands before its target."""
    return language.lower() not in ("source", "src"), language


def _keys(name: str, language: str) -> list[str]:
    """The name with `*` in the place of each word that is this language."""
    words = re.split(r"([._-])", name)
    return ["".join([*words[:index], "*", *words[index + 1 :]]) for index, word in enumerate(words) if word == language]
