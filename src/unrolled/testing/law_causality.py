"""Law 5: an output depends on the steps that the layer says it depends on."""

import itertools

import torch
from torch import Tensor

from unrolled.layers.inputs import Inputs, lead, map_inputs
from unrolled.layers.layer import StepNotSupported
from unrolled.testing.evaluation_modes import cut
from unrolled.testing.failure import Finding, require
from unrolled.testing.outcome import input_leaves
from unrolled.testing.subject import Subject

MOST_OUTPUTS = 64
"""For long sequences only about so many outputs are differentiated, spread evenly over time."""


def causality(subject: Subject) -> None:
    """No output depends on a later step; `latency` and `receptive_field` are what the gradients say, and where the
    input holds no floats, what other tokens change.

    `latency` is the first step whose output depends on any input. `receptive_field` is the distance of the farthest
    step that reaches an output; None means that the first step reaches the last output.

    A layer that needs the whole sequence may look ahead, and must refuse `step` with `StepNotSupported`.
    """
    layer = subject.layer
    declared = layer.receptive_field
    length = max(subject.length, (declared or 0) + layer.latency + 8)
    with subject.case("what each output depends on"):
        outputs, reach = _sensitivity(subject, length)
    later = torch.arange(length, device=reach.device)
    distance = outputs[:, None] - later[None, :]  # [output, input], positive into the past
    largest = reach.amax(1, keepdim=True)
    clearly = reach > subject.tolerance * largest  # more than rounding, as of a convolution by FFT
    if layer.supports_step:
        with subject.case("the future"):
            leak = (clearly & (distance < 0)).nonzero()
            if len(leak):
                t, s = int(outputs[leak[0, 0]]), int(leak[0, 1])
                size = reach[leak[0, 0], leak[0, 1]].item()
                raise Finding(f"output {t} depends on input {s}, which comes later (by {size:.3g}, expected 0)")
    else:
        distance = distance.abs()
        with subject.case("step is refused"):
            _require_refusal(subject)
    with subject.case("latency"):
        awake = outputs[largest[:, 0] > 0]
        require(len(awake) > 0, "no output depends on any input; give the parameters values that are not zero")
        first = int(awake[0])
        require(
            first == layer.latency, f"the first output that depends on an input is {first}, latency is {layer.latency}"
        )
    with subject.case("receptive_field"):
        farthest = int(distance[reach > 0].max())
        clearly_farthest = int(distance[clearly].max())
        if declared is None:
            require(
                farthest == length - 1,
                f"is None (unbounded), but of {length} steps none reaches an output more than {farthest} steps away; "
                f"declare receptive_field = {farthest}",
            )
        else:
            require(
                clearly_farthest <= declared <= farthest,
                f"is {declared}, but steps reach outputs {clearly_farthest} steps away",
            )


def _sensitivity(subject: Subject, length: int) -> tuple[Tensor, Tensor]:
    """Which outputs were looked at, and how much of each, relative to its largest, every step reaches
    `[output, input]`."""
    stride = max(1, length // MOST_OUTPUTS)
    chosen = sorted({*range(0, length, stride), *range(min(subject.layer.latency + 2, length)), length - 1})
    x = subject.input(length)
    kinds = {leaf.is_floating_point() for _, leaf in input_leaves(x)}
    ways = [_gradients] * (True in kinds) + [_changes] * (False in kinds)
    reach = torch.stack([way(subject, x, chosen) for way in ways])
    largest = reach.amax(2, keepdim=True)
    if len(ways) > 1:  # a gradient and a change have nothing to be compared by
        reach = torch.where(largest > 0, reach / largest, 0)
    return torch.tensor(chosen, device=reach.device), reach.amax(0)


def _gradients(subject: Subject, x: Inputs, chosen: list[int]) -> Tensor:
    """The largest gradient of each output with respect to the floats of every step."""
    x = map_inputs(lambda leaf: leaf.requires_grad_(leaf.is_floating_point()), x)
    floats = [leaf for _, leaf in input_leaves(x) if leaf.requires_grad]
    y, _ = subject.layer(x)
    weights = torch.randn(y.shape[2:], generator=subject.generator, dtype=torch.float64).to(y)
    reach = []
    for t in chosen:
        total = (y[:, t] * weights).sum()
        if total.requires_grad:
            gradients = torch.autograd.grad(total, floats, retain_graph=True, allow_unused=True, materialize_grads=True)
        else:
            gradients = tuple(torch.zeros_like(leaf) for leaf in floats)
        sizes = [gradient.abs().nan_to_num(nan=torch.inf).flatten(2).amax(dim=(0, 2)) for gradient in gradients]
        reach.append(torch.stack(sizes).amax(0))
    return torch.stack(reach)


def _changes(subject: Subject, x: Inputs, chosen: list[int]) -> Tensor:
    """The largest change of each output when what is not a float is another at one step: a row for each step."""
    steps = torch.arange(lead(x).shape[1], device=subject.device)

    def changed(leaf: Tensor, other: Tensor) -> Tensor:
        if leaf.is_floating_point():
            return leaf
        here = (steps[:, None] == steps).view(len(steps), len(steps), *[1] * (leaf.dim() - 2))
        return torch.where(here, other, leaf)

    reach = torch.zeros(len(chosen), len(steps), dtype=subject.dtype, device=subject.device)
    with torch.no_grad():
        # One draw alone may have the same token at a step.
        for row, others in itertools.product(range(subject.batch_size), [subject.input(len(steps)) for _ in range(3)]):
            whole = map_inputs(lambda leaf: leaf[row].expand(len(steps), *leaf.shape[1:]), x)  # noqa: B023
            other = map_inputs(lambda leaf: leaf[row].expand(len(steps), *leaf.shape[1:]), others)  # noqa: B023
            before, after = subject.layer(whole)[0], subject.layer(map_inputs(changed, whole, other))[0]
            sizes = (after - before).abs().nan_to_num(nan=torch.inf).flatten(2).amax(2)
            reach = torch.maximum(reach, sizes[:, chosen].T)
    return reach


def _require_refusal(subject: Subject) -> None:
    layer, x = subject.layer, subject.input()
    try:
        layer.step(cut(x, 0), layer.initial_state(subject.batch_size, device=subject.device))
    except StepNotSupported:
        return
    raise Finding("supports_step is False, but `step` did not raise StepNotSupported")
