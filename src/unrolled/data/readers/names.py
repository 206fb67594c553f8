"""Labels of files: from their folders, from their names, or from a table."""

import re
from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from unrolled.data.readers.files import find_files, has_suffix
from unrolled.data.readers.label_table import LABELS, is_table, read_label_table
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError

FOLDERS = "folders"


@dataclass(frozen=True)
class LabelledFiles:
    """Files of one kind, with what is known about each from outside."""

    paths: list[Path]
    name: str
    """name of the label"""
    labels: list[str] | None
    groups: list[str] | None
    how: str
    """where the labels are from, for one line in the log"""
    rule: str | None
    """the value of `Reading.labels` that reads other files in the same way"""


def label_files(
    roots: list[Path], suffixes: tuple[str, ...], reading: Reading, notes: Notes, columns: tuple[str, ...] = LABELS
) -> LabelledFiles:
    """The files under `roots` (files and folders) with a suffix among `suffixes`, and their labels.

    `reading.labels` says where the labels are from:

    * a table, `NAME.csv`: see `read_label_table`. Its paths are relative to the table or to a root, or are bare names,
      with or without suffix. Files that it does not list are left out and counted. A root may itself be such a table.
    * a regular expression with a group named `label` (or as `reading.target` says), and perhaps one named `group` (or
      as `reading.group` says). It must match the start of the name without suffix, or, if it has a `/`, any part of
      the path below the root. Files that it does not match are left out and counted.
    * `folders`: the name of the first folder below the root. Files beside the folders are left out and counted.
    * None: `folders` if there are two or more; else the first field of the names, split at `_` and `-`, that has few
      different values (2 to a fifth of the number of files); else `folders` if there is one; else no labels.

    With `reading.unlabelled` all files are taken, without labels.

    One class only is no error here: a test set may have one. Files with other suffixes are counted, unless they belong
    to a file that is read (`a.txt` beside `a.wav`). Raises `UserError` if nothing is left, and for a path that does not
    exist, a table that names a missing file, and a pattern without its groups.
    """
    tables = [root for root in roots if is_table(root.name) and root.is_file()]
    if tables and reading.labels is None:
        return _by_table(tables[0], {}, suffixes, reading, notes, columns)
    files = find_files([root for root in roots if root not in tables], suffixes, notes)
    if reading.unlabelled:
        return LabelledFiles(list(files), reading.target or "label", None, None, "no labels wanted", None)
    if is_table(reading.labels):
        return _by_table(Path(str(reading.labels)), files, suffixes, reading, notes, columns)
    if reading.labels not in (None, FOLDERS):
        return _by_pattern(files, str(reading.labels), reading, notes, f"the pattern {reading.labels}")
    if reading.target not in (None, "label") and columns == LABELS:
        raise UserError(
            f"{roots[0]} has no target {reading.target!r}: what its folders or names say is called 'label'; leave "
            "--target out, or say with --labels where it stands"
        )
    classes = {path.relative_to(root).parts[0] for path, root in files.items() if path.parent != root}
    guess = None if reading.labels == FOLDERS or len(classes) > 1 else _guess([path.stem for path in files])
    if guess:
        pattern, how = guess
        return _by_pattern(files, pattern, reading, notes, how)
    if classes:
        return _by_folder(files, reading, notes)
    if reading.labels == FOLDERS:
        raise UserError(f"{roots[0]} has no folders with {', '.join(suffixes)} files; expected one folder per class")
    how = "no labels: neither a folder per class nor a field that the names have in common; give --data.labels"
    return LabelledFiles(list(files), reading.target or "label", None, None, how, None)


def _by_folder(files: dict[Path, Path], reading: Reading, notes: Notes) -> LabelledFiles:
    _no_groups(reading, "folder names")
    paths = [path for path, root in files.items() if path.parent != root]
    notes.add("files beside the class folders, left out", len(files) - len(paths))
    labels = [path.relative_to(files[path]).parts[0] for path in paths]
    return LabelledFiles(paths, reading.target or "label", labels, None, "label: name of the folder", FOLDERS)


def _by_pattern(files: dict[Path, Path], text: str, reading: Reading, notes: Notes, how: str) -> LabelledFiles:
    name = reading.target or "label"
    if reading.labels is None:
        _no_groups(reading, "a guess")
        reading = Reading()
    pattern, label, group = compiled(text, reading)
    rows = []
    for path, root in files.items():
        match = pattern.search(path.relative_to(root).as_posix()) if "/" in text else pattern.match(path.stem)
        if match and match[label]:
            rows.append((path, match[label], (match[group] or "") if group else None))
    if not rows:
        raise UserError(f"no file matches the pattern {text!r} of --data.labels, for example {next(iter(files)).name}")
    notes.add("files whose names do not match the pattern, left out", len(files) - len(rows))
    return _files(rows, name, f"{name}: {how}", text)


