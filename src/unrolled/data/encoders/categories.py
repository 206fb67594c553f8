"""Categories as numbers."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

UNKNOWN = 0
"""The number of a category or token that training did not see."""


@dataclass(frozen=True)
class TokenTable:
    """Tokens or categories that come ready cut, as numbers from 1 on; 0 is everything else."""

    field: str
    tokens: tuple[str, ...]

    @classmethod
    def fit(cls, field: str, values: Iterable[Sequence[str]], *, min_count: int = 1) -> "TokenTable":
        """From the training part. Tokens seen less often than `min_count` stay unknown."""
        counts = Counter(token for value in values for token in value)
        kept = (token for token, count in counts.items() if count >= min_count)
        return cls(field, tuple(sorted(kept, key=lambda token: (-counts[token], token))))

    def __len__(self) -> int:
        return len(self.tokens) + 1

    @property
    def unknown(self) -> int:
        """The number of what training did not see."""
        return UNKNOWN

    def encode(self, value: str | Sequence[str]) -> np.ndarray:
        """int64 `[time]`; a single category counts as one step."""
        number = self._number
        return np.array(
            [number.get(t, UNKNOWN) for t in ([value] if isinstance(value, str) else value)], dtype=np.int64
        )

    @property
    def _number(self) -> dict[str, int]:
        found = self.__dict__.get("_table")
        if found is None:
            found = {token: number for number, token in enumerate(self.tokens, 1)}
            object.__setattr__(self, "_table", found)
        return found

    def to_json(self) -> dict[str, Any]:
        return {"kind": "tokens", "field": self.field, "tokens": list(self.tokens)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "TokenTable":
        return cls(data["field"], tuple(data["tokens"]))
