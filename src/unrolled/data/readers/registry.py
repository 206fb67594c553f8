"""Which reader reads what: by file name, and where that is not enough by content."""

import importlib
import itertools
from collections import Counter
from pathlib import Path

from unrolled.data.records import Notes, Reading, Source
from unrolled.errors import UserError

READERS = {
    ".ts": ("ts", "read_ts"),
    ".fa": ("fasta", "read_fasta"),
    ".fasta": ("fasta", "read_fasta"),
    ".fna": ("fasta", "read_fasta"),
    ".faa": ("fasta", "read_fasta"),
    ".fq": ("fasta", "read_fasta"),
    ".fastq": ("fasta", "read_fasta"),
    ".wav": ("audio", "read_audio"),
    ".flac": ("audio", "read_audio"),
    ".ogg": ("audio", "read_audio"),
    ".mp3": ("audio", "read_audio"),
    ".hea": ("wfdb_records", "read_wfdb"),
    ".dat": ("wfdb_records", "read_wfdb"),
    ".edf": ("edf", "read_edf"),
    ".bdf": ("edf", "read_edf"),
    ".mp4": ("video", "read_video"),
    ".avi": ("video", "read_video"),
    ".mkv": ("video", "read_video"),
    ".mov": ("video", "read_video"),
    ".webm": ("video", "read_video"),
    ".npy": ("array_files", "read_array_files"),
    ".npz": ("array_files", "read_array_files"),
    ".csv": ("tables", "read_table"),
    ".tsv": ("tables", "read_table"),
    ".tab": ("tables", "read_table"),
    ".parquet": ("tables", "read_table"),
    ".pq": ("tables", "read_table"),
    ".jsonl": ("tables", "read_table"),
    ".ndjson": ("tables", "read_table"),
    ".conll": ("conll", "read_conll"),
    ".conllu": ("conll", "read_conll"),
    ".bio": ("conll", "read_conll"),
    ".iob": ("conll", "read_conll"),
}
"""By suffix: the module in this folder, and its function."""
COMPRESSED = (".gz",)
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
    return getattr(importlib.import_module(f"unrolled.data.readers.{module}"), function)(paths, reading, notes)


def find_reader(paths: list[Path], reading: Reading) -> tuple[str, str] | None:
    """Module and function of the reader; None for plain text and what nothing knows.

    Raises `UserError` for files of several kinds.
    """
    from unrolled.data.readers import conll, labelled_text, parallel_text

    if parallel_text.looks_like(paths, reading):
        return "parallel_text", "read_parallel_files"
    if len(paths) == 1 and labelled_text.looks_like(paths[0], reading):
        return "labelled_text", "read_text_folders"
    kinds = Counter(READERS.get(_suffix(path)) for path in _files(paths))
    known = [kind for kind, _ in kinds.most_common() if kind is not None]
    if not known:
        if all(path.is_file() and conll.looks_like(path, reading) for path in paths):
            return "conll", "read_conll"
        return None
    if len(known) > 1 and any(path.is_file() for path in paths):
        raise UserError(
            f"the files are of several kinds ({', '.join(sorted({_suffix(path) for path in _files(paths)}))}); "
            "give files of one kind"
        )
    return known[0]


def is_plain_text(paths: list[Path]) -> bool:
    """Whether files are text without labels, to learn a language from."""
    return all(path.exists() for path in paths) and find_reader(paths, Reading()) is None


def _files(paths: list[Path]) -> list[Path]:
    """The files meant, of folders the first ones."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = (file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
            found += itertools.islice(inside, LOOKED_AT)
        else:
            found.append(path)
    return found


def _suffix(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return suffixes[-2] if len(suffixes) > 1 and suffixes[-1] in COMPRESSED else (suffixes or [""])[-1]
