"""What a model says about records: probabilities, values, a label for every step, events, a text."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch

from unrolled.data.feeds.examples import Examples, collate
from unrolled.data.feeds.long_records import Windows
from unrolled.data.feeds.record_feed import ordered_batches
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
    """steps of a row; longer records are cut"""

    def answers(self, examples: Examples, progress: Callable[[int, int], None] | None = None) -> list[np.ndarray]:
        """One array per record, in their order: see the kinds of `Target`."""
        if not self.encoding.target.per_step:
            return [row for _, row in sorted(self._outputs(examples, progress), key=lambda pair: pair[0])]
        windows = Windows(examples, self.window, margin(self.window))
        whole: list[np.ndarray | None] = [None] * len(examples)
        for number, row in self._outputs(windows, progress):
            place = windows.places[number]
            if whole[place.record] is None:
                whole[place.record] = np.zeros((examples.lengths[place.record], row.shape[1]), dtype=np.float32)
            own = row[place.first - place.start : place.last - place.start]
            cast(np.ndarray, whole[place.record])[place.first : place.last] = own
        return cast(list[np.ndarray], whole)

    def _outputs(self, records: Any, progress: Callable[[int, int], None] | None) -> Iterator[tuple[int, np.ndarray]]:
        """The number and the answer of every record or window."""
        device = next(self.network.parameters()).device
        longest = max(records.lengths, default=1)
        size = max(1, BATCH_STEPS // max(1, longest))
        done = 0
        training = self.network.training
        self.network.eval()
        try:
            with torch.inference_mode():
                for numbers in ordered_batches(records, min(size, 256)):
                    chosen = [records[int(number)]._replace(target=None) for number in numbers]
                    batch = on_device(collate(chosen, per_step=False), device)
                    values, tokens, mask, reset, *_ = cast(tuple[Any, ...], batch)
                    outputs = self.network.predict(RecordInputs(values, tokens), mask=mask, reset=reset)
                    answers = self.encoding.target.meaning(outputs)
                    for number, example, row in zip(numbers, chosen, answers, strict=True):
                        yield int(number), row if self.network.pooled else row[: example.time]
                    done += len(numbers)
                    if progress is not None:
                        progress(done, len(records))
        finally:
            self.network.train(training)


def margin(window: int) -> int:
    """Steps at either end of a window that are only seen."""
    return window // 8
