"""Law 9: one step can be exported as a plain function of tensors."""

from typing import Any

import torch
from torch import Tensor, nn

from unrolled.layers import state as states
from unrolled.layers.inputs import Inputs, map_inputs, named_inputs
from unrolled.layers.layer import SequenceModule
from unrolled.layers.state import State
from unrolled.testing.evaluation_modes import cut
from unrolled.testing.failure import require, require_same
from unrolled.testing.subject import Subject

STEPS = 100


def export(subject: Subject) -> None:
    """`torch.export` takes the step, with the input and the state leaves as flat tensors in and the output and the
    leaves as flat tensors out. The exported step agrees with `step` over 100 steps.

    The batch is fixed at two rows, and only leaves that grow have an axis 1 of free size.
    """
    layer = subject.layer
    x = subject.input(STEPS, batch_size=2)
    with torch.no_grad():
        with subject.case("a first few steps"):
            state = _after_steps(subject, 3)
            _, later = layer.step(cut(x, 0), state)
            read = len(flat(x))
        with subject.case("torch.export.export of the step"):
            free = _growing(state, later)
            program = torch.export.export(
                FlatStep(layer, x, state),
                (*flat(cut(x, 0)), *states.leaves(state)),
                dynamic_shapes=((*[None] * read, *free),),
            )
            exported = program.module()
        with subject.case(f"{STEPS} exported steps"):
            names = [name for name, _ in states.named_leaves(state)]
            leaves = states.leaves(state)
            for t in range(STEPS):
                y, state = layer.step(cut(x, t), state)
                y_exported, *leaves = exported(*flat(cut(x, t)), *leaves)
                actual = {"output": y_exported} | {
                    f"final state leaf `{name}`": leaf for name, leaf in zip(names, leaves, strict=True)
                }
                for (name, value), expected in zip(actual.items(), (y, *states.leaves(state)), strict=True):
                    against = f"`step` at step {t}"
                    require_same(name, value, expected, against, tolerance=subject.tolerance, least_size=1e-6)


class FlatStep(nn.Module):
    """`layer.step` as a function of flat tensors: `(*inputs, *leaves)` to `(y, *leaves)`."""

    def __init__(self, layer: SequenceModule, inputs: Inputs, like: State) -> None:
        super().__init__()
        self.layer, self.inputs, self.like = layer, inputs, like

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        remaining = iter(tensors)
        x = map_inputs(lambda _: next(remaining), self.inputs)
        y, state = self.layer.step(x, states.rebuild(self.like, list(remaining)))
        return y, *states.leaves(state)


def flat(x: Inputs) -> list[Tensor]:
    return [leaf for _, leaf in named_inputs(x)]


def _after_steps(subject: Subject, steps: int) -> State:
    x = subject.input(steps, batch_size=2)
    state = subject.layer.initial_state(2, device=subject.device)
    for t in range(steps):
        _, state = subject.layer.step(cut(x, t), state)
    return state


def _growing(state: State, later: State) -> tuple[dict[int, Any] | None, ...]:
    """For `torch.export`: which leaves have an axis 1 of free size."""
    specifications: list[dict[int, Any] | None] = []
    for leaf, after in zip(states.leaves(state), states.leaves(later), strict=True):
        require(leaf.dim() == after.dim(), "a state leaf changes its number of axes from one step to the next")
        grows = leaf.shape != after.shape
        specifications.append({1: torch.export.Dim.DYNAMIC} if grows else None)
    return tuple(specifications)
