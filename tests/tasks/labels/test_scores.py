"""Scores of records against scikit-learn, the naive answers beside them, and events found again."""

import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss, mean_squared_error

from unrolled.data.encoders.encoding import Encoding
from unrolled.data.encoders.numbers import Scaler
from unrolled.data.encoders.texts import fit_vocabulary
from unrolled.data.feeds.examples import NO_TARGET, Example, Examples
from unrolled.data.records import Events
from unrolled.tasks.labels.target import Naive
from unrolled.tasks.labels.targets.events import EventTarget
from unrolled.tasks.labels.targets.labels import ClassTarget, MultilabelTarget
from unrolled.tasks.labels.targets.numbers import NumberTarget, StepNumberTarget
from unrolled.tasks.labels.targets.tags import TagTarget
from unrolled.tasks.transcribe.target import TranscriptTarget

LETTERS = TranscriptTarget("y", fit_vocabulary("char", lambda: iter(["ab c"])))
RANDOM = np.random.default_rng(0)


def examples(targets: list[np.ndarray], steps: int | None = None) -> Examples:
    made = Examples()
    for target in targets:
        length = steps or (len(target) if target.ndim else 3)
        made.append(Example(np.zeros((length, 1), dtype=np.float32), None, target), "")
    return made


def test_classes_without_those_that_are_not_known() -> None:
    target = ClassTarget("y", ("a", "b", "c"))
    truth = np.array([0, 1, 2, 1, NO_TARGET, 0, 1, NO_TARGET])
    answers = list(RANDOM.dirichlet(np.ones(3), size=8).astype(np.float32))
    scores = target.judge(examples([np.array(label) for label in truth]), answers)
    known = truth >= 0
    probabilities = np.stack(answers)[known].astype(np.float64)
    assert (scores.count, scores.unscored) == (6, 2)
    assert scores.metrics["accuracy"].value == pytest.approx(accuracy_score(truth[known], probabilities.argmax(1)))
    assert scores.loss == pytest.approx(
        log_loss(truth[known], probabilities / probabilities.sum(1, keepdims=True), labels=[0, 1, 2]), rel=1e-5
    )
    training = examples([np.array(label) for label in (1, 1, 1, 0, 2, NO_TARGET)])
    scores.baseline = target.score_naive(
        target.naive(training, Encoding(())), examples([np.array(label) for label in truth])
    )
    assert scores.baseline["accuracy"].value == pytest.approx(3 / 6), "the most frequent class of training is b"
    assert scores.baseline["log_loss"].value == pytest.approx(-np.log([0.2, 0.6, 0.2])[truth[known]].mean(), rel=1e-5)


def test_several_labels_beside_their_shares_in_training() -> None:
    target = MultilabelTarget("y", ("a", "b", "c"))
    truth = [("a",), ("a", "b"), (), ("a", "c"), None]
    answers = list(RANDOM.uniform(size=(5, 3)).astype(np.float32))
    part = examples([target.encode(labels) for labels in truth], steps=3)
    scores = target.judge(part, answers)
    assert (scores.count, scores.unscored) == (4, 1)
    held = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 0, 1]])
    chances = np.stack(answers)[:4].astype(np.float64)
    assert scores.loss == pytest.approx(np.mean([log_loss(held.ravel(), chances.ravel())]), rel=1e-5)
    assert scores.metrics["micro_f1"].value == pytest.approx(f1_score(held, chances >= 0.5, average="micro"))
    training = examples([target.encode(labels) for labels in (("a",), ("a", "b"), ("a",), (), None)], steps=3)
    naive = target.naive(training, Encoding(()))
    assert naive.answer == [0.75, 0.25, 0.0]
    baseline = target.score_naive(naive, part)
    assert baseline["micro_f1"].value == pytest.approx(f1_score(held, [[1, 0, 0]] * 4, average="micro"))


def test_values_in_their_units() -> None:
    values = RANDOM.normal(100, 20, size=(50, 1))
    target = NumberTarget("y", ("y",), Scaler.fit(values, "standard"))
    part = examples([target.encode(value) for value in values[:10]] + [target.encode(None)])
    answers = [(value + 1.5).astype(np.float32) for value in values[:10]] + [np.zeros(1, dtype=np.float32)]
    scores = target.judge(part, answers)
    assert (scores.count, scores.unscored) == (10, 1)
    assert scores.metrics["mse"].value == pytest.approx(1.5**2, rel=1e-3)
    scores.baseline = target.score_naive(
        target.naive(examples([target.encode(value) for value in values]), Encoding(())), part
    )
    wanted = mean_squared_error(values[:10], np.full((10, 1), values.mean()))
    assert scores.baseline["mse"].value == pytest.approx(wanted, rel=1e-4)


def test_tags_and_the_most_frequent_one() -> None:
    target = TagTarget("y", ("x", "y"))
    truth = [np.array([0, 1, NO_TARGET, 1]), np.array([1, 0])]
    answers = [
        np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [0.6, 0.4]], dtype=np.float32),
        np.eye(2, dtype=np.float32),
    ]
    scores = target.judge(examples(truth), answers)
    assert (scores.count, scores.unscored) == (5, 1)
    assert scores.metrics["accuracy"].value == pytest.approx(2 / 5)
    scores.baseline = target.score_naive(target.naive(examples([np.array([0, 0, 1])]), Encoding(())), examples(truth))
    assert scores.baseline["accuracy"].value == pytest.approx(2 / 5)


