"""Intervals of shares of 0 and 1, against SciPy's and against trying many shares."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from unrolled.scoring.bootstrap import LEVEL, Metric, interval_at_edge, largest_share
from unrolled.scoring.classification import classification_metrics, per_class_scores
from unrolled.scoring.tagging import tagging_metrics
from unrolled.scoring.text import transcription_metrics


@pytest.mark.parametrize("trials", [1, 2, 28, 1000])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_one_share_has_the_interval_of_clopper_and_pearson(trials: int, value: float) -> None:
    expected = binomtest(int(value * trials), trials).proportion_ci(0.95, method="exact")
    assert interval_at_edge(value, np.array([trials])) == pytest.approx((expected.low, expected.high), abs=1e-12)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=5), st.integers(0, 2**32 - 1))
def test_no_other_shares_with_that_chance_have_a_larger_mean(trials: list[int], seed: int) -> None:
    counts = np.array(trials)
    shares = largest_share(counts)
    assert (counts * np.log(1 - shares)).sum() == pytest.approx(np.log(LEVEL))
    random = np.random.default_rng(seed).dirichlet(np.ones(len(counts)), size=2000) * -np.log(LEVEL) / counts
    assert (1 - np.exp(-random)).mean(axis=1).max() <= shares.mean() + 1e-9


def right(records: int, classes: int = 2) -> tuple[np.ndarray, np.ndarray]:
    truth = np.arange(records) % classes
    return truth, np.eye(classes)[truth]


def test_everything_right_is_not_sure() -> None:
    truth, probabilities = right(28)
    metrics = classification_metrics(truth, probabilities)
    exact = binomtest(28, 28).proportion_ci(0.95, method="exact").low
    assert (metrics["accuracy"].low, metrics["accuracy"].high) == pytest.approx((exact, 1.0))
    for name in ("balanced_accuracy", "macro_f1", "roc_auc"):
        assert 0.7 < metrics[name].low < 1.0, name  # type: ignore[operator]
        assert metrics[name].high == 1.0
    for scores in per_class_scores(truth, truth, ["a", "b"]):
        each = 0.025 ** (1 / 14)
        assert scores.recall.low == scores.precision.low == pytest.approx(each)
        assert scores.f1.low == pytest.approx(2 * each / (1 + each))


def test_everything_wrong_is_not_sure_either() -> None:
    truth, probabilities = right(28)
    metrics = classification_metrics(truth, probabilities[:, ::-1])
    assert (metrics["accuracy"].low, metrics["accuracy"].high) == pytest.approx((0.0, 1 - 0.025 ** (1 / 28)))
    assert 0.0 < metrics["macro_f1"].high < 0.5  # type: ignore[operator]


def test_groups_are_what_was_tried() -> None:
    truth, probabilities = right(40)
    metrics = classification_metrics(truth, probabilities, groups=np.arange(40) // 10)
    assert metrics["accuracy"].low == pytest.approx(0.025 ** (1 / 4))


def test_tags_spans_and_transcripts() -> None:
    tags = [np.array([0, 1, 2, 0])] * 40
    for name, metric in tagging_metrics(tags, tags, ["O", "B-x", "I-x"]).items():
        assert metric.low == pytest.approx(below(metric, 40, f1="f1" in name), abs=0.05), name
        assert metric.low < 1.0
    texts = ["a text", "another"] * 10
    assert transcription_metrics(texts, texts)["cer"].high == pytest.approx(1 - 0.025 ** (1 / 20))


def below(metric: Metric, trials: int, *, f1: bool) -> float:
    assert metric.value == metric.high == 1.0
    return interval_at_edge(1.0, np.array([trials]), f1=f1)[0]
