"""Files by what they are for: as given, or as their names say."""

from dataclasses import dataclass
from pathlib import Path

from unrolled.data.config import DataConfig
from unrolled.data.given import given_path, refuse_special
from unrolled.data.readers.language_names import Pair, pairs_in, pairs_like
from unrolled.data.readers.registry import READERS, files_meant, find_reader, suffix_of, without_descriptions
from unrolled.data.readers.slot_files import folder_of, parts_beside
from unrolled.data.records import Notes, Reading
from unrolled.data.splits.text_files import around_part, part_of_name
from unrolled.errors import UserError
from unrolled.plural import counted


@dataclass(frozen=True)
class FoundParts:
    """Paths of each part: train, and valid and test if there are such."""

    parts: dict[str, list[Path]]
    note: str
    """how that came about, in words"""


def find_parts(paths: list[Path], data: DataConfig) -> FoundParts:
    """The files of each part.

    Those in `data.valid` and `data.test` are as given (patterns such as `clips/*_[0-4].wav` are expanded). Among the
    others, a name such as `X_TRAIN.ts` has its test part in `X_TEST.ts` beside it, and so have several files or texts
    in two languages; a folder that holds `train`, `valid` and `test` files or folders is split by them; files of a kind
    that nothing reads are passed over where others are read. A folder with one table stands for the table. Raises
    `UserError` for files that do not exist.
    """
    for path in paths:
        if not path.exists():
            raise UserError(f"there is no file {path}; give a file or a folder of data")
        refuse_special(path)
    given = {"valid": _expand(data.valid), "test": _expand(data.test)}
    given = {name: files for name, files in given.items() if files}
    if given:
        _require_apart({"train": paths, **given})
        return _opened(FoundParts({"train": paths, **given}, " and ".join(given) + " files as given"))
    pairs = _pairs(paths)
    if pairs:
        return _parts_of_pairs(paths, pairs)
    slots = folder_of(paths)
    if slots is not None and part_of_name(slots.name) == "train":
        return _parts_of_slots(slots, [path.name for path in paths if path != slots])
    if len(paths) == 1 and paths[0].is_dir():
        parts, left_out = _of_one_kind(_by_name(_of_known_kinds(paths[0])))
        note = f"split by file name{left_out}"
        return _opened(FoundParts(parts, note) if parts else FoundParts({"train": paths}, ""))
    if all(part_of_name(path.name) == "train" and path.is_file() for path in paths):
        parts = _by_name(_siblings(paths[0])) if len(paths) == 1 else _siblings_of_all(paths)
        if parts:
            return FoundParts(parts, _beside(parts))
    parts = _by_name(paths)
    return FoundParts(parts, "split by file name") if parts else FoundParts({"train": paths}, "")


def _pairs(paths: list[Path]) -> dict[str, Pair]:
    """Texts in two languages, by what their names have in common: those of a folder, or those beside a pair that is
    named for training."""
    if len(paths) == 1 and paths[0].is_dir():
        return pairs_in(paths[0])
    trained = len(paths) == 2 and all(part_of_name(path.name) == "train" and path.is_file() for path in paths)
    return pairs_like(*paths) if trained else {}


def _parts_of_pairs(paths: list[Path], pairs: dict[str, Pair]) -> FoundParts:
    """Pairs by the word for their part. All of `test*.de` and `test*.en` are the test part, unless one is named as the
    training pair is but for that word."""
    own = next((key for key, pair in pairs.items() if set(pair) == set(paths)), None)
    named = {key: part_of_name(key) for key in pairs}
    if own is None and "train" not in named.values():
        named = {key: part or "train" for key, part in named.items()} if None in named.values() else {}
    kept: dict[str, list[str]] = {"train": [own]} if own is not None else {}
    for name in ("train", "valid", "test"):
        keys = [key for key, part in named.items() if part == name]
        if own is not None:
            alike = [key for key in keys if around_part(key) == around_part(own)]
            keys = alike or [key for key in keys if around_part(key)[0] == around_part(own)[0]]
        if keys and name not in kept:
            kept[name] = keys
    kept = kept if "train" in kept else {"train": list(pairs)}
    parts = {name: [path for key in keys for path in pairs[key]] for name, keys in kept.items()}
    if len(parts) == 1:
        return FoundParts(parts, "" if own is not None else f"read from {_some(parts['train'])}")
    left_out = 0 if own is not None else 2 * (len(pairs) - sum(map(len, kept.values())))
    how = _beside(parts) if own is not None else "split by file name"
    return FoundParts(parts, how + (f", {counted(left_out, 'file')} left out" if left_out else ""))


