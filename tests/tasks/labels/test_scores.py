"""Scores of records against scikit-learn, the naive answers beside them, and events found again."""

import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error

from unrolled.data.encoders.encoding import Encoding
from unrolled.data.encoders.numbers import Scaler
from unrolled.data.encoders.targets import NO_TARGET, ClassTarget, EventTarget, NumberTarget, StepTarget, TextTarget
from unrolled.data.encoders.texts import fit_vocabulary
from unrolled.data.feeds.examples import Example, Examples
from unrolled.data.records import Events
from unrolled.tasks.labels.answers import events_of
from unrolled.tasks.labels.naive import Naive, naive_of
from unrolled.tasks.labels.scores import add_baseline, score_records

LETTERS = TextTarget("y", fit_vocabulary("char", lambda: iter(["ab c"])))
RANDOM = np.random.default_rng(0)


def examples(targets: list[np.ndarray], steps: int | None = None) -> Examples:
    made = Examples()
    for target in targets:
        length = steps or (len(target) if target.ndim else 3)
        made.append(Example(np.zeros((length, 1), dtype=np.float32), None, target), "")
    return made


def test_classes_without_those_that_are_not_known() -> None:
    encoding = Encoding("classify", (), ClassTarget("y", ("a", "b", "c")))
    truth = np.array([0, 1, 2, 1, NO_TARGET, 0, 1, NO_TARGET])
    answers = list(RANDOM.dirichlet(np.ones(3), size=8).astype(np.float32))
    scores = score_records(encoding, examples([np.array(one) for one in truth]), answers)
    known = truth >= 0
    said = np.stack(answers)[known].astype(np.float64)
    assert (scores.count, scores.unscored) == (6, 2)
    assert scores.metrics["accuracy"].value == pytest.approx(accuracy_score(truth[known], said.argmax(1)))
    assert scores.loss == pytest.approx(
        log_loss(truth[known], said / said.sum(1, keepdims=True), labels=[0, 1, 2]), rel=1e-5
    )
    training = examples([np.array(one) for one in (1, 1, 1, 0, 2, NO_TARGET)])
    add_baseline(scores, encoding, naive_of(encoding, training), examples([np.array(one) for one in truth]))
    assert scores.baseline["accuracy"].value == pytest.approx(3 / 6), "the most frequent class of training is b"
    assert scores.baseline["log_loss"].value == pytest.approx(-np.log([0.2, 0.6, 0.2])[truth[known]].mean(), rel=1e-5)


def test_values_in_their_units() -> None:
    values = RANDOM.normal(100, 20, size=(50, 1))
    target = NumberTarget("y", ("y",), Scaler.fit(values, "standard"))
    encoding = Encoding("regress", (), target)
    part = examples([target.encode(value) for value in values[:10]] + [target.encode(None)])
    said = [(value + 1.5).astype(np.float32) for value in values[:10]] + [np.zeros(1, dtype=np.float32)]
    scores = score_records(encoding, part, said)
    assert (scores.count, scores.unscored) == (10, 1)
    assert scores.metrics["mse"].value == pytest.approx(1.5**2, rel=1e-3)
    add_baseline(scores, encoding, naive_of(encoding, examples([target.encode(value) for value in values])), part)
    wanted = mean_squared_error(values[:10], np.full((10, 1), values.mean()))
    assert scores.baseline["mse"].value == pytest.approx(wanted, rel=1e-4)


def test_tags_and_the_most_frequent_one() -> None:
    encoding = Encoding("tag", (), StepTarget("y", ("x", "y")))
    truth = [np.array([0, 1, NO_TARGET, 1]), np.array([1, 0])]
    answers = [
        np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [0.6, 0.4]], dtype=np.float32),
        np.eye(2, dtype=np.float32),
    ]
    scores = score_records(encoding, examples(truth), answers)
    assert (scores.count, scores.unscored) == (5, 1)
    assert scores.metrics["accuracy"].value == pytest.approx(2 / 5)
    add_baseline(scores, encoding, naive_of(encoding, examples([np.array([0, 0, 1])])), examples(truth))
    assert scores.baseline["accuracy"].value == pytest.approx(2 / 5)


