"""How a broken law is told: the law, the case, what differed, by how much and where."""

import torch
from torch import Tensor

from unrolled.layers import state as states


class LawViolation(AssertionError):
    """A layer or model does not keep the contract of `SequenceModule`.

    `law` is the name of the law, `case` the situation in which it broke, `finding` what was seen there.
    """

    def __init__(self, layer: str, law: str, case: str, finding: str) -> None:
        super().__init__(f"{layer} breaks the law of {law}\n  {law}: {case}\n  {finding}")
        self.law = law
        self.case = case
        self.finding = finding


class Finding(AssertionError):
    """What was seen in one case; `Subject.case` adds the layer, the law and the case."""


def require(condition: bool, finding: str) -> None:
    """Raise a `Finding` unless the condition holds."""
    if not condition:
        raise Finding(finding)


def require_same(
    name: str,
    actual: Tensor,
    expected: Tensor,
    against: str,
    *,
    tolerance: float = 0.0,
    least_size: float = 0.0,
) -> None:
    """Raise a `Finding` if two tensors differ by more than `tolerance` times the largest expected value.

    `least_size` is the size below which expected values are taken for rounding noise; `against` says in words
    what `expected` is. A tolerance of 0 asks for equal values. NaN equals NaN only.
    """
    if actual.dtype != expected.dtype:
        raise Finding(f"{name} has type {actual.dtype}, {against} has {expected.dtype}")
    if actual.shape != expected.shape and name.startswith("final state"):  # a leaf that grows with time
        actual, expected = states.align(actual, expected)
    if actual.shape != expected.shape:
        raise Finding(f"{name} has shape {list(actual.shape)}, {against} has {list(expected.shape)}")
    if not actual.numel():
        return
    actual, expected = actual.detach(), expected.detach()
    same = (actual == expected) | (actual.isnan() & expected.isnan())
    difference = (actual.double() - expected.double()).abs().masked_fill(same, 0.0).nan_to_num(nan=torch.inf)
    size = expected.double().abs().nan_to_num(nan=0.0, posinf=0.0).max().item()
    allowed = tolerance * max(size, least_size)
    largest = difference.max().item()
    if largest > allowed:
        index = tuple(int(i) for i in torch.unravel_index(difference.argmax(), difference.shape))
        raise Finding(
            f"{name} differs from {against}: largest difference {largest:.3g} at {_where(name, index)} "
            f"(found {actual[index].item():.6g}, expected {expected[index].item():.6g}, allowed {allowed:.3g})"
        )


def _where(name: str, index: tuple[int, ...]) -> str:
    if "parameter" in name:
        axes: tuple[str, ...] = ()
    elif "state leaf" in name:
        axes = ("row",)
    else:
        axes = ("row", "step", "feature")
    named = [f"{axis} {i}" for axis, i in zip(axes, index, strict=False)]
    return "[" + ", ".join(named + [str(i) for i in index[len(named) :]]) + "]"
