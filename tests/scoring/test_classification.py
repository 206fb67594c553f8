import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from python_calls import python_calls
from unrolled.scoring.classification import (
    area_statistics,
    classification_metrics,
    confusion_counts,
    mean_area,
    per_class_scores,
)
from unrolled.scoring.multilabel import multilabel_metrics


def made_up(records, classes, seed=0):
    random = np.random.default_rng(seed)
    truth = random.integers(classes, size=records)
    logits = random.normal(size=(records, classes)).round(1)  # so that some scores tie
    logits[np.arange(records), truth] += 1.0
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return truth, probabilities


@settings(max_examples=25)
@given(st.integers(2, 6), st.integers(0, 1000))
def test_values_are_those_of_scikit_learn(classes, seed):
    truth, probabilities = made_up(60, classes, seed)
    predicted = probabilities.argmax(axis=1)
    metrics = classification_metrics(truth, probabilities)
    assert metrics["accuracy"].value == pytest.approx(sklearn_metrics.accuracy_score(truth, predicted))
    assert metrics["macro_f1"].value == pytest.approx(sklearn_metrics.f1_score(truth, predicted, average="macro"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class predicted that is not in the truth
        balanced = sklearn_metrics.balanced_accuracy_score(truth, predicted)
    assert metrics["balanced_accuracy"].value == pytest.approx(balanced)
    assert metrics["log_loss"].value == pytest.approx(
        sklearn_metrics.log_loss(truth, probabilities, labels=range(classes))
    )
    if len(set(truth)) == classes:
        scores = probabilities[:, 1] if classes == 2 else probabilities
        area = sklearn_metrics.roc_auc_score(truth, scores, multi_class="ovr")
        assert metrics["roc_auc"].value == pytest.approx(area)
    for metric in metrics.values():
        if metric.value is not None:
            assert metric.low <= metric.value <= metric.high


def test_the_shortcut_for_areas_gives_the_interval_of_resampling_records():
    truth, probabilities = made_up(300, 2)
    random = np.random.default_rng(1)
    areas = []
    for _ in range(400):
        drawn = random.integers(300, size=300)
        areas.append(sklearn_metrics.roc_auc_score(truth[drawn], probabilities[drawn, 1]))
    low, high = np.percentile(areas, (2.5, 97.5))
    roc_auc = classification_metrics(truth, probabilities)["roc_auc"]
    assert (roc_auc.low, roc_auc.high) == pytest.approx((low, high), abs=0.2 * (high - low))


def test_the_interval_of_macro_f1_is_that_of_resampling_records():
    truth, probabilities = made_up(200, 3)
    predicted = probabilities.argmax(axis=1)
    random = np.random.default_rng(2)
    scores = []
    for _ in range(400):
        drawn = random.integers(200, size=200)
        scores.append(sklearn_metrics.f1_score(truth[drawn], predicted[drawn], average="macro"))
    low, high = np.percentile(scores, (2.5, 97.5))
    macro_f1 = classification_metrics(truth, probabilities)["macro_f1"]
    assert (macro_f1.low, macro_f1.high) == pytest.approx((low, high), abs=0.15 * (high - low))


def test_an_absent_class_leaves_the_area_undefined_with_the_reason():
    truth, probabilities = made_up(40, 3)
    metrics = classification_metrics(np.where(truth == 2, 0, truth), probabilities)
    assert metrics["roc_auc"].value is None
    assert metrics["roc_auc"].note == "1 of 3 classes do not occur in the truth"
    assert metrics["balanced_accuracy"].value is not None


def test_a_label_unknown_to_the_model_counts_as_wrong():
    probabilities = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.6, 0.4, 0.0]])
    metrics = classification_metrics(np.array([0, 1, 2]), probabilities)
    assert metrics["accuracy"].value == pytest.approx(2 / 3)
    assert np.isfinite(metrics["log_loss"].value)


