"""Stopping on Ctrl-C and on a polite kill without losing anything."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SAME_KEY = 1.0
"""Signals within so many seconds are one wish: launchers such as torchrun pass on the Ctrl-C that the terminal has
already sent to everyone."""


class Interruption:
    """Whether someone asked to stop. A second Ctrl-C, a moment later, stops at once."""

    def __init__(self) -> None:
        self.asked = False
        self._when = 0.0

    def ask(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.asked and now - self._when > SAME_KEY:
            raise KeyboardInterrupt
        if not self.asked:
            self.asked, self._when = True, now


@contextmanager
def watch_for_interruption() -> Iterator[Interruption]:
    """Within the block, SIGINT and SIGTERM set a flag, so that the step in progress is finished and saved."""
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption  # only the main thread may handle signals
        return
    before = {number: signal.signal(number, interruption.ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
