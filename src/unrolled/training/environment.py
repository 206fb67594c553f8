"""Where a run took place: enough to know later what its numbers mean."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

# Names in Linux's /proc/cpuinfo; each decides which fast kernels PyTorch has.
_FEATURES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_int8", "asimd", "sve", "bf16")


def environment() -> dict[str, Any]:
    """Versions, operating system, processor and GPUs, as JSON values."""
    facts: dict[str, Any] = {
        "unrolled": version("unrolled"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "system": platform.platform(),
        "cpu": _cpu_name(),
        "cores": _usable_cores(),
        "threads": torch.get_num_threads(),
        "cpu features": _cpu_features(),
        "gpu": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())],
    }
    if torch.backends.mps.is_available():
        facts["gpu"] = ["Apple (MPS)"]
    return facts


def _usable_cores() -> int:
    """Cores this process may run on, which can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu_name() -> str:
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _cpu_features() -> list[str]:
    flags = set((_cpuinfo("flags") or _cpuinfo("Features")).split())
    if not flags:  # not Linux: the highest set PyTorch itself uses, such as AVX2
        return [torch.backends.cpu.get_cpu_capability().lower()]
    return [name for name in _FEATURES if name in flags]


def _cpuinfo(field: str) -> str:
    """The first value of a field, or nothing where there is no such file or field."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    pairs = (line.partition(":") for line in lines)
    return next((value.strip() for name, _, value in pairs if name.strip() == field), "")
