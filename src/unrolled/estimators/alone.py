"""Training inside another program: one at a time, and without a trace in its random numbers."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

import numpy as np
import torch

_ONE_AT_A_TIME = RLock()


@contextmanager
def alone() -> Iterator[None]:
    """One training of this process at a time; afterwards `random`, NumPy and PyTorch (on every device) go on with the
    numbers, and PyTorch with the threads, that they would have had.

    Training draws from PyTorch's only global generator and measures with how many threads to compute, so that two at
    once would not be what they are by themselves: fits in several threads wait for each other. Processes do not.
    """
    with _ONE_AT_A_TIME:
        states = random.getstate(), np.random.get_state(), torch.get_rng_state()
        devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        threads = torch.get_num_threads()
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])
            torch.set_rng_state(states[2])
            if devices:
                torch.cuda.set_rng_state_all(devices)
            if torch.get_num_threads() != threads:
                torch.set_num_threads(threads)
