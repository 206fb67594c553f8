"""Everything one computation on a layer gives: outputs, final state and all gradients, by name."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from unrolled.layers import state as states
from unrolled.layers.inputs import Inputs, map_inputs, named_inputs
from unrolled.layers.layer import SequenceModule
from unrolled.layers.state import State
from unrolled.testing.failure import Finding, require_same

Way = Callable[[Any, State | None], tuple[Tensor, State]]
"""A way to get outputs and a final state from inputs and a state, such as in one chunk, or step by step."""

Outcome = dict[str, Tensor]
"""`output`, ``final state leaf `hidden` ``, `gradient of input`, ``gradient of parameter `weight` `` and so on."""


class RandomLoss:
    """A sum of outputs and of the float leaves of the final state, with random weights that stay the same.

    The weights are drawn on the first call. A leaf that has grown differently by the next call is aligned with them.
    """

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator
        self.weights: dict[str, Tensor] = {}

    def __call__(self, y: Tensor, final: State) -> Tensor:
        terms = [self._weighted("output", y)]
        terms += [self._weighted(name, leaf) for name, leaf in states.named_leaves(final) if leaf.is_floating_point()]
        return torch.stack(terms).sum()

    def _weighted(self, name: str, tensor: Tensor) -> Tensor:
        if name not in self.weights:
            drawn = torch.randn(tensor.shape, generator=self.generator, dtype=torch.float64)
            self.weights[name] = drawn.to(tensor)
        weights = self.weights[name]
        if name != "output":
            tensor, weights = states.align(tensor, weights)
        return (tensor * weights).sum()


def outcome(layer: SequenceModule, way: Way, x: Inputs, state: State | None, loss: RandomLoss) -> Outcome:
    """Run `way` and differentiate `loss` with respect to the input, the initial state and the parameters.

    Works on copies of `x` and `state`, and leaves the `grad` of the parameters alone.
    """
    x = map_inputs(lambda leaf: leaf.detach().clone().requires_grad_(leaf.is_floating_point()), x)
    wanted = {f"gradient of {name}": leaf for name, leaf in input_leaves(x) if leaf.requires_grad}
    if state is not None:
        state = as_leaves(state)
        wanted |= {
            f"gradient of initial state leaf `{name}`": leaf
            for name, leaf in states.named_leaves(state)
            if leaf.requires_grad
        }
    wanted |= {f"gradient of parameter `{name}`": p for name, p in layer.named_parameters() if p.requires_grad}
    y, final = way(x, state)
    total = loss(y, final)
    if total.requires_grad:
        gradients = torch.autograd.grad(total, list(wanted.values()), allow_unused=True, materialize_grads=True)
    else:
        gradients = tuple(torch.zeros_like(tensor) for tensor in wanted.values())
    results = {"output": y.detach()}
    results |= {f"final state leaf `{name}`": leaf.detach() for name, leaf in states.named_leaves(final)}
    for (name, tensor), gradient in zip(wanted.items(), gradients, strict=True):
        results[name] = _without_padding(gradient, tensor) if "initial state" in name else gradient
    return results


def _without_padding(gradient: Tensor, leaf: Tensor) -> Tensor:
    """Zero where a leaf that grows is padded, with zeros at the front of axis 1: nothing stands there to change."""
    if leaf.dim() < 2:
        return gradient
    real = (leaf != 0).flatten(2).any(2) if leaf.dim() > 2 else leaf != 0
    real = real.cumsum(1) > 0
    return gradient.masked_fill(~real.view(*real.shape, *[1] * (leaf.dim() - 2)), 0)


def input_leaves(x: Inputs) -> list[tuple[str, Tensor]]:
    """The tensors that go in, each with its name: `input`, or ``input `numbers` `` where there are several."""
    return [(f"input `{name}`" if name else "input", leaf) for name, leaf in named_inputs(x)]


def as_leaves(state: State) -> State:
    """A copy of a state that one can differentiate with respect to: its float leaves require a gradient."""
    return states.map_state(lambda leaf: leaf.detach().clone().requires_grad_(leaf.is_floating_point()), state)


def require_same_outcome(actual: Outcome, expected: Outcome, against: str, *, tolerance: float) -> None:
    """Raise a `Finding` at the first thing that differs, in the order outputs, final state, gradients."""
    if actual.keys() != expected.keys():
        raise Finding(f"the state has the leaves {_leaf_names(actual)}, {against} has {_leaf_names(expected)}")
    gradients = [value for name, value in expected.items() if name.startswith("gradient") and value.numel()]
    # Some gradients are zero but for rounding (a key's bias under softmax), so rounding is judged by the larger ones.
    largest_gradient = max((value.double().abs().nan_to_num(nan=0.0).max().item() for value in gradients), default=0.0)
    for name, value in expected.items():
        noise = 0.1 * largest_gradient if name.startswith("gradient") else 1e-6
        require_same(name, actual[name], value, against, tolerance=tolerance, least_size=noise)


def _leaf_names(results: Outcome) -> list[str]:
    return [name.split("`")[1] for name in results if name.startswith("final state")]
