"""A network of records with its loss as one module."""

import contextlib
from typing import Any, cast

from jaxtyping import Float
from torch import Tensor, nn

from unrolled.data.feeds.examples import ExampleBatch
from unrolled.layers.state import State
from unrolled.models.records import RecordInputs, RecordNetwork
from unrolled.tasks.labels.target import Target


class RecordObjective(nn.Module):
    """The summed loss of a batch, and for chunks of longer records the state after it."""

    def __init__(
        self,
        network: RecordNetwork,
        target: Target,
        *,
        autocast: contextlib.AbstractContextManager,
        label_smoothing: float = 0.0,
        weights: Tensor | None = None,
        streams: bool = False,
    ) -> None:
        """`streams`: batches are chunks of longer records, with a target for each step; else they hold whole ones."""
        super().__init__()
        self.streams = streams
        self.network, self.target, self.autocast, self.label_smoothing = network, target, autocast, label_smoothing
        self.register_buffer("weights", weights, persistent=False)
        self.weights: Tensor | None

    def forward(self, batch: ExampleBatch, state: State | None) -> tuple[Float[Tensor, ""], State]:
        numbers, tokens, mask, reset, *_ = cast(tuple[Any, ...], batch)
        after: State = ()
        with self.autocast:
            if self.streams:
                outputs, after = self.network(RecordInputs(numbers, tokens), state, mask=mask, reset=reset)
                outputs = outputs.movedim(2, 0)
            else:
                outputs = self.network.answers(RecordInputs(numbers, tokens), mask=mask, reset=reset)
        wait = self.network.latency
        if wait and not self.target.per_step:  # the answers to a record of its own in each row begin later
            outputs, batch = outputs[:, :, wait:], batch._replace(mask=None if mask is None else mask[:, wait:])
        return self.target.loss(outputs, batch, weights=self.weights, label_smoothing=self.label_smoothing), after
