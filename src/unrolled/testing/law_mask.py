"""Law 2: a masked step is not there."""

import functools
import itertools
import math

import torch
from torch import Tensor

from unrolled.layers import state as states
from unrolled.layers.inputs import Inputs, map_inputs
from unrolled.layers.layer import zero_absent
from unrolled.layers.state import State
from unrolled.testing.evaluation_modes import cut, rows_alone, step_by_step, whole
from unrolled.testing.failure import require_same
from unrolled.testing.outcome import RandomLoss, outcome, require_same_outcome
from unrolled.testing.subject import Start, Subject

HOLES = "holes in the middle"

NO_TOKEN = 2**30


def mask(subject: Subject) -> None:
    """A row with pads or holes equals the same row without them, and nothing under the mask matters, not even NaN.

    Outputs are zero where the mask is False; through a chunk that is wholly masked the state passes unchanged.
    """
    layer = subject.layer
    x = subject.input()
    for start, (name, present) in itertools.product(subject.starts(), _masks(subject).items()):
        with subject.case(f"{name}, {start.name}"):
            against = "each row alone with its absent steps removed"
            subject.require_agreement(whole(layer, present), rows_alone(layer, present), against, x, start.state)
        with subject.case(f"outputs under the mask, {name}, {start.name}"), torch.no_grad():
            y, _ = layer(x, start.state, mask=present)
            require_same("output", zero_absent(y, ~present), torch.zeros_like(y), "zero")
        _poison_changes_nothing(subject, x, start, present, name)
    for start in subject.starts():
        _nothing_there_changes_nothing(subject, start)


def _masks(subject: Subject) -> dict[str, Tensor]:
    right = subject.ragged(subject.length)
    holes = subject.chance(0.6)
    holes[:, 0] = holes[:, -1] = True
    absent_row = subject.chance(0.7)
    absent_row[len(absent_row) // 2] = False
    return {
        "right pads": right,
        "left pads": right.flip(1),
        HOLES: holes,
        "a row without any step": absent_row,
    }


def _poison_changes_nothing(subject: Subject, x: Inputs, start: Start, present: Tensor, name: str) -> None:
    layer = subject.layer
    infinite = torch.where(subject.chance(0.5), math.inf, -math.inf)
    poisons = {"NaN": torch.full_like(infinite, math.nan), "inf and -inf": infinite}
    ways = {"forward": whole(layer, present)}
    if layer.supports_step and name == HOLES:
        ways["step"] = step_by_step(layer, present)
    for method, way in ways.items():
        loss = RandomLoss(subject.generator)
        with subject.case(f"numbers under the mask, by {method}, {name}, {start.name}"):
            clean = outcome(layer, way, x, start.state, loss)
        for poison, values in poisons.items():
            with subject.case(f"{poison} under the mask, by {method}, {name}, {start.name}"):
                poisoned = map_inputs(functools.partial(_poisoned, present, values), x)
                actual = outcome(layer, way, poisoned, start.state, loss)
                require_same_outcome(actual, clean, "the same with numbers there", tolerance=subject.tolerance)
                for what in (what for what in actual if what.startswith("gradient of input")):
                    under = zero_absent(actual[what], ~present)
                    require_same(what, under, torch.zeros_like(under), "zero under the mask")


def _poisoned(present: Tensor, values: Tensor, leaf: Tensor) -> Tensor:
    """`leaf` with one of the values at every absent step; where it holds tokens, one that no table has."""
    shape = *present.shape, *[1] * (leaf.dim() - 2)
    if leaf.is_floating_point():
        return torch.where(present.view(shape), leaf, values.view(shape).to(leaf))
    return torch.where(present.view(shape), leaf, ~leaf if leaf.dtype == torch.bool else NO_TOKEN)


def _nothing_there_changes_nothing(subject: Subject, start: Start) -> None:
    layer, x = subject.layer, subject.input()
    before = layer.initial_state(subject.batch_size, device=subject.device) if start.state is None else start.state
    nothing = torch.zeros(subject.batch_size, subject.length, dtype=torch.bool, device=subject.device)
    with subject.case(f"a wholly masked chunk, {start.name}"), torch.no_grad():
        _require_equal_states(layer(x, start.state, mask=nothing)[1], before)
    if layer.supports_step:
        with subject.case(f"a wholly masked step, {start.name}"), torch.no_grad():
            _require_equal_states(layer.step(cut(x, 0), before, mask=nothing[:, 0])[1], before)


def _require_equal_states(actual: State, expected: State) -> None:
    pairs = zip(states.named_leaves(actual), states.leaves(expected), strict=True)
    for (name, leaf), before in pairs:
        require_same(f"final state leaf `{name}`", leaf, before, "the state that went in")
