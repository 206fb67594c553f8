"""Law 1: how a sequence is cut into chunks does not matter."""

import itertools

import torch

from unrolled.layers import state as states
from unrolled.layers.inputs import map_inputs
from unrolled.testing.evaluation_modes import cut, in_chunks, step_by_step, whole
from unrolled.testing.failure import require_same
from unrolled.testing.outcome import RandomLoss, input_leaves, outcome, require_same_outcome
from unrolled.testing.subject import Flags, Start, Subject


def chunking(subject: Subject) -> None:
    """One chunk = any ragged split with carried state = step by step.

    Outputs, final states and all gradients agree, also through the carried state. The state that goes in, and the
    input, are left as they were.
    """
    layer = subject.layer
    x = subject.input()
    for start, flags in itertools.product(subject.starts(), subject.flags()):
        _arguments_are_left_alone(subject, start, flags)
        half = subject.length // 2
        ways = {
            "step by step": step_by_step(layer, flags.mask, flags.reset),
            f"split ({half}), then step by step": step_by_step(layer, flags.mask, flags.reset, after=half),
        }
        ways |= {f"split {split}": in_chunks(layer, split, flags.mask, flags.reset) for split in _splits(subject)}
        loss = RandomLoss(subject.generator)
        with subject.case(f"one chunk, {flags.name}, {start.name}"):
            at_once = outcome(layer, whole(layer, flags.mask, flags.reset), x, start.state, loss)
        for name, way in ways.items():
            with subject.case(f"{name}, {flags.name}, {start.name}"):
                actual = outcome(layer, way, x, start.state, loss)
                require_same_outcome(actual, at_once, "one chunk", tolerance=subject.tolerance)


def _arguments_are_left_alone(subject: Subject, start: Start, flags: Flags) -> None:
    layer, x = subject.layer, subject.input()
    with subject.case(f"arguments are not changed in place, {flags.name}, {start.name}"), torch.no_grad():
        state = layer.initial_state(subject.batch_size, device=subject.device) if start.state is None else start.state
        state = states.map_state(torch.clone, state)
        x_before, state_before = map_inputs(torch.clone, x), states.map_state(torch.clone, state)

        def compare(method: str) -> None:
            against = f"what it was before `{method}`"
            for (name, now), (_, before) in zip(input_leaves(x), input_leaves(x_before), strict=True):
                require_same(name, now, before, against)
            for (name, now), before in zip(states.named_leaves(state), states.leaves(state_before), strict=True):
                require_same(f"initial state leaf `{name}`", now, before, against)

        layer(x, state, mask=flags.mask, reset=flags.reset)
        compare("forward")
        layer.step(cut(x, 0), state, mask=_first(flags.mask), reset=_first(flags.reset))
        compare("step")


def _first(flag: torch.Tensor | None) -> torch.Tensor | None:
    return None if flag is None else flag[:, 0]


def _splits(subject: Subject) -> list[tuple[int, ...]]:
    """Ones; empty chunks; primes; one chunk longer than the receptive field, first and last; random lengths."""
    length = subject.length
    splits = [
        (1,) * length,
        (0, 1, length - 1),
        (length - 1, 0, 1, 0),
        _filled((2, 3, 5, 7, 11, 13), length),
    ]
    drawn = torch.randint(0, max(length // 2, 2), (length,), generator=subject.generator).tolist()
    return list(dict.fromkeys([*splits, _filled(drawn, length)]))


def _filled(lengths: tuple[int, ...] | list[int], total: int) -> tuple[int, ...]:
    """The lengths in turn until they make up the total."""
    split: list[int] = []
    for length in lengths:
        split.append(min(length, total - sum(split)))
        if sum(split) == total:
            return tuple(split)
    return (*split, total - sum(split))
