"""Weights of records: one of weight 2 is the record twice, in the loss and in what is learned from it."""

import contextlib
from typing import Any

import numpy as np
import pytest
import torch

from unrolled import SequenceClassifier, SequenceRegressor, SequenceTagger, Transcriber
from unrolled.data.encoders.numbers import Scaler
from unrolled.data.encoders.texts import fit_vocabulary
from unrolled.data.feeds.delayed_records import Delayed
from unrolled.data.feeds.examples import Example, Examples, collate, packed_order
from unrolled.data.feeds.long_records import Windows
from unrolled.data.feeds.record_streams import RecordStreamFeed
from unrolled.errors import UserError
from unrolled.models.on_device import on_device
from unrolled.models.records import RecordNetwork
from unrolled.tasks.labels.objective import RecordObjective
from unrolled.tasks.labels.target import Target
from unrolled.tasks.labels.targets.labels import ClassTarget, MultilabelTarget
from unrolled.tasks.labels.targets.numbers import NumberTarget, StepNumberTarget
from unrolled.tasks.labels.targets.tags import TagTarget
from unrolled.tasks.transcribe.target import TranscriptTarget

RANDOM = np.random.default_rng(0)
LENGTHS = (5, 3, 7, 4)
COUNTS = (2, 1, 3, 1)
TARGETS: dict[str, Any] = {
    "class": lambda n: np.array(RANDOM.integers(0, 3)),
    "class per step": lambda n: RANDOM.integers(0, 3, size=n),
    "labels": lambda n: RANDOM.integers(0, 2, size=3).astype(np.float32),
    "value": lambda n: RANDOM.normal(size=3).astype(np.float32),
    "value per step": lambda n: RANDOM.normal(size=(n, 3)).astype(np.float32),
    "transcript": lambda n: RANDOM.integers(1, 3, size=2),
}

NAMES, UNSCALED = ("u", "v", "w"), Scaler("none", (0.0,) * 3, (1.0,) * 3)
LEARNED: dict[str, Target] = {
    "class": ClassTarget("y", NAMES),
    "class per step": TagTarget("y", NAMES),
    "labels": MultilabelTarget("y", NAMES),
    "value": NumberTarget("y", NAMES, UNSCALED),
    "value per step": StepNumberTarget("y", NAMES, UNSCALED),
    "transcript": TranscriptTarget("y", fit_vocabulary("char", lambda: iter(["ab"]))),
}


class Steps(RecordNetwork):
    """Answers that are a fixed function of the numbers, as those of two members."""

    def __init__(self) -> None:
        torch.nn.Module.__init__(self)

    def answers(self, inputs: Any, *, mask: Any, reset: Any) -> torch.Tensor:
        return torch.stack([inputs.numbers, inputs.numbers.sin()])


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", TARGETS)
def test_a_record_of_weight_two_counts_twice(kind: str, packed: bool) -> None:
    target, texts = LEARNED[kind], kind == "transcript"
    if packed and texts:
        pytest.skip("texts are not packed")
    examples = [
        Example(RANDOM.normal(size=(n, 3)).astype(np.float32), None, np.asarray(TARGETS[kind](n))) for n in LENGTHS
    ]
    weighted = [
        example._replace(weight=np.asarray(count, dtype=np.float32))
        for example, count in zip(examples, COUNTS, strict=True)
    ]
    repeated = [example for example, count in zip(examples, COUNTS, strict=True) for _ in range(count)]

    def summed(records: list[Example]) -> float:
        batch = collate(records, per_step=target.per_step, texts=texts, packed=packed)
        network = Whole(records, packed) if target.pooled else Steps()
        objective = RecordObjective(network, target, autocast=contextlib.nullcontext())
        loss, _ = objective(on_device(batch, torch.device("cpu")), None)
        return float(loss)

    assert summed(weighted) == pytest.approx(summed(repeated), rel=1e-5)
    assert summed(weighted) != pytest.approx(summed(examples), rel=1e-3)


class Whole(RecordNetwork):
    """An answer for each record, a fixed function of its numbers, in the order in which a batch has them."""

    def __init__(self, records: list[Example], packed: bool) -> None:
        torch.nn.Module.__init__(self)
        order = packed_order(records) if packed else range(len(records))
        self.said = torch.stack([torch.from_numpy(records[number].numbers).mean(0) for number in order])

    def answers(self, inputs: Any, *, mask: Any, reset: Any) -> torch.Tensor:
        return torch.stack([self.said, self.said.sin()])


def test_windows_have_the_weight_of_their_record() -> None:
    examples = Examples()
    for length, weight in ((9, 2.0), (4, 0.5)):
        numbers, target = np.ones((length, 1), dtype=np.float32), np.zeros(length, dtype=np.int64)
        examples.append(Example(numbers, None, target, np.asarray(weight, dtype=np.float32)), "")
    assert [float(delayed.weight) for delayed in map(Delayed(examples, 2).__getitem__, range(2))] == [2.0, 0.5]  # type: ignore[arg-type]
    windows = Windows(examples, 4, 1)
    assert [float(windows[number].weight) for number in range(len(windows))] == [2.0] * (len(windows) - 1) + [0.5]  # type: ignore[arg-type]


