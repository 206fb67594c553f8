"""Decoding of tags in an allowed order, against trying all of them."""

import itertools
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.config import DataConfig
from unrolled.scoring.spans import find_spans, span_kinds
from unrolled.tasks.labels.dataset import prepare_records
from unrolled.tasks.labels.encoding import RecordEncoding
from unrolled.tasks.labels.tag_decoding import decode_tags, rules_of
from unrolled.tasks.labels.targets.tags import TagTarget, count_pairs

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
    assert [TagTarget("tags", ("noun", "verb")).tags(some).tolist() for some in (shares, shares[:0])] == [[1, 0], []]
    assert decode_tags(np.zeros((0, 5)), rules_of(SCHEMES["bio"])).shape == (0,)


def test_no_probability_at_all_still_gives_an_allowed_sequence() -> None:
    shares = np.zeros((3, 5))
    shares[:, 2] = 1.0  # I-x everywhere
    tags = decode_tags(shares, rules_of(SCHEMES["bio"]))
    assert is_allowed(tuple(SCHEMES["bio"][tag] for tag in tags), SCHEMES["bio"])
    assert len(find_spans(tags, np.array([0]), SCHEMES["bio"]).start) == 1


IOB1 = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


def pairs_in(labels: list[str], sentences: list[str]) -> tuple[tuple[int, int, int], ...]:
    target = TagTarget("tags", tuple(labels), count_pairs(labels, [sentence.split() for sentence in sentences]))
    assert target.pairs is not None
    assert TagTarget.from_json(json.loads(json.dumps(target.to_json()))) == target
    return target.pairs


def test_iob1_is_told_from_the_pairs_of_training() -> None:
    pairs = pairs_in(IOB1, ["O I-PER I-PER O", "I-LOC O", "O I-PER B-PER O", "I-LOC I-PER O", "O I-LOC B-LOC I-LOC"])
    sure = np.full((2, 5), 0.003)
    sure[0, 2] = sure[1, 4] = 0.987
    assert TagTarget("tags", tuple(IOB1), pairs).tags(sure).tolist() == [2, 4]
    rules = rules_of(IOB1, pairs)
    assert rules.first.tolist() == [True, False, True, False, True], "B-x only behind x"
    assert rules.next[0].tolist() == rules.first.tolist()
    assert rules.next[:, [2, 4]].all()
    assert rules.next[1, 1]
    assert rules.next[2, 1]
    assert not rules.next[4, 1]
    assert rules.last.all()


@pytest.mark.parametrize("name", SCHEMES)
def test_the_rules_of_a_scheme_follow_from_sequences_of_it(name: str) -> None:
    scheme = SCHEMES[name]
    sentences = [
        " ".join(scheme[tag] for tag in path)
        for path in itertools.product(range(len(scheme)), repeat=3)
        if is_allowed(tuple(scheme[tag] for tag in path), scheme)
    ]
    learned, expected = rules_of(scheme, pairs_in(scheme, sentences)), rules_of(scheme)
    for rule, other in zip(learned, expected, strict=True):
        assert rule.tolist() == other.tolist()


def test_pairs_that_training_did_not_see_are_allowed_where_the_scheme_has_them() -> None:
    labels = ["O", "B-a", "I-a", "B-b", "I-b"]
    rules = rules_of(labels, pairs_in(labels, ["O B-a I-a O"] * 5 + ["B-b I-b O"] * 5))
    assert rules.next[2, 3], "B-b right behind I-a"
    assert not rules.next[0, 2], "no I-a after O"
    assert not rules.next[1, 4], "no I-b after B-a"


