"""Law 4: the rows of a batch have nothing to do with each other."""

import functools
import itertools
import math

import torch
from torch import Tensor

from unrolled.layers import state as states
from unrolled.layers.inputs import Inputs, lead, map_inputs
from unrolled.layers.layer import SequenceModule
from unrolled.layers.state import State
from unrolled.testing.evaluation_modes import cut, rows_alone, whole
from unrolled.testing.outcome import Outcome, RandomLoss, Way, outcome, require_same_outcome
from unrolled.testing.subject import Flags, Start, Subject


def rows(subject: Subject) -> None:
    """Permuting rows permutes the results; other rows, even of NaN, change nothing; rows keep their own lengths."""
    for start, flags in itertools.product(subject.starts(), subject.flags()):
        _in_another_order(subject, start, flags)
        _beside_other_rows(subject, start, flags)
    if subject.layer.supports_step:
        _of_different_lengths(subject)


def _in_another_order(subject: Subject, start: Start, flags: Flags) -> None:
    layer, x = subject.layer, subject.input()
    order = torch.arange(subject.batch_size, device=subject.device).roll(1)
    back = order.argsort()
    mask, reset = (None if flag is None else flag[order] for flag in (flags.mask, flags.reset))

    def permuted(x: Inputs, state: State | None) -> tuple[Tensor, State]:
        moved = map_inputs(lambda leaf: leaf[order], x)
        y, final = layer(moved, None if state is None else states.gather(state, order), mask=mask, reset=reset)
        return y[back], states.gather(final, back)

    with subject.case(f"rows in another order, {flags.name}, {start.name}"):
        way = whole(layer, flags.mask, flags.reset)
        subject.require_agreement(permuted, way, "the same rows in their order", x, start.state)


def _beside_other_rows(subject: Subject, start: Start, flags: Flags) -> None:
    """Two more rows, before or after: of numbers, of NaN, of inf, both in the input and in the state."""
    layer, x = subject.layer, subject.input()
    others = subject.input(batch_size=2)
    others_state = None if start.state is None else subject.carried_state(batch_size=2)
    loss = RandomLoss(subject.generator)
    with subject.case(f"{flags.name}, {start.name}"):
        alone = outcome(layer, whole(layer, flags.mask, flags.reset), x, start.state, loss)
    for value, first in ((None, True), (math.nan, True), (math.nan, False), (math.inf, True)):
        poison = functools.partial(_poisoned, value=value)
        name = f"other rows of {value or 'numbers'} {'before' if first else 'after'} them"
        with subject.case(f"{name}, {flags.name}, {start.name}"):
            way = _beside(layer, flags, map_inputs(poison, others), others_state, value, first)
            actual, expected = outcome(layer, way, x, start.state, loss), alone
            if value is not None:
                actual, expected = _per_row(actual), _per_row(expected)
            require_same_outcome(actual, expected, "the same rows by themselves", tolerance=subject.tolerance)


def _beside(
    layer: SequenceModule, flags: Flags, others: Inputs, others_state: State | None, value: float | None, first: bool
) -> Way:
    def join(rows: Tensor, more: Tensor) -> Tensor:
        return torch.cat([more, rows] if first else [rows, more])

    present = torch.ones(lead(others).shape[:2], dtype=torch.bool, device=lead(others).device)
    mask = None if flags.mask is None else join(flags.mask, present)
    reset = None if flags.reset is None else join(flags.reset, ~present)

    def way(x: Inputs, state: State | None) -> tuple[Tensor, State]:
        if state is not None and others_state is not None:
            more = states.map_state(lambda leaf: _poisoned(leaf, value), others_state)
            state = states.concatenate([more, state] if first else [state, more])
        y, final = layer(map_inputs(join, x, others), state, mask=mask, reset=reset)
        mine = torch.arange(len(lead(x)), device=y.device) + (len(present) if first else 0)
        return y[mine], states.gather(final, mine)

    return way


def _poisoned(tensor: Tensor, value: float | None) -> Tensor:
    return tensor if value is None or not tensor.is_floating_point() else torch.full_like(tensor, value)


def _per_row(results: Outcome) -> Outcome:
    """Without the gradients of parameters: those sum over all rows, and zero times NaN is NaN in any layer."""
    return {name: value for name, value in results.items() if "parameter" not in name}


def _of_different_lengths(subject: Subject) -> None:
    """Rows that have seen different numbers of steps go on as each would by itself."""
    layer, before = subject.layer, subject.length // 2
    present = subject.ragged(before)
    state = subject.carried_state(mask=present)
    x = subject.input()
    for flags in subject.flags():
        with subject.case(f"going on from rows of different lengths, {flags.name}"):
            way, alone = whole(layer, flags.mask, flags.reset), rows_alone(layer, flags.mask, flags.reset)
            subject.require_agreement(way, alone, "each row by itself", x, state)
    with subject.case("a second chunk after rows of different lengths"):
        history = subject.input(before + subject.length)
        rest = torch.ones(subject.batch_size, subject.length, dtype=torch.bool, device=subject.device)

        def two_chunks(x: Inputs, state: State | None) -> tuple[Tensor, State]:
            y_before, state = layer(cut(x, slice(before)), state, mask=present)
            y, state = layer(cut(x, slice(before, None)), state)
            return torch.cat([y_before, y], dim=1), state

        alone = rows_alone(layer, torch.cat([present, rest], dim=1))
        subject.require_agreement(two_chunks, alone, "each row by itself from its beginning", history, None)
