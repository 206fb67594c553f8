"""Tables that stay open while it is found out what they are for, so that each is read from the disk once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from unrolled.data.records import Notes

_kept: ContextVar[dict[Path, tuple[Any, Notes]] | None] = ContextVar("kept", default=None)


@contextmanager
def tables_kept() -> Iterator[None]:
    """Within, a table that is opened again is the one opened before, until `forget_tables` or the end."""
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def forget_tables() -> None:
    """Let go of the tables: they have been read, and training needs the memory."""
    kept = _kept.get()
    if kept is not None:
        kept.clear()


def kept_or(path: Path, notes: Notes, open_it: Callable[[Path, Notes], Any]) -> Any:
    """The table at a path, with what its opening counted; `open_it` opens it if it is not kept."""
    kept = _kept.get()
    if kept is None:
        return open_it(path, notes)
    if path not in kept:
        own = Notes()
        kept[path] = open_it(path, own), own
    table, own = kept[path]
    notes.update(own)
    return table
