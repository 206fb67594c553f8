"""The loss of sequences that are written, given the true past of each token."""

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TokenLoss:
    """What a validation of a decoder found."""

    loss: float
    """nats per token"""

    @property
    def criterion(self) -> float:
        return self.loss

    def facts(self) -> dict[str, Any]:
        return {"loss": self.loss, "perplexity": self._perplexity}

    def words(self) -> str:
        return f"loss {self.loss:.4f} nats, perplexity {self._perplexity:.4g}"

    @property
    def _perplexity(self) -> float:
        return math.exp(min(self.loss, 700.0))
