"""How much work something is, by a measure that is the same on every machine, however busy."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import unrolled

HERE = str(Path(unrolled.__file__).parent)


def python_calls(work: Callable[[], object]) -> int:
    """Calls in the code of this project while it does some work: of its own functions, and by them of any in C.

    What loops over records, steps or values in Python shows here; what an array does at once is one call.
    """
    calls = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call") and frame.f_code.co_filename.startswith(HERE)

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls
