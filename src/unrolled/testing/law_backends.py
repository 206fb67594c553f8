"""Law 8: a fast implementation computes what the reference computes, and the reference has the right gradient."""

import copy
import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.autograd.gradcheck import GradcheckError

from unrolled.layers import state as states
from unrolled.layers.inputs import map_inputs, named_inputs
from unrolled.layers.layer import SequenceLayer, SequenceModule
from unrolled.layers.state import State
from unrolled.testing.evaluation_modes import whole
from unrolled.testing.failure import Finding
from unrolled.testing.outcome import RandomLoss, outcome, require_same_outcome
from unrolled.testing.subject import Subject


def backends(subject: Subject) -> None:
    """Every backend, and the choice "auto", agrees with the reference: outputs, final state and all gradients, under
    mask and reset too. In float64 the gradients of the reference are those of finite differences.
    """
    layer, x = subject.layer, subject.input()
    names = {name: None for module in _with_backends(layer) for name in (*module.backends, "auto")}
    for start, flags in itertools.product(subject.starts(), subject.flags()):
        way = whole(layer, flags.mask, flags.reset)
        loss = RandomLoss(subject.generator)
        with subject.case(f'backend "reference", {flags.name}, {start.name}'), using_backend(layer, "reference"):
            expected = outcome(layer, way, x, start.state, loss)
        for name in names:
            with subject.case(f'backend "{name}", {flags.name}, {start.name}'), using_backend(layer, name):
                actual = outcome(layer, way, x, start.state, loss)
                require_same_outcome(actual, expected, 'backend "reference"', tolerance=subject.tolerance)
    _gradients_are_right(subject)


def _double(leaf: Tensor) -> Tensor:
    return leaf.double() if leaf.is_floating_point() else leaf


def _off_kinks(subject: Subject, leaf: Tensor) -> Tensor:
    """A state near by: the zeros that a ReLU left in it are where a maximum has no gradient."""
    noise = torch.randn(leaf.shape, generator=subject.generator, dtype=torch.float64)
    return leaf.detach().double() + 1e-3 * noise.to(leaf.device)


def _with_backends(layer: SequenceModule) -> list[SequenceLayer]:
    return [module for module in layer.modules() if isinstance(module, SequenceLayer)]


@contextmanager
def using_backend(layer: SequenceModule, name: str) -> Iterator[None]:
    """Set `backend` on the layer and on all layers inside it that have the backend of that name; undo it afterwards."""
    changed: list[tuple[SequenceLayer, bool, str]] = []
    try:
        for module in _with_backends(layer):
            if name == "auto" or name in module.backends:
                changed.append((module, "backend" in vars(module), module.backend))
                module.backend = name
        yield
    finally:
        for changed_module, was_set, before in changed:
            changed_module.backend = before
            if not was_set and "backend" in vars(changed_module):
                del changed_module.backend


def _gradients_are_right(subject: Subject) -> None:
    with subject.case("gradcheck of the reference in float64"):
        layer = copy.deepcopy(subject.layer).double()
        layer.eval()
        x = map_inputs(_double, subject.input(3 + layer.latency, batch_size=2))
        start = layer.initial_state(2, device=subject.device)
        if layer.supports_step:
            _, start = layer(map_inputs(_double, subject.input(2, batch_size=2)))
        parameters = {name: p.detach() for name, p in layer.named_parameters() if p.requires_grad}
        floats = [_off_kinks(subject, leaf) for leaf in states.leaves(start) if leaf.is_floating_point()]
        read = [leaf for _, leaf in named_inputs(x) if leaf.is_floating_point()]
        inputs = [t.clone().requires_grad_() for t in (*read, *floats, *parameters.values())]

        def run(*tensors: Tensor) -> tuple[Tensor, ...]:
            given = iter(tensors)
            varied = map_inputs(lambda leaf: next(given) if leaf.is_floating_point() else leaf, x)
            state: State = states.map_state(lambda leaf: next(given) if leaf.is_floating_point() else leaf, start)
            values = dict(zip(parameters, given, strict=True))
            y, final = torch.func.functional_call(layer, values, (varied, state))
            return y, *(leaf for leaf in states.leaves(final) if leaf.is_floating_point())

        with using_backend(layer, "reference"):
            try:
                torch.autograd.gradcheck(run, inputs, fast_mode=True, nondet_tol=1e-9)
            except GradcheckError as error:
                raise Finding(f"gradients differ from finite differences: {str(error).splitlines()[0]}") from error
