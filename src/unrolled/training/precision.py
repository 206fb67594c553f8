"""Where bfloat16 is used."""

import contextlib
from typing import Literal

import torch

from unrolled.errors import UserError


def choose_precision(wanted: Literal["auto", "32", "bf16"], device: torch.device) -> Literal["32", "bf16"]:
    """`auto` takes bfloat16 where the device multiplies matrices in it natively.

    Either way it is chosen per operation: matrix products run in bfloat16, recurrences, attention on CPU, norms,
    softmax and losses in float32, and weights and optimiser state stay float32. Raises `UserError` for bf16 on a
    device that cannot.
    """
    if wanted != "auto":
        if wanted == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
            raise UserError("this GPU has no bfloat16; use --train.precision 32")
        return wanted
    if device.type == "cuda":
        return "bf16" if torch.cuda.get_device_capability(device) >= (8, 0) else "32"
    return "bf16" if device.type == "cpu" and _cpu_multiplies_bfloat16() else "32"


def autocast(precision: Literal["32", "bf16"], device: torch.device) -> contextlib.AbstractContextManager:
    """The context in which forward passes run."""
    if precision == "32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


def _cpu_multiplies_bfloat16() -> bool:
    # Without these instructions bfloat16 products are emulated, and slower than float32.
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
