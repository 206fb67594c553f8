"""What goes into a model at each step: one tensor, or a `NamedTuple` of several (numbers, tokens), some of them None.

Every tensor is `[batch, time, ...]`, or `[batch, ...]` for one step.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from torch import Tensor

Inputs: TypeAlias = Tensor | tuple[Any, ...]


def map_inputs(function: Callable[..., Tensor], inputs: Any, *others: Any) -> Any:
    """Apply `function` to every tensor (of several inputs of one structure), keeping the structure."""
    if isinstance(inputs, Tensor):
        return function(inputs, *others)
    if inputs is None:
        return None
    mapped = [map_inputs(function, *leaves) for leaves in zip(inputs, *others, strict=True)]
    return type(inputs)(*mapped) if hasattr(inputs, "_fields") else tuple(mapped)


def named_inputs(inputs: Any, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors with their paths, such as `numbers`; that of a tensor by itself is empty."""
    if isinstance(inputs, Tensor):
        yield prefix.rstrip("."), inputs
    elif inputs is not None:
        for name, leaf in zip(getattr(inputs, "_fields", range(len(inputs))), inputs, strict=True):
            yield from named_inputs(leaf, f"{prefix}{name}.")


def lead(inputs: Any) -> Tensor:
    """One of the tensors, which says how many rows and steps there are. Raises `ValueError` if there is none."""
    for _, tensor in named_inputs(inputs):
        return tensor
    raise ValueError("the inputs hold no tensor")
