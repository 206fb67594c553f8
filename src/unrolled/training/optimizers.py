"""Optimisers, which parameter gets which, and how their learning rate changes over a run."""

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import torch
from torch import nn

T = TypeVar("T", bound=torch.optim.Optimizer)

BETAS = (0.9, 0.95)
"""Of AdamW: the second is lower than PyTorch's 0.999, as usual for language models since Brown et al. 2020,
arXiv:2005.14165, appendix B; it follows a gradient that changes its size faster."""
WSD_DECAY = 0.4
"""Last part of a run over which `wsd` falls to zero. Hägele et al. find that 20 % suffice in long runs; runs here are
often short, and then need a larger part to settle."""


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
        optimizers.append(_without_compiler(torch.optim.Muon)(groups, lr=learning_rate, adjust_lr_fn="match_rms_adamw"))
    groups = [group(members, decay) for members, decay in ((decayed, weight_decay), (plain, 0.0)) if members]
    if groups:
        optimizers.append(_without_compiler(torch.optim.AdamW)(groups, lr=learning_rate, betas=BETAS, fused=True))
    return optimizers


def learning_rate_factor(
    kind: Literal["cosine", "constant", "wsd"], progress: float, step: int, warmup_steps: int
) -> float:
    """What to multiply the peak learning rate with, 0 to 1.

    `progress` is the part of the run that is done, 0 to 1, however it is limited: by steps, epochs or time.
    `step` counts the updates done before this one. Over the first `warmup_steps` updates the result rises linearly,
    and reaches the schedule's value with update number `warmup_steps`.

    `cosine`: half a cosine from 1 to 0 (Loshchilov and Hutter 2016, arXiv:1608.03983). It ends at 0 and not at the
    customary 10 %, since a rate that goes to zero gives a lower final loss (Bergsma et al. 2025, arXiv:2502.15938).
    `constant`: 1.
    `wsd`: 1, then linearly to 0 over the last part of the run (warm-up, stable, decay; Hägele et al. 2024,
    arXiv:2405.18392).
    """
    progress = min(max(progress, 0.0), 1.0)
    if kind == "cosine":
        factor = 0.5 * (1.0 + math.cos(math.pi * progress))
    elif kind == "wsd":
        factor = min(1.0, (1.0 - progress) / WSD_DECAY)
    else:
        factor = 1.0
    return factor if step >= warmup_steps else factor * (step + 1) / warmup_steps


def set_learning_rate(optimizers: list[torch.optim.Optimizer], factor: float) -> None:
    """Set every group to `factor` times its peak learning rate."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor


@functools.cache
def _without_compiler(kind: type[T]) -> type[T]:
    """The same optimiser, which does not import PyTorch's compiler: that takes more than a second, longer than many a
    small training.

    PyTorch imports it to tell it which methods of an optimiser it should leave alone; nothing is compiled here.
    """
    names = ("add_param_group", "zero_grad", "state_dict", "load_state_dict", "step")
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in names}
    methods["step"] = torch.no_grad()(methods["step"])
    return type(kind.__name__, (kind,), methods)


def _embedding_weights(model: nn.Module) -> set[int]:
    """By identity, so that an output layer tied to an embedding counts as one."""
    return {
        id(parameter)
        for module in model.modules()
        if isinstance(module, nn.Embedding)
        for parameter in module.parameters(recurse=False)
    }
