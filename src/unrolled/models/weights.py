"""Weights from strangers: what a safetensors file holds by its header, which a network must fit before it is made."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

Network = TypeVar("Network", bound=nn.Module)

_MAKERS = frozenset([torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn])
_FREE = 1 << 20
"""Numbers that a tensor may have whatever the file holds: those of small tables that are no weights."""


def shapes_in(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor of a safetensors file, from its header alone. Raises `OSError` or what safetensors does
    for a file that is none."""
    with safe_open(path, framework="pt") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def build_within(build: Callable[[], Network], shapes: dict[str, tuple[int, ...]]) -> Network:
    """What `build` makes, if it makes no tensor larger than the file's and not many more of them.

    Sizes in a configuration are anyone's: a width or a number of layers that the weights do not have ends here before
    its memory is asked for. Raises `ValueError` then.
    """
    with torch.random.fork_rng(devices=[]), _Within(shapes):  # the first weights are drawn, and replaced
        return build()


def check_finite(weights: dict[str, Tensor]) -> None:
    """Raises `ValueError` with the first weights that are not finite numbers."""
    for name, tensor in weights.items():
        if not bool(tensor.isfinite().all()):
            raise ValueError(f"{name} holds numbers that are not finite")


class _Within(TorchFunctionMode):
    def __init__(self, shapes: dict[str, tuple[int, ...]]) -> None:
        super().__init__()
        self.largest = max([_FREE, *(math.prod(shape) for shape in shapes.values())])
        # A layer makes some tensors that are no weights, and those of a head that is tied are made twice.
        self.left = 8 * len(shapes) + 100

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _MAKERS:
            size = kwargs["size"] if "size" in kwargs else args[0] if args and not isinstance(args[0], int) else args
            count = math.prod(size)
            self.left -= 1
            if count > self.largest:
                raise ValueError(
                    f"config.json asks for a tensor of {' x '.join(map(str, size))} numbers, and the largest in "
                    f"model.safetensors has {self.largest:,}"
                )
            if self.left < 0:
                raise ValueError("config.json asks for many more tensors than model.safetensors has")
        return func(*args, **kwargs)
