"""CoNLL column files: a token and its tag per line, a blank line between sentences."""

import itertools
from pathlib import Path

from unrolled.data.counting import counted
from unrolled.data.readers.lines import numbered_lines
from unrolled.data.readers.suffixes import CONLL
from unrolled.data.readers.text_lines import TextLines
from unrolled.data.records import Field, Notes, Reading, Record, Source
from unrolled.errors import UserError

FIELDS = (Field("tokens", "token", timed=True), Field("tags", "categorical", timed=True))
_HEAD = 200  # lines


class ConllSource(Source):
    """Sentences of a CoNLL file; where they begin and end is known, the lines are read when asked for."""

    def __init__(self, lines: list[TextLines], sentences: list[tuple[int, int, int]], *, tagged: bool = True) -> None:
        self.fields = FIELDS if tagged else FIELDS[:1]
        self.target_guess: str | None = "tags" if tagged else None
        self._lines, self._sentences = lines, sentences

    def __len__(self) -> int:
        return len(self._sentences)

    def record(self, index: int) -> Record:
        file, start, stop = self._sentences[index]
        lines = self._lines[file]
        rows = [_cells(line) for line in lines.lines(start, stop) if not _is_comment(line)]
        values = {"tokens": [row[0] for row in rows]}
        if len(self.fields) > 1:
            values["tags"] = [row[-1] for row in rows]
        return Record(values, f"{lines.path}, line {start + 1:,}")


def looks_like(path: Path, reading: Reading) -> bool:
    """Whether the name is that of a CoNLL file, or the content: columns, blank lines, tags such as `O` and `B-x`."""
    if path.suffix.lower() in CONLL:
        return True
    if path.is_dir() or path.suffix.lower() in (".csv", ".jsonl", ".parquet", ".gz"):
        return False
    with open(path, "rb") as file:
        head = [line.decode(errors="replace").strip() for line in itertools.islice(file, _HEAD)]
    rows = [_cells(line) for line in head if line and not _is_comment(line)]
    if (
        not rows
        or len(rows) == len(head)
        or any(len(row) != len(rows[0]) for row in rows)
        or len(rows[0]) < _fewest(reading)
    ):
        return False
    tags = {row[-1] for row in rows}
    return "O" in tags or any(tag.startswith(("B-", "I-")) for tag in tags) or reading.task == "tag"


def read_conll(paths: list[Path], reading: Reading, notes: Notes) -> ConllSource:
    """CoNLL files, columns between tabs or spaces: the first is the token, the last its tag.

    Fields: `tokens` and `tags`. Lines that begin with `# ` or `-DOCSTART-` are left out. Raises `UserError` for a line
    with another number of columns than the first one of its file, and for files without a sentence. With
    `reading.unlabelled` there are tokens only, and they may be the only column.
    """
    lines: list[TextLines] = []
    sentences: list[tuple[int, int, int]] = []
    for path in paths:
        found = _sentences(path, notes, _fewest(reading))
        sentences += [(len(lines), start, stop) for start, stop in found]
        lines.append(TextLines(path))
    if not sentences:
        raise UserError(f"{paths[0]} has no tokens; give a file with a token and its tag per line")
    return ConllSource(lines, sentences, tagged=not reading.unlabelled)


def _fewest(reading: Reading) -> int:
    """Columns that a file needs."""
    return 1 if reading.unlabelled else 2


def _sentences(path: Path, notes: Notes, fewest: int) -> list[tuple[int, int]]:
    """First line and line after the last, from 0, of every sentence."""
    width = tokens = start = number = 0
    sentences = []
    for number, line in numbered_lines(path):
        line = line.strip()
        if not line:
            if tokens:
                sentences.append((start, number - 1))
            start, tokens = number, 0
        elif _is_comment(line):
            notes.add("comment lines left out")
        else:
            cells = len(_cells(line))
            width = width or cells
            if cells != width or cells < fewest:
                expected = f"{width} as in the first" if width > 1 else "a token and its tag"
                raise UserError(
                    f"{path}, line {number:,} has {counted(cells, 'column')}, expected {expected}; mend {line!r}"
                )
            tokens += 1
    if tokens:
        sentences.append((start, number))
    return sentences


def _cells(line: str) -> list[str]:
    return line.split("\t") if "\t" in line else line.split()


def _is_comment(line: str) -> bool:
    """Comments; a line that is `#` and a tag after a tab is a token."""
    return line.startswith("-DOCSTART-") or (line.startswith("#") and "\t" not in line and line[1:2] in (" ", ""))
