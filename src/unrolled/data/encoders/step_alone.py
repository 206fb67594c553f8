"""Encoders whose rows depend on their own step alone: step by step they are the same as for a whole record."""

from typing import Any

import numpy as np


class StepAlone:
    """The step form of such an encoder: there is nothing to keep."""

    def begin(self) -> tuple[()]:
        """Before the first step."""
        return ()

    def feed(self, values: Any, state: tuple[()]) -> tuple[np.ndarray, tuple[()]]:
        """The rows of the next steps."""
        rows: np.ndarray = self.encode(values)  # type: ignore[attr-defined]
        return rows, state

    def finish(self, state: tuple[()]) -> np.ndarray:
        """Nothing is held back."""
        return np.zeros(0, dtype=np.int64)

    def check(self, state: tuple[()]) -> None:
        """Nothing can be wrong."""