def compiled(text: str, reading: Reading) -> tuple[re.Pattern[str], str, str | None]:
    """The pattern, and which of its named groups are the label and the group (None if there is no such)."""
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise UserError(
            f"--data.labels {text!r} is neither a .csv file nor a regular expression ({error}); "
            "write for example '(?P<label>[^_]+)_.*'"
        ) from None
    names = list(pattern.groupindex)
    label = _group(text, names, reading.target or "label")
    if reading.group is not None:
        return pattern, label, _group(text, names, reading.group)
    return pattern, label, "group" if "group" in names else None


def _group(pattern: str, groups: list[str], name: str) -> str:
    if name in groups:
        return name
    near = get_close_matches(name, groups, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"write (?P<{name}>...) around the part that says it"
    raise UserError(f"the pattern {pattern!r} of --data.labels has no group named {name!r}; {hint}")


def _guess(stems: list[str]) -> tuple[str, str] | None:
    """A pattern for the first field of the names that looks like a class, and how to say so."""
    split = [re.split("[_-]", stem) for stem in stems]
    if min(map(len, split)) < 2:
        return None
    columns = [set(values) for values in zip(*split, strict=False)]
    few = max(2, len(stems) // 5)
    fits = [index for index, values in enumerate(columns) if 2 <= len(values) <= few and len(values) < len(stems)]
    if not fits:
        return None
    index = fits[0]
    how = f"field {index + 1} of the file names ({len(columns[index])} different), a guess"
    if len(fits) > 1:
        how += f"; field {fits[1] + 1} would do too ({len(columns[fits[1]])}), choose with --data.labels"
    before = rf"(?:[^_-]*[_-]){{{index}}}" if index else ""
    return rf"{before}(?P<label>[^_-]+)", how


def _by_table(
    table: Path,
    files: dict[Path, Path],
    suffixes: tuple[str, ...],
    reading: Reading,
    notes: Notes,
    columns: tuple[str, ...],
) -> LabelledFiles:
    name, rows = read_label_table(table, reading, notes, columns)
    known = _keys(files)
    labelled: dict[Path, tuple[str, str | None]] = {}
    elsewhere = 0
    for row in rows:
        path = known.get(row.key) or known.get(row.key.removeprefix("./")) or table.parent / row.key
        if files and path not in files and path.is_file() and has_suffix(path, suffixes):
            elsewhere += 1  # of another part, such as the test files
            continue
        if path not in files and not path.is_file():
            near = get_close_matches(row.key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"paths are relative to {table.parent}"
            raise UserError(f"{table}, line {row.line}: the file {row.key} does not exist; {hint}")
        if not has_suffix(path, suffixes):
            raise UserError(f"{table}, line {row.line}: {row.key} is of another kind, expected {', '.join(suffixes)}")
        if labelled.setdefault(path, (row.label, row.group)) != (row.label, row.group):
            raise UserError(f"{table}, line {row.line}: {path} has another label above; keep one of the rows")
    notes.add(f"files that {table.name} does not list, left out", sum(path not in labelled for path in files))
    notes.add(f"rows of {table.name} for files elsewhere, left out", elsewhere)
    if not labelled:
        raise UserError(f"{table} lists none of the files given; its paths are relative to {table.parent}")
    triples = [(path, *labelled[path]) for path in sorted(labelled)]
    return _files(triples, name, f"{name}: column {name} of {table}", str(table))


def _keys(files: dict[Path, Path]) -> dict[str, Path]:
    """The ways to name a file that mean one file only: whole path, path below the root, name, name without suffix."""
    ways = [
        (way, path)
        for path, root in files.items()
        for way in {str(path), path.relative_to(root).as_posix(), path.name, path.stem}
    ]
    counts = Counter(way for way, _ in ways)
    return {way: path for way, path in ways if counts[way] == 1}


def _files(rows: list[tuple[Path, str, str | None]], name: str, how: str, rule: str) -> LabelledFiles:
    groups = [group or "" for _, _, group in rows] if rows[0][2] is not None else None
    return LabelledFiles([row[0] for row in rows], name, [row[1] for row in rows], groups, how, rule)


def _no_groups(reading: Reading, source: str) -> None:
    if reading.group is not None:
        raise UserError(
            f"--group {reading.group} needs a table or a pattern, but the labels are from {source}; "
            f"give --data.labels with a column or a named group {reading.group!r}"
        )
