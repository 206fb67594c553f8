"""The files of one kind in folders."""

import os
from pathlib import Path

from unrolled.data.records import Notes
from unrolled.errors import UserError

ABOUT = frozenset("readme license licence notice copying changelog citation about labels classes".split())  # noqa: SIM905
"""names of files about the others beside them"""


def find_files(roots: list[Path], suffixes: tuple[str, ...], notes: Notes) -> dict[Path, Path]:
    """The files with such a suffix, each with the root it was found under, in sorted order. Hidden ones are passed
    over. Raises `UserError` if there is none."""
    files: dict[Path, Path] = {}
    others: list[Path] = []
    for root in roots:
        if not root.exists():
            raise UserError(f"{root} does not exist; give a folder or a file ({', '.join(suffixes)})")
        if root.is_file():
            if not has_suffix(root, suffixes):
                raise UserError(f"{root} ends in {root.suffix!r}, expected one of {', '.join(suffixes)}")
            files[root] = root.parent
            continue
        for folder, inner, names in os.walk(root):
            inner[:] = sorted(name for name in inner if not name.startswith("."))
            for path in (Path(folder, name) for name in sorted(names) if not name.startswith(".")):
                if not path.is_file():
                    continue  # a pipe, or a link to nothing
                if has_suffix(path, suffixes):
                    files[path] = root
                else:
                    others.append(path)
    if not files:
        places = ", ".join(map(str, roots))
        raise UserError(f"{places} holds no {', '.join(suffixes)} files; give a folder that does")
    companions = {path.with_suffix("") for path in files}
    notes.add("files of another kind, left out", sum(path.with_suffix("") not in companions for path in others))
    return files


def has_suffix(path: Path, suffixes: tuple[str, ...]) -> bool:
    """Whether the name of a file ends so, in capitals or not."""
    return path.name.lower().endswith(suffixes)
