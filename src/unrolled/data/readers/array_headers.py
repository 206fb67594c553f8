"""What .npy and .npz files say of themselves before anything is unpacked: names, shapes and sizes."""

import math
import os
import zipfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from unrolled.errors import UserError

_SUFFIX = ".npy"
_RATIO, _FREE = 200, 1 << 28
"""Arrays above so many bytes that are packed better than so are zeros, or made to fill the memory."""


def read_header(file: Any) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type at the beginning of an .npy file. Raises `ValueError` for one that cannot be."""
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(file)
    if any(size < 0 for size in shape):
        raise ValueError(f"an array has the shape {shape}")
    if dtype.hasobject:
        raise ValueError("Object arrays are never loaded")
    return shape, dtype


def shapes_of(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each array in an .npz file, by name.

    Raises `UserError` for a name that is there twice, and what is damaged as `zipfile` and NumPy do.
    """
    shapes = {}
    with zipfile.ZipFile(path) as archive:
        entries = _entries(archive)
        twice = [name for name, count in Counter(entries).items() if count > 1]
        if twice:
            raise UserError(f"{path} has the array {twice[0]!r} twice; save it again with np.savez")
        for name in entries:
            with archive.open(name + _SUFFIX) as file:
                shapes[name] = read_header(file)[0]
    return shapes


def check_sizes(path: Path, names: Iterable[str]) -> None:
    """Raises `UserError` if the arrays say that they are larger than this machine's memory or than an honest file's,
    and `ValueError` if one says another size than the archive says of it: nothing is unpacked for that."""
    total = 0
    with zipfile.ZipFile(path) as archive:
        for name in dict.fromkeys(names):
            entry = archive.getinfo(name + _SUFFIX)
            with archive.open(entry) as file:
                shape, dtype = read_header(file)
                size = math.prod(shape) * dtype.itemsize
                if file.tell() + size != entry.file_size:
                    raise ValueError(f"the array {name} has another size than its header says")
            total += size
            if size > _FREE and size > _RATIO * entry.compress_size:
                raise UserError(
                    f"{path}: the array {name!r} would unpack from {entry.compress_size / 1e6:,.1f} MB to "
                    f"{size / 1e9:,.1f} GB, as nothing but zeros does; save it as an .npy file if that is meant"
                )
    if total > (memory := _memory()):
        raise UserError(
            f"{path} would unpack to {total / 1e9:,.1f} GB, and this machine has {memory / 1e9:,.1f} GB of memory; "
            "save the arrays as .npy files, which are read in pieces"
        )


def _entries(archive: zipfile.ZipFile) -> list[str]:
    """The names of the arrays, as often as they are there; other files are left alone."""
    return [name.removesuffix(_SUFFIX) for name in archive.namelist() if name.endswith(_SUFFIX)]


def _memory() -> float:
    """Bytes of memory of this machine."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return math.inf
