"""A network of records with its loss as one module."""

import contextlib
from typing import Any, Literal, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrolled.data.feeds.examples import ExampleBatch
from unrolled.layers.state import State
from unrolled.models.records import RecordInputs, RecordNetwork
from unrolled.objectives.ctc import ctc_loss
from unrolled.objectives.records import class_loss, labels_loss, value_loss

Loss = Literal["class", "labels", "value", "transcript"]


class RecordObjective(nn.Module):
    """The summed loss of a batch; there is no state between batches."""

    def __init__(
        self,
        network: RecordNetwork,
        loss: Loss,
        *,
        autocast: contextlib.AbstractContextManager,
        label_smoothing: float = 0.0,
        weights: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.network, self.loss, self.autocast, self.label_smoothing = network, loss, autocast, label_smoothing
        self.register_buffer("weights", weights, persistent=False)
        self.weights: Tensor | None

    def forward(self, batch: ExampleBatch, state: State | None) -> tuple[Float[Tensor, ""], State]:
        numbers, tokens, mask, reset, targets, lengths, _ = cast(tuple[Any, ...], batch)
        with self.autocast:
            outputs = self.network.answers(RecordInputs(numbers, tokens), mask=mask, reset=reset)
        if self.loss == "class":
            return class_loss(outputs, targets, weights=self.weights, label_smoothing=self.label_smoothing), ()
        if self.loss == "labels":
            return labels_loss(outputs, targets), ()
        if self.loss == "value":
            return value_loss(outputs, targets), ()
        return self._transcript_loss(outputs, mask, targets, lengths), ()

    def _transcript_loss(self, outputs: Tensor, mask: Tensor | None, targets: Tensor, lengths: Tensor) -> Tensor:
        if not len(lengths):
            return outputs.sum() * 0
        there = torch.arange(targets.shape[1], device=targets.device) < lengths[:, None]
        return torch.stack([ctc_loss(one, targets - 1, mask=mask, target_mask=there)[0] for one in outputs]).mean()
