"""Formats that nothing here reads: known by name, first bytes or first lines, so that none is learned as characters.

First bytes and lines are those that the formats' own specifications name, and `file` knows them by.
"""

import codecs
import json
import re
import zipfile
from pathlib import Path
from typing import NamedTuple

from unrolled.data.counting import counted
from unrolled.errors import UserError

LOOKED_AT = 64 << 10
"""bytes at the beginning of a file that are looked at"""
_SOME = 50
"""files of a folder that are looked at"""
_BOM = b"\xef\xbb\xbf"


class Format(NamedTuple):
    """A format, and what to do with a file of it."""

    words: str
    advice: str
    text: bool = False
    """whether it is text too, which may be learned as such if somebody says so"""
    endings: tuple[str, ...] = ()
    """of the names under which it is read"""


_CSV = "write it as CSV, Parquet or JSON Lines"
_SHEET = Format("a spreadsheet", "save its sheet as CSV")
_ARCHIVE = "unpack it and give the files in it"
_SAVE_ARRAYS = "save the arrays with np.savez(path, X=..., y=...)"
_PICKLE = Format("a pickle, which is never loaded since that can run code", f"{_SAVE_ARRAYS}, or tables as Parquet")
_MODEL = Format("a model or a file of weights, not data", "give the files to learn from")
_HDF5 = Format("an HDF5 file", _SAVE_ARRAYS)
_MATLAB = Format("a MATLAB file", f"read it with scipy.io.loadmat and {_SAVE_ARRAYS}")
_ARROW = Format("an Arrow or Feather file", "write it as Parquet: pl.read_ipc(path).write_parquet('data.parquet')")
_STATISTICS = Format("a file of a statistics program", "write it as CSV, such as with pandas.read_stata")
_R = Format("a file of R", "write the table from R with write.csv(x, 'data.csv', row.names = FALSE)")
_DATABASE = Format("a database", "write the table or the query you want as CSV")
_DOCUMENT = Format("a document", "save it as plain text (.txt)")
_PICTURE = Format("a picture", "a sequence of pictures is read as video, such as .mp4, or as an array in .npz")
_GZIP = Format("compressed with gzip", "unpack it: gunzip -k FILE")
_TAR = Format("a tar archive", "unpack it, tar xf FILE, and give the folder")
_ZIP = Format("a zip archive", "unpack it, unzip FILE, and give the folder")
_AS_TEXT = "say --task language to learn its characters as they stand"
_HTML = Format("an HTML page", f"save its text as .txt, or {_AS_TEXT}", text=True)
_XML = Format("XML", f"write what is to be learned as CSV, JSON Lines or plain text, or {_AS_TEXT}", text=True)
_GENES = Format("a format of bioinformatics", "write the sequences as FASTA or the table as CSV", text=True)
_YAML = Format("YAML, as settings are written in", f"give it as --config FILE, {_CSV}, or {_AS_TEXT}", text=True)
_MATRIX = Format("a sparse matrix", _SAVE_ARRAYS, text=True)
_SPARSE = Format("in the sparse format of libsvm (label index:value)", "write it as CSV or .npz", text=True)
_JSON = Format("JSON by its beginning", "let its name end in .json", text=True, endings=(".json", ".jsonl", ".ndjson"))
_SQL = Format("an SQL dump", "load it into its database and write the table as CSV", text=True)
_POINTER = Format("a pointer of Git LFS and not the file itself", "fetch the file: git lfs pull", text=True)
_NOTEBOOK = Format("a notebook", "save what it prints or computes as CSV or text", text=True)


def _named(ending: str, what: str) -> Format:
    return Format(f"{what} by its beginning", f"let its name end in {ending}", endings=(ending,))


def _series(ending: str) -> Format:
    # Their headers are alike, so that each reader says itself what is wrong.
    return _named(ending, f"a file of series or records ({ending})")._replace(
        text=True, endings=(".ts", ".tsf", ".arff")
    )


