"""Records for a model that answers later than it reads."""

import numpy as np

from unrolled.data.feeds.examples import NO_TARGET, Example
from unrolled.data.feeds.long_records import Records


class Delayed:
    """Records with `steps` blank steps at their end, and if targets are `per_step` that of every step moved to `steps`
    later.

    Blank steps hold zeros (of scaled numbers the mean) and the token 0. The first `steps` steps have no target.
    """

    def __init__(self, records: Records, steps: int, *, per_step: bool = True) -> None:
        self._records, self._steps, self._per_step = records, steps, per_step
        self.lengths = [length + steps for length in records.lengths]
        self._last: tuple[int, Example] | None = None
        """long records are read piece by piece"""

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> Example:
        if self._last is None or self._last[0] != index:
            self._last = index, self._delayed(self._records[index])
        return self._last[1]

    def _delayed(self, record: Example) -> Example:
        blank = blank_steps(record, self._steps)
        numbers, tokens = (
            None if values is None else np.concatenate([values, more])
            for values, more in zip(record[:2], blank[:2], strict=True)
        )
        target = record.target
        if self._per_step and target is not None:
            target = self._later(target)
        return Example(numbers, tokens, target, record.weight)

    def _later(self, target: np.ndarray) -> np.ndarray:
        nothing = np.nan if np.issubdtype(target.dtype, np.floating) else NO_TARGET
        return np.concatenate([np.full((self._steps, *target.shape[1:]), nothing, target.dtype), target])


def blank_steps(like: Example, steps: int) -> Example:
    """What follows a record that has ended, for as long as a model waits."""
    numbers, tokens = (
        None if values is None else np.zeros((steps, *values.shape[1:]), values.dtype) for values in like[:2]
    )
    return Example(numbers, tokens, None)
