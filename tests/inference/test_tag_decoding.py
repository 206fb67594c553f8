"""Decoding of tags in an allowed order, against trying all of them."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.inference.metrics.spans import find_spans
from unrolled.inference.tag_decoding import best_tags, decode_tags, rules_of

SCHEMES = {
    "bio": ["O", "B-x", "I-x", "B-y", "I-y"],
    "bioes": ["B-x", "E-x", "I-x", "O", "S-x"],
    "bilou": ["B-x", "I-x", "L-x", "O", "U-x"],
    "io": ["I-x", "I-y", "O"],
    "bare": ["B", "I", "O"],
}


def is_allowed(tags: tuple[str, ...], scheme: list[str]) -> bool:
    """By reading the sequence from left to right, as a person would."""
    ends = {tag[2:] for tag in scheme if tag[0] in "EL"}
    begins = {tag[2:] for tag in scheme if tag[0] == "B"}
    open_kind = None
    for tag in tags:
        kind = tag[2:]
        inside = tag[0] in "IEL" and (kind in begins or open_kind == kind)
        if inside and open_kind != kind:
            return False
        if not inside and open_kind in ends:
            return False
        open_kind = kind if tag[0] in "BI" else None
    return open_kind not in ends


@pytest.mark.parametrize("name", SCHEMES)
@given(data=st.data())
def test_the_best_of_all_that_are_allowed(name: str, data: st.DataObject) -> None:
    scheme = SCHEMES[name]
    steps, seed = data.draw(st.integers(1, 4)), data.draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    shares = random.dirichlet(np.full(len(scheme), 0.5), size=steps) + 1e-6
    allowed = [
        path
        for path in itertools.product(range(len(scheme)), repeat=steps)
        if is_allowed(tuple(scheme[tag] for tag in path), scheme)
    ]
    best = max(allowed, key=lambda path: np.log(shares[np.arange(steps), list(path)]).sum())
    assert decode_tags(shares, rules_of(scheme)).tolist() == list(best)


@pytest.mark.parametrize("name", SCHEMES)
def test_the_rules_are_those_of_all_short_sequences(name: str) -> None:
    scheme = SCHEMES[name]
    rules = rules_of(scheme)
    for path in itertools.product(range(len(scheme)), repeat=3):
        ruled = (
            rules.first[path[0]] and rules.last[path[-1]] and all(rules.next[a, b] for a, b in itertools.pairwise(path))
        )
        assert ruled == is_allowed(tuple(scheme[tag] for tag in path), scheme), [scheme[tag] for tag in path]


def test_an_example() -> None:
    # The best tag of each step would be O I-x, which is no span.
    shares = np.array([[0.5, 0.4, 0.1, 0, 0], [0.2, 0.1, 0.7, 0, 0]])
    assert [SCHEMES["bio"][tag] for tag in decode_tags(shares, rules_of(SCHEMES["bio"]))] == ["B-x", "I-x"]


def test_other_tags_are_free_and_nothing_is_nothing() -> None:
    shares = np.array([[0.1, 0.9], [0.8, 0.2]], dtype=np.float32)
    assert [one.tolist() for one in best_tags([shares, shares[:0]], ["noun", "verb"])] == [[1, 0], []]
    assert decode_tags(np.zeros((0, 5)), rules_of(SCHEMES["bio"])).shape == (0,)


def test_no_probability_at_all_still_gives_an_allowed_sequence() -> None:
    shares = np.zeros((3, 5))
    shares[:, 2] = 1.0  # I-x everywhere
    tags = decode_tags(shares, rules_of(SCHEMES["bio"]))
    assert is_allowed(tuple(SCHEMES["bio"][tag] for tag in tags), SCHEMES["bio"])
    assert len(find_spans(tags, np.array([0]), SCHEMES["bio"]).start) == 1
