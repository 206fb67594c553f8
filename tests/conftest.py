"""What every test run needs: one thread per worker, property tests that give the same result every time, and an end."""

import os
import signal
from collections.abc import Generator
from typing import Any

import pytest
import torch
from hypothesis import settings

from bounded import bounded
from checked_types import check_types_quickly

check_types_quickly()

if "PYTEST_XDIST_WORKER" in os.environ:
    # The workers share the cores already; threads inside each would only fight. Subprocesses inherit the variables.
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["MKL_NUM_THREADS"] = "1"
    torch.set_num_threads(1)

# A shell that starts the tests in the background, or nohup, has these ignored, and all that a test starts inherits it.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (getattr(signal, "SIGHUP", None), signal.SIG_DFL)):
    if number is not None and signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, usual)

# The same examples in every run, so that a red run means a change, and no time limit, since machines differ.
# `pytest --hypothesis-profile=explore` looks for new counterexamples.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile("repeatable")


def _bounded(item: pytest.Item) -> Generator[None, Any, Any]:
    with bounded(item.name):
        return (yield)


pytest_runtest_setup = pytest_runtest_call = pytest_runtest_teardown = pytest.hookimpl(wrapper=True)(_bounded)
