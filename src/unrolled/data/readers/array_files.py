"""NumPy files: .npy and .npz. Nothing pickled is ever loaded."""

import tokenize
import zipfile
import zlib
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from unrolled.data.encoders.token_parts import naming
from unrolled.data.readers.array_headers import check_sizes, read_header, shapes_of
from unrolled.data.readers.arrays import ArraySource, read_arrays
from unrolled.data.records import Notes, Reading, Source
from unrolled.errors import UserError

Part = Literal["train", "valid", "test"]
_WORDS: dict[Part, tuple[str, ...]] = {
    "train": ("train", "training"),
    "valid": ("valid", "val", "validation", "dev"),
    "test": ("test",),
}
"""how an array of a part may be called"""
TARGETS = ("y", "labels", "label", "target", "targets")
TARGET_FIELD = "y"
"""what the target is called where its array has one of the usual names"""
_INPUTS = ("X", "x", "data", "inputs", "input", "arr_0")
_GROUPS = ("groups", "group")
_BROKEN = (
    *(ValueError, EOFError, OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, SyntaxError, TypeError),
    *(OverflowError, RecursionError, LookupError, AttributeError, RuntimeError, tokenize.TokenError),
)
"""what NumPy raises on a damaged file"""


class UnnamedTarget(UserError):
    """Some arrays could be what is to be learned."""


class _Names(NamedTuple):
    """The arrays of an .npz file by what they are for."""

    inputs: str
    target: str | None
    group: str | None


def read_array_files(paths: list[Path], reading: Reading, notes: Notes) -> Source:
    """An .npz file with X and perhaps y and groups, or an .npy file with X and perhaps a second one with y.

    Names in an .npz file: X or data, y or labels or target, groups; `reading.inputs`, `.target` and `.group` choose
    others. A target of another name gives the field its name. Names may have `_train`, `_val` and `_test` behind (or
    before) them: the source is then the training part, with the others as `valid_part` and `test_part`. An .npy file is
    a memory map: what is not asked for stays on the disk. One-dimensional X is a single series. `reading.layout` says
    the order of the axes. Raises `UserError` for pickled objects, damaged files, names that are not there (with those
    that are), and labels that nobody named.
    """
    if paths[0].suffix.lower() == ".npz":
        if len(paths) > 1:
            raise UserError(f".npz files are read one at a time, and {len(paths)} were given (first: {paths[0]})")
        return _read_npz(paths[0], reading, notes)
    if len(paths) > 2:
        raise UserError(f"give one .npy file with X, or two with X and y, not {len(paths)} (first: {paths[0]})")
    arrays = [_load(path) for path in paths]
    X, y = arrays[0], arrays[1] if len(arrays) == 2 else None
    if y is not None and paths[0].stem.lower().startswith(TARGETS):
        X, y = y, X
    named = reading.target
    if named not in (None, TARGET_FIELD) and not reading.unlabelled:
        raise UserError(f"{paths[0]} has no array {named!r} (--target); the target of .npy files is called y")
    return _source(X, y, None, reading, notes, str(paths[0]), TARGET_FIELD)


def _read_npz(path: Path, reading: Reading, notes: Notes) -> ArraySource:
    shapes = _shapes(path)
    names = list(shapes)
    train = _choose(path, names, reading, "train")
    others: dict[Part, _Names] = {}
    for part in ("valid", "test"):
        if not reading.inputs and _find(names, _INPUTS, part) is not None:
            others[part] = _choose(path, names, reading, part)
    field = reading.target or TARGET_FIELD
    try:
        check_sizes(path, [name for name in chain(train, *others.values()) if name is not None])
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in chain(train, *others.values()) if name is not None}
    except UserError:
        raise
    except _BROKEN as error:
        raise _damaged(path, error) from None
    left = {name: shape for name, shape in shapes.items() if name not in arrays} if train.target is None else {}
    source = _source(*_picked(arrays, train), reading, notes, str(path), field)
    alike = [name for name, shape in left.items() if shape[:1] == (len(source),)]
    if alike and not reading.unlabelled and reading.wish.target != "none":
        raise UnnamedTarget(
            f"{path} has {train.inputs}, and {', '.join(alike)} with as many entries; name what is to be learned with "
            f"--target {alike[0]}"
        )
    for part, chosen in others.items():
        setattr(source, f"{part}_part", _source(*_picked(arrays, chosen), reading, notes, f"{path} ({part})", field))
    return source