def test_other_predictions_than_the_likeliest():
    truth, probabilities = made_up(40, 3)
    assert classification_metrics(truth, probabilities, predicted=truth)["accuracy"].value == 1.0


def test_no_records():
    metrics = classification_metrics(np.zeros(0, dtype=np.int64), np.zeros((0, 3)))
    assert all(metric.value is None and metric.note for metric in metrics.values())


def test_confusion_and_scores_per_class_are_those_of_scikit_learn():
    truth, probabilities = made_up(200, 4)
    predicted = np.where(probabilities.argmax(axis=1) == 3, 0, probabilities.argmax(axis=1))
    assert (confusion_counts(truth, predicted, 4) == sklearn_metrics.confusion_matrix(truth, predicted)).all()
    expected = sklearn_metrics.precision_recall_fscore_support(truth, predicted, zero_division=np.nan)
    scores = per_class_scores(truth, predicted, ["a", "b", "c", "d"])
    assert [score.label for score in scores] == ["a", "b", "c", "d"]
    assert [score.support for score in scores] == expected[3].tolist()
    for index, score in enumerate(scores):
        assert score.recall.value == pytest.approx(expected[1][index])
        assert score.f1.value == pytest.approx(expected[2][index])
    assert scores[3].precision.value is None
    assert scores[3].precision.note == "never predicted"
    assert scores[0].precision.value == pytest.approx(expected[0][0])


def test_ten_thousand_records_of_ten_classes_are_counted_many_at_once():
    few, many = (
        python_calls(lambda records=records: classification_metrics(*made_up(records, 10))) for records in (100, 10_000)
    )
    assert many < 10 * few


def test_area_of_perfect_and_of_useless_scores():
    truth = np.array([0, 0, 1, 1])
    for scores, area in (([0.1, 0.2, 0.3, 0.4], 1.0), ([0.5] * 4, 0.5), ([0.4, 0.3, 0.2, 0.1], 0.0)):
        assert mean_area(area_statistics(truth == 1, np.array(scores)).sum(axis=0, keepdims=True)) == pytest.approx(
            area
        )


@settings(max_examples=25)
@given(st.integers(0, 1000))
def test_several_labels_as_in_scikit_learn(seed):
    random = np.random.default_rng(seed)
    truth = random.random((50, 4)) < (0.1, 0.3, 0.5, 0.9)
    probabilities = np.clip(truth * 0.3 + random.random((50, 4)) * 0.7, 0, 1)
    predicted = probabilities >= 0.5
    metrics = multilabel_metrics(truth, probabilities)
    assert metrics["subset_accuracy"].value == pytest.approx(sklearn_metrics.accuracy_score(truth, predicted))
    assert metrics["micro_f1"].value == pytest.approx(sklearn_metrics.f1_score(truth, predicted, average="micro"))
    both = [i for i in range(4) if 0 < truth[:, i].sum() < 50]
    areas = [sklearn_metrics.roc_auc_score(truth[:, i], probabilities[:, i]) for i in both]
    assert metrics["roc_auc"].value == pytest.approx(np.mean(areas))
    used = [i for i in range(4) if truth[:, i].any() or predicted[:, i].any()]
    macro = sklearn_metrics.f1_score(truth[:, used], predicted[:, used], average="macro", zero_division=0)
    assert metrics["macro_f1"].value == pytest.approx(macro)


def test_labels_that_nothing_or_everything_has_are_left_out_of_the_area():
    truth = np.array([[True, False, True], [True, False, False]])
    metrics = multilabel_metrics(truth, np.array([[0.9, 0.1, 0.8], [0.9, 0.1, 0.3]]))
    assert metrics["roc_auc"].value == 1.0
    assert metrics["roc_auc"].note.startswith("without 2 labels")
    none = multilabel_metrics(np.zeros((3, 2), dtype=bool), np.zeros((3, 2)))
    assert none["roc_auc"].value is None
    assert none["micro_f1"].note == "no label holds and none was predicted"
    assert none["subset_accuracy"].value == 1.0