@pytest.mark.parametrize("per_step", [True, False])
def test_streams_have_the_weight_of_the_record_at_each_step(per_step: bool) -> None:
    examples = Examples()
    for number, weight in enumerate((2.0, 0.5, 1.0)):
        numbers = np.full((5 + number, 1), weight, dtype=np.float32)
        target = np.zeros(5 + number, dtype=np.int64) if per_step else np.array(1)
        examples.append(Example(numbers, None, target, np.asarray(weight, dtype=np.float32)), "")
    feed = RecordStreamFeed(examples, batch_size=2, context=4, seed=0, per_step=per_step)
    for index in range(2 * feed.batches_per_epoch):
        batch = feed.batch(index)
        assert batch.numbers is not None
        assert batch.weights is not None
        assert batch.weights.tolist() == batch.numbers[:, :, 0].tolist()


X = RANDOM.normal(size=(12, 4, 2)).astype(np.float32)
WEIGHTS = np.array([1, 2, 3] * 4)
ALL_AT_ONCE: dict[str, Any] = {"valid_fraction": 0.0, "batch_size": 64, "scaling": "none", "augment": "none"}
SMALL: dict[str, Any] = {"family": "gru", "width": 4, "layers": 1, "members": 1, "max_steps": 8, "precision": "32"}
SMALL |= {"learning_rate": 0.05, "dropout": 0.0}


@pytest.mark.parametrize(
    ("kind", "y", "method"),
    [
        (SequenceClassifier, np.array([0, 1, 1, 0, 2, 1, 0, 1, 2, 2, 1, 0]), "predict_proba"),
        (SequenceTagger, [[int(value > 0) for value in x[:, 0]] for x in X], "predict_proba"),
        (SequenceClassifier, [("a",), ("a", "b"), ("b",), ()] * 3, "predict_proba"),
    ],
)
def test_the_same_is_learned_from_weights_and_from_copies(kind: Any, y: Any, method: str) -> None:
    settings = SMALL | ALL_AT_ONCE
    rows = np.repeat(np.arange(12), WEIGHTS)
    copies = kind(**settings).fit(X[rows], [y[row] for row in rows])
    weights = kind(**settings).fit(X, y, sample_weight=WEIGHTS)
    plain = kind(**settings).fit(X, y)
    shares = [np.concatenate(list(getattr(model, method)(X))) for model in (copies, weights, plain)]
    np.testing.assert_allclose(shares[1], shares[0], atol=2e-4)
    assert np.abs(shares[2] - shares[0]).max() > 1e-3


def test_ones_change_nothing_and_scale_does_not_matter() -> None:
    y = X[:, 0, 0] * 3
    plain, ones, tens = (
        SequenceRegressor(**SMALL).fit(X, y, sample_weight=weight).predict(X)
        for weight in (None, np.ones(12), [10] * 12)
    )
    np.testing.assert_allclose(ones, plain, rtol=1e-5)
    np.testing.assert_allclose(tens, ones, rtol=1e-5)


def test_a_weight_of_zero_leaves_out() -> None:
    y = np.array([0, 1, 1, 0, 2, 1, 0, 1, 2, 2, 1, 0])
    kept = np.array([True, False] * 6)
    without = SequenceClassifier(**SMALL).fit(X[kept], y[kept]).predict_proba(X)
    zeros = SequenceClassifier(**SMALL).fit(X, y, sample_weight=kept.astype(float)).predict_proba(X)
    np.testing.assert_allclose(zeros, without, rtol=1e-5)
    grouped = SequenceClassifier(**SMALL).fit(X, y, groups=np.arange(12) // 2, sample_weight=WEIGHTS - 1)
    assert grouped.result_["valid"]["groups"] == 1
    texts = Transcriber(**SMALL).fit(list(X), ["ab", "ba"] * 6, sample_weight=WEIGHTS)
    assert len(texts.predict(X)) == 12


def test_balanced_classes_count_weights() -> None:
    def balanced(weights: list[float]) -> list[float]:
        labelled = Examples()
        for label, weight in zip([0, 0, 1, 1], weights, strict=True):
            numbers = np.ones((1, 1), dtype=np.float32)
            labelled.append(Example(numbers, None, np.array(label), np.asarray(weight, dtype=np.float32)), "")
        made = ClassTarget("y", ("a", "b")).class_weights(labelled, "balanced")
        assert made is not None
        return made.tolist()

    assert balanced([1, 1, 1, 1]) == [1, 1]
    assert balanced([3, 3, 1, 1]) == pytest.approx([8 / (2 * 6), 8 / (2 * 2)])


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        (np.ones(3), r"sample_weight has the shape \(3,\), expected \(12,\)"),
        (np.ones((12, 2)), r"sample_weight has the shape \(12, 2\)"),
        (["a"] * 12, "sample_weight holds what is no number"),
        ([1.0] * 11 + [-1.0], r"sample_weight\[11\] is -1.0; give numbers from 0 on"),
        ([1.0] * 11 + [float("nan")], r"sample_weight\[11\] is nan"),
        (np.zeros(12), "all numbers of sample_weight are zero"),
        ([1, 0] * 6, "y has only one class"),
    ],
)
def test_weights_that_cannot_be(weights: Any, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        SequenceClassifier(**SMALL).fit(X, [0, 1] * 6, sample_weight=weights)


def test_a_path_has_none(tmp_path: Any) -> None:
    with pytest.raises(UserError, match="is a path"):
        SequenceClassifier(**SMALL).fit(str(tmp_path / "x.csv"), sample_weight=[1])
