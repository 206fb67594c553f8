"""NumPy files that say something impossible of themselves are refused before anything is unpacked."""

import resource
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from unrolled.data.readers.array_files import read_array_files
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError
from unrolled.tasks.reads import wish_of

HEADER = "{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"


def npy(shape: str, content: bytes = b"\0" * 64, *, header: str = HEADER) -> bytes:
    text = header.format(shape=shape).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + content


def read(path: Path) -> object:
    return read_array_files([path], Reading(wish=wish_of("classify")), Notes())


def zipped(path: Path, entries: list[tuple[str, bytes]]) -> Path:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")
        for name, content in entries:
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    "shape", ["(-1,)", "(4, -4)", "(-4, -4)", "(10000000000000000000000,)", "(1000000000000,)", "'a'"]
)
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_shapes_that_cannot_be(shape: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"data{suffix}"
    if suffix == ".npy":
        path.write_bytes(npy(shape))
    else:
        zipped(path, [("X.npy", npy(shape)), ("y.npy", npy("(16,)"))])
    with pytest.raises(UserError, match=r"data\.np[yz] is not a whole NumPy file"):
        read(path)


def test_a_name_twice(tmp_path: Path) -> None:
    path = zipped(tmp_path / "twice.npz", [("X.npy", npy("(4, 4)")), ("X.npy", npy("(2, 8)"))])
    with pytest.raises(UserError, match=r"twice\.npz has the array 'X' twice; save it again"):
        read(path)


@pytest.mark.parametrize("entries", [[], [("notes.txt", b"hello")], [("X", b"hello"), ("y", b"there")]])
def test_an_archive_without_arrays(entries: list[tuple[str, bytes]], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no arrays; save it with np\.savez"):
        read(zipped(tmp_path / "none.npz", entries))


def test_other_files_in_an_archive_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    X, y = np.random.default_rng(0).normal(size=(6, 5, 2)).astype(np.float32), np.array(list("ababab"))
    np.savez(path, X=X, y=y)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("README", "by hand")
    source = read(path)
    assert len(source) == 6  # type: ignore[arg-type]
    assert np.array_equal(next(iter(source)).values["X"], X[0])  # type: ignore[call-overload]


def test_an_archive_that_unpacks_to_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    size = 1 << 29  # bytes, of which each piece is written and forgotten
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("X.npy", "w") as file:
        file.write(npy(f"({size // 4},)", b""))
        for _ in range(size >> 22):
            file.write(bytes(1 << 22))
    assert path.stat().st_size < 1e6
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError, match=r"'X' would unpack from 0\.5 MB to 0\.5 GB, as nothing but zeros does"):
        read(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_an_array_of_another_size_than_its_header_says(tmp_path: Path) -> None:
    for content in (b"\0" * 60, b"\0" * 68):
        path = zipped(tmp_path / "short.npz", [("X.npy", npy("(4, 4)", content)), ("y.npy", npy("(4,)", b"\0" * 16))])
        with pytest.raises(UserError, match="is not a whole NumPy file"):
            read(path)
