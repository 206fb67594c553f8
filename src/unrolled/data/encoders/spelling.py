"""How words are spelled, as categories: what is known of a word that training did not see."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from unrolled.data.encoders.categories import TokenTable
from unrolled.data.encoders.step_alone import StepAlone
from unrolled.data.encoders.token_counts import TokenCounts, count_tokens

OPEN = 0.05
"""A vocabulary is open if at least so many of the tokens of the training part are words that come only once."""
_RUNS = re.compile(r"(.)\1+")


def shape(word: str) -> str:
    """Capitals as X, other letters as x, digits as d, everything else as it is; repetitions once: "Mc-42" is "Xx-d"."""
    kinds = "".join("d" if c.isdigit() else "X" if c.isupper() else "x" if c.isalpha() else c for c in word)
    return _RUNS.sub(r"\1", kinds)


ASPECTS: dict[str, Callable[[str], str]] = {
    "lower case": str.lower,
    "shape": shape,
    "first 2 letters": lambda word: word[:2].lower(),
    "first 3 letters": lambda word: word[:3].lower(),
    "last 2 letters": lambda word: word[-2:].lower(),
    "last 3 letters": lambda word: word[-3:].lower(),
}


@dataclass(frozen=True)
class SpellingTable(StepAlone):
    """One aspect of the words of a field, as numbers from 1 on; 0 is everything else.

    Source: Collobert et al. 2011, "Natural Language Processing (Almost) from Scratch", JMLR 12, section 4.5 (capitals
    and suffixes beside the word).
    """

    aspect: str
    """a key of `ASPECTS`"""
    table: TokenTable

    @classmethod
    def fit(cls, field: str, aspect: str, values: Iterable[Sequence[str]] | TokenCounts) -> "SpellingTable":
        """From the training part. What comes once says nothing of other words, and stays unknown."""
        look, words = ASPECTS[aspect], count_tokens(values)
        counts = Counter[str]()
        for word, count in words.counts.items():
            counts[look(word)] += count
        table = TokenTable.fit(field, TokenCounts(counts, words.lost), min_count=2)
        return cls(aspect, replace(table, rare=()))

    @property
    def field(self) -> str:
        return self.table.field

    def __len__(self) -> int:
        return len(self.table)

    def encode(self, value: Sequence[str]) -> np.ndarray:
        """int64 `[time]`."""
        return self.table.encode(list(map(ASPECTS[self.aspect], value)))

    def to_json(self) -> dict[str, Any]:
        return {"kind": "spelling", "aspect": self.aspect, "table": self.table.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "SpellingTable":
        return cls(data["aspect"], TokenTable.from_json(data["table"]))


def ends_of(known: dict[str, str]) -> str:
    """How a word begins and ends, as far as its aspects are known: "ber…ith"; nothing if none is."""
    if "lower case" in known:
        return known["lower case"]
    first = known.get("first 3 letters") or known.get("first 2 letters", "")
    last = known.get("last 3 letters") or known.get("last 2 letters", "")
    return f"{first}…{last}" if first or last else ""


def is_open(values: Iterable[Sequence[str]] | TokenCounts) -> bool:
    """Whether other data will have words that these do not have, going by how many come only once."""
    counts, lost = count_tokens(values)
    once = sum(count == 1 for count in counts.values())
    return lost > 0 or once >= OPEN * max(counts.total(), 1)
