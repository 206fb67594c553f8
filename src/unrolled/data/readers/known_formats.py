"""The formats that are known and not read: what they are called, how they begin, and what to do with a file of each.

First bytes and lines are those that the formats' own specifications name, and `file` knows them by.
"""

import re
from typing import NamedTuple


class Format(NamedTuple):
    """A format, and what to do with a file of it."""

    words: str
    advice: str
    text: bool = False
    """whether it is text too, which may be learned as such if somebody says so"""
    endings: tuple[str, ...] = ()
    """of the names under which it is read"""
    readable: bool = False
    """whether there may be something to learn from its characters as they stand"""


_CSV = "write it as CSV, Parquet or JSON Lines"
_SHEET = Format("a spreadsheet", "save its sheet as CSV")
_ARCHIVE = "unpack it and give the files in it"
_SAVE_ARRAYS = "save the arrays with np.savez(path, X=..., y=...)"
PICKLE = Format("a pickle, which is never loaded since that can run code", f"{_SAVE_ARRAYS}, or tables as Parquet")
MODEL = Format("a model or a file of weights, not data", "give the files to learn from")
_HDF5 = Format("an HDF5 file", _SAVE_ARRAYS)
_MATLAB = Format("a MATLAB file", f"read it with scipy.io.loadmat and {_SAVE_ARRAYS}")
_ARROW = Format("an Arrow or Feather file", "write it as Parquet: pl.read_ipc(path).write_parquet('data.parquet')")
_STATISTICS = Format("a file of a statistics program", "write it as CSV, such as with pandas.read_stata")
_R = Format("a file of R", "write the table from R with write.csv(x, 'data.csv', row.names = FALSE)")
_DATABASE = Format("a database", "write the table or the query you want as CSV")
DOCUMENT = Format("a document", "save it as plain text (.txt)")
_PICTURE = Format("a picture", "a sequence of pictures is read as video, such as .mp4, or as an array in .npz")
GZIP = Format("compressed with gzip", "unpack it: gunzip -k FILE")
TAR = Format("a tar archive", "unpack it, tar xf FILE, and give the folder")
ZIP = Format("a zip archive", "unpack it, unzip FILE, and give the folder")
_HTML = Format("an HTML page", "save its text as .txt", text=True, readable=True)
XML = Format("XML", "write what is to be learned as CSV, JSON Lines or plain text", text=True, readable=True)
_GENES = Format("a format of bioinformatics", "write the sequences as FASTA or the table as CSV", text=True)
_YAML = Format("YAML, as settings are written in", f"give it as --config FILE, {_CSV}", text=True, readable=True)
_MATRIX = Format("a sparse matrix", _SAVE_ARRAYS, text=True)
_SPARSE = Format("in the sparse format of libsvm (label index:value)", "write it as CSV or .npz", text=True)
JSON = Format("JSON by its beginning", "let its name end in .json", text=True, endings=(".json", ".jsonl", ".ndjson"))
_SQL = Format("an SQL dump", "load it into its database and write the table as CSV", text=True)
_POINTER = Format("a pointer of Git LFS and not the file itself", "fetch the file: git lfs pull", text=True)
_NOTEBOOK = Format("a notebook", "save what it prints or computes as CSV or text", text=True)


def named(ending: str, what: str) -> Format:
    return Format(f"{what} by its beginning", f"let its name end in {ending}", endings=(ending,))


def _series(ending: str) -> Format:
    # Their headers are alike, so that each reader says itself what is wrong.
    return named(ending, f"a file of series or records ({ending})")._replace(
        text=True, endings=(".ts", ".tsf", ".arff")
    )


_NAMES: dict[Format, str] = {
    _SHEET: "xlsx xlsm xlsb xls ods fods numbers",
    PICKLE: "pkl pickle joblib dill",
    MODEL: "pth ckpt safetensors onnx tflite keras gguf",
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
    DOCUMENT: "doc docx odt rtf ppt pptx odp epub mobi pages djvu",
    _PICTURE: "png jpg jpeg bmp tif tiff webp heic ico psd dcm nii",
    Format("MIDI", "write its notes as a table or a text"): "mid midi",
    Format("a binary file of sequencing data", "write the sequences as FASTA or FASTQ: samtools fasta"): "bam cram sff",
    TAR: "tar tgz tbz2 txz",
    ZIP: "zip",
    Format("an archive", _ARCHIVE): "7z rar jar whl iso dmg",
    Format("compressed", "unpack it and give the file in it"): "bz2 xz zst lz4 lzma z",
    GZIP: "gz",
    _HTML: "html htm xhtml mhtml",
    XML: "xml svg kml gpx tcx rss xsd tei eaf musicxml",
    _GENES: "vcf gff gff3 gtf sam gbk genbank embl",
    _YAML: "yaml yml",
    _SPARSE: "libsvm svmlight svm",
    _MATRIX: "mtx",
    Format("GeoJSON", _CSV, text=True): "geojson",
    _NOTEBOOK: "ipynb",
    _SQL: "sql",
}
BY_SUFFIX = {f".{ending}": known for known, endings in _NAMES.items() for ending in endings.split()}

