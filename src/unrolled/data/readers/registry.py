"""Which reader reads what: by file name, and where that is not enough by content."""

import importlib
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from unrolled.data.readers import suffixes
from unrolled.data.readers.files import ABOUT, find_files
from unrolled.data.readers.offers import Layout, Offer, offer_source, pick
from unrolled.data.readers.other_formats import refuse_other_folder, refuse_other_format, refuse_table
from unrolled.data.records import Notes, Reading, Shape, Source
from unrolled.errors import UserError

READERS = {
    suffix: reader
    for known, reader in (
        (suffixes.TS, ("ts", "read_ts")),
        (suffixes.TSF, ("tsf", "read_tsf")),
        (suffixes.ARFF, ("arff", "offer_arff")),
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
SHAPES: dict[str, Shape] = {
    "ts": "sequences",
    "tsf": "series-rows",
    "fasta": "sequences",
    "audio": "recordings",
    "wfdb_records": "recordings",
    "edf": "recordings",
    "video": "recordings",
    "array_files": "arrays",
    "conll": "tagged-words",
}
"""By module, what its files hold; tables may be several things."""
BY_FILE = ("ts", "tsf", "arff", "fasta", "array_files", "tables", "conll")
"""Modules whose functions take files: of a folder they get those of their kind. The others look into folders."""
TEXTUAL = ("ts", "tsf", "arff", "fasta", "tables", "conll")
"""Modules whose files are text, but for Parquet."""
LOOKED_AT = 2000
"""Files of a folder whose names are looked at."""


class Reader(NamedTuple):
    """A function that reads some files."""

    module: str
    function: str
    shape: Shape | None
    """what they are then; None where the reader finds out"""
    likely: bool = True
    """whether the files suggest it by themselves"""


class Files:
    """Some files or a folder. A table among them is opened once, however often it is asked what it may be."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths
        self._tables: dict[Path, tuple[Any, Notes]] = {}

    def offers(self, reading: Reading) -> Iterator[Offer]:
        """The ways to read them, the likeliest first. Raises `UserError` for files of several kinds, and for those of a
        kind that is known and not read."""
        for reader in find_readers(self.paths, reading):
            yield from self._offers_of(reader, reading)

    def choose(self, reading: Reading) -> Offer:
        """The way that is wanted or suggested. Raises `UserError` if no reader knows the files, or several ways are as
        likely."""
        offer = pick(self.offers(reading), reading.wish.shapes)
        if offer.shape == "text":
            raise UnknownFiles(self.paths[0], sorted(READERS))
        return offer

    def _offers_of(self, reader: Reader, reading: Reading) -> Iterable[Offer]:
        if reader.module == "text":
            return [running_text(self.paths)]
        notes = Notes()
        paths = files_meant(self.paths, reader[:2], notes)
        module = importlib.import_module(f"unrolled.data.readers.{reader.module}")
        if reader.module == "tables":
            table = self._table(paths, notes)
            return module.table_offers(table, reading, notes)
        read = getattr(module, reader.function)
        if reader.shape is None:
            return read(paths, reading)
        settings: dict[str, Any] = {"likely": reader.likely, "before": notes}
        return [offer_source(reader.shape, str(paths[0]), lambda own: read(paths, reading, own), **settings)]

    def _table(self, paths: list[Path], notes: Notes) -> Any:
        from unrolled.data.readers.tables import open_one

        if paths[0] not in self._tables or len(paths) > 1:
            own = Notes()
            self._tables[paths[0]] = open_one(paths, own), own
        table, own = self._tables[paths[0]]
        notes.update(own)
        return table


class UnknownFiles(UserError):
    """Nothing knows what some files hold, but for text."""

    def __init__(self, path: Path, suffixes: list[str], more: str = "") -> None:
        self.path, self.suffixes = path, suffixes
        super().__init__(f"cannot tell what {path} holds; records are read from {', '.join(suffixes)}{more}")


def running_text(paths: list[Path]) -> Offer:
    """The offer of files that are text and no records: it has no fields, and nothing to open here."""

    def refuse(notes: Notes) -> Source:
        raise UserError(f"{paths[0]} is running text, which has no records; give a file with some")

    return Offer("text", str(paths[0]), lambda _: Layout((), None, refuse))


def open_source(paths: list[Path], reading: Reading, notes: Notes) -> Source:
    """The records in some files or a folder. Raises `UserError` if no reader knows them."""
    return Files(paths).choose(reading).open(notes)


def find_reader(paths: list[Path], reading: Reading) -> tuple[str, str] | None:
    """Module and function of the reader that is wanted or suggested; None for plain text and what nothing knows.

    Raises `UserError` for files of several kinds, and for those of a kind that is known and not read.
    """
    wanted, reader = reading.wish.shapes, None
    for reader in find_readers(paths, reading):
        if (reader.shape is None or reader.shape in wanted) if wanted else reader.likely:
            break
    return None if reader is None or reader.module == "text" else reader[:2]


def find_readers(paths: list[Path], reading: Reading) -> Iterator[Reader]:
    """The readers of some files, the likeliest first; of plain text and what nothing knows `text` comes last.

    Raises `UserError` for files of several kinds, and for those of a kind that is known and not read.
    """
    from unrolled.data.readers import conll, labelled_text, parallel_text, slot_files
    from unrolled.data.readers.number_tables import is_number_table

    for path in paths:
        if path.is_file():
            _refuse_others(path)
    if len(paths) == 1 and paths[0].is_file() and suffix_of(paths[0]) not in READERS and is_number_table(paths[0]):
        yield Reader("tables", "read_table", None)
        return
    if slot_files.looks_like(paths):
        yield Reader("slot_files", "read_slots", "tagged-words")
        return
    pairs = parallel_text.looks_like(paths)
    if pairs or parallel_text.may_be(paths):
        yield Reader("parallel_text", "read_parallel_files", "parallel-text", pairs)
    if pairs:
        return
    if len(paths) == 1 and labelled_text.looks_like(paths[0]):
        yield Reader("labelled_text", "read_text_folders", "texts")
    if labelled_text.are_texts(paths, reading):
        yield Reader("labelled_text", "read_texts", "texts", False)
    kinds = Counter(READERS.get(suffix_of(path)) for path in without_descriptions(_files(paths), paths))
    known = [kind for kind, _ in kinds.most_common() if kind is not None]
    if known:
        if len(known) > 1 and any(path.is_file() for path in paths):
            raise UserError(
                f"the files are of several kinds ({', '.join(sorted({suffix_of(path) for path in _files(paths)}))}); "
                "give files of one kind"
            )
        yield Reader(*known[0], SHAPES.get(known[0][0]))
        return
    files = _content(paths)
    if files and all(conll.may_be(path, reading) for path in files):
        sure = all(conll.looks_like(path, reading) for path in files)
        yield Reader("conll", "read_conll", "tagged-words", sure)
        if sure:
            return
    for path in paths:
        if path.is_dir():
            refuse_other_folder(path, _files([path]))
        else:
            refuse_table(path)
    yield Reader("text", "", "text")


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
    candidates = list(find_files(paths, (*endings, *(e + c for e in endings for c in suffixes.COMPRESSED)), notes))
    kept = without_descriptions(candidates, paths)
    notes.add("files of another kind, left out", len(candidates) - len(kept))
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
    endings = [suffix.lower() for suffix in path.suffixes]
    return endings[-2] if len(endings) > 1 and endings[-1] in suffixes.COMPRESSED else (endings or [""])[-1]


def _files(paths: list[Path]) -> list[Path]:
    """The files meant, of folders the first ones."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = (file for file in path.rglob("*") if file.is_file() and not _hidden(file.relative_to(path)))
            files += itertools.islice(inside, LOOKED_AT)
        else:
            files.append(path)
    return files


def _content(paths: list[Path]) -> list[Path]:
    """The same in order, without those in folders that are about the others, such as a README."""
    return sorted(path for path in _files(paths) if path in paths or path.stem.lower() not in ABOUT)


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
