"""Data that is given as the path of a file or a folder, or as several."""

from pathlib import Path
from typing import Any

from unrolled.data.given import given_paths, refuse_overlong


def is_path(X: Any) -> bool:
    """Whether X is a path, as a text or a `Path`, or a list of `Path`."""
    return isinstance(X, str | Path) or (
        isinstance(X, list) and bool(X) and all(isinstance(entry, Path) for entry in X)
    )


def paths_of(X: Any) -> list[str]:
    """The paths of what `is_path`. Raises `UserError` for an empty one, a pipe and a device."""
    for entry in [X] if isinstance(X, str | Path) else X:
        refuse_overlong(str(entry))
    return [str(path) for path in given_paths([X] if isinstance(X, str | Path) else X)]
