"""NumPy files: .npy and .npz. Nothing pickled is ever loaded."""

import zipfile
from pathlib import Path
from typing import Literal

import numpy as np

from unrolled.data.readers.arrays import read_arrays
from unrolled.data.records import Notes, Reading, Source
from unrolled.errors import UserError

Part = Literal["train", "test"]
_TARGETS = ("y", "labels", "label", "target", "targets")
TARGET_FIELD = "y"
"""what the target is called whatever the array it is in"""
_INPUTS = ("X", "x", "data", "inputs", "input", "arr_0")


def looks_like(path: Path, reading: Reading) -> bool:
    """Whether the name is that of a NumPy file."""
    return path.suffix.lower() in (".npy", ".npz")


def has_test_part(path: Path) -> bool:
    """Whether an .npz file has a test part beside the training part: `x_train` and `x_test`."""
    return path.suffix.lower() == ".npz" and _find(_names(path), _INPUTS, "test") is not None


def read_array_files(paths: list[Path], reading: Reading, notes: Notes, part: Part = "train") -> Source:
    """An .npz file with X and perhaps y and groups, or an .npy file with X and perhaps a second one with y.

    Names in an .npz file: X or data, y or labels or target, groups; with `_train` and `_test` behind (or before) them,
    `part` chooses; `reading.inputs`, `.target` and `.group` choose others. An .npy file is a memory map: what is not
    asked for stays on the disk. One-dimensional X is a single series. `reading.layout` says the order of the axes.
    Raises `UserError` for pickled objects, damaged files, and names that are not there.
    """
    if paths[0].suffix.lower() == ".npz":
        X, y, groups = _from_npz(paths[0], reading, part)
    else:
        arrays = [_load(path) for path in paths]
        y, groups = (arrays[1], None) if len(arrays) == 2 else (None, None)
        X = arrays[0]
        if len(arrays) == 2 and paths[0].stem.lower().startswith("y"):
            X, y = arrays[1], arrays[0]
        if len(arrays) > 2:
            raise UserError(f"give one .npy file with X, or two with X and y, not {len(arrays)} (first: {paths[0]})")
    if X.ndim == 1 and X.dtype.kind in "biuf":
        X = X[None]
    return read_arrays(X, y, groups, layout=reading.layout, task=reading.task, notes=notes, name=str(paths[0]))


def _load(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; give the path of a .npy file") from None
    except (ValueError, EOFError, OSError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> UserError:
    if "allow_pickle" in str(error) or "Python objects" in str(error) or "Object arrays" in str(error):
        return UserError(
            f"{path} holds Python objects, which are never loaded since that can run code; save sequences of different "
            "lengths padded with NaN as one float array, or as a Parquet file with a list column"
        )
    return UserError(f"{path} is not a whole NumPy file ({str(error).splitlines()[0]}); save it again with np.save")


def _names(path: Path) -> list[str]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return list(file.files)
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; give the path of a .npz file") from None
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise _damaged(path, error) from None


def _from_npz(path: Path, reading: Reading, part: Part) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    names = _names(path)
    for name, flag in (
        (None if reading.target == TARGET_FIELD else reading.target, "--target"),
        (reading.group, "--group"),
        *((n, "--inputs") for n in reading.inputs),
    ):
        if name is not None and name not in names:
            raise UserError(f"{path} has no array {name!r} ({flag}); it has {', '.join(names)}")
    inputs = reading.inputs[0] if reading.inputs else _find(names, _INPUTS, part)
    target = reading.target if reading.target in names else _find(names, _TARGETS, part)
    group = reading.group or _find(names, ("groups", "group"), part)
    if inputs is None:
        rest = [name for name in names if name not in (target, group)]
        if len(rest) != 1:
            raise UserError(f"{path} has the arrays {', '.join(names)}; call one X, or choose one with --inputs NAME")
        inputs = rest[0]
    try:
        with np.load(path, allow_pickle=False) as file:
            X, y, groups = (None if name is None else file[name] for name in (inputs, target, group))
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise _damaged(path, error) from None
    assert X is not None
    return X, y, groups


def _find(names: list[str], wanted: tuple[str, ...], part: Part) -> str | None:
    lower = {name.lower(): name for name in names}
    patterns = [f"{{}}_{part}", f"{part}_{{}}", "{}"] if part == "train" else [f"{{}}_{part}", f"{part}_{{}}"]
    found = (lower.get(pattern.format(name).lower()) for pattern in patterns for name in wanted)
    return next((name for name in found if name is not None), None)