@pytest.mark.parametrize("reach", [1, 3])
def test_planted_events_are_found(reach: int) -> None:
    target = EventTarget("y", ("event",), 125.0, reach)
    events = np.array([10, 40, 43 + 4 * reach, 100, 190])
    marks = target.encode(Events(events, ("event",) * 5), 200, 125.0)
    sure = np.stack([marks == 0, marks == 1], axis=1).astype(np.float32)
    noisy = np.clip(sure * 0.8 + RANDOM.uniform(0, 0.2, size=sure.shape), 0, 1).astype(np.float32)
    for answer in (sure, noisy / noisy.sum(1, keepdims=True)):
        places, labels = target.events(answer)
        assert len(places) == len(events)
        assert np.abs(places - events).max() <= 1
        assert labels == ["event"] * 5
    scores = target.judge(examples([marks]), [sure])
    assert scores.metrics["sensitivity"].value == 1
    assert scores.metrics["precision"].value == 1
    unknown = np.full(200, NO_TARGET)
    two = target.judge(examples([marks, unknown]), [sure, sure])
    assert two.metrics["precision"].value == 1, "a record without annotations has no false events"
    assert (two.count, two.unscored) == (200, 200)
    assert target.events(np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (50, 1)))[0].tolist() == []
    short = target.events(np.array([[0.1, 0.9]], dtype=np.float32))[0]
    assert (short < 1).all(), "of a record shorter than a mark no place lies outside"


def test_events_at_the_mean_interval_of_training() -> None:
    target = EventTarget("y", ("event",), 100.0, 2)

    def marks(*places: int) -> np.ndarray:
        return target.encode(Events(np.array(places), ("event",) * len(places)), 400, 100.0)

    naive = target.naive(examples([marks(50, 150, 230), marks(10)]), Encoding(()))
    assert naive is not None
    assert naive.answer == pytest.approx(90.0)
    assert "0.9 s" in naive.name
    part = examples([marks(45, 135, 300)])
    scores = target.judge(part, [np.tile(np.array([[0.9, 0.1]], dtype=np.float32), (400, 1))])
    scores.baseline = target.score_naive(Naive(**json.loads(json.dumps(naive._asdict()))), part)
    # events at 45, 135, 225, 315: two of three are there, two of four right
    assert scores.baseline["sensitivity"].value == pytest.approx(2 / 3)
    assert scores.baseline["precision"].value == pytest.approx(2 / 4)
    assert set(scores.baseline) == set(scores.metrics)
    assert target.naive(examples([marks(7)]), Encoding(())) is None, "one event has no interval"


def test_the_constant_transcript() -> None:
    naive = LETTERS.naive(
        examples([LETTERS.encode(text) for text in ("ab", "ab c", "abb c", "b")], steps=9), Encoding(())
    )
    assert naive is not None
    assert naive.answer == "ab"
    part = examples([LETTERS.encode("ab c"), LETTERS.encode("ab"), LETTERS.encode(None)], steps=9)
    silent = np.log(np.full((9, 5), 0.2, dtype=np.float32))
    scores = LETTERS.judge(part, [silent] * 3)
    scores.baseline = LETTERS.score_naive(Naive(**json.loads(json.dumps(naive._asdict()))), part)
    assert scores.baseline["cer"].value == pytest.approx(2 / 6)
    assert scores.baseline["wer"].value == pytest.approx(1 / 3)
    assert set(scores.baseline) == set(scores.metrics)


def test_groups_stay_with_the_records_that_are_scored() -> None:
    target = ClassTarget("y", ("a", "b"))
    truth = [0, 1, 0, 1, NO_TARGET, 1]
    sure = [np.eye(2, dtype=np.float32)[label] for label in (0, 1, 0, 0, 0, 0)]
    part = examples([np.array(label) for label in truth])
    part.groups = ["anna", "anna", "anna", "bob", "bob", "bob"]
    scores = target.judge(part, sure)
    accuracy = scores.metrics["accuracy"]
    assert accuracy.value == pytest.approx(3 / 5)
    assert (accuracy.low, accuracy.high) == (0, 1), "a sample may be all anna, who is right, or all bob, who is wrong"
    assert scores.groups == 2
    part.groups = ["anna"] * 6
    assert target.judge(part, sure).metrics["accuracy"].low is None, "one group says nothing of others"
    part.groups = None
    assert target.judge(part, sure).groups is None


def test_groups_of_values_per_step() -> None:
    target = StepNumberTarget("y", ("y",), Scaler.fit(np.array([[0.0], [1.0], [2.0]]), "standard"))
    part = Examples()
    for length in (2, 3, 4):
        steps = target.encode(np.arange(length, dtype=np.float32)[:, None])
        part.append(Example(np.zeros((length, 1), dtype=np.float32), None, steps), "")
    part.groups = ["a", "b", "b"]
    answers = [np.arange(length, dtype=np.float32)[:, None] + wrong for length, wrong in ((2, 0), (3, 1), (4, 1))]
    mse = target.judge(part, answers).metrics["mse"]
    assert mse.value == pytest.approx(7 / 9, rel=1e-5)
    assert (mse.low, mse.high) == (pytest.approx(0), pytest.approx(1))
