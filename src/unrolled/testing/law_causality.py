"""Law 5: an output depends on the steps that the layer says it depends on."""

import torch
from torch import Tensor

from unrolled.layers.layer import StepNotSupported
from unrolled.testing.failure import Finding, require
from unrolled.testing.subject import Subject

MOST_OUTPUTS = 64
"""For long sequences only about so many outputs are differentiated, spread evenly over time."""


def causality(subject: Subject) -> None:
    """No output depends on a later step; `latency` and `receptive_field` are what the gradients say.

    `latency` is the first step whose output depends on any input. `receptive_field` is the distance of the farthest
    step that reaches an output; None means that the first step reaches the last output.

    A layer that needs the whole sequence may look ahead, and must refuse `step` with `StepNotSupported`.
    """
    layer = subject.layer
    declared = layer.receptive_field
    length = max(subject.length, (declared or 0) + layer.latency + 8)
    with subject.case("gradients of outputs with respect to inputs"):
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
                raise Finding(f"output {t} depends on input {s}, which comes later (gradient {size:.3g}, expected 0)")
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
    """Which outputs were looked at, and the largest gradient of each with respect to every step `[output, input]`."""
    x = subject.input(length).requires_grad_()
    y, _ = subject.layer(x)
    weights = torch.randn(y.shape[2], generator=subject.generator, dtype=torch.float64).to(y)
    stride = max(1, length // MOST_OUTPUTS)
    chosen = sorted({*range(0, length, stride), *range(min(subject.layer.latency + 2, length)), length - 1})
    reach = []
    for t in chosen:
        total = (y[:, t] * weights).sum()
        if total.requires_grad:
            (gradient,) = torch.autograd.grad(total, x, retain_graph=True, allow_unused=True, materialize_grads=True)
        else:
            gradient = torch.zeros_like(x)
        reach.append(gradient.abs().nan_to_num(nan=torch.inf).amax(dim=(0, 2)))
    return torch.tensor(chosen, device=x.device), torch.stack(reach)


def _require_refusal(subject: Subject) -> None:
    layer, x = subject.layer, subject.input()
    try:
        layer.step(x[:, 0], layer.initial_state(len(x), device=x.device))
    except StepNotSupported:
        return
    raise Finding("supports_step is False, but `step` did not raise StepNotSupported")
