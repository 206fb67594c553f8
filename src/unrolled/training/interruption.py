"""Stopping on Ctrl-C, on a polite kill and when the terminal closes, without losing anything."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SAME_KEY = 1.0
"""Signals within so many seconds are one wish: launchers such as torchrun pass on the Ctrl-C that the terminal has
already sent to everyone."""


class Interruption:
    """Whether someone asked to stop. A second Ctrl-C, a moment later, stops at once."""

    def __init__(self) -> None:
        self.asked = False
        self.number = signal.SIGINT
        """the signal that asked"""
        self._when = 0.0

    def ask(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.asked and now - self._when > SAME_KEY:
            raise KeyboardInterrupt(number)
        if not self.asked:
            self.asked, self.number, self._when = True, signal.Signals(number), now


@contextmanager
def watch_for_interruption() -> Iterator[Interruption]:
    """Within the block, SIGINT, SIGTERM and SIGHUP set a flag, so that the step in progress is finished and saved."""
    interruption = Interruption()
    with _handled_by(interruption.ask, [signal.SIGINT, *_polite()]):
        yield interruption


@contextmanager
def stopped_politely() -> Iterator[None]:
    """Within the block, SIGTERM and SIGHUP raise `KeyboardInterrupt` with their number, as Ctrl-C does without one: so
    what is being written is cleared away, and what must be kept is saved."""
    with _handled_by(_stop, _polite()):
        yield


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(number)


def _polite() -> list[signal.Signals]:
    """The signals that ask a process to end. `nohup` has SIGHUP ignored, and that stays so."""
    names = ["SIGTERM"]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        names.append("SIGHUP")
    return [signal.Signals[name] for name in names]


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None], numbers: list[signal.Signals]) -> Iterator[None]:
    """Only the main thread may handle signals; elsewhere nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
