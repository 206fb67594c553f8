"""An end to every wait: far beyond what any machine takes, however busy, and in a failure that says what waited."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

LONGEST = 1800.0
"""Seconds that a test may take."""


@contextmanager
def bounded(what: str, seconds: float = LONGEST) -> Iterator[None]:
    """Fails from within a block that is not over after so many seconds, whatever it waits for.

    So a test waits for a process, a thread or a signal without a limit of its own. Elsewhere than in the main thread of
    a POSIX system nothing is bounded.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def too_long(number: int, frame: FrameType | None) -> None:
        pytest.fail(f"{what} is not over after {seconds:g} seconds: it waits for something that never comes")

    usual = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, usual)
