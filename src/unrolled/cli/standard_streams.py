"""Standard input, output and error as the command needs them, also where they are closed, full or left by the reader.

Standard error is for a person: what cannot be written there is dropped. Standard output is the result: an error there
ends the command, and names its place.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

from unrolled.training.forgiving import Forgiving

STDOUT = "standard output"


class Named:
    """A text stream whose errors say which it is."""

    def __init__(self, stream: Any, name: str) -> None:
        self._stream, self._name = stream, name

    def write(self, text: str) -> int:
        """Write; what the encoding of the stream lacks as escapes. Raises `OSError` with the name of the stream."""
        with self._naming():
            try:
                return self._stream.write(text)
            except UnicodeEncodeError as error:
                return self._stream.write(text.encode(error.encoding, "backslashreplace").decode(error.encoding))

    def flush(self) -> None:
        """Flush. Raises `OSError` with the name of the stream."""
        with self._naming():
            self._stream.flush()

    @contextlib.contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.filename is None:
                error.filename = self._name
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_stream"], name)


@contextlib.contextmanager
def settled() -> Iterator[None]:
    """Within the block both streams can be written to; after it the interpreter has nothing left to write in vain."""
    _occupy()
    error: Any = Forgiving(sys.stderr)
    with contextlib.ExitStack() as stack:
        output: Any = sys.stdout or stack.enter_context(open(os.devnull, "w"))
        output = Named(output, STDOUT)
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(error):
            try:
                yield
            finally:
                if error.dropped:
                    discard(error)


def discard(stream: Any) -> None:
    """Let what is still to be written to a stream go nowhere: nobody reads it, and at exit it would fail once more."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _occupy() -> None:
    """Open what is closed of descriptors 0 to 2: else the next file takes its place, and messages go into that."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
