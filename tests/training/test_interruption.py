"""Which signals stop what, and how."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from unrolled.training.interruption import stopped_politely, watch_for_interruption

POLITE = [signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """As they were, whatever a test did."""
    before = {number: signal.getsignal(number) for number in (*POLITE, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [*POLITE, signal.SIGINT])
def test_a_signal_is_a_wish_in_training(number: signal.Signals) -> None:
    with watch_for_interruption() as interruption:
        assert not interruption.asked
        os.kill(os.getpid(), number)
        assert interruption.asked
        assert interruption.number == number
        os.kill(os.getpid(), number)  # at once: passed on by a launcher, not a second wish


@pytest.mark.parametrize("number", POLITE)
def test_elsewhere_it_stops_as_ctrl_c_does(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt) as stop, stopped_politely():
        os.kill(os.getpid(), number)
    assert stop.value.args == (number,)
    assert signal.getsignal(number) == before


def test_what_nohup_has_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with stopped_politely(), watch_for_interruption() as interruption:
        os.kill(os.getpid(), signal.SIGHUP)
        assert not interruption.asked
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_a_thread_leaves_signals_alone() -> None:
    handlers = []

    def work() -> None:
        with stopped_politely(), watch_for_interruption():
            handlers.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [before]
