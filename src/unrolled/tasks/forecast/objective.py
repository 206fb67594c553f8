"""A forecasting network with its loss as one module."""

import contextlib
from typing import Any, cast

from jaxtyping import Float
from torch import Tensor, nn

from unrolled.layers.state import State
from unrolled.tasks.forecast.network import ForecastNetwork
from unrolled.tasks.forecast.windows import ForecastBatch


class ForecastObjective(nn.Module):
    """The summed loss of some windows; there is no state between batches."""

    def __init__(self, network: ForecastNetwork, *, autocast: contextlib.AbstractContextManager) -> None:
        super().__init__()
        self.network, self.autocast = network, autocast

    def forward(self, batch: ForecastBatch, state: State | None) -> tuple[Float[Tensor, ""], State]:
        past, future, known, *_ = cast(tuple[Any, ...], batch)
        with self.autocast:
            loss, _ = self.network.losses(past, future, known)
        return loss, ()
