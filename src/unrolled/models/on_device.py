"""Batches of the data room as tensors on a device."""

from typing import TypeVar

import numpy as np
import torch

Batch = TypeVar("Batch", bound=tuple)


def on_device(batch: Batch, device: torch.device) -> Batch:
    """A batch, a `NamedTuple`, with a tensor on the device for every array in it; what else it holds stays."""
    return type(batch)(*(_tensor(value, device) if isinstance(value, np.ndarray) else value for value in batch))


def _tensor(array: np.ndarray, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(device, non_blocking=True)