_NAMES: dict[Format, str] = {
    _SHEET: "xlsx xlsm xlsb xls ods fods numbers",
    _PICKLE: "pkl pickle joblib dill",
    _MODEL: "pth ckpt safetensors onnx tflite keras gguf",
    _HDF5: "h5 hdf5 hdf he5 h5ad nc nc4 cdf",
    _MATLAB: "mat",
    _ARROW: "feather arrow ipc",
    Format("an Avro file", _CSV): "avro",
    Format("an ORC file", _CSV): "orc",
    Format("a TFRecord file", _CSV): "tfrecord tfrecords",
    Format("a MessagePack or Protocol Buffers file", _CSV): "msgpack pb",
    _STATISTICS: "sav zsav por dta sas7bdat xpt",
    _R: "rds rdata rda",
    _DATABASE: "sqlite sqlite3 db3 duckdb mdb accdb dbf lmdb",
    Format("a PDF document", "save its text as .txt, for example with pdftotext"): "pdf",
    _DOCUMENT: "doc docx odt rtf ppt pptx odp epub mobi pages djvu",
    _PICTURE: "png jpg jpeg bmp tif tiff webp heic ico psd dcm nii",
    Format("MIDI", "write its notes as a table or a text"): "mid midi",
    Format("a binary file of sequencing data", "write the sequences as FASTA or FASTQ: samtools fasta"): "bam cram sff",
    _TAR: "tar tgz tbz2 txz",
    _ZIP: "zip",
    Format("an archive", _ARCHIVE): "7z rar jar whl iso dmg",
    Format("compressed", "unpack it and give the file in it"): "bz2 xz zst lz4 lzma z",
    _GZIP: "gz",
    _HTML: "html htm xhtml mhtml",
    _XML: "xml svg kml gpx tcx rss xsd tei eaf musicxml",
    _GENES: "vcf gff gff3 gtf sam gbk genbank embl",
    _YAML: "yaml yml",
    _SPARSE: "libsvm svmlight svm",
    _MATRIX: "mtx",
    Format("GeoJSON", _CSV, text=True): "geojson",
    _NOTEBOOK: "ipynb",
    _SQL: "sql",
}
_BY_SUFFIX = {f".{ending}": found for found, endings in _NAMES.items() for ending in endings.split()}

