"""How threads wait is set before torch reads it, left to the user who said something, and can be changed meanwhile."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from unrolled import openmp

NAMES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="GNU's OpenMP and /proc are Linux's")


def environment_after(code: str, **given: str) -> str:
    """What a fresh Python's environment says of spinning after some code."""
    clean = {name: value for name, value in os.environ.items() if name not in NAMES}
    show = "import os; print(os.environ.get('GOMP_SPINCOUNT'))"
    done = subprocess.run([sys.executable, "-c", f"{code}; {show}"], capture_output=True, text=True, env=clean | given)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_unrolled_shortens_the_spin_before_torch_is_there() -> None:
    assert environment_after("import unrolled") == openmp.SPIN
    assert environment_after("import unrolled.cli.main") == openmp.SPIN
    assert environment_after("import torch, unrolled") == "None", "too late: torch has read it"


def test_what_the_user_says_stays() -> None:
    assert environment_after("import unrolled", GOMP_SPINCOUNT="7") == "7"
    assert environment_after("import unrolled", OMP_WAIT_POLICY="PASSIVE") == "None"


def test_it_is_known_who_said_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    assert openmp.asked_for() is None
    monkeypatch.setenv("GOMP_SPINCOUNT", openmp.SPIN)  # as a process has it that another one of ours started
    assert openmp.asked_for() is None
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    assert openmp.asked_for() == "GOMP_SPINCOUNT=7"
    assert not openmp.Sleep().possible
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert openmp.asked_for() == "GOMP_SPINCOUNT=7, OMP_WAIT_POLICY=ACTIVE"


def threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


@linux
def test_sleep_keeps_more_threads_than_cores_and_lets_them_go(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    sleep = openmp.Sleep()
    if not sleep.possible:
        pytest.skip("this PyTorch computes with another OpenMP")
    cores = len(os.sched_getaffinity(0))
    torch.ones(1 << 17).add_(1)  # its own threads are there
    before = threads()
    for _ in range(20):
        sleep.begin()
        sleep.begin()
        assert threads() >= before + cores
        sleep.end()
        sleep.end()
    while threads() > before:  # the last ones are on their way out
        time.sleep(0.01)
