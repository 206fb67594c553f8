"""Which reader reads what: by file name, and where that is not enough by content."""

import importlib
import itertools
from collections import Counter
from pathlib import Path

from unrolled.data.readers import suffixes
from unrolled.data.readers.files import ABOUT, find_files
from unrolled.data.readers.other_formats import refuse_other_folder, refuse_other_format, refuse_table
from unrolled.data.records import Notes, Reading, Source
from unrolled.errors import UserError

READERS = {
    suffix: reader
    for known, reader in (
        (suffixes.TS, ("ts", "read_ts")),
        (suffixes.TSF, ("tsf", "read_tsf")),
        (suffixes.ARFF, ("arff", "read_arff")),
        (suffixes.FASTA, ("fasta", "read_fasta")),
        (suffixes.AUDIO, ("audio", "read_audio")),
        (suffixes.WFDB, ("wfdb_records", "read_wfdb")),
        (suffixes.EDF, ("edf", "read_edf")),
        (suffixes.VIDEO, ("video", "read_video")),
        (suffixes.ARRAYS, ("array_files", "read_array_files")),
        (suffixes.TABLES, ("tables", "read_table")),
        (suffixes.CONLL, ("conll", "read_conll")),
    )
    for suffix in known
}
"""By suffix: the module in this folder, and its function."""
BY_FILE = ("ts", "tsf", "arff", "fasta", "array_files", "tables", "conll")
"""Modules whose functions take files: of a folder they get those of their kind. The others look into folders."""
TEXTUAL = ("ts", "tsf", "arff", "fasta", "tables", "conll")
"""Modules whose files are text, but for Parquet."""
LOOKED_AT = 2000
"""Files of a folder whose names are looked at."""


def open_source(paths: list[Path], reading: Reading, notes: Notes) -> Source:
    """The records in some files or a folder. Raises `UserError` if no reader knows them."""
    found = find_reader(paths, reading)
    if found is None:
        raise UserError(
            f"cannot tell what {paths[0]} holds; records are read from {', '.join(sorted(READERS))}, "
            "text with --task language"
        )
    module, function = found
    read = getattr(importlib.import_module(f"unrolled.data.readers.{module}"), function)
    return read(files_meant(paths, found, notes), reading, notes)


def find_reader(paths: list[Path], reading: Reading) -> tuple[str, str] | None:
    """Module and function of the reader; None for plain text and what nothing knows.

    Raises `UserError` for files of several kinds, and for those of a kind that is known and not read.
    """
    from unrolled.data.readers import conll, labelled_text, parallel_text, slot_files
    from unrolled.data.readers.number_tables import is_number_table

    for path in paths:
        if path.is_file():
            _refuse_others(path)
    if len(paths) == 1 and paths[0].is_file() and suffix_of(paths[0]) not in READERS and is_number_table(paths[0]):
        return "tables", "read_table"
    if slot_files.looks_like(paths):
        return "slot_files", "read_slots"
    if parallel_text.looks_like(paths, reading):
        return "parallel_text", "read_parallel_files"
    if len(paths) == 1 and labelled_text.looks_like(paths[0], reading):
        return "labelled_text", "read_text_folders"
    if labelled_text.are_texts(paths, reading):
        return "labelled_text", "read_texts"
    kinds = Counter(READERS.get(suffix_of(path)) for path in without_descriptions(_files(paths), paths))
    known = [kind for kind, _ in kinds.most_common() if kind is not None]
    if not known:
        files = _content(paths)
        if files and all(conll.looks_like(path, reading) for path in files):
            return "conll", "read_conll"
        for path in paths:
            if path.is_dir():
                refuse_other_folder(path, _files([path]))
            else:
                refuse_table(path)
        return None
    if len(known) > 1 and any(path.is_file() for path in paths):
        raise UserError(
            f"the files are of several kinds ({', '.join(sorted({suffix_of(path) for path in _files(paths)}))}); "
            "give files of one kind"
        )
    return known[0]


def _refuse_others(path: Path) -> None:
    """Refuse what nothing reads, whatever it is called; readers of binary files know their own."""
    suffix = suffix_of(path)
    if suffix not in READERS:
        refuse_other_format(path)
    elif READERS[suffix][0] in TEXTUAL and path.suffix.lower() not in (*suffixes.COMPRESSED, ".parquet", ".pq"):
        refuse_other_format(path, by_name=False)


def files_meant(paths: list[Path], reader: tuple[str, str] | None, notes: Notes) -> list[Path]:
    """What to give to a reader: if it reads files, those of its kind in the place of a folder, such as its one table.

    Files of another kind, such as a README, are counted.
    """
    if reader is None or reader[0] not in BY_FILE or not any(path.is_dir() for path in paths):
        return paths
    endings = [suffix for suffix, other in READERS.items() if other == reader]
    files = _content(paths)
    if reader[0] == "conll" and not any(suffix_of(path) in endings for path in files):
        return files  # told by their content
    found = list(find_files(paths, (*endings, *(e + c for e in endings for c in suffixes.COMPRESSED)), notes))
    kept = without_descriptions(found, paths)
    notes.add("files of another kind, left out", len(found) - len(kept))
    return kept


def without_descriptions(files: list[Path], given: list[Path]) -> list[Path]:
    """The files without those in .json that lie in a folder beside others, and so say something about them."""
    others = [path for path in files if path in given or suffix_of(path) != ".json"]
    return others if any(path.stem.lower() not in ABOUT for path in others) else files


def is_plain_text(paths: list[Path]) -> bool:
    """Whether files are text without labels, to learn a language from."""
    return all(path.exists() for path in paths) and find_reader(paths, Reading()) is None


def suffix_of(path: Path) -> str:
    """The end of a name that says what is in the file, in small letters, whether it is compressed or not."""
    found = [suffix.lower() for suffix in path.suffixes]
    return found[-2] if len(found) > 1 and found[-1] in suffixes.COMPRESSED else (found or [""])[-1]


def _files(paths: list[Path]) -> list[Path]:
    """The files meant, of folders the first ones."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = (file for file in path.rglob("*") if file.is_file() and not _hidden(file.relative_to(path)))
            found += itertools.islice(inside, LOOKED_AT)
        else:
            found.append(path)
    return found


def _content(paths: list[Path]) -> list[Path]:
    """The same in order, without those in folders that are about the others, such as a README."""
    return sorted(path for path in _files(paths) if path in paths or path.stem.lower() not in ABOUT)


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
