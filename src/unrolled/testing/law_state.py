"""Law 6: all that a layer remembers is its state, and a state can be handled like any batch of rows."""

import torch
from torch import Tensor

from unrolled.layers import state as states
from unrolled.layers.inputs import map_inputs
from unrolled.layers.state import State
from unrolled.testing.evaluation_modes import cut
from unrolled.testing.failure import Finding, require, require_same
from unrolled.testing.outcome import input_leaves
from unrolled.testing.subject import Subject


def state(subject: Subject) -> None:
    """`None` is `initial_state`; nothing is hidden in the module; axis 0 of every leaf is the batch.

    Gather, scatter, concatenate, save and load are exact, and computing goes on from such a state as it should.
    """
    with torch.no_grad():
        _shapes(subject)
        _none_is_initial_state(subject)
        if subject.layer.supports_step:
            _nothing_is_hidden(subject)
            _rows_can_be_handled(subject)
            _bytes_are_exact(subject)
    if subject.layer.supports_step:
        _detach_cuts_the_graph(subject)


def _shapes(subject: Subject) -> None:
    layer = subject.layer
    for batch_size in (1, subject.batch_size, subject.batch_size + 2):
        with subject.case(f"batch of {batch_size} rows"):
            fresh = layer.initial_state(batch_size, device=subject.device)
            _require_batch_axis("initial_state", fresh, batch_size)
            for length in (0, 1, subject.length):
                y, final = layer(subject.input(length, batch_size=batch_size))
                _require_shape("output", y, (batch_size, length, *layer.output_shape))
                _require_batch_axis(f"the state after {length} steps", final, batch_size)
                _require_structure(final, fresh)
            if layer.supports_step:
                y, final = layer.step(cut(subject.input(batch_size=batch_size), 0), fresh)
                _require_shape("output of step", y, (batch_size, *layer.output_shape))
                _require_structure(final, fresh)
    with subject.case("initial_state on another device"):
        for name, leaf in states.named_leaves(layer.initial_state(2, device="meta")):
            require(leaf.device.type == "meta", f'leaf `{name}` of initial_state(2, device="meta") is on {leaf.device}')


def _require_shape(name: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
    require(tensor.shape == shape, f"{name} has shape {list(tensor.shape)}, expected {list(shape)}")


def _require_batch_axis(name: str, actual: State, batch_size: int) -> None:
    for path, leaf in states.named_leaves(actual):
        fits = leaf.dim() > 0 and leaf.shape[0] == batch_size
        require(fits, f"leaf `{path}` of {name} has shape {list(leaf.shape)}; axis 0 must be the batch of {batch_size}")


def _require_structure(actual: State, fresh: State) -> None:
    expected = {name: leaf.dtype for name, leaf in states.named_leaves(fresh)}
    types = {name: leaf.dtype for name, leaf in states.named_leaves(actual)}
    require(types == expected, f"the state returned has leaves {types}, initial_state has {expected}")


def _none_is_initial_state(subject: Subject) -> None:
    layer, x = subject.layer, subject.input()
    for flags in subject.flags():
        with subject.case(f"state=None, {flags.name}"):
            fresh = layer.initial_state(subject.batch_size, device=subject.device)
            actual = layer(x, None, mask=flags.mask, reset=flags.reset)
            expected = layer(x, fresh, mask=flags.mask, reset=flags.reset)
            _require_same_result(actual, expected, "that from initial_state")


def _nothing_is_hidden(subject: Subject) -> None:
    layer, x, other = subject.layer, subject.input(), subject.input()
    for start in subject.starts():
        with subject.case(f"the same call twice, with other calls between, {start.name}"):
            once = layer(x, start.state)
            layer(other, subject.carried_state())
            _require_same_result(layer(x, start.state), once, "the first call")
        with subject.case(f"the same step twice, with other steps between, {start.name}"):
            given = (
                layer.initial_state(subject.batch_size, device=subject.device) if start.state is None else start.state
            )
            once = layer.step(cut(x, 0), given)
            layer.step(cut(other, 0), once[1])
            _require_same_result(layer.step(cut(x, 0), given), once, "the first call")


def _rows_can_be_handled(subject: Subject) -> None:
    layer, x = subject.layer, subject.input()
    prefix = subject.ragged(subject.length // 2)
    for name, before in (("", subject.carried_state()), (" of different lengths", subject.carried_state(mask=prefix))):
        every = torch.arange(subject.batch_size, device=subject.device)
        with subject.case(f"gather, scatter and concatenate rows{name}"):
            again = states.concatenate([states.gather(before, every[row : row + 1]) for row in every])
            _require_same_state(again, before, "the state they were taken from")
            some = every[::2]
            fresh = layer.initial_state(subject.batch_size, device=subject.device)
            again = states.scatter(fresh, some, states.gather(before, some))
            again = states.scatter(again, every[1::2], states.gather(before, every[1::2]))
            _require_same_state(again, before, "the state they were taken from")
        with subject.case(f"going on from gathered rows{name}"):
            order = torch.cat([every.flip(0), every[:1]])  # in another order, and one of them twice
            moved = map_inputs(lambda leaf, order=order: leaf[order], x)
            y, final = layer(moved, states.gather(before, order))
            y_all, final_all = layer(x, before)
            expected = (y_all[order], states.gather(final_all, order))
            _require_same_result((y, final), expected, "the same rows in the whole batch", tolerance=subject.tolerance)


def _bytes_are_exact(subject: Subject) -> None:
    layer, x = subject.layer, subject.input()
    before = subject.carried_state()
    with subject.case("save and load"):
        like = layer.initial_state(1, device=subject.device)
        loaded = states.load(states.save(before), like=like)
        _require_same_state(loaded, before, "the state that was saved")
        _require_same_result(layer(x, loaded), layer(x, before), "that from the state that was saved")


def _detach_cuts_the_graph(subject: Subject) -> None:
    layer = subject.layer
    with subject.case("detach"):
        prefix = map_inputs(lambda leaf: leaf.requires_grad_(leaf.is_floating_point()), subject.input())
        wanted = [leaf for _, leaf in input_leaves(prefix) if leaf.requires_grad]
        _, carried = layer(prefix)
        cut = states.detach(carried)
        require(not any(leaf.requires_grad for leaf in states.leaves(cut)), "a detached state still requires gradients")
        y, _ = layer(subject.input(), cut)
        if y.requires_grad and wanted:
            gradients = torch.autograd.grad(y.sum(), wanted, allow_unused=True)
            if any(gradient is not None and gradient.any() for gradient in gradients):
                raise Finding("a gradient reaches the steps before a detached state")


def _require_same_result(
    actual: tuple[Tensor, State], expected: tuple[Tensor, State], against: str, *, tolerance: float = 0.0
) -> None:
    require_same("output", actual[0], expected[0], against, tolerance=tolerance, least_size=1e-6)
    _require_same_state(actual[1], expected[1], against, tolerance=tolerance)


def _require_same_state(actual: State, expected: State, against: str, *, tolerance: float = 0.0) -> None:
    _require_structure(actual, expected)
    for (name, leaf), other in zip(states.named_leaves(actual), states.leaves(expected), strict=True):
        require_same(f"final state leaf `{name}`", leaf, other, against, tolerance=tolerance, least_size=1e-6)
