"""One training at a time in a run directory.

The lock is the operating system's (flock on the directory), so it ends with the process, however that ends, and leaves
no file. Where there are no such locks, as on Windows and on some network disks, nothing is locked.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from unrolled.errors import UserError


@contextlib.contextmanager
def run_locked(folder: Path) -> Iterator[None]:
    """Within, no other training writes into a folder that exists. Raises `UserError` if one does."""
    descriptor = _descriptor(folder)
    try:
        if descriptor is not None:
            _lock(descriptor, folder)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def refuse_live(folder: Path) -> None:
    """Raises `UserError` if a training writes into a folder at this moment."""
    if folder.is_dir():
        with run_locked(folder):
            pass


def _descriptor(folder: Path) -> int | None:
    if os.name == "nt":
        return None
    try:
        return os.open(folder, os.O_RDONLY)
    except OSError:
        return None


def _lock(descriptor: int, folder: Path) -> None:
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        process = _holder(descriptor)
        who = "another training" if process is None else f"another training (process {process})"
        raise UserError(
            f"{who} is writing into {folder}; wait until it is done, stop it, or choose another folder with --run"
        ) from None
    except OSError:
        return  # this file system has no locks


def _holder(descriptor: int) -> int | None:
    """The process that holds the lock, where Linux tells."""
    inode = os.fstat(descriptor).st_ino
    try:
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return None
    fields = (line.split() for line in lines if " FLOCK " in line and "->" not in line)
    processes = (int(lock[4]) for lock in fields if lock[5].rpartition(":")[2] == str(inode))
    return next((process for process in processes if process > 0), None)