def _parts_of_slots(folder: Path, files: list[str]) -> FoundParts:
    """A folder with `seq.in` that is named for training, or `files` in it, and those beside it."""
    folders = {"train": [folder]} | _by_name(parts_beside(folder))
    parts = {name: [path / file for path in part for file in files or [""]] for name, part in folders.items()}
    return FoundParts(parts, _beside(folders))


def _beside(parts: dict[str, list[Path]]) -> str:
    others = [path for name, part in parts.items() if name != "train" for path in part]
    return f"{_some(others)} found beside it" if others else ""


def _some(paths: list[Path]) -> str:
    more = f" and {len(paths) - 4} more" if len(paths) > 4 else ""
    return ", ".join(map(str, paths[:4])) + more


def _opened(found_parts: FoundParts) -> FoundParts:
    """The same with files in the place of folders whose files are read as such, like the one table in a folder."""
    notes, parts, remarks = Notes(), dict(found_parts.parts), [found_parts.note]
    for name, paths in found_parts.parts.items():
        if any(path.is_dir() for path in paths):
            parts[name] = files_meant(paths, find_reader(paths, Reading()), notes)
            if parts[name] != paths:
                remarks.append(f"read from {parts[name][0]}" + (" and others" if len(parts[name]) > 1 else ""))
    return FoundParts(parts, "; ".join(part for part in (*remarks, *notes.lines()) if part))


def _of_known_kinds(folder: Path) -> list[Path]:
    """The folders and files in a folder; without the files that nothing reads, if others are read."""
    entries = (entry for entry in folder.iterdir() if entry.is_file() or entry.is_dir())
    inside = sorted(entry for entry in entries if not entry.name.startswith("."))
    files = without_descriptions([entry for entry in inside if entry.is_file()], [])
    known = [entry for entry in files if suffix_of(entry) in READERS]
    return sorted([*known, *(entry for entry in inside if entry.is_dir())]) if known else inside


def _of_one_kind(parts: dict[str, list[Path]]) -> tuple[dict[str, list[Path]], str]:
    """The same data may lie there in several formats: the parts in the one that comes first among the readers.

    The second is what to say of the others, which are left out.
    """
    kinds = {path: READERS[suffix_of(path)] for part in parts.values() for path in part if suffix_of(path) in READERS}
    complete = [
        kind
        for kind in READERS.values()
        if all(any(kinds.get(path) == kind for path in part) for part in parts.values())
    ]
    if len(set(kinds.values())) < 2 or not complete:
        return parts, ""
    kept = {
        name: [path for path in part if kinds.get(path, complete[0]) == complete[0]] for name, part in parts.items()
    }
    left_out = sum(map(len, parts.values())) - sum(map(len, kept.values()))
    return kept, f", {left_out} files in other formats left out"


def _require_apart(parts: dict[str, list[Path]]) -> None:
    places: dict[Path, str] = {}
    for name, paths in parts.items():
        for path in paths:
            other = places.setdefault(path.resolve(), name)
            if other != name:
                raise UserError(f"{path} is given for {other} and for {name}; give other files for one of them")


def _expand(patterns: list[str]) -> list[Path]:
    files: list[Path] = []
    for pattern in patterns:
        path = given_path(pattern, "file held out")
        matches = [path] if path.exists() else sorted(path.parent.glob(path.name))
        if not matches:
            raise UserError(f"there is no file {pattern}; give a file, a folder or a pattern such as 'clips/*_0.wav'")
        for match in matches:
            refuse_special(match)
        files += matches
    return files


def _siblings(path: Path) -> list[Path]:
    """The files beside it whose names differ only in the word for the part."""
    stem = _without_part(path.name)
    beside = (other for other in path.parent.iterdir() if other.is_file())
    return sorted(other for other in beside if _without_part(other.name) == stem)


def _siblings_of_all(paths: list[Path]) -> dict[str, list[Path]]:
    """Parts in which there is one file beside each of several, such as `X_test.npy` and `y_test.npy`."""
    beside = [_by_name(_siblings(path)) for path in paths]
    parts = {
        name: [path for siblings in beside for path in siblings[name]]
        for name in ("valid", "test")
        if all(len(siblings.get(name, [])) == 1 for siblings in beside)
    }
    return {"train": paths} | parts if parts else {}


def _without_part(name: str) -> str:
    words = name.replace("-", "_").replace(".", "_").split("_")
    return "_".join("*" if part_of_name(word) else word for word in words).lower()


def _by_name(paths: list[Path]) -> dict[str, list[Path]]:
    """Parts by the names of files; empty unless there is a training part and another one."""
    parts: dict[str, list[Path]] = {}
    for path in paths:
        part = part_of_name(path.name)
        if part is not None:
            parts.setdefault(part, []).append(path)
    if "train" not in parts or len(parts) < 2:
        return {}
    return {name: parts[name] for name in ("train", "valid", "test") if name in parts}
