"""Paths as somebody gave them: refused where they are empty, or name something that is no file and no folder."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from unrolled.errors import UserError

_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


def given_path(path: str | Path, what: str = "path") -> Path:
    """The path. Raises `UserError` if it is empty, which would mean the current folder, or no file and no folder.

    `Path("")` is `Path(".")`, so that neither is taken; "." is, and `Path.cwd()`. `what` names it in the sentence.
    """
    if isinstance(path, Path) and path == Path():
        raise UserError(
            f"the {what} is Path('.'), which an empty text becomes too; name a file or a folder, or say Path.cwd()"
        )
    if not str(path).strip() and not Path(path).name.strip():
        raise UserError(f"the {what} is empty ({str(path)!r}); name a file or a folder")
    refuse_special(Path(path))
    return Path(path)


def given_paths(places: Iterable[str | Path], what: str = "path") -> list[Path]:
    """Several of them. Raises `UserError` as `given_path` does, and if there is none."""
    paths = [given_path(path, what) for path in places]
    if not paths:
        raise UserError(f"no {what} was given; name a file or a folder")
    return paths


def refuse_overlong(path: str) -> None:
    """Raises `UserError` for a text that is longer than any path."""
    if len(path) > 4096 or any(len(part.encode("utf-8", "replace")) > 255 for part in path.split("/")):
        raise UserError(f'"{path[:60]}..." is longer than any path; name a file or a folder')


def refuse_special(path: Path) -> None:
    """Raises `UserError` for pipes such as `<(...)` and `>(...)`, devices and sockets: reading one may wait for ever,
    and it cannot be read again, nor a file be put in its place."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):  # not there, or no path at all: others say so
        return
    kind = next((words for is_kind, words in _KINDS if is_kind(mode)), None)
    if kind is not None:
        raise UserError(
            f"{path} is {kind}, and files are read more than once and written as a whole; give the name of a file"
        )
