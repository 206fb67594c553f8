"""Formats that are not read are refused with what to do, whatever the file is called, and never learned as text."""

import bz2
import gzip
import io
import lzma
import pickle
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import scipy.io
import torch

from unrolled.cli.main import main
from unrolled.data.readers.other_formats import is_binary, refuse_other_format
from unrolled.data.readers.registry import is_plain_text
from unrolled.data.readers.text import find_text_files
from unrolled.errors import UserError

TABLE = pl.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})


def made(write: Callable) -> bytes:
    target = io.BytesIO()
    write(target)
    return target.getvalue()


def zipped(*names: str) -> bytes:
    def write(target: io.BytesIO) -> None:
        with zipfile.ZipFile(target, "w") as archive:
            for name in names:
                archive.writestr(name, "content " * 9)

    return made(write)


def tarred() -> bytes:
    def write(target: io.BytesIO) -> None:
        with tarfile.open(fileobj=target, mode="w") as archive:
            archive.addfile(tarfile.TarInfo("a.txt"), io.BytesIO())

    return made(write)


def database(folder: Path) -> bytes:
    path = folder / "made.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (a int)")
    content = path.read_bytes()
    path.unlink()
    return content


BY_CONTENT: dict[str, tuple[bytes, str]] = {
    "xlsx": (zipped("[Content_Types].xml", "xl/workbook.xml"), "spreadsheet"),
    "ods": (zipped("mimetype", "content.xml"), "spreadsheet"),
    "docx": (zipped("word/document.xml"), "document"),
    "zip": (zipped("a.csv", "b.csv"), "zip archive"),
    "npz": (made(lambda file: np.savez(file, X=np.ones(3))), r"\.npz"),
    "pt": (made(lambda file: torch.save({"a": torch.ones(2)}, file)), "weights"),
    "old pt": (made(lambda file: torch.save([1], file, _use_new_zipfile_serialization=False)), "pickle"),
    **{f"pickle {n}": (pickle.dumps({"X": [1.5] * 9}, n), "pickle") for n in (2, 3, 4, 5)},
    "tar": (tarred(), "tar archive"),
    "gz": (gzip.compress(b"some text\n" * 20), "gunzip -k"),
    "bz2": (bz2.compress(b"some text\n" * 20), "compressed"),
    "xz": (lzma.compress(b"some text\n" * 20), "compressed"),
    "mat": (made(lambda file: scipy.io.savemat(file, {"x": np.ones(3)})), "loadmat"),
    "feather": (made(TABLE.write_ipc), "Parquet"),
    "parquet": (made(TABLE.write_parquet), r"\.parquet"),
    "avro": (made(TABLE.write_avro), "Avro"),
    "npy": (made(lambda file: np.save(file, np.ones(3))), r"\.npy"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(50), "HDF5"),
    "netcdf": (b"CDF\x01" + bytes(50), "HDF5"),
    "orc": (b"ORC" + bytes(50), "ORC"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "PDF"),
    "rtf": (b"{\\rtf1\\ansi hello}", "document"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(50), "Office"),
    "sav": (b"$FL2@(#) SPSS DATA FILE" + bytes(50), "statistics"),
    "dta": (b"<stata_dta><header>" + bytes(50), "statistics"),
    "rdata": (b"RDX3\n" + bytes(50), "file of R"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(50), "picture"),
    "jpg": (b"\xff\xd8\xff\xe0" + bytes(50), "picture"),
    "wav": (b"RIFF\0\0\0\0WAVEfmt " + bytes(50), r"\.wav"),
    "html": (b"\n<!DOCTYPE html>\n<html><body><p>some text</p></body></html>", "HTML"),
    "xml": (b'\xef\xbb\xbf<?xml version="1.0"?>\n<a><b>1</b></a>', "XML"),
    "an element": (b'<data id="1">\n<row>1</row>\n<row>2</row>\n</data>\n', "XML"),
    "pickle 0": (pickle.dumps({"X": [1.5] * 9}, 0), "pickle"),
    "matrix": (b"%%MatrixMarket matrix coordinate real general\n3 3 1\n1 1 1\n", "sparse matrix"),
    "json lines": (b'{"text": "a", "label": "b"}\n' * 9, r"\.json"),
    "json": (b'[\n  {\n    "text": "a"\n  }\n]', r"\.json"),
    "json numbers": (b"[[1, 2, 3], [4, 5, 6]]", r"\.json"),
    "libsvm": (b"+1 1:0.5 3:-1.25\n-1 2:1e-3\n", "libsvm"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 12\n", "git lfs pull"),
    "vcf": (b"##fileformat=VCFv4.2\n#CHROM\tPOS\n", "bioinformatics"),
    "sql": (b"-- MySQL dump 10.13\nCREATE TABLE t (a int);\n", "SQL"),
    "arff": (b"% about\n@RELATION x\n\n@ATTRIBUTE a NUMERIC\n@DATA\n1\n", r"\.arff"),
    "tsf": (b"# about\n@relation x\n@attribute n string\n@frequency daily\n@data\na:1,2\n", r"\.tsf"),
}
NAMES = [
    *("xlsx", "xls", "ods", "zip", "tar", "tar.gz", "tgz", "7z", "rar", "pickle", "pkl", "pth"),
    *("ckpt", "h5", "hdf5", "nc", "mat", "feather", "arrow", "avro", "orc", "sqlite", "pdf", "docx"),
    *("doc", "odt", "rtf", "html", "htm", "xml", "svg", "rds", "RData", "sav", "dta", "sas7bdat"),
    *("png", "jpg", "tiff", "tfrecord", "bam", "mid", "yaml", "ipynb", "geojson", "vcf", "txt.gz", "bz2"),
]


@pytest.mark.parametrize("name", BY_CONTENT)
def test_by_content(name: str, tmp_path: Path) -> None:
    content, words = BY_CONTENT[name]
    for ending in ("data", "data.txt", "data.bin", f"data.{name.partition(' ')[0]}.txt"):
        path = tmp_path / ending
        path.write_bytes(content)
        with pytest.raises(UserError, match=rf"{ending} is .*{words}"):
            is_plain_text([path])


@pytest.mark.parametrize("ending", NAMES)
def test_by_name(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"data.{ending}"
    path.write_text("whatever is in it\n" * 20)
    with pytest.raises(UserError, match=r"data\..* is .*; \w+"):
        is_plain_text([path])


def test_a_database(tmp_path: Path) -> None:
    path = tmp_path / "data.txt"
    path.write_bytes(database(tmp_path))
    with pytest.raises(UserError, match="database"):
        is_plain_text([path])


def test_a_table_that_is_none(tmp_path: Path) -> None:
    for ending in ("csv", "tsv", "jsonl", "ts", "conll"):
        path = tmp_path / f"data.{ending}"
        for name in ("xlsx", "html", "gz", "pickle 4"):
            path.write_bytes(BY_CONTENT[name][0])
            with pytest.raises(UserError, match=BY_CONTENT[name][1]):
                is_plain_text([path])


PROSE = [
    "ORC and elves\n",
    "MATLAB is a program.\n",
    "CDF of the normal distribution\n",
    "ID3 learns trees\n",
    "PAR1S is no town\n",
    "<s> the cat </s>\n",
    "<doc id=1>\nsome text\n</doc>\n",
    "(don't you)\n",
    "[Verse 1]\nla la la\n",
    "[1]\n" + "In the beginning\n" * 200,
    "{curly} beginnings\n",
    "1 2 3 4\n5 6 7 8\n",
    "LOCUS of control\n",
    "## a heading\n",
    "From: me\nTo: you\n",
    "@relation is a word here\n",
    "1:30 we leave, 2:45 we arrive\n",
    "\x1b[1mbold\x1b[0m\n",
    "été, ÄÖÜ, 日本語\n",
    "\u200bzero width\n",
]


@pytest.mark.parametrize("text", PROSE)
def test_prose_stays_prose(text: str, tmp_path: Path) -> None:
    for ending in ("a.txt", "a", "a.pt", "a.md", "a.py"):
        path = tmp_path / ending
        path.write_text(text * 30, encoding="utf-8")
        assert is_plain_text([path])
        assert find_text_files(path) == [path]


def test_what_is_text_can_be_learned_as_text(tmp_path: Path) -> None:
    for name in ("html", "xml", "json lines", "arff", "libsvm"):
        path = tmp_path / f"data.{name}"
        path.write_bytes(BY_CONTENT[name][0])
        refuse_other_format(path, as_text=True)
        assert find_text_files(path) == [path]
    for name in ("pdf", "xlsx", "gz", "pickle 4", "png"):
        path = tmp_path / "data.txt"
        path.write_bytes(BY_CONTENT[name][0])
        with pytest.raises(UserError, match=r"not read|never loaded|let its name"):
            find_text_files(path)


def test_binary_data_of_no_known_format(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(1, 256, 4000).astype(np.uint8).tobytes()  # no NUL byte
    small = rng.integers(1, 9, 4000).astype(np.uint8).tobytes()
    for content in (noise, small):
        assert is_binary(content)
        path = tmp_path / "data"
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"is not text: it has many control characters"):
            find_text_files(path)
    assert not is_binary("日本語".encode()[:-1])
    assert not is_binary("Ärger und Öl\r\n".encode("latin-1"))


def test_folders(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "README.md").write_text("about the pages\n" * 9)
    for number in range(3):
        (pages / f"{number}.html").write_bytes(BY_CONTENT["html"][0])
    with pytest.raises(UserError, match=r"pages holds 3 files like 0\.html, which is an HTML page"):
        is_plain_text([pages])
    for number in range(9):
        (pages / f"{number}.txt").write_text("prose\n")
    assert is_plain_text([pages])
    (pages / "paper.txt").write_bytes(BY_CONTENT["pdf"][0])
    assert pages / "paper.txt" not in find_text_files(pages)


@pytest.mark.parametrize("verb", [["train"], ["init"], ["train", "--task", "language"]])
def test_the_verbs(
    verb: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("xlsx", "pdf", "pickle 4", "sav"):
        Path("data").write_bytes(BY_CONTENT[name][0])
        assert main([*verb, "data"]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("unrolled: data is ")
        assert err.count("\n") == 1
    assert [path.name for path in Path().iterdir()] == ["data"]


def test_two_files_of_one_name_are_no_translation(tmp_path: Path) -> None:
    for ending in ("xlsx", "xml"):
        (tmp_path / f"data.{ending}").write_text("one\ntwo\n")
    with pytest.raises(UserError, match=r"data\.xlsx is a spreadsheet"):
        is_plain_text([tmp_path / "data.xlsx", tmp_path / "data.xml"])


@pytest.mark.parametrize("separator", [",", "; ", "\t"])
def test_a_table_of_another_name_is_no_text(separator: str, tmp_path: Path) -> None:
    rows = [separator.join(["5.1", "3.5", str(n), "-1e-3", "Iris-setosa"]) for n in range(9)]
    for name, lines in {"iris.data": rows, "iris.txt": ["a,b,c,d,e", *rows], "iris": rows}.items():
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n")
        with pytest.raises(UserError, match=rf"{name} looks like a table with 5 columns; let its name end in \.[ct]sv"):
            is_plain_text([path])
        assert find_text_files(path) == [path]  # for those who say that it is a text


@pytest.mark.parametrize(
    "text",
    [
        "1 2 3 4\n5 6 7 8\n" * 9,
        "well, yes\nno, never\nhm, so\n" * 9,
        "1, 2, 3, go\nand then he said, 4\n" * 9,
        "12\n13\n14\n" * 9,
        "1,2\n",
        "12+34=46\n99+1=100\n" * 9,
    ],
)
def test_lines_with_numbers_may_be_text(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text)
    assert is_plain_text([path])
