"""Optimisers, and which parameter gets which."""

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import nn

BETAS = (0.9, 0.95)
"""Of AdamW: the second is lower than PyTorch's 0.999, as usual for language models since Brown et al. 2020,
arXiv:2005.14165, appendix B; it follows a gradient that changes its size faster."""


def make_optimizers(
    model: nn.Module,
    kind: Literal["adamw", "muon"],
    learning_rate: float,
    weight_decay: float,
    *,
    is_matrix: Callable[[str, nn.Parameter], bool] | None = None,
) -> list[torch.optim.Optimizer]:
    """The optimisers that together update every trainable parameter of a model once.

    `adamw`: AdamW with the fused kernel for everything.
    `muon`: Muon for hidden matrices, AdamW for the rest. Muon's steps are scaled to the size of AdamW's, so that both
    take the same learning rate and weight decay. `is_matrix(name, parameter)` says which parameters Muon gets; by
    default the two-dimensional ones outside `nn.Embedding`s and outside a submodule called `head`.

    Weights of two and more dimensions are decayed; embeddings, biases and the scales of norms are not.
    Each group carries its peak learning rate as `initial_lr`; see `set_learning_rate`.

    Sources: Loshchilov and Hutter 2017, arXiv:1711.05101 (AdamW); Jordan et al. 2024,
    https://kellerjordan.github.io/posts/muon/ (Muon); Liu et al. 2025, arXiv:2502.16982 (decay and scale of its steps).
    """
    embeddings = _embedding_weights(model)
    if is_matrix is None:

        def is_matrix(name: str, parameter: nn.Parameter) -> bool:
            return parameter.dim() == 2 and id(parameter) not in embeddings and "head" not in name.split(".")[:-1]

    matrices, decayed, plain = [], [], []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if kind == "muon" and is_matrix(name, parameter):
            matrices.append(parameter)
        elif parameter.dim() >= 2 and id(parameter) not in embeddings:
            decayed.append(parameter)
        else:
            plain.append(parameter)

    def group(parameters: list[nn.Parameter], decay: float) -> dict[str, Any]:
        return {"params": parameters, "weight_decay": decay, "initial_lr": learning_rate}

    optimizers: list[torch.optim.Optimizer] = []
    if matrices:
        groups = [group(matrices, weight_decay)]
        optimizers.append(torch.optim.Muon(groups, lr=learning_rate, adjust_lr_fn="match_rms_adamw"))
    groups = [group(members, decay) for members, decay in ((decayed, weight_decay), (plain, 0.0)) if members]
    if groups:
        optimizers.append(torch.optim.AdamW(groups, lr=learning_rate, betas=BETAS, fused=True))
    return optimizers


def set_learning_rate(optimizers: list[torch.optim.Optimizer], factor: float) -> None:
    """Set every group to `factor` times its peak learning rate."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor


def _embedding_weights(model: nn.Module) -> set[int]:
    """By identity, so that an output layer tied to an embedding counts as one."""
    return {
        id(parameter)
        for module in model.modules()
        if isinstance(module, nn.Embedding)
        for parameter in module.parameters(recurse=False)
    }
