"""Law 3: a reset forgets everything before it."""

import functools
import itertools
import math

import torch
from torch import Tensor

from unrolled.layers import state as states
from unrolled.layers.inputs import Inputs, map_inputs
from unrolled.layers.state import State
from unrolled.testing.evaluation_modes import rows_alone, step_by_step, whole
from unrolled.testing.failure import require_same
from unrolled.testing.outcome import Outcome, RandomLoss, Way, outcome, require_same_outcome
from unrolled.testing.subject import Flags, Start, Subject

OF_INPUT = "gradient of input"


def reset(subject: Subject) -> None:
    """A row with resets equals separate sequences, each from the initial state.

    Nothing from before a reset passes it, forward or backward, not even NaN. A reset counts also at a masked step.
    """
    layer = subject.layer
    x = subject.input()
    for start, flags in itertools.product(subject.starts(), _resets(subject)):
        with subject.case(f"{flags.name}, {start.name}"):
            way = whole(layer, flags.mask, flags.reset)
            expected = rows_alone(layer, flags.mask, flags.reset)
            subject.require_agreement(way, expected, "separate sequences from the initial state", x, start.state)
    for start in subject.starts():
        _nothing_passes(subject, start)
    if layer.supports_step:
        _a_carried_state_is_forgotten(subject)


def _resets(subject: Subject) -> list[Flags]:
    rows, length = subject.batch_size, subject.length
    never = torch.zeros(rows, length, dtype=torch.bool, device=subject.device)
    first, twice, last, absent = never.clone(), never.clone(), never.clone(), never.clone()
    first[0, 0] = True
    twice[:, length // 2 : length // 2 + 2] = True
    last[-1, -1] = True
    absent[:, length // 2] = True
    return [
        Flags("random resets", None, subject.chance(0.25)),
        Flags("random resets under a random mask", subject.chance(0.7), subject.chance(0.25)),
        Flags("reset at the first step of one row", None, first),
        Flags("resets at two neighbouring steps", None, twice),
        Flags("reset at the last step", None, last),
        Flags("reset at a masked step", ~absent, absent),
        Flags("reset at a masked last step", ~last, last),
    ]


def _nothing_passes(subject: Subject, start: Start) -> None:
    """With a loss on what comes after a reset: no gradient before it, and NaN before it changes nothing."""
    layer, border, tolerance = subject.layer, subject.length // 2, subject.tolerance
    x, others = subject.input(), subject.input()
    resets = torch.zeros(subject.batch_size, subject.length, dtype=torch.bool, device=subject.device)
    resets[:, border] = True
    ways = {"forward": whole(layer, None, resets)}
    if layer.supports_step:
        ways["step"] = step_by_step(layer, None, resets)
    for method, way in ways.items():
        loss = RandomLoss(subject.generator)
        with subject.case(f"gradient across a reset, by {method}, {start.name}"):
            clean = outcome(layer, _only_after(border, way), x, start.state, loss)
            crossing = {name: value[:, :border] for name, value in clean.items() if name.startswith(OF_INPUT)}
            crossing |= {name: value for name, value in clean.items() if "gradient of initial state" in name}
            for name, gradient in crossing.items():
                require_same(name, gradient, torch.zeros_like(gradient), "zero before the reset")
        for poison in (math.nan, math.inf):
            with subject.case(f"{poison} before a reset, by {method}, {start.name}"):
                poisoned = map_inputs(functools.partial(_other_past, border, poison), x, others)
                actual = outcome(layer, _only_after(border, way), poisoned, start.state, loss)
                require_same_outcome(
                    _without_past(actual, border),
                    _without_past(clean, border),
                    "the same with numbers there",
                    tolerance=tolerance,
                )


def _other_past(border: int, poison: float, leaf: Tensor, other: Tensor) -> Tensor:
    """The poison before the border; where the input holds tokens, others."""
    past = torch.full_like(leaf[:, :border], poison) if leaf.is_floating_point() else other[:, :border]
    return torch.cat([past, leaf[:, border:]], dim=1)


def _only_after(border: int, way: Way) -> Way:
    def after(x: Inputs, state: State | None) -> tuple[Tensor, State]:
        y, final = way(x, state)
        return y[:, border:], final

    return after


def _without_past(results: Outcome, border: int) -> Outcome:
    """Outputs, final state and the gradient of later inputs. The other gradients multiply the poison itself, if only
    by zero, and so are NaN in a layer that is right."""
    kept = {name: value for name, value in results.items() if not name.startswith("gradient")}
    return kept | {name: value[:, border:] for name, value in results.items() if name.startswith(OF_INPUT)}


def _a_carried_state_is_forgotten(subject: Subject) -> None:
    """A reset at the first step is a fresh start, whatever was carried, for the rows that have it."""
    layer, x = subject.layer, subject.input()
    carried = subject.carried_state()
    rows = torch.zeros(subject.batch_size, dtype=torch.bool, device=subject.device)
    rows[::2] = True
    resets = torch.zeros(subject.batch_size, subject.length, dtype=torch.bool, device=subject.device)
    resets[:, 0] = rows
    nan = states.map_state(lambda leaf: torch.full_like(leaf, math.nan) if leaf.is_floating_point() else leaf, carried)

    def fresh_start(x: Inputs, state: State | None) -> tuple[Tensor, State]:
        assert state is not None
        return layer(x, states.select(rows, layer.initial_state(len(rows), device=rows.device), state))

    for name, state in (("a carried state", carried), ("a carried state of NaN", states.select(rows, nan, carried))):
        ways = {"forward": whole(layer, None, resets), "step": step_by_step(layer, None, resets)}
        for method, way in ways.items():
            with subject.case(f"reset at the first step forgets {name}, by {method}"):
                subject.require_agreement(way, fresh_start, "a fresh start", x, state)