_MAGIC: tuple[tuple[int, bytes, Format], ...] = (
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Format("an old Office file", "save a sheet as CSV, a document as text")),
    (0, b"%PDF-", _BY_SUFFIX[".pdf"]),
    (0, b"{\\rtf", _DOCUMENT),
    (0, b"%!PS", _DOCUMENT),
    (0, b"\x89HDF\r\n\x1a\n", _HDF5),
    (0, b"CDF\x01", _HDF5),
    (0, b"CDF\x02", _HDF5),
    (0, b"MATLAB ", _MATLAB),
    (0, b"ARROW1", _ARROW),
    (0, b"FEA1", _ARROW),
    (0, b"Obj\x01", _BY_SUFFIX[".avro"]),
    (0, b"ORC", _BY_SUFFIX[".orc"]),
    (0, b"SQLite format 3\0", _DATABASE),
    (8, b"DUCK", _DATABASE),
    (0, b"PGDMP", _SQL._replace(text=False)),
    (0, b"$FL2", _STATISTICS),
    (0, b"$FL3", _STATISTICS),
    (0, b"<stata_dta>", _STATISTICS),
    (0, b"RDX2\n", _R),
    (0, b"RDX3\n", _R),
    (0, b"\x1f\x8b", _GZIP),
    (0, b"BZh", _BY_SUFFIX[".bz2"]),
    (0, b"\xfd7zXZ\0", _BY_SUFFIX[".xz"]),
    (0, b"\x28\xb5\x2f\xfd", _BY_SUFFIX[".zst"]),
    (0, b"7z\xbc\xaf\x27\x1c", _BY_SUFFIX[".7z"]),
    (0, b"Rar!\x1a\x07", _BY_SUFFIX[".rar"]),
    (257, b"ustar", _TAR),
    (0, b"\x89PNG\r\n\x1a\n", _PICTURE),
    (0, b"\xff\xd8\xff", _PICTURE),
    (0, b"II*\0", _PICTURE),
    (0, b"MM\0*", _PICTURE),
    (8, b"WEBP", _PICTURE),
    (128, b"DICM", _PICTURE),
    (0, b"MThd", _BY_SUFFIX[".mid"]),
    (0, b"\x7fELF", Format("a program", "give the files to learn from")),
    (0, b"PAR1", _named(".parquet", "a Parquet file")),
    (0, b"\x93NUMPY", _named(".npy", "a NumPy array")),
    (8, b"WAVE", _named(".wav", "a sound")),
    (0, b"fLaC", _named(".flac", "a sound")),
    (0, b"OggS", _named(".ogg", "a sound")),
    (0, b"ID3", _named(".mp3", "a sound")),
    (8, b"AVI ", _named(".avi", "a video")),
    (4, b"ftyp", _named(".mp4", "a video")),
    (0, b"\x1a\x45\xdf\xa3", _named(".mkv", "a video")),
    (0, b"GIF8", _named(".gif", "a sequence of pictures")),
)
_FIRST_LINES: tuple[tuple[str, Format], ...] = (
    (r"<!doctype html|<html[\s>]", _HTML),
    (r"<\?xml|<svg[\s>]|<rss[\s>]|<!doctype ", _XML),
    (r"\([dlt]p\d+\n|c(copy_reg|__builtin__|builtins|numpy|pandas)[\w.]*\n\w+\n", _PICKLE),
    (r"%%MatrixMarket ", _MATRIX),
    (r"version https://git-lfs\.github\.com/spec", _POINTER),
    (r"##fileformat=VCF|##gff-version|@HD\tVN:|LOCUS {3,}\S+ +\d+ bp", _GENES),
    (r"[+-]?\d+(\.\d+)?( +\d+:[-+.\deE]+)+\s*(#.*)?(\n|$)", _SPARSE),
    (r'\[?\s*\{\s*"[^"\n]*"\s*:', _JSON),
    (r"-- (MySQL|MariaDB|PostgreSQL|SQLite)|PRAGMA foreign_keys", _SQL),
    (r"(?:[%#].*\n|\s*\n)*@relation\s(?=[^\0]*^@frequency\s)", _series(".tsf")),
    (r"(?:[%#].*\n|\s*\n)*@relation\s(?=[^\0]*^@attribute\s)", _series(".arff")),
    (r"(?:[%#].*\n|\s*\n)*@problemname\s", _series(".ts")),
)
_FIRST = [(re.compile(pattern, re.IGNORECASE | re.MULTILINE), found) for pattern, found in _FIRST_LINES]
_PLAIN = (b"%PDF-", b"{\\rtf", b"%!PS")
"""beginnings of formats that may be without any binary data"""
_NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?|nan", re.IGNORECASE)
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\v\x1b\x08")) + b"\x7f"


def refuse_other_format(path: Path, *, by_name: bool = True, as_text: bool = False) -> None:
    """Raises `UserError` with what to do if a file is in a format that nothing reads, or in one that its name hides.

    `as_text` lets pass what can be read as text too; without `by_name` only the content counts.
    """
    found = _BY_SUFFIX.get(path.suffix.lower()) if by_name else None
    if found is _GZIP and path.with_suffix("").suffix.lower() == ".tar":
        found = _TAR
    if found is None:
        found = _by_content(path)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    endings = suffixes[-2:] if suffixes[-1:] == [".gz"] else suffixes[-1:]
    if found is None or (as_text and found.text) or any(ending in endings for ending in found.endings):
        return
    unread = "" if found.endings or ", which" in found.words else ", which is not read"
    raise UserError(f"{path} is {found.words}{unread}; {found.advice.replace('FILE', path.name)}")


def refuse_other_folder(folder: Path, files: list[Path]) -> None:
    """The same for the files of a folder: raises `UserError` if most of those looked at are such files."""
    looked_at = sorted(files)[:_SOME]
    found = [(path, known) for path in looked_at if (known := _known(path)) is not None]
    if len(found) * 2 > len(looked_at):
        path, known = found[0]
        text = "no text file but " if len(found) == len(looked_at) else ""
        many = counted(len(found), "file")
        raise UserError(
            f"{folder} holds {text}{many} like {path.name}, which is {known.words} and not read; "
            f"{known.advice.replace('FILE', path.name)}"
        )


