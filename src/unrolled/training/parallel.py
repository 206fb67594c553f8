"""One model in several processes, replicated (DDP) or sharded (FSDP), and its whole tensors again."""

import os
import warnings
from typing import Any, Literal

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from unrolled.errors import UserError
from unrolled.untrusted import reason


def make_accelerator() -> Accelerator:
    """This process among those that `torchrun` started, if it did, connected with them; and its device.

    Raises `UserError` if they cannot work together on the devices of this machine.
    """
    world = _number_of("WORLD_SIZE", 1)
    for name in ("RANK", "LOCAL_RANK", "MASTER_PORT"):
        if name in os.environ:
            _number_of(name, 0)
    # Without a GPU, Accelerate leaves the processes of torchrun alone with themselves unless it is told to use the CPU.
    try:
        accelerator = Accelerator(mixed_precision="no", cpu=world > 1 and not torch.accelerator.is_available())
    except (ValueError, RuntimeError, KeyError) as error:
        raise UserError(f"the {world} processes cannot be joined: {reason(error)}; start them with torchrun") from error
    if accelerator.num_processes != world:
        raise UserError(
            f"{world} processes were started, but on the device {accelerator.device} only one can train; "
            "run unrolled train without torchrun"
        )
    return accelerator


def _number_of(name: str, default: int) -> int:
    """A number that torchrun sets in the environment."""
    text = os.environ.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10) or (name == "WORLD_SIZE" and int(text) < 1):
        raise UserError(
            f'the environment variable {name} is "{text}", expected a number as torchrun sets it; unset WORLD_SIZE, '
            "RANK, LOCAL_RANK and MASTER_PORT, or start with torchrun"
        )
    return int(text)


def wrap(objective: nn.Module, kind: Literal["ddp", "fsdp"], accelerator: Accelerator) -> nn.Module:
    """The module to call for training; with one process it is the objective itself."""
    if accelerator.num_processes == 1:
        return objective.to(accelerator.device)
    if kind == "ddp":
        return accelerator.prepare_model(objective)
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    # States may be views of what the network computed; nothing changes them in place.
    warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view tensor")
    objective.to(accelerator.device)
    network: Any = objective.network
    fully_shard(network)
    # These are entered beside `forward`, and need the whole weights as well.
    for method in network.entered:
        register_fsdp_forward_method(network, method)
    return objective


def full_tensor(tensor: Tensor) -> Tensor:
    """A tensor with all its shards. Every process must call it."""
    return tensor.full_tensor() if _is_sharded(tensor) else tensor  # type: ignore[attr-defined]


def sharded_like(tensor: Tensor, parameter: Tensor) -> Tensor:
    """A full tensor, sharded as a parameter is."""
    tensor = tensor.to(parameter.device)
    if not _is_sharded(parameter):
        return tensor
    from torch.distributed.tensor import distribute_tensor

    # Every process has the whole tensor, so each takes its shard of its own.
    mesh, placements = parameter.device_mesh, parameter.placements  # type: ignore[attr-defined]
    return distribute_tensor(tensor, mesh, placements, src_data_rank=None)


def gathered(leaf: Tensor, accelerator: Accelerator) -> Tensor:
    """The rows of all processes. Every process must call it with leaves of one shape."""
    if accelerator.num_processes == 1:
        return leaf
    rows: Any = accelerator.gather(leaf.contiguous())
    return rows


def full_weights(network: nn.Module) -> dict[str, Tensor]:
    """The whole weights by name, each shared one once. Every process must call it."""
    return {name: full_tensor(parameter.detach()) for name, parameter in network.named_parameters()}


def _is_sharded(tensor: Tensor) -> bool:
    """Whether it is a DTensor, told without importing those: that costs more than a second."""
    return hasattr(tensor, "full_tensor")
