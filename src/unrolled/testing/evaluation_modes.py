"""Different ways to compute the same thing. The laws say that they agree."""

from collections.abc import Sequence

import torch
from torch import Tensor

from unrolled.layers import state as states
from unrolled.layers.inputs import Inputs, lead, map_inputs
from unrolled.layers.layer import SequenceModule
from unrolled.layers.state import State
from unrolled.testing.outcome import Way


def whole(layer: SequenceModule, mask: Tensor | None = None, reset: Tensor | None = None) -> Way:
    """All steps in one chunk."""
    return lambda x, state: layer(x, state, mask=mask, reset=reset)


def in_chunks(
    layer: SequenceModule, lengths: Sequence[int], mask: Tensor | None = None, reset: Tensor | None = None
) -> Way:
    """Chunks of the given lengths, with the state carried from one to the next."""

    def way(x: Inputs, state: State | None) -> tuple[Tensor, State]:
        outputs, start = [], 0
        for length in lengths:
            part = slice(start, start + length)
            y, state = layer(cut(x, part), state, mask=_cut(mask, part), reset=_cut(reset, part))
            outputs.append(y)
            start += length
        assert state is not None
        assert start == lead(x).shape[1]
        return torch.cat(outputs, dim=1), state

    return way


def step_by_step(
    layer: SequenceModule, mask: Tensor | None = None, reset: Tensor | None = None, *, after: int = 0
) -> Way:
    """`layer.step` for every step, or only for those after a first chunk of `after` steps."""

    def way(x: Inputs, state: State | None) -> tuple[Tensor, State]:
        outputs = []
        if after:
            first = slice(0, after)
            y, state = layer(cut(x, first), state, mask=_cut(mask, first), reset=_cut(reset, first))
            outputs.append(y)
        elif state is None:
            state = layer.initial_state(len(lead(x)), device=lead(x).device)
        assert state is not None
        for t in range(after, lead(x).shape[1]):
            y, state = layer.step(cut(x, t), state, mask=_cut(mask, t), reset=_cut(reset, t))
            outputs.append(y[:, None])
        return torch.cat(outputs, dim=1), state

    return way


def rows_alone(layer: SequenceModule, mask: Tensor | None = None, reset: Tensor | None = None) -> Way:
    """Each sequence by itself in a batch of one, its absent steps removed: what mask and reset must amount to.

    A reset ends one sequence of the row and begins another, from the initial state.
    """

    def way(x: Inputs, state: State | None) -> tuple[Tensor, State]:
        batch, time = lead(x).shape[:2]
        device, dtype = lead(x).device, lead(x).dtype if lead(x).is_floating_point() else layer.state_dtype
        outputs, finals = [], []
        for row in range(batch):
            carried = None if state is None else states.gather(state, torch.tensor([row], device=device))
            y_row = torch.zeros(time, *layer.output_shape, dtype=dtype, device=device)
            for begins_anew, steps in _sequences(row, time, mask, reset):
                carried = None if begins_anew else carried
                if steps:
                    index = torch.tensor(steps, device=device)
                    y, carried = layer(_present(x, row, index), carried)
                    y_row = y_row.to(y.dtype).index_copy(0, index, y[0])
            outputs.append(y_row)
            finals.append(layer.initial_state(1, device=device) if carried is None else carried)
        return torch.stack(outputs), states.concatenate(finals)

    return way


def cut(x: Inputs, part: slice | int) -> Inputs:
    """Some steps, or one without the axis of time."""
    return map_inputs(lambda leaf: leaf[:, part], x)


def _present(x: Inputs, row: int, steps: Tensor) -> Inputs:
    return map_inputs(lambda leaf: leaf[row : row + 1, steps], x)


def _sequences(row: int, time: int, mask: Tensor | None, reset: Tensor | None) -> list[tuple[bool, list[int]]]:
    """The sequences in one row: does it begin anew, and the steps that are present."""
    sequences: list[tuple[bool, list[int]]] = [(False, [])]
    for t in range(time):
        if reset is not None and reset[row, t]:
            sequences.append((True, []))
        if mask is None or mask[row, t]:
            sequences[-1][1].append(t)
    return sequences


def _cut(flag: Tensor | None, part: slice | int) -> Tensor | None:
    return None if flag is None else flag[:, part]
