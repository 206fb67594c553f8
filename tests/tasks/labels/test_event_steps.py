"""Events step by step are those of SciPy's search in the whole, each as soon as nothing can change it, and once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import find_peaks

from unrolled.tasks.labels.event_steps import THRESHOLD, EventState, EventSteps, FoundEvents

LEVELS = st.sampled_from([0.0, 0.0, 0.1, 0.25, 0.3, 0.5, 0.5, 0.8, 1.0, 1.0])


def answers_of(some: list[float], seed: int = 0) -> np.ndarray:
    """Answers with two labels, float32 `[time, 3]`."""
    share = np.random.default_rng(seed).random(len(some))
    chance = np.array(some)
    return np.stack([1 - chance, chance * share, chance * (1 - share)], axis=1).astype(np.float32).reshape(-1, 3)


def whole(answers: np.ndarray, reach: int) -> np.ndarray:
    """As it is defined, by SciPy."""
    some, width = 1.0 - answers[:, 0].astype(np.float64), 2 * reach + 1
    padded = np.concatenate([np.zeros(reach), some, np.zeros(reach)])
    smooth = np.array([sum(padded[step : step + width]) / width for step in range(len(some))])
    places, _ = find_peaks(np.concatenate([[0.0], smooth, [0.0]]), height=THRESHOLD, distance=2 * width)
    return places - 1


def fed(steps: EventSteps, answers: np.ndarray, pieces: list[int]) -> tuple[FoundEvents, list[int]]:
    """All events, and how many steps had come when each was told."""
    state, told, when, came = steps.begin(), [], [], 0
    for part in np.split(answers, np.minimum(np.cumsum(pieces), len(answers)).astype(int)):
        events, state = steps.feed(part, state)
        steps.check(state)
        state = EventState(*(np.frombuffer(leaf.tobytes(), leaf.dtype).reshape(leaf.shape) for leaf in state))
        came += len(part)
        told.append(events)
        when += [came] * len(events.places)
    told.append(steps.finish(state))
    when += [came] * len(told[-1].places)
    return FoundEvents(*(np.concatenate(parts) for parts in zip(*told, strict=True))), when


@given(st.lists(LEVELS, max_size=80), st.lists(st.integers(0, 12), max_size=30), st.integers(1, 3))
def test_in_pieces_they_are_those_of_the_whole(some: list[float], pieces: list[int], reach: int) -> None:
    answers = answers_of(some)
    events, _ = fed(EventSteps(reach, 2), answers, pieces)
    # Of equal heights SciPy keeps the one that its sort puts last, which of few is the later.
    np.testing.assert_array_equal(events.places, whole(answers, reach))
    np.testing.assert_array_equal(events.kinds, answers[events.places, 1:].argmax(axis=1))
    np.testing.assert_array_equal(events.probabilities, 1 - answers[events.places, 0])


@settings(max_examples=8)
@given(st.integers(0, 1000), st.integers(1, 4))
def test_smooth_probabilities_without_ties(seed: int, reach: int) -> None:
    random = np.random.default_rng(seed)
    noise = np.convolve(random.random(400) ** 2, np.ones(3) / 3)[1:-1]
    answers = answers_of(noise.tolist(), seed)
    events, when = fed(EventSteps(reach, 2), answers, [1] * 400)
    np.testing.assert_array_equal(events.places, whole(answers, reach))
    assert len(events.places) > 5
    # They are told in order, and as soon as no continuation can change them: all 0 or all 1 from there on agree.
    for number, came in enumerate(when[:-2]):
        for future in (0.0, 1.0):
            other = np.concatenate([answers[:came], answers_of([future] * 60)])
            assert whole(other, reach)[number] == events.places[number]
            assert came - events.places[number] > 0


def test_an_event_by_itself_comes_after_the_delay() -> None:
    steps = EventSteps(2, 1)
    some = np.zeros(60)
    some[18:23] = 1.0
    answers = np.stack([1 - some, some], axis=1).astype(np.float32)
    events, when = fed(steps, answers, [1] * 60)
    assert events.places.tolist() == [20]
    assert when == [20 + steps.delay]
    assert steps.delay == 12


def test_what_is_kept_stays_small() -> None:
    steps = EventSteps(2, 2)
    state = steps.begin()
    random = np.random.default_rng(1)
    sizes = []
    for step in range(3000):
        some = 0.0 if step < 1000 else float(random.random())
        _, state = steps.feed(answers_of([some]), state)
        sizes.append(len(state.tail) + len(state.places))
    assert max(sizes) < 40


def test_many_events_at_once_are_quick() -> None:
    answers = answers_of(np.random.default_rng(0).random(50_000).tolist())
    events, _ = fed(EventSteps(3, 2), answers, [])
    assert len(events.places) == len(whole(answers, 3))


def test_states_that_cannot_be() -> None:
    steps = EventSteps(2, 2)
    _, state = steps.feed(answers_of([0, 0.5, 1, 0.9, 0.5, 0, 0, 0, 0]), steps.begin())
    assert len(state.places) == 1
    wrong = [
        {"seen": np.array(-1)},
        {"seen": np.array(8)},
        {"begun": np.array(8)},
        {"before": np.array(0.0)},
        {"before": np.array(np.nan)},
        {"tail": state.tail[1:]},
        {"tail": np.full_like(state.tail, np.inf)},
        {"kinds": np.array([2])},
        {"kinds": state.kinds[:0]},
        {"places": np.array([100])},
        {"heights": np.array([np.nan])},
    ]
    for changes in wrong:
        with pytest.raises(ValueError, match="saved events do not fit each other"):
            steps.check(state._replace(**changes))
