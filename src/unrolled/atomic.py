"""Files that are there whole or not at all."""

import os
from pathlib import Path

from unrolled.errors import UserError


def write_atomically(path: Path, content: str) -> None:
    """Write a text file beside its place and rename it there, so that no reader and no crash ever sees half of it.

    Raises `UserError` if the system refuses (full disk, no permission); what stood at `path` is then still there.
    """
    beside = path.with_name(f".{path.name}.writing")
    try:
        write_synced(beside, content.encode())
        beside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise cannot_write(path, error) from error


def write_synced(path: Path, content: bytes) -> None:
    """Write a file and return once it is on the disk."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Return once the names in a folder are on the disk."""
    if os.name == "nt":  # Windows cannot open folders
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def cannot_write(path: Path, error: OSError, saved: str = "") -> UserError:
    """The sentence for a refused write; `saved` says what is not lost."""
    reason = error.strerror or str(error)
    advice = "make room on that disk or check its permissions, then go on"
    return UserError(f"{path} could not be written: {reason}; {saved}{advice}")
