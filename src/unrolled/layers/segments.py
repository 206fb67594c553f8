"""Mask and reset, turned into what every layer understands: separate sequences, each with its own length."""

import torch
from jaxtyping import Bool
from torch import Tensor

from unrolled.layers import state as states
from unrolled.layers.state import State


class Segments:
    """The sequences inside a batch of rows with absent steps (`mask`) and borders (`reset`).

    A row with two resets holds up to three segments: the one that goes on from the carried state, and two that begin
    anew. Absent steps are dropped and segments without steps are left out, so that `split` gives a batch
    `[segments, longest, ...]`, padded on the right, with `lengths` of at least 1. Since segments never share a row,
    nothing can leak across a border, not even NaN through a weight of zero.
    """

    def __init__(
        self,
        batch: int,
        time: int,
        mask: Bool[Tensor, "batch time"] | None,
        reset: Bool[Tensor, "batch time"] | None,
        device: torch.device,
    ) -> None:
        self.batch, self.time = batch, time
        if reset is None:
            number = torch.zeros(batch, time, dtype=torch.long, device=device)
            per_row = torch.ones(batch, dtype=torch.long, device=device)
        else:
            number = reset.long().cumsum(1)
            per_row = reset.sum(1) + 1
        first = per_row.cumsum(0) - per_row
        segment = (first[:, None] + number).flatten()
        # Present steps in row-major order: their segment numbers ascend.
        self._step = torch.arange(batch * time, device=device) if mask is None else mask.flatten().nonzero()[:, 0]
        segment = segment[self._step]
        length = torch.bincount(segment, minlength=int(per_row.sum()))
        used = length > 0
        self._place = (used.cumsum(0) - 1)[segment]
        self._offset = torch.arange(len(segment), device=device) - (length.cumsum(0) - length)[segment]
        self.lengths = length[used]
        self.longest = int(self.lengths.max()) if len(self.lengths) else 0
        rows = torch.repeat_interleave(torch.arange(batch, device=device), per_row)
        starts_anew = torch.ones_like(used)
        starts_anew[first] = False
        self._row = rows[used]
        self._anew = starts_anew[used]
        self._had_reset = per_row > 1
        last = first + per_row - 1
        self._ends_used = used[last].nonzero()[:, 0]
        self._end_place = (used.cumsum(0) - 1)[last[self._ends_used]]

    def __len__(self) -> int:
        return len(self.lengths)

    def split(self, x: Tensor) -> Tensor:
        """`[batch, time, ...]` to `[segments, longest, ...]`, zeros at the right."""
        out = x.new_zeros(len(self), self.longest, *x.shape[2:])
        return out.index_put((self._place, self._offset), x.flatten(0, 1)[self._step])

    def join(self, y: Tensor) -> Tensor:
        """The inverse of `split`; absent steps are zero."""
        out = y.new_zeros(self.batch * self.time, *y.shape[2:])
        return out.index_copy(0, self._step, y[self._place, self._offset]).view(self.batch, self.time, *y.shape[2:])

    def start(self, state: State, fresh: State) -> State:
        """The state each segment begins from: its row of `state`, or after a reset its row of `fresh`."""
        return states.select(~self._anew, states.gather(state, self._row), states.gather(fresh, self._row))

    def finish(self, ended: State, state: State, fresh: State) -> State:
        """The state of each row after its last segment, which may be empty."""
        untouched = states.select(self._had_reset, fresh, state)
        return states.scatter(untouched, self._ends_used, states.gather(ended, self._end_place))
