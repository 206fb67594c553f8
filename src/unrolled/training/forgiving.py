"""Output for a person who may have gone: `| head`, a closed terminal, a full disk behind `2> file`."""

import contextlib
from typing import Any


class Forgiving:
    """A text stream of which what cannot be written is dropped, so that the work it speaks of goes on.

    `stream` is None where there is none, as in `2>&-`.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.dropped = False
        """whether something could not be written"""

    def write(self, text: str) -> int:
        """Write, or drop."""
        with self._forgiven():
            if self._stream is not None:
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, if there is still somebody."""
        with self._forgiven():
            if self._stream is not None:
                self._stream.flush()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream is not None and self._stream.isatty()

    @contextlib.contextmanager
    def _forgiven(self) -> Any:
        try:
            yield
        except (OSError, ValueError):  # ValueError: the file is closed
            self.dropped = True

    def __getattr__(self, name: str) -> Any:
        if name == "_stream" or self._stream is None:
            raise AttributeError(name)
        return getattr(self._stream, name)