def _picked(arrays: dict[str, np.ndarray], chosen: _Names) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    inputs, target, group = chosen
    return arrays[inputs], None if target is None else arrays[target], None if group is None else arrays[group]


def _source(
    X: np.ndarray,
    y: np.ndarray | None,
    groups: np.ndarray | None,
    reading: Reading,
    notes: Notes,
    name: str,
    field: str,
) -> ArraySource:
    if X.ndim == 1 and X.dtype.kind in "biuf":
        X = X[None]
    for what, array in (("the target", y), ("groups", groups)):
        if array is not None and array.ndim == 0:
            raise UserError(f"{name}: {what} is a single value, expected one for each record")
    try:
        source = read_arrays(
            X, y, groups, layout=reading.layout, wish=reading.wish, notes=notes, name=name, target=field
        )
    except UserError as error:
        raise naming(Path(name), error) from None
    assert isinstance(source, ArraySource)
    return source


def _load(path: Path) -> np.ndarray:
    try:
        with path.open("rb") as file:
            if file.peek(8)[:8].startswith(b"\x93NUMPY"):
                read_header(file)
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; give the path of a .npy file") from None
    except _BROKEN as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> UserError:
    with open(path, "rb") as file:
        known = file.read(6).startswith((b"\x93NUMPY", b"PK"))
    if known and any(words in str(error) for words in ("allow_pickle", "Python objects", "Object arrays")):
        return UserError(
            f"{path} holds Python objects, which are never loaded since that can run code; save sequences of different "
            "lengths padded with NaN as one float array, or as a Parquet file with a list column"
        )
    return UserError(f"{path} is not a whole NumPy file: it is empty, cut short or damaged; save it again with NumPy")


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each array of an .npz file, from its header."""
    try:
        shapes = shapes_of(path)
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; give the path of a .npz file") from None
    except UserError:
        raise
    except _BROKEN as error:
        raise _damaged(path, error) from None
    if not shapes:
        raise UserError(f"{path} has no arrays; save it with np.savez(path, X=..., y=...)")
    return shapes


def _choose(path: Path, names: list[str], reading: Reading, part: Part) -> _Names:
    inputs = _named(path, names, reading.inputs[0], "--inputs", part) if reading.inputs else None
    inputs = inputs or _find(names, _INPUTS, part)
    named = (reading.target,) if reading.target not in (None, TARGET_FIELD) else TARGETS
    target = _find(names, named, part)
    if target is None and reading.target is not None and not reading.unlabelled and part == "train":
        target = _named(path, names, reading.target, "--target", part)
    group = None if reading.group in (None, *_GROUPS) else _named(path, names, str(reading.group), "--group", part)
    group = group or _find(names, _GROUPS, part)
    if inputs is None:
        rest = [name for name in names if name not in (target, group)]
        if len(rest) != 1:
            raise UserError(f"{path} has the arrays {', '.join(names)}; call one X, or choose one with --inputs NAME")
        inputs = rest[0]
    return _Names(inputs, None if reading.unlabelled else target, group)


def _named(path: Path, names: list[str], name: str, flag: str, part: Part) -> str:
    match = name if name in names else _find(names, (name,), part)
    if match is None:
        near = get_close_matches(name, names, 1)
        hint = f"did you mean {near[0]!r}? It has" if near else "it has"
        raise UserError(f"{path} has no array {name!r} ({flag}); {hint} {', '.join(names)}")
    return match


def _find(names: list[str], wanted: tuple[str, ...], part: Part) -> str | None:
    lower = {name.lower(): name for name in names}
    patterns = [pattern for word in _WORDS[part] for pattern in (f"{{}}_{word}", f"{word}_{{}}")]
    patterns += ["{}"] if part == "train" else []
    matches = (lower.get(pattern.format(name).lower()) for pattern in patterns for name in wanted)
    return next((name for name in matches if name is not None), None)
