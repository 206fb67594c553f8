"""How PyTorch's threads wait for each other on a CPU. Importing this costs nothing.

GNU's OpenMP lets a thread that waits spin for about three milliseconds before it sleeps. That is quick where every
thread has a core of its own. Where another program uses one of the cores, the spinning thread keeps the one it waits
for from running, and training becomes tens of times slower. So waiting threads spin for a moment only, and where a core
is contended they sleep at once. The results are the same bit for bit, since the work is divided as before.
"""

import ctypes
import os
import sys
import threading
from pathlib import Path

SPIN = "3000"
"""Rounds that a waiting thread spins, some tens of microseconds: as quick as the default where cores are free."""
_VARIABLES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")


def spin_briefly() -> None:
    """Ask OpenMP to spin for `SPIN` rounds, unless the user asked for something. Works until torch is imported."""
    if "torch" not in sys.modules and not any(name in os.environ for name in _VARIABLES):
        os.environ["GOMP_SPINCOUNT"] = SPIN


def asked_for() -> str | None:
    """What the user's environment says of waiting, such as `OMP_WAIT_POLICY=PASSIVE`; None if nothing."""
    settings = [f"{name}={os.environ[name]}" for name in _VARIABLES if name in os.environ]
    ours = f"GOMP_SPINCOUNT={SPIN}"
    return ", ".join(settings) if settings and settings != [ours] else None


class Sleep:
    """Lets waiting threads sleep at once, from `begin` to `end`; for all threads of this process.

    GNU's OpenMP does so by itself when a program has more threads than cores (the manual's page on GOMP_SPINCOUNT says
    it), and reads its variables only once. So `begin` keeps as many more threads as there are cores, which do nothing.
    """

    def __init__(self) -> None:
        self._library = _openmp()
        self._end: threading.Event | None = None
        self._keeper: threading.Thread | None = None

    @property
    def possible(self) -> bool:
        """Whether this PyTorch computes with an OpenMP that can be asked so, and the user leaves it to us."""
        return self._library is not None and asked_for() is None

    def begin(self) -> None:
        if self._library is None or self._end is not None:
            return
        ready, self._end = threading.Event(), threading.Event()
        self._keeper = threading.Thread(target=_keep, args=(self._library, ready, self._end), daemon=True)
        self._keeper.start()
        ready.wait()

    def end(self) -> None:
        if self._end is not None and self._keeper is not None:
            self._end.set()
            self._keeper.join()
            self._end = self._keeper = None


def _keep(library: ctypes.CDLL, ready: threading.Event, end: threading.Event) -> None:
    """Hold a team of threads of this thread's own until `end`; it goes when this thread does."""
    nothing = ctypes.cast(ctypes.CDLL(None).free, ctypes.c_void_p)  # free(NULL) has no effect
    library.GOMP_parallel(nothing, None, library.omp_get_num_procs() + 1, 0)
    ready.set()
    end.wait()


def _openmp() -> ctypes.CDLL | None:
    """The OpenMP that PyTorch is linked with; None where it is another one or cannot be found."""
    if not sys.platform.startswith("linux"):
        return None
    import torch

    try:
        # Names are looked up in what the library itself depends on: other packages bring an OpenMP of their own.
        library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"))
        library.GOMP_parallel.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint]
        library.GOMP_parallel.restype = None
        library.omp_get_num_procs.restype = ctypes.c_int
    except (OSError, AttributeError):
        return None
    return library
