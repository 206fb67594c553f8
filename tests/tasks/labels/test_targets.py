"""Targets as numbers and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.encoders.numbers import Scaler
from unrolled.data.encoders.texts import fit_vocabulary
from unrolled.data.feeds.examples import NO_TARGET
from unrolled.data.records import Events
from unrolled.tasks.labels.encoding import RecordEncoding
from unrolled.tasks.labels.target import Target
from unrolled.tasks.labels.targets.events import ANY_EVENT, EventTarget, event_centres, peaks
from unrolled.tasks.labels.targets.labels import ClassTarget, MultilabelTarget
from unrolled.tasks.labels.targets.numbers import NumberTarget, StepNumberTarget
from unrolled.tasks.labels.targets.tags import TagTarget
from unrolled.tasks.transcribe.target import TranscriptTarget


def test_one_class_of_several() -> None:
    target = ClassTarget("y", ("no", "yes"))
    assert [int(target.encode(value)) for value in ("no", "yes", "never seen", None)] == [0, 1, NO_TARGET, NO_TARGET]


def test_several_labels_at_once() -> None:
    target = MultilabelTarget("y", ("a", "b", "c"))
    assert target.encode(("c", "a")).tolist() == [1, 0, 1]
    assert target.encode(()).tolist() == [0, 0, 0]
    assert target.encode(("new",)).tolist() == [0, 0, 0]
    assert np.isnan(target.encode(None)).all()


def test_values_are_scaled_and_come_back() -> None:
    values = np.random.default_rng(0).normal(50, 9, size=(40, 2))
    target = NumberTarget("y", ("u", "v"), Scaler.fit(values, "standard"))
    assert target.encode(values[0]).shape == (2,)
    np.testing.assert_allclose(target.scaler.unscale(target.encode(values)), values, rtol=1e-5)
    assert np.isnan(target.encode(None)).all()
    single = NumberTarget("y", ("u",), Scaler.fit(values[:, :1], "standard"))
    assert single.encode(values[:5, :1]).shape == (5, 1)


@pytest.mark.parametrize(
    "target",
    [
        MultilabelTarget("y", ("a", "b")),
        ClassTarget("y", ("a", "b")),
        NumberTarget("y", ("u",), Scaler("standard", (1.5,), (0.1,))),
        StepNumberTarget("y", ("u",), Scaler("standard", (1.5,), (0.1,))),
        TagTarget("y", ("O", "B-x")),
        EventTarget("y", ("N", "V"), 125.0, 3),
        TranscriptTarget("y", fit_vocabulary("char", lambda: iter(["ab c"]))),
    ],
    ids=lambda target: type(target).__name__,
)
def test_json_and_back(target: Target) -> None:
    data = target.to_json()
    again = RecordEncoding.from_text(RecordEncoding((), "tag" if target.per_step else "any", target).to_text()).target
    assert again.to_json() == data
    assert type(again) is type(target)


def test_steps() -> None:
    assert TagTarget("y", ("O", "B")).encode(["B", "O", "I"]).tolist() == [1, 0, NO_TARGET]


gaps = st.lists(st.integers(0, 30), min_size=0, max_size=8)


@given(gaps, st.integers(1, 4))
def test_centres_of_marks_are_the_events(gaps: list[int], reach: int) -> None:
    """Marks that touch count as several events; those that overlap cannot be told apart, and here none do."""
    positions = np.cumsum([reach, *(gap + 2 * reach + 1 for gap in gaps)])[1:] if gaps else np.zeros(0, dtype=int)
    target = EventTarget("y", ("event",), 100.0, reach)
    events = Events(positions.astype(np.int64), ("event",) * len(positions))
    steps = int(positions.max(initial=0)) + reach + 2
    marks = target.encode(events, steps, 100.0)
    assert marks.sum() == (2 * reach + 1) * len(positions)
    np.testing.assert_array_equal(event_centres(marks, reach), positions)


def test_events_move_with_the_rate_and_those_outside_mark_nothing() -> None:
    target = EventTarget("y", ("N", "V"), 50.0, 1)
    marks = target.encode(Events(np.array([-40, 100, 161, 900]), ("N", "N", "V", "N")), 40, 200.0)
    assert np.flatnonzero(marks == 1).tolist() == [24, 25, 26]
    assert np.flatnonzero(marks == 2).tolist() == [39]
    assert target.encode(Events(np.array([20]), ("other",)), 40, 200.0).sum() == 0


def test_peaks_at_both_ends_and_no_two_too_near() -> None:
    probability = np.array([0.9, 0.1, 0.1, 0.6, 0.8, 0.1, 0.2, 0.7])
    assert peaks(probability, distance=1).tolist() == [0, 4, 7]
    assert peaks(probability, distance=5).tolist() == [0, 7] or peaks(probability, distance=5).tolist() == [0]
    assert peaks(np.zeros(4), distance=2).tolist() == []


def test_a_text_to_write_down() -> None:
    target = TranscriptTarget("y", fit_vocabulary("char", lambda: iter(["one", "two"])))
    tokens = target.encode("two")
    assert tokens.min() >= 1
    assert target.decode(tokens) == "two"
    assert len(target.encode(None)) == 0


def test_events_that_are_not_told_apart_are_all_marked() -> None:
    target = EventTarget("events", (ANY_EVENT,), rate=10.0, reach=1)
    steps = target.encode(Events(np.array([3, 8]), ("N", "V")), 12, 10.0)
    assert steps.tolist() == [0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0]
