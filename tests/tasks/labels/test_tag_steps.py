"""Tags told step by step and revised are those of the whole; what is certain is told once and never again."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.tasks.labels.tag_decoding import decode_tags, rules_of
from unrolled.tasks.labels.tag_steps import TagState, TagSteps

SCHEMES = {
    "BIO": ("B-x", "B-y", "I-x", "I-y", "O"),
    "BIOES": ("B-x", "E-x", "I-x", "O", "S-x"),
    "BILOU": ("B-x", "I-x", "L-x", "O", "U-x"),
}


def run(steps: TagSteps, probabilities: np.ndarray, pieces: list[int]) -> tuple[list[int], list[list[tuple[int, int]]]]:
    """What was told at each step, and the revisions at each step and at the end; each state is copied and checked."""
    state, told, revised = steps.begin(), [], []
    for part in np.split(probabilities, np.minimum(np.cumsum(pieces), len(probabilities)).astype(int)):
        streamed, state = steps.feed(part, state)
        steps.check(state)
        state = TagState(*(np.frombuffer(leaf.tobytes(), leaf.dtype).reshape(leaf.shape) for leaf in state))
        told += streamed.tags.tolist()
        revised += streamed.revised
    return told, [*revised, steps.finish(state)]


def draws(seed: int, length: int, count: int) -> np.ndarray:
    """Probabilities that often contradict each other; some are 0."""
    random = np.random.default_rng(seed)
    raw = random.random((length, count)) ** 4 + (random.random((length, count)) < 0.2)
    raw[random.random((length, count)) < 0.1] = 0
    return (raw / np.maximum(raw.sum(axis=1, keepdims=True), 1e-9)).astype(np.float32)


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), length=st.integers(0, 30), pieces=st.lists(st.integers(0, 6), max_size=10))
def test_told_and_revised_they_are_those_of_the_whole(scheme: str, seed: int, length: int, pieces: list[int]) -> None:
    rules = rules_of(SCHEMES[scheme])
    probabilities = draws(seed, length, 5)
    told, revised = run(TagSteps(rules), probabilities, pieces)
    final = list(told)
    for step, tag in [change for changes in revised for change in changes]:
        assert final[step] == told[step] != tag  # once, and only where it changes something
        final[step] = tag
    assert final == decode_tags(probabilities, rules).tolist()
    # What is told at a step is the end of the best sequence up to there, wherever it may end.
    open_end = rules._replace(last=np.ones(5, dtype=bool))
    assert told == [int(decode_tags(probabilities[: step + 1], open_end)[-1]) for step in range(length)]


def test_pieces_of_other_sizes_tell_the_same() -> None:
    steps, probabilities = TagSteps(rules_of(SCHEMES["BIO"])), draws(3, 200, 5)
    assert (
        run(steps, probabilities, [1] * 200) == run(steps, probabilities, [7, 0, 93]) == run(steps, probabilities, [])
    )


def test_a_span_that_began_without_its_beginning_is_revised() -> None:
    """The second step is surely I-x: the first then was B-x."""
    tags = SCHEMES["BIO"]
    rows = np.full((4, 5), 0.01, dtype=np.float32)
    for step, (tag, chance) in enumerate([("O", 0.6), ("I-x", 0.96), ("O", 0.96), ("O", 0.96)]):
        rows[step, tags.index(tag)] = chance
    rows[0, tags.index("B-x")] = 0.37
    told, revised = run(TagSteps(rules_of(tags)), rows, [1, 1, 1, 1])
    assert [tags[tag] for tag in told] == ["O", "I-x", "O", "O"]
    assert [change for changes in revised for change in changes] == [(0, tags.index("B-x"))]


def test_what_is_kept_stays_small() -> None:
    steps, state = TagSteps(rules_of(SCHEMES["BIO"])), None
    state, most = steps.begin(), 0
    for row in draws(1, 2000, 5):
        _, state = steps.feed(row[None], state)
        most = max(most, len(state.told))
    assert most < 60


def test_states_that_cannot_be() -> None:
    steps = TagSteps(rules_of(SCHEMES["BIO"]))
    _, state = steps.feed(draws(3, 20, 5), steps.begin())
    wrong: list[dict[str, Any]] = [
        {"seen": np.array(-1)},
        {"seen": np.array(0)},
        {"told": state.told + 5},
        {"told": state.told[1:]},
        {"came_from": state.came_from - 9},
        {"best": state.best * np.nan},
        {"best": np.full(5, -np.inf)},
        {"best": state.best + 1e9},
    ]
    for changes in wrong:
        with pytest.raises(ValueError, match="saved tags do not fit each other"):
            steps.check(state._replace(**changes))
