"""Spans in tags of the BIO family: `B-PER I-PER O`, also with E and S (or L and U) for the last and the only step."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

_OUTSIDE, _BEGIN, _INSIDE, _END, _SINGLE = range(5)
_ROLES = {"B": _BEGIN, "I": _INSIDE, "E": _END, "L": _END, "S": _SINGLE, "U": _SINGLE}


class Spans(NamedTuple):
    """Spans in tags laid end to end, by ascending start."""

    start: Int[np.ndarray, " spans"]
    end: Int[np.ndarray, " spans"]
    """the last step"""
    kind: Int[np.ndarray, " spans"]
    """index into `span_kinds(names)`"""


def has_spans(names: Sequence[str]) -> bool:
    """Whether all tags are `O` or a role (BIESLU), a hyphen and a kind, and some begin or continue a span."""
    others = [name for name in names if name != "O"]
    return bool(others) and all(re.match(r"[BIESLU](-.+)?$", name) for name in others) and "O" in names


def span_kind(tag: str) -> str:
    """`PER` for `B-PER`; the empty text for `B` and for `O`."""
    return tag.partition("-")[2]


def span_kinds(names: Sequence[str]) -> list[str]:
    """The kinds of span that the tags speak of, sorted."""
    return sorted({span_kind(name) for name in names if name != "O"})


def find_spans(tags: Int[np.ndarray, " steps"], starts: Int[np.ndarray, " sequences"], names: Sequence[str]) -> Spans:
    """The spans in sequences of tags laid end to end, where `starts` says at which step each sequence begins.

    A span begins at B or S, after O, after E or S, and where the kind changes, so tags in a forbidden order still give
    spans. Source: the rules of `conlleval` (Tjong Kim Sang and De Meulder 2003, CoNLL shared task), which seqeval
    follows too.
    """
    kinds = span_kinds(names)
    role_of = np.array([_OUTSIDE if name == "O" else _ROLES[name[0]] for name in names])
    kind_of = np.array([-1 if name == "O" else kinds.index(span_kind(name)) for name in names])
    role, kind = role_of[tags], kind_of[tags]
    first = np.zeros(len(tags), dtype=bool)
    first[starts[starts < len(tags)]] = True
    before, kind_before = np.roll(role, 1), np.roll(kind, 1)
    before[first], kind_before[first] = _OUTSIDE, -1
    joined = (before == _BEGIN) | (before == _INSIDE)
    continues = joined & ((role == _INSIDE) | (role == _END)) & (kind == kind_before)
    begins = (role != _OUTSIDE) & ~continues
    ends = (role != _OUTSIDE) & ~np.append(continues[1:], False)
    return Spans(np.flatnonzero(begins), np.flatnonzero(ends), kind[begins])
