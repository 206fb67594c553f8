"""A test that would wait for ever fails, and says so."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from bounded import LONGEST, bounded


def wait_for_a_thread(never: threading.Event) -> None:
    thread = threading.Thread(target=never.wait, daemon=True)
    thread.start()
    thread.join()


def wait_for_a_process(never: threading.Event) -> None:
    subprocess.run([sys.executable, "-c", "import signal; signal.pause()"])


@pytest.mark.parametrize("wait", [threading.Event.wait, wait_for_a_thread, wait_for_a_process])
def test_a_wait_without_end_is_a_failure_with_a_sentence(wait: Callable[[threading.Event], object]) -> None:
    never = threading.Event()
    sentence = "the test is not over after 0.2 seconds: it waits for something that never comes"
    with pytest.raises(pytest.fail.Exception, match=sentence), bounded("the test", 0.2):
        wait(never)
    never.set()


def test_what_ends_is_left_alone() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with bounded("the block"):
        assert signal.getsignal(signal.SIGALRM) != before
    assert signal.getsignal(signal.SIGALRM) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_every_test_is_bounded() -> None:
    """By conftest.py."""
    left, _ = signal.getitimer(signal.ITIMER_REAL)
    assert 0 < left <= LONGEST
