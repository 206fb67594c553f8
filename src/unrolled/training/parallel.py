"""One model in several processes, replicated (DDP) or sharded (FSDP), and its whole tensors again."""

from typing import Any, Literal

from accelerate import Accelerator
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from unrolled.training.objective import LanguageObjective


def wrap(objective: LanguageObjective, kind: Literal["ddp", "fsdp"], accelerator: Accelerator) -> nn.Module:
    """The module to call for training; with one process it is the objective itself."""
    if accelerator.num_processes == 1:
        return objective.to(accelerator.device)
    if kind == "ddp":
        return accelerator.prepare_model(objective)
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    objective.to(accelerator.device)
    fully_shard(objective.network)
    # These are entered beside `forward`, and need the whole weights as well.
    for method in ("token_losses", "step"):
        register_fsdp_forward_method(objective.network, method)
    return objective


def full_tensor(tensor: Tensor) -> Tensor:
    """A tensor with all its shards. Every process must call it."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def sharded_like(tensor: Tensor, parameter: Tensor) -> Tensor:
    """A full tensor, sharded as a parameter is."""
    tensor = tensor.to(parameter.device)
    if not isinstance(parameter, DTensor):
        return tensor
    return distribute_tensor(tensor, parameter.device_mesh, parameter.placements)


def gathered(leaf: Tensor, accelerator: Accelerator) -> Tensor:
    """The rows of all processes. Every process must call it with leaves of one shape."""
    if accelerator.num_processes == 1:
        return leaf
    rows: Any = accelerator.gather(leaf.contiguous())
    return rows


def full_weights(network: nn.Module) -> dict[str, Tensor]:
    """The whole weights by name, each shared one once. Every process must call it."""
    return {name: full_tensor(parameter.detach()) for name, parameter in network.named_parameters()}