def test_what_training_saw_is_never_forbidden() -> None:
    """A slip in the annotation makes no scheme, but what it did is possible."""
    labels = ["O", "B-a", "I-a", "B-b", "I-b"]
    slips = rules_of(labels, pairs_in(labels, ["O B-a I-a O", "B-b I-b O"] * 200 + ["O I-a O"]))
    assert slips.next[0, 2]
    assert not slips.next[0, 4]
    none = rules_of(labels, pairs_in(labels, ["O B-a I-b O", "I-a B-b I-a O"] * 10))
    assert none.next.all()
    assert none.first.all()


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("O I-PER I-PER B-PER O I-LOC I-PER", [(1, 2, "PER"), (3, 3, "PER"), (5, 5, "LOC"), (6, 6, "PER")]),
        ("B-PER I-PER I-LOC O B-LOC", [(0, 1, "PER"), (2, 2, "LOC"), (4, 4, "LOC")]),
        ("U-PER B-LOC I-LOC L-LOC U-LOC", [(0, 0, "PER"), (1, 3, "LOC"), (4, 4, "LOC")]),
        ("S-PER B-LOC E-LOC O", [(0, 0, "PER"), (1, 2, "LOC")]),
    ],
)
def test_spans_of_every_scheme(tags: str, spans: list[tuple[int, int, str]]) -> None:
    words = tags.split()
    labels = sorted({*words, "O"})
    actual_spans = find_spans(np.array([labels.index(word) for word in words]), np.array([0]), labels)
    kinds = span_kinds(labels)
    assert [(int(a), int(b), kinds[k]) for a, b, k in zip(*actual_spans, strict=True)] == spans


@pytest.mark.parametrize(
    ("sentences", "odd"),
    [
        (
            ["O I-PER I-PER O", "I-LOC O", "O I-PER B-PER O", "I-LOC B-LOC I-PER O"],
            [("O", "B-PER"), ("I-LOC", "B-PER")],
        ),
        (["O B-PER I-PER O", "B-LOC O", "O B-PER B-PER O", "B-LOC I-LOC"], [("O", "I-PER"), ("B-LOC", "I-PER")]),
        (["O B-A L-A O", "U-A O", "O B-A I-A L-A U-A"], [("O", "I-A"), ("O", "L-A"), ("B-A", "O"), ("B-A", "U-A")]),
    ],
    ids=["iob1", "bio", "bilou"],
)
def test_pairs_are_learned_from_a_file(tmp_path: Path, sentences: list[str], odd: list[tuple[str, str]]) -> None:
    """All the way from a file to the encoding that is kept beside the model."""
    path = tmp_path / "names.conll"
    blocks = ["".join(f"w{n}\t{tag}\n" for n, tag in enumerate(sentence.split())) for sentence in sentences * 10]
    path.write_text("\n".join(blocks))
    kept = prepare_records([str(path)], DataConfig(split="time"), task=None).encoding
    target = RecordEncoding.from_text(kept.to_text()).target
    assert isinstance(target, TagTarget)
    border, expected = len(target.labels), Counter[tuple[int, int]]()
    for sentence in sentences * 9:  # a tenth is held out, at the end
        numbers = [target.labels.index(tag) for tag in sentence.split()]
        expected.update(itertools.pairwise([border, *numbers, border]))
    assert target.pairs == tuple(sorted((*pair, times) for pair, times in expected.items()))
    rules = rules_of(target.labels, target.pairs)
    for before, tag in odd:
        assert not rules.next[target.labels.index(before), target.labels.index(tag)], (before, tag)


def test_without_any_pair_the_labels_alone_say_what_is_allowed() -> None:
    for rule, other in zip(rules_of(SCHEMES["bio"], ()), rules_of(SCHEMES["bio"]), strict=True):
        assert rule.tolist() == other.tolist()


def test_models_without_pairs_load() -> None:
    old = TagTarget.from_json({"kind": "step", "field": "tags", "labels": ["O", "B"]})
    assert old.pairs is None
    with pytest.raises(ValueError, match="pairs"):
        TagTarget.from_json({"kind": "step", "field": "tags", "labels": ["O", "B"], "pairs": [[0, 3, 1]]})
