"""Folders with `seq.in`, `seq.out` and `label`, as of ATIS and SNIPS: words, their tags, an intent for each line."""

from itertools import zip_longest
from pathlib import Path

from unrolled.data.readers.language_names import training_folders
from unrolled.data.readers.lines import numbered_lines
from unrolled.data.records import Field, Notes, Reading, Record, Source
from unrolled.errors import UserError
from unrolled.plural import counted

WORDS, TAGS, LABEL = "seq.in", "seq.out", "label"
INTENTS = ("label", "intent")
"""what the target may be called where it is the label of a line"""


class SlotSource(Source):
    """Lines of words with their tags or their intents."""

    def __init__(self, rows: list[tuple[list[str], list[str] | str | None, str]], target: str | None) -> None:
        self.fields: tuple[Field, ...] = (Field("tokens", "token", timed=True),)
        if target is not None:
            self.fields += (Field(target, "categorical", timed=target == "tags"),)
        self.target_guess = target
        self._rows, self._target = rows, target

    def __len__(self) -> int:
        return len(self._rows)

    def record(self, index: int) -> Record:
        words, answer, origin = self._rows[index]
        values = {"tokens": words}
        return Record(values if self._target is None else values | {self._target: answer}, origin)

    def labels(self, name: str) -> list[str] | None:
        if name != self._target or name == "tags":
            return None
        return [str(answer) for _, answer, _ in self._rows]


def folder_of(paths: list[Path]) -> Path | None:
    """The folder that some paths mean, if it holds such files: itself, or one of its files or all of them."""
    if len(paths) == 1 and paths[0].is_dir():
        return paths[0] if _is_folder(paths[0]) else None
    names = [path.name for path in paths]
    together = len({path.parent for path in paths}) == 1 and set(names) <= {WORDS, TAGS, LABEL}
    return paths[0].parent if together and WORDS in names and all(path.is_file() for path in paths) else None


def looks_like(paths: list[Path]) -> bool:
    """Whether some paths mean such a folder, or one with a folder `train` that is one."""
    if folder_of(paths) is not None:
        return True
    return len(paths) == 1 and paths[0].is_dir() and any(map(_is_folder, training_folders(paths[0])))


def parts_beside(folder: Path) -> list[Path]:
    """The folders of this kind beside one and itself."""
    return sorted(path for path in folder.parent.iterdir() if path.is_dir() and _is_folder(path))


def _is_folder(folder: Path) -> bool:
    return (folder / WORDS).is_file()


def read_slots(paths: list[Path], reading: Reading, notes: Notes) -> SlotSource:
    """The lines of `seq.in`, words between blanks: `tokens`, with `tags` out of `seq.out`, one for each word.

    With the target `label` or `intent`, where labels are wanted, or without a `seq.out`, the lines of `label` are
    learned instead, under that name. Blank lines are left out and counted. Raises `UserError` for files of unlike
    length, for a line with another number of tags than words, and for a target that is not there.
    """
    folder = folder_of(paths)
    if folder is None:
        raise UserError(f"{paths[0]} has no {WORDS} beside it; give the folder that has it")
    target = _target(folder, reading, {path.name for path in paths if path != folder})
    beside = folder / (TAGS if target == "tags" else LABEL)
    rows: list[tuple[list[str], list[str] | str | None, str]] = []
    others = numbered_lines(beside) if target is not None else iter(())
    number = 0
    for first, second in zip_longest(numbered_lines(folder / WORDS), others):
        number += 1
        if target is not None and (first is None or second is None):
            short, long = (WORDS, beside.name) if first is None else (beside.name, WORDS)
            raise UserError(
                f"{folder / short} ends after line {number - 1:,}, and {folder / long} goes on; line by line they must "
                "belong together"
            )
        words = first[1].split()
        if not words:
            notes.add("blank lines left out")
            continue
        answer: list[str] | str | None = None if second is None else second[1].strip()
        if target == "tags":
            answer = second[1].split()
            if len(answer) != len(words):
                raise UserError(
                    f"{beside}, line {number:,} has {counted(len(answer), 'tag')}, and {WORDS} has "
                    f"{counted(len(words), 'word')} there; give one for each"
                )
        rows.append((words, answer or None, f"{folder / WORDS}, line {number:,}"))
    if not rows:
        raise UserError(f"{folder / WORDS} has no words; give a file with a sentence a line")
    if target not in (None, "tags"):
        notes.add("lines without a label", sum(answer is None for _, answer, _ in rows))
    return SlotSource(rows, target)


def _target(folder: Path, reading: Reading, named: set[str]) -> str | None:
    """What is learned: "tags", or the label under the name it was asked for; None for words to predict.

    Where files were `named`, only what is in those.
    """
    if reading.unlabelled:
        return None
    present = [name for name, file in (("tags", TAGS), ("label", LABEL)) if (folder / file).is_file()]
    present = [name for name in present if not named - {WORDS} or {"tags": TAGS, "label": LABEL}[name] in named]
    if not present:
        raise UserError(f"{folder} has {WORDS} and neither {TAGS} nor {LABEL} beside it; there is nothing to learn")
    intent = reading.target in INTENTS or (reading.target is None and reading.wish.target == "label")
    wanted = "label" if intent or "tags" not in present else "tags"
    if reading.target not in (None, "tags", *INTENTS):
        raise UserError(f"{folder} has no {reading.target!r} to learn; it has {' and '.join(present)} (--target)")
    if wanted not in present or (reading.target == "tags" and wanted != "tags"):
        raise UserError(f"{folder} has no {LABEL if intent else TAGS} beside {WORDS}; it has {' and '.join(present)}")
    return "tags" if wanted == "tags" else reading.target or "label"
