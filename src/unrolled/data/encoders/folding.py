"""Truth values and numbers as categories, which programs write in several ways: `True` and `TRUE`, `1` and `1.0`."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_LONGEST = 15
"""digits that a number keeps"""


def fold(value: str) -> str:
    """The same text for all ways to write a truth value or a number; any other text as it is."""
    short = value.strip()
    if short.lower() in ("true", "false"):
        return short.lower()
    # A leading zero says that it is no number, as in 007.
    if _NUMBER.fullmatch(short) and not re.match(r"[-+]?0[0-9]", short) and len(short) <= _LONGEST:
        return f"{float(short) + 0.0:.{_LONGEST}g}"
    return value


def most_usual(counts: Mapping[str, int]) -> dict[str, str]:
    """For each value the way to write it that comes most often, of equal ones the first in the alphabet."""
    usual: dict[str, str] = {}
    for value in sorted(counts, key=lambda value: (-counts[value], value)):
        usual.setdefault(fold(value), value)
    return {value: usual[fold(value)] for value in counts}


def folded_labels(values: Iterable[str]) -> tuple[str, ...]:
    """The different values in alphabetical order, each in its most usual way."""
    return tuple(sorted(set(most_usual(Counter(values)).values())))


def folded_numbers(values: Iterable[str], first: int = 0) -> dict[str, int]:
    """The number of each value, counted from `first`, under what it folds to."""
    return {fold(value): number for number, value in reversed(list(enumerate(values, first)))}
