"""What a model says about records: probabilities, values, a label for every step, events, a text."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from unrolled.data.encoders.encoding import Encoding
from unrolled.data.encoders.targets import EventTarget, NumberTarget, TextTarget, peaks
from unrolled.data.feeds.examples import Examples, collate
from unrolled.data.feeds.long_records import Windows
from unrolled.data.feeds.record_feed import ordered_batches
from unrolled.models.on_device import on_device
from unrolled.models.records import RecordInputs, RecordNetwork
from unrolled.tasks.transcribe.decode import greedy

BATCH_STEPS = 16_384
"""About so many steps are computed at once."""


@dataclass(frozen=True)
class RecordModel:
    """A trained network with what records become and what its outputs mean."""

    network: RecordNetwork
    encoding: Encoding
    window: int
    """steps of a row; longer records are cut"""

    def answers(self, examples: Examples, progress: Callable[[int, int], None] | None = None) -> list[np.ndarray]:
        """One array per record, in their order.

        * classify: probabilities `[labels]`
        * regress, and tags that are numbers: values `[targets]` or `[time, targets]`, in the units of the target
        * tag: probabilities `[time, labels]`
        * transcribe: logarithms of probabilities `[time, tokens + 1]`, the blank first
        """
        if not self.encoding.per_step and not isinstance(self.encoding.target, TextTarget):
            return [row for _, row in sorted(self._outputs(examples, progress), key=lambda pair: pair[0])]
        windows = Windows(examples, self.window, margin(self.window)) if self.encoding.per_step else None
        if windows is None:
            return [row for _, row in sorted(self._outputs(examples, progress), key=lambda pair: pair[0])]
        whole: list[np.ndarray | None] = [None] * len(examples)
        for number, row in self._outputs(windows, progress):
            place = windows.places[number]
            if whole[place.record] is None:
                whole[place.record] = np.zeros((examples.lengths[place.record], row.shape[1]), dtype=np.float32)
            own = row[place.first - place.start : place.last - place.start]
            cast(np.ndarray, whole[place.record])[place.first : place.last] = own
        return [cast(np.ndarray, one) for one in whole]

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
                    answers = self._meaning(outputs).cpu().numpy()
                    for number, example, row in zip(numbers, chosen, answers, strict=True):
                        yield int(number), row if self.network.pooled else row[: example.time]
                    done += len(numbers)
                    if progress is not None:
                        progress(done, len(records))
        finally:
            self.network.train(training)

    def _meaning(self, outputs: Tensor) -> Tensor:
        """Outputs of the members as one answer: the mean of their probabilities or values."""
        target = self.encoding.target
        if isinstance(target, NumberTarget):
            values = outputs.mean(0).cpu()
            return torch.from_numpy(target.scaler.unscale(values.numpy()))
        if isinstance(target, TextTarget):
            return outputs.softmax(-1).mean(0).log()
        if getattr(target, "many", False):
            return outputs.sigmoid().mean(0)
        return outputs.softmax(-1).mean(0)


def margin(window: int) -> int:
    """Steps at either end of a window that are only seen."""
    return window // 8


def events_of(answer: np.ndarray, target: EventTarget) -> tuple[np.ndarray, list[str]]:
    """Steps at which events are, int64 `[events]`, and their labels, of the probabilities `[time, labels + 1]`."""
    some = 1.0 - answer[:, 0]
    width = 2 * target.reach + 1
    smooth = np.convolve(some, np.ones(width) / width)[target.reach : target.reach + len(some)]
    places = peaks(smooth, distance=2 * width, threshold=0.3)
    kinds = answer[places, 1:].argmax(axis=1) if len(places) else np.zeros(0, dtype=np.int64)
    return places, [target.labels[kind] for kind in kinds]


def text_of(answer: np.ndarray, target: TextTarget) -> str:
    """The text of the logarithms of probabilities `[time, tokens + 1]`, by the best path."""
    found = greedy(answer[None], np.array([len(answer)]))[0]
    return target.decode(np.array(found.tokens, dtype=np.int64) + 1)
