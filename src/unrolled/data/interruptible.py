"""Long work inside other libraries, which Ctrl-C would have to wait for."""

import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar

WAIT = 0.1
"""Seconds that the main thread waits at once for another thread or process. It must not wait without end: once polars
has handled signals, they no longer wake a thread that waits."""
Result = TypeVar("Result")
Check = Callable[[], None]


def interruptible(work: Callable[[Check], Result]) -> Result:
    """What `work` returns or raises, done in a thread of its own while this one waits and can be stopped.

    Python answers a signal between two of its own steps, in the main thread, and a library may spend minutes in one.
    Work that was given up goes on in its thread until it calls the function that it is given, which then raises
    `KeyboardInterrupt`; it ends with the program at the latest. So it must not write anything that is to stay.
    """
    stopped, finished = threading.Event(), threading.Event()
    results: list[Result] = []
    errors: list[BaseException] = []

    def check() -> None:
        if stopped.is_set():
            raise KeyboardInterrupt

    def run() -> None:
        try:
            results.append(work(check))
        except BaseException as error:
            errors.append(error)
        finally:
            finished.set()

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True)
    try:
        thread.start()
        while not finished.wait(WAIT):
            pass
    except BaseException:
        stopped.set()
        raise
    if errors:
        raise errors[0]
    return results[0]
