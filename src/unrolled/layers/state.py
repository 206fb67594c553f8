"""What a layer remembers between two chunks, and the handling of it that is the same for every layer.

A state is a `NamedTuple` of tensors, or a tuple of states for a layer made of layers, or `()` for a layer that
remembers nothing. Axis 0 of every leaf is the batch. A leaf may grow with time (a key-value cache does): then axis 1
is time, the newest step stands last, and the front is padded with zeros. The helpers below rely on nothing else.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import safetensors.torch
import torch
from jaxtyping import Bool, Int
from torch import Tensor

State: TypeAlias = tuple[Any, ...]  # a NamedTuple of tensors, or a (possibly empty) tuple of such


def map_state(function: Callable[..., Tensor], state: State, *others: State) -> State:
    """Apply `function` to every leaf (of several states of one structure), keeping the structure."""
    mapped = [
        map_state(function, leaf, *rest) if isinstance(leaf, tuple) else function(leaf, *rest)
        for leaf, *rest in zip(state, *others, strict=True)
    ]
    return type(state)(*mapped) if hasattr(state, "_fields") else tuple(mapped)


def leaves(state: State) -> list[Tensor]:
    """The tensors of a state, in order."""
    return [tensor for _, tensor in named_leaves(state)]


def named_leaves(state: State, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors of a state with their paths, such as `1.hidden`."""
    names = getattr(state, "_fields", range(len(state)))
    for name, leaf in zip(names, state, strict=True):
        if isinstance(leaf, tuple):
            yield from named_leaves(leaf, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", leaf


def rebuild(like: State, tensors: list[Tensor]) -> State:
    """The inverse of `leaves`: the structure of `like` around other tensors."""
    remaining = iter(tensors)
    return map_state(lambda _: next(remaining), like)


def gather(state: State, rows: Int[Tensor, " rows"]) -> State:
    """The state of some rows of the batch, in the order asked for; a row may be asked for twice."""
    return map_state(lambda leaf: leaf.index_select(0, rows), state)


def scatter(state: State, rows: Int[Tensor, " rows"], update: State) -> State:
    """A new state in which the given rows are replaced by those of `update`; leaves that grow are aligned first."""

    return map_state(lambda leaf, new: _replace(rows, *align(leaf, new)), state, update)


def concatenate(states: list[State]) -> State:
    """Several states as one batch, such as live streams that are to run together."""
    return map_state(lambda *rows: torch.cat(_align_all(rows)), *states)


def select(condition: Bool[Tensor, " batch"], chosen: State, other: State) -> State:
    """Row by row: `chosen` where the condition holds, `other` elsewhere. What is not chosen cannot leak, even NaN."""

    return map_state(lambda yes, no: _choose(condition, *align(yes, no)), chosen, other)


def detach(state: State) -> State:
    """The same values cut off from the graph: where truncated backpropagation through time ends."""
    return map_state(Tensor.detach, state)


def to(state: State, device: torch.device | str) -> State:
    """The state on another device. Types are kept: accumulators stay float32."""
    return map_state(lambda leaf: leaf.to(device), state)


def save(state: State) -> bytes:
    """The state as safetensors bytes; `load` gives it back bit for bit."""
    # Copies, since safetensors refuses leaves that share memory, as those of an initial state may.
    return safetensors.torch.save({name: leaf.detach().clone().contiguous() for name, leaf in named_leaves(state)})


def load(data: bytes, *, like: State) -> State:
    """A saved state, given an initial state of the same layer, such as `layer.initial_state(1)`.

    Raises `ValueError` if the bytes are not a state of that layer: axis 1 of a leaf has another size only if it grows,
    which it does from 0.
    """
    try:
        tensors = safetensors.torch.load(data)
    except Exception as error:  # safetensors raises its own and several built-in kinds for damaged bytes
        raise ValueError(f"not a saved state: {error}") from error
    expected = dict(named_leaves(like))
    if tensors.keys() != expected.keys():
        only = tensors.keys() - expected.keys(), expected.keys() - tensors.keys()
        own, needed = (", ".join(sorted(names)[:5])[:200] or "nothing" for names in only)
        raise ValueError(f"the saved state is another model's: it alone has {own}, this model needs {needed}")
    batches = {len(tensor) for tensor in tensors.values() if tensor.dim()}
    if len(batches) > 1:
        raise ValueError(f"the saved state mixes batches of {sorted(batches)[:5]} rows")
    for name, leaf in expected.items():
        saved = tensors[name]
        fits = saved.dim() == leaf.dim() and saved.dtype == leaf.dtype and saved.shape[2:] == leaf.shape[2:]
        grows = leaf.dim() > 1 and leaf.shape[1] == 0
        if not fits or (not grows and saved.shape[1:2] != leaf.shape[1:2]):
            raise ValueError(
                f"the saved state has {name} of shape {list(saved.shape)} and type {saved.dtype}, "
                f"this model needs {list(leaf.shape)} and {leaf.dtype}"
            )
    return rebuild(like, [tensors[name].to(leaf.device) for name, leaf in expected.items()])


def align(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Two leaves with the same size of axis 1: the shorter is padded with zeros at the front."""
    first, second = _align_all((first, second))
    return first, second


def _align_all(rows: tuple[Tensor, ...]) -> list[Tensor]:
    if rows[0].dim() < 2:
        return list(rows)
    size = max(leaf.shape[1] for leaf in rows)
    return [_pad_front(leaf, size) for leaf in rows]


def _pad_front(leaf: Tensor, size: int) -> Tensor:
    missing = size - leaf.shape[1]
    return leaf if not missing else torch.cat([leaf.new_zeros(len(leaf), missing, *leaf.shape[2:]), leaf], dim=1)


def _choose(condition: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    return torch.where(condition.view(-1, *[1] * (yes.dim() - 1)), yes, no)


def _replace(rows: Tensor, leaf: Tensor, new: Tensor) -> Tensor:
    return leaf.index_copy(0, rows, new.to(leaf.dtype))
