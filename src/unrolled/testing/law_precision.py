"""Law 7: what accumulates over time does so in full precision."""

import functools
from collections.abc import Iterator

import torch
from torch import Tensor

from unrolled.layers import state as states
from unrolled.layers.inputs import map_inputs
from unrolled.layers.state import State
from unrolled.testing.evaluation_modes import cut
from unrolled.testing.failure import Finding, require
from unrolled.testing.subject import Subject

DRIFT = 0.05
"""Allowed root mean square difference of a bfloat16 run, relative to that of the values. Rounding the operands costs
some 0.4 % a step; a sum that is itself kept in bfloat16 stops growing, and is soon off by far more."""

LONGEST_WHOLE = 2000
"""Steps for a layer that needs the whole sequence, in place of `long_steps`."""


def precision(subject: Subject) -> None:
    """Float leaves of the state keep their type and its full width under bfloat16 autocast, and a run of many steps in
    bfloat16, in chunks long and short, stays near the float32 run: outputs and every leaf within 5 %.
    """
    with torch.no_grad():
        _types_are_kept(subject)
        _leaves_are_not_rounded(subject)
        _long_run_stays_near(subject)


def _autocast(subject: Subject) -> torch.autocast:
    return torch.autocast(subject.device.type, torch.bfloat16)


def _types_are_kept(subject: Subject) -> None:
    layer, x = subject.layer, subject.input()
    expected = torch.float64 if subject.dtype == torch.float64 else torch.float32

    def require_types(state: State) -> None:
        for name, leaf in states.named_leaves(state):
            if leaf.is_floating_point():
                require(leaf.dtype == expected, f"state leaf `{name}` has type {leaf.dtype}, expected {expected}")

    with subject.case("types in initial_state"):
        require_types(layer.initial_state(subject.batch_size, device=subject.device))
    for start in subject.starts():
        for flags in subject.flags():
            with subject.case(f"types after a chunk under bfloat16, {flags.name}, {start.name}"), _autocast(subject):
                require_types(layer(x, start.state, mask=flags.mask, reset=flags.reset)[1])
        if layer.supports_step:
            with subject.case(f"types after a step under bfloat16, {start.name}"), _autocast(subject):
                given = (
                    layer.initial_state(subject.batch_size, device=subject.device)
                    if start.state is None
                    else start.state
                )
                require_types(layer.step(cut(x, 0), given)[1])


def _leaves_are_not_rounded(subject: Subject) -> None:
    """Without autocast, numbers that all fit a narrower type have been through one (whole numbers may: counts do)."""
    if subject.dtype not in (torch.float32, torch.float64):
        return
    layer, x = subject.layer, subject.input()
    with subject.case("the state is not cut to a narrower type"):
        fresh = layer.initial_state(subject.batch_size, device=subject.device)
        _, final = layer(x)
        for (name, leaf), before in zip(states.named_leaves(final), states.leaves(fresh), strict=True):
            if not leaf.is_floating_point():
                continue
            leaf, before = states.align(leaf, before)
            values = leaf[(leaf != before) & leaf.isfinite() & (leaf != leaf.round())]
            for narrow in (torch.bfloat16, torch.float16):
                if len(values) and torch.equal(values.to(narrow).to(leaf.dtype), values):
                    raise Finding(f"all values of state leaf `{name}` are {narrow} numbers kept as {leaf.dtype}")


def _long_run_stays_near(subject: Subject) -> None:
    """Inputs that are not zero on average, so that sums do grow."""
    layer = subject.layer
    steps = subject.long_steps if layer.supports_step else min(subject.long_steps, LONGEST_WHOLE)
    offset = map_inputs(functools.partial(_offset, subject), subject.make_inputs(1, 1, torch.Generator()))
    x = map_inputs(torch.add, subject.input(steps, batch_size=2), offset)
    with subject.case(f"{steps} steps in bfloat16"):
        expected_state: State | None = None
        actual_state: State | None = None
        for part in _parts(steps) if layer.supports_step else [slice(0, steps)]:
            expected, expected_state = layer(cut(x, part), expected_state)
            with _autocast(subject):
                actual, actual_state = layer(cut(x, part), actual_state)
            if not all(leaf.isfinite().all() for leaf in (expected, *states.leaves(expected_state))):
                break  # the layer itself diverges on such input, in any precision
            after = f"after {part.stop} steps"
            if part.stop - part.start > 1:  # a single output may be near zero by chance
                _require_near("output", actual, expected, after)
            pairs = zip(states.named_leaves(actual_state), states.leaves(expected_state), strict=True)
            for (name, leaf), other in pairs:
                _require_near(f"state leaf `{name}`", leaf, other, after)


def _offset(subject: Subject, leaf: Tensor) -> Tensor:
    """For every feature of a float, a number to be added at all steps."""
    if not leaf.is_floating_point():
        return torch.zeros_like(leaf[0, 0])
    return subject.placed(torch.randn(leaf.shape[2:], generator=subject.generator, dtype=torch.float64))


def _parts(steps: int) -> Iterator[slice]:
    """Chunks of very different lengths, single steps among them."""
    start = 0
    while start < steps:
        for length in (1, 1, 7, 64, 1, 500):
            stop = min(start + length, steps)
            if stop > start:
                yield slice(start, stop)
            start = stop


def _require_near(name: str, actual: Tensor, expected: Tensor, after: str) -> None:
    require(
        actual.shape == expected.shape, f"{name} has shape {list(actual.shape)} in bfloat16, {list(expected.shape)}"
    )
    if not expected.numel():
        return
    actual, expected = actual.double(), expected.double()
    drift = ((actual - expected).norm() / expected.norm().clamp(min=1e-6)).nan_to_num(nan=torch.inf).item()
    require(
        drift <= DRIFT,
        f"{name} differs by {drift:.1%} from the run without bfloat16 {after}, allowed {DRIFT:.0%}",
    )
