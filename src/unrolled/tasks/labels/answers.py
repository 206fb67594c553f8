"""What a model says about records: probabilities, values, a label for every step, events, a text."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from unrolled.data.feeds.delayed_records import Delayed
from unrolled.data.feeds.examples import Examples, collate
from unrolled.data.feeds.long_records import Windows
from unrolled.data.feeds.record_feed import ordered_batches
from unrolled.layers.inputs import lead, map_inputs
from unrolled.models.evaluating import evaluating
from unrolled.models.on_device import on_device
from unrolled.models.records import RecordInputs, RecordNetwork
from unrolled.tasks.labels.encoding import RecordEncoding

BATCH_STEPS = 16_384
"""About so many steps are computed at once."""


@dataclass(frozen=True)
class RecordModel:
    """A trained network with what records become and what its outputs mean."""

    network: RecordNetwork
    encoding: RecordEncoding
    window: int
    """steps of a row; longer records are cut, where the state is not carried"""

    @property
    def carries(self) -> bool:
        """Whether records of any length are read with a carried state, and need not be cut."""
        return self.network.supports_step and self.horizon is None

    @property
    def horizon(self) -> int | None:
        """Steps of a record with an answer per step that the network can read with a carried state: attention to an
        unbounded past, and absolute positions, are known only as far as a window. None: any number."""
        unbounded = self.network.config.sees_unbounded_past and self.encoding.target.per_step
        return self.window if unbounded else None

    def answers(self, examples: Examples, progress: Callable[[int, int], None] | None = None) -> list[np.ndarray]:
        """One array per record, in their order: see the kinds of `Target`."""
        delay = self.network.latency
        records = Delayed(examples, delay, per_step=self.encoding.target.per_step) if delay else examples
        if not self.encoding.target.per_step:
            return [row[delay:] for _, row in sorted(self._outputs(records, progress), key=lambda pair: pair[0])]
        windows = Windows(records, self.window, margin(self.window))
        if self.carries:
            windows = Windows(records, max([self.window, *records.lengths]), 0)
        whole: list[np.ndarray | None] = [None] * len(examples)
        for number, row in self._outputs(windows, progress):
            window = windows.spans[number]
            if whole[window.record] is None:
                whole[window.record] = np.zeros((records.lengths[window.record], row.shape[1]), dtype=np.float32)
            own = row[window.first - window.start : window.last - window.start]
            cast(np.ndarray, whole[window.record])[window.first : window.last] = own
        return [answer[delay:] for answer in cast(list[np.ndarray], whole)]

    def _outputs(self, records: Any, progress: Callable[[int, int], None] | None) -> Iterator[tuple[int, np.ndarray]]:
        """The number and the answer of every record or window."""
        device = next(self.network.parameters()).device
        longest = max(records.lengths, default=1)
        size = max(1, BATCH_STEPS // max(1, longest))
        done = 0
        with torch.inference_mode(), evaluating(self.network):
            for numbers in ordered_batches(records, min(size, 256)):
                chosen = [records[int(number)]._replace(target=None) for number in numbers]
                batch = on_device(collate(chosen, per_step=False), device)
                values, tokens, mask, reset, *_ = cast(tuple[Any, ...], batch)
                outputs = self._computed(RecordInputs(values, tokens), mask, reset)
                answers = self.encoding.target.meaning(outputs)
                for number, example, row in zip(numbers, chosen, answers, strict=True):
                    yield int(number), row if self.network.pooled else row[: example.time]
                done += len(numbers)
                if progress is not None:
                    progress(done, len(records))

    def _computed(self, inputs: RecordInputs, mask: Tensor | None, reset: Tensor | None) -> Tensor:
        """The outputs `[members, ...]`, of long records in one piece after another with the state carried along."""
        time = lead(inputs).shape[1]
        if self.network.pooled or not self.carries or time <= BATCH_STEPS:
            return self.network.predict(inputs, mask=mask, reset=reset)
        state, parts = None, []
        for begin in range(0, time, BATCH_STEPS):
            piece = slice(begin, begin + BATCH_STEPS)
            chunk = map_inputs(lambda leaf, piece=piece: leaf[:, piece], inputs)
            flags = (None if flag is None else flag[:, piece] for flag in (mask, reset))
            outputs, state = self.network(chunk, state, **dict(zip(("mask", "reset"), flags, strict=True)))
            parts.append(outputs.float())
        return torch.cat(parts, dim=1).permute(2, 0, 1, 3)


def margin(window: int) -> int:
    """Steps at either end of a window that are only seen."""
    return window // 8