@pytest.mark.parametrize("reach", [1, 3])
def test_planted_events_are_found(reach: int) -> None:
    target = EventTarget("y", ("event",), 125.0, reach)
    events = np.array([10, 40, 43 + 4 * reach, 100, 190])
    marks = target.encode(Events(events, ("event",) * 5), 200, 125.0)
    sure = np.stack([marks == 0, marks == 1], axis=1).astype(np.float32)
    noisy = np.clip(sure * 0.8 + RANDOM.uniform(0, 0.2, size=sure.shape), 0, 1).astype(np.float32)
    for answer in (sure, noisy / noisy.sum(1, keepdims=True)):
        places, labels = events_of(answer, target)
        assert len(places) == len(events)
        assert np.abs(places - events).max() <= 1
        assert labels == ["event"] * 5
    scores = score_records(Encoding("tag", (), target), examples([marks]), [sure])
    assert scores.metrics["sensitivity"].value == 1
    assert scores.metrics["precision"].value == 1
    unknown = np.full(200, NO_TARGET)
    two = score_records(Encoding("tag", (), target), examples([marks, unknown]), [sure, sure])
    assert two.metrics["precision"].value == 1, "a record without annotations has no false events"
    assert (two.count, two.unscored) == (200, 200)
    assert events_of(np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (50, 1)), target)[0].tolist() == []
    short = events_of(np.array([[0.1, 0.9]], dtype=np.float32), target)[0]
    assert (short < 1).all(), "of a record shorter than a mark no place lies outside"


def test_events_at_the_mean_interval_of_training() -> None:
    target = EventTarget("y", ("event",), 100.0, 2)
    encoding = Encoding("tag", (), target)

    def marks(*places: int) -> np.ndarray:
        return target.encode(Events(np.array(places), ("event",) * len(places)), 400, 100.0)

    naive = naive_of(encoding, examples([marks(50, 150, 230), marks(10)]))
    assert naive is not None
    assert naive.answer == pytest.approx(90.0)
    assert "0.9 s" in naive.name
    part = examples([marks(45, 135, 300)])
    scores = score_records(encoding, part, [np.tile(np.array([[0.9, 0.1]], dtype=np.float32), (400, 1))])
    add_baseline(scores, encoding, Naive(**json.loads(json.dumps(naive._asdict()))), part)
    # events at 45, 135, 225, 315: two of three are there, two of four right
    assert scores.baseline["sensitivity"].value == pytest.approx(2 / 3)
    assert scores.baseline["precision"].value == pytest.approx(2 / 4)
    assert set(scores.baseline) == set(scores.metrics)
    assert naive_of(encoding, examples([marks(7)])) is None, "one event has no interval"


def test_the_constant_transcript() -> None:
    encoding = Encoding("transcribe", (), LETTERS)
    naive = naive_of(encoding, examples([LETTERS.encode(text) for text in ("ab", "ab c", "abb c", "b")], steps=9))
    assert naive is not None
    assert naive.answer == "ab"
    part = examples([LETTERS.encode("ab c"), LETTERS.encode("ab"), LETTERS.encode(None)], steps=9)
    silent = np.log(np.full((9, 5), 0.2, dtype=np.float32))
    scores = score_records(encoding, part, [silent] * 3)
    add_baseline(scores, encoding, Naive(**json.loads(json.dumps(naive._asdict()))), part)
    assert scores.baseline["cer"].value == pytest.approx(2 / 6)
    assert scores.baseline["wer"].value == pytest.approx(1 / 3)
    assert set(scores.baseline) == set(scores.metrics)


def test_groups_stay_with_the_records_that_are_scored() -> None:
    encoding = Encoding("classify", (), ClassTarget("y", ("a", "b")))
    truth = [0, 1, 0, 1, NO_TARGET, 1]
    sure = [np.eye(2, dtype=np.float32)[one] for one in (0, 1, 0, 0, 0, 0)]
    part = examples([np.array(one) for one in truth])
    part.groups = ["anna", "anna", "anna", "bob", "bob", "bob"]
    scores = score_records(encoding, part, sure)
    accuracy = scores.metrics["accuracy"]
    assert accuracy.value == pytest.approx(3 / 5)
    assert (accuracy.low, accuracy.high) == (0, 1), "a sample may be all anna, who is right, or all bob, who is wrong"
    assert scores.groups == 2
    part.groups = ["anna"] * 6
    assert score_records(encoding, part, sure).metrics["accuracy"].low is None, "one group says nothing of others"
    part.groups = None
    assert score_records(encoding, part, sure).groups is None


def test_groups_of_values_per_step() -> None:
    target = NumberTarget("y", ("y",), Scaler.fit(np.array([[0.0], [1.0], [2.0]]), "standard"))
    part = Examples()
    for length in (2, 3, 4):
        steps = target.encode(np.arange(length, dtype=np.float32)[:, None])
        part.append(Example(np.zeros((length, 1), dtype=np.float32), None, steps), "")
    part.groups = ["a", "b", "b"]
    said = [np.arange(length, dtype=np.float32)[:, None] + wrong for length, wrong in ((2, 0), (3, 1), (4, 1))]
    mse = score_records(Encoding("tag", (), target), part, said).metrics["mse"]
    assert mse.value == pytest.approx(7 / 9, rel=1e-5)
    assert (mse.low, mse.high) == (pytest.approx(0), pytest.approx(1))