MAGIC: tuple[tuple[int, bytes, Format], ...] = (
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Format("an old Office file", "save a sheet as CSV, a document as text")),
    (0, b"%PDF-", BY_SUFFIX[".pdf"]),
    (0, b"{\\rtf", DOCUMENT),
    (0, b"%!PS", DOCUMENT),
    (0, b"\x89HDF\r\n\x1a\n", _HDF5),
    (0, b"CDF\x01", _HDF5),
    (0, b"CDF\x02", _HDF5),
    (0, b"MATLAB ", _MATLAB),
    (0, b"ARROW1", _ARROW),
    (0, b"FEA1", _ARROW),
    (0, b"Obj\x01", BY_SUFFIX[".avro"]),
    (0, b"ORC", BY_SUFFIX[".orc"]),
    (0, b"SQLite format 3\0", _DATABASE),
    (8, b"DUCK", _DATABASE),
    (0, b"PGDMP", _SQL._replace(text=False)),
    (0, b"$FL2", _STATISTICS),
    (0, b"$FL3", _STATISTICS),
    (0, b"<stata_dta>", _STATISTICS),
    (0, b"RDX2\n", _R),
    (0, b"RDX3\n", _R),
    (0, b"\x1f\x8b", GZIP),
    (0, b"BZh", BY_SUFFIX[".bz2"]),
    (0, b"\xfd7zXZ\0", BY_SUFFIX[".xz"]),
    (0, b"\x28\xb5\x2f\xfd", BY_SUFFIX[".zst"]),
    (0, b"7z\xbc\xaf\x27\x1c", BY_SUFFIX[".7z"]),
    (0, b"Rar!\x1a\x07", BY_SUFFIX[".rar"]),
    (257, b"ustar", TAR),
    (0, b"\x89PNG\r\n\x1a\n", _PICTURE),
    (0, b"\xff\xd8\xff", _PICTURE),
    (0, b"II*\0", _PICTURE),
    (0, b"MM\0*", _PICTURE),
    (8, b"WEBP", _PICTURE),
    (128, b"DICM", _PICTURE),
    (0, b"MThd", BY_SUFFIX[".mid"]),
    (0, b"\x7fELF", Format("a program", "give the files to learn from")),
    (0, b"PAR1", named(".parquet", "a Parquet file")),
    (0, b"\x93NUMPY", named(".npy", "a NumPy array")),
    (8, b"WAVE", named(".wav", "a sound")),
    (0, b"fLaC", named(".flac", "a sound")),
    (0, b"OggS", named(".ogg", "a sound")),
    (0, b"ID3", named(".mp3", "a sound")),
    (8, b"AVI ", named(".avi", "a video")),
    (4, b"ftyp", named(".mp4", "a video")),
    (0, b"\x1a\x45\xdf\xa3", named(".mkv", "a video")),
    (0, b"GIF8", named(".gif", "a sequence of pictures")),
)
_FIRST_LINES: tuple[tuple[str, Format], ...] = (
    (r"<!doctype html|<html[\s>]", _HTML),
    (r"<\?xml|<svg[\s>]|<rss[\s>]|<!doctype ", XML),
    (r"\([dlt]p\d+\n|c(copy_reg|__builtin__|builtins|numpy|pandas)[\w.]*\n\w+\n", PICKLE),
    (r"%%MatrixMarket ", _MATRIX),
    (r"version https://git-lfs\.github\.com/spec", _POINTER),
    (r"##fileformat=VCF|##gff-version|@HD\tVN:|LOCUS {3,}\S+ +\d+ bp", _GENES),
    (r"[+-]?\d+(\.\d+)?( +\d+:[-+.\deE]+)+\s*(#.*)?(\n|$)", _SPARSE),
    (r'\[?\s*\{\s*"[^"\n]*"\s*:', JSON),
    (r"-- (MySQL|MariaDB|PostgreSQL|SQLite)|PRAGMA foreign_keys", _SQL),
    (r"(?:[%#].*\n|\s*\n)*@relation\s(?=[^\0]*^@frequency\s)", _series(".tsf")),
    (r"(?:[%#].*\n|\s*\n)*@relation\s(?=[^\0]*^@attribute\s)", _series(".arff")),
    (r"(?:[%#].*\n|\s*\n)*@problemname\s", _series(".ts")),
)
FIRST: list[tuple[re.Pattern[str], Format]] = [
    (re.compile(pattern, re.IGNORECASE | re.MULTILINE), known) for pattern, known in _FIRST_LINES
]
PLAIN = (b"%PDF-", b"{\\rtf", b"%!PS")
"""beginnings of formats that may be without any binary data"""