def refuse_table(path: Path) -> None:
    """Raises `UserError` for a text file of another name than a table's whose lines are rows, mostly of numbers."""
    try:
        with open(path, "rb") as file:
            head = file.read(LOOKED_AT).removeprefix(_BOM)
    except OSError:
        return
    lines = [line for line in head.decode(errors="replace").splitlines() if line.strip()]
    rows = lines[1 : _SOME + 1] if len(head) < LOOKED_AT else lines[1:-1][:_SOME]
    for separator, ending in (("\t", ".tsv"), (",", ".csv"), (";", ".csv")):
        widths = {row.count(separator) for row in rows}
        if len(rows) < 3 or len(widths) != 1 or not widths.pop():
            continue
        cells = [cell.strip() for row in rows for cell in row.split(separator)]
        if sum(bool(_NUMBER.fullmatch(cell)) for cell in cells) >= len(cells) / 2:
            raise UserError(
                f"{path} looks like a table with {len(rows[0].split(separator))} columns; let its name end in {ending} "
                f"to read it as one, or {_AS_TEXT}"
            )


def is_other_binary(path: Path, head: bytes) -> bool:
    """Whether a file with this beginning is in a known format that is no text."""
    found = _BY_SUFFIX.get(path.suffix.lower()) or _by_magic(path, head)
    return found is not None and not found.text


def is_binary(head: bytes) -> bool:
    """Whether the beginning of a file is no text in any encoding with one byte or UTF-8: by its control characters."""
    control = len(head) - len(head.translate(None, _CONTROL))
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # the last character may be cut
    except UnicodeDecodeError:
        return control > 0.02 * len(head)
    return control > 0.3 * len(head)


def _known(path: Path) -> Format | None:
    return _BY_SUFFIX.get(path.suffix.lower()) or _by_content(path)


def _by_content(path: Path) -> Format | None:
    try:
        with open(path, "rb") as file:
            head = file.read(LOOKED_AT)
    except OSError:  # whoever reads it says so
        return None
    found = _by_magic(path, head)
    if found is not None or b"\0" in head:
        return found
    text = head.removeprefix(_BOM).decode(errors="replace").lstrip()
    found = next((found for pattern, found in _FIRST if pattern.match(text)), None)
    return found or _whole_json(text, head) or (_XML if _is_element(path, text) else None)


def _is_element(path: Path, text: str) -> bool:
    """Whether all of a file is one element, as XML without its first line is; texts may have several in a row."""
    root = re.match(r"<([A-Za-z_][\w:.-]*)(\s[^<>]*)?>", text)
    if root is None or len(re.findall(rf"<{re.escape(root[1])}[\s>]", text)) > 1:
        return False
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - 1000))
        return file.read().decode(errors="replace").rstrip().endswith(f"</{root[1]}>")


def _whole_json(text: str, head: bytes) -> Format | None:
    """JSON that does not begin with an object of names: lists of numbers and the like, or an object per line."""
    if not text.startswith(("[", "{")):
        return None
    try:
        found = json.loads(text if len(head) < LOOKED_AT else text.partition("\n")[0])
    except (ValueError, RecursionError):
        return None
    return _JSON if isinstance(found, dict | list) and found else None


def _by_magic(path: Path, head: bytes) -> Format | None:
    found = next((known for start, magic, known in _MAGIC if head.startswith(magic, start)), None)
    if found is not None and not head.startswith(_PLAIN) and b"\0" not in head and not is_binary(head):
        return None  # a text may begin with such letters
    if found is None and head.startswith(b"PK\x03\x04"):
        return _in_zip(path)
    if found is None and re.match(rb"\x80[\x02-\x05][\x8a\x8c\x95c}\](KX]", head):
        return _PICKLE
    return found


def _in_zip(path: Path) -> Format | None:
    """What a zip archive is; None if it is not a whole one."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return None
    if any(name.startswith("xl/") for name in names) or "content.xml" in names:
        return Format("a spreadsheet or a document of an office program", "save a sheet as CSV, a document as text")
    if any(name.startswith(("word/", "ppt/", "OEBPS/")) for name in names):
        return _DOCUMENT
    if any(name.endswith("data.pkl") for name in names):
        return _MODEL
    return _named(".npz", "an archive of NumPy arrays") if names and names[0].endswith(".npy") else _ZIP
