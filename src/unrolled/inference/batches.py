"""Batches of the data room as tensors on a device."""

import numpy as np
import torch

from unrolled.data.feeds import Batch


def as_tensors(batch: Batch, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and targets of a batch on a device."""
    return _tensor(batch.inputs, device), _tensor(batch.targets, device)


def flags(batch: Batch, device: torch.device) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """Mask and reset of a batch on a device."""
    mask = None if batch.mask is None else _tensor(batch.mask, device)
    return mask, None if batch.reset is None else _tensor(batch.reset, device)


def _tensor(array: np.ndarray, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(device, non_blocking=True)
