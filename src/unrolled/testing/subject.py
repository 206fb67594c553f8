"""The layer under test, with random inputs, states and flags of the right sizes for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import Tensor

from unrolled.layers import state as states
from unrolled.layers.inputs import Inputs, map_inputs
from unrolled.layers.layer import SequenceLayer, SequenceModule
from unrolled.layers.state import State
from unrolled.testing.failure import Finding, LawViolation
from unrolled.testing.outcome import RandomLoss, Way, outcome, require_same_outcome

MakeInputs = Callable[[int, int, torch.Generator], Inputs]
"""Random inputs of `[batch, time, ...]` for a batch size and a number of steps."""

TOLERANCE = {torch.float64: 1e-9, torch.float32: 2e-5, torch.float16: 1e-2, torch.bfloat16: 5e-2}
"""Allowed difference between two ways to compute the same thing, relative to the size of the values."""


class Flags(NamedTuple):
    """A mask and a reset, either of which may be missing, and their description."""

    name: str
    mask: Tensor | None
    reset: Tensor | None


class Start(NamedTuple):
    """A state to begin from, and its description."""

    name: str
    state: State | None


class Subject:
    """What a law is given: the layer, the sizes, and a source of random numbers that is its own."""

    def __init__(
        self,
        layer: SequenceModule,
        make_inputs: MakeInputs,
        *,
        law: str,
        batch_size: int,
        length: int,
        long_steps: int,
        tolerance: float | None,
        seed: int,
    ) -> None:
        self.layer = layer
        self.law = law
        self.make_inputs = make_inputs
        self.batch_size = batch_size
        self.length = length
        self.long_steps = long_steps
        self.generator = torch.Generator().manual_seed(seed)
        tensor = next((t for t in chain(layer.parameters(), layer.buffers()) if t.is_floating_point()), torch.empty(0))
        self.dtype, self.device = tensor.dtype, tensor.device
        self.tolerance = TOLERANCE[self.dtype] if tolerance is None else tolerance
        self.cases = 0

    @contextmanager
    def case(self, name: str) -> Iterator[None]:
        """One situation. Whatever goes wrong in it, an error of the layer included, becomes a `LawViolation`."""
        self.cases += 1
        try:
            yield
        except Finding as finding:
            raise LawViolation(type(self.layer).__name__, self.law, name, str(finding)) from None
        except Exception as error:
            kind = "layer" if isinstance(self.layer, SequenceLayer) else "model"
            told = f"the {kind} raised {type(error).__name__}: {error}"
            raise LawViolation(type(self.layer).__name__, self.law, name, told) from error

    def require_agreement(self, way: Way, expected: Way, against: str, x: Inputs, state: State | None) -> None:
        """Outputs, final states and gradients of two ways agree; `against` says in words what is expected."""
        loss = RandomLoss(self.generator)
        reference = outcome(self.layer, expected, x, state, loss)
        actual = outcome(self.layer, way, x, state, loss)
        require_same_outcome(actual, reference, against, tolerance=self.tolerance)

    def input(self, length: int | None = None, *, batch_size: int | None = None) -> Any:
        """Random inputs `[batch, time, ...]`."""
        batch_size = self.batch_size if batch_size is None else batch_size
        length = self.length if length is None else length
        return map_inputs(self.placed, self.make_inputs(batch_size, length, self.generator))

    def placed(self, tensor: Tensor) -> Tensor:
        """On the device of the layer, and if it holds floats, in its type."""
        return tensor.to(self.device, self.dtype if tensor.is_floating_point() else tensor.dtype)

    def carried_state(self, *, batch_size: int | None = None, mask: Tensor | None = None) -> State:
        """The state after a random prefix, cut from its graph. With `mask`, the prefix is as long as that."""
        length = self.length // 2 if mask is None else mask.shape[1]
        with torch.no_grad():
            _, state = self.layer(self.input(length, batch_size=batch_size), mask=mask)
        return states.map_state(Tensor.clone, state)

    def starts(self) -> list[Start]:
        """No state, and for a layer that can go on from one, a carried state."""
        fresh = [Start("from no state", None)]
        if not self.layer.supports_step:
            return fresh
        return [*fresh, Start("from a carried state", self.carried_state())]

    def chance(self, probability: float, length: int | None = None) -> Tensor:
        """Random flags `[batch, time]`."""
        length = self.length if length is None else length
        return (torch.rand(self.batch_size, length, generator=self.generator) < probability).to(self.device)

    def ragged(self, length: int) -> Tensor:
        """A mask of right pads: the first row is full, the last holds one step."""
        lengths = torch.linspace(length, 1, self.batch_size).round()
        return (torch.arange(length) < lengths[:, None]).to(self.device)

    def flags(self) -> list[Flags]:
        """Nothing, a random mask, random resets, and both."""
        mask, reset = self.chance(0.7), self.chance(0.25)
        return [
            Flags("no mask, no reset", None, None),
            Flags("random mask", mask, None),
            Flags("random reset", None, reset),
            Flags("random mask and reset", mask, reset),
        ]
