import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from sklearn import metrics as sklearn_metrics

from unrolled.scoring.events import event_metrics, match_events
from unrolled.scoring.spans import find_spans, has_spans, span_kinds
from unrolled.scoring.tagging import per_tag_scores, tagging_metrics

NAMES = ["O", "B-LOC", "I-LOC", "E-LOC", "S-LOC", "B-PER", "I-PER", "E-PER", "S-PER"]


def tags(text, names=NAMES):
    return np.array([names.index(name) for name in text.split()], dtype=np.int64)


def spans(text):
    span_arrays = find_spans(tags(text), np.array([0]), NAMES)
    return [
        (s, e, span_kinds(NAMES)[k])
        for s, e, k in zip(span_arrays.start, span_arrays.end, span_arrays.kind, strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("O O", []),
        ("B-PER I-PER O B-LOC", [(0, 1, "PER"), (3, 3, "LOC")]),
        ("B-PER B-PER", [(0, 0, "PER"), (1, 1, "PER")]),
        ("I-PER I-PER O I-LOC", [(0, 1, "PER"), (3, 3, "LOC")]),  # IOB1: a span may begin with I
        ("B-PER I-LOC I-LOC", [(0, 0, "PER"), (1, 2, "LOC")]),  # the kind changes
        ("B-PER I-PER E-PER S-PER", [(0, 2, "PER"), (3, 3, "PER")]),
        ("S-PER I-PER", [(0, 0, "PER"), (1, 1, "PER")]),
        ("B-LOC E-LOC E-LOC", [(0, 1, "LOC"), (2, 2, "LOC")]),
        ("B-LOC S-LOC I-LOC", [(0, 0, "LOC"), (1, 1, "LOC"), (2, 2, "LOC")]),
    ],
)
def test_spans_by_hand(text, expected):
    assert spans(text) == expected


def conlleval(sequence):
    """The rules of conlleval, written as the script has them: one step after the other."""
    chunks, start = [], None
    steps = [("O", ""), *[tuple(tag.split("-")) if tag != "O" else ("O", "") for tag in sequence], ("O", "")]
    for index in range(1, len(steps)):
        (before, kind_before), (role, kind) = steps[index - 1], steps[index]
        ended = before in "ES" or (before in "BI" and role in "BSO") or (before != "O" and kind_before != kind)
        begun = role in "BS" or (before in "ESO" and role in "EI") or (role != "O" and kind_before != kind)
        if ended and before != "O":
            chunks.append((start, index - 2, kind_before))
        if begun and role != "O":
            start = index - 1
    return chunks


@given(st.lists(st.lists(st.sampled_from(NAMES), max_size=8), min_size=1, max_size=5))
def test_spans_are_those_of_the_step_by_step_rules(sequences):
    expected, offset, starts = [], 0, []
    for sequence in sequences:
        starts.append(offset)
        expected += [(s + offset, e + offset, k) for s, e, k in conlleval(sequence)]
        offset += len(sequence)
    flat = np.array([NAMES.index(name) for sequence in sequences for name in sequence], dtype=np.int64)
    span_arrays = find_spans(flat, np.array(starts), NAMES)
    kinds = span_kinds(NAMES)
    assert [
        (s, e, kinds[k]) for s, e, k in zip(span_arrays.start, span_arrays.end, span_arrays.kind, strict=True)
    ] == expected


def test_span_f1_by_hand():
    truth = [tags("B-PER I-PER O B-LOC"), tags("O B-LOC I-LOC"), tags("B-PER O")]
    predicted = [tags("B-PER I-PER O B-PER"), tags("O B-LOC O"), tags("B-PER B-LOC")]
    metrics = tagging_metrics(truth, predicted, NAMES)
    # right: the first PER and the last; predicted 5, true 4
    assert metrics["span_precision"].value == pytest.approx(2 / 5)
    assert metrics["span_recall"].value == pytest.approx(2 / 4)
    assert metrics["span_f1"].value == pytest.approx(4 / 9)
    assert metrics["accuracy"].value == pytest.approx(6 / 9)
    scores = {score.label: score for score in per_tag_scores(truth, predicted, NAMES)}
    assert scores["PER"].f1.value == pytest.approx(2 * 2 / (3 + 2))
    assert scores["LOC"].f1.value == 0.0
    assert scores["PER"].support == 2


def test_per_step_scores_are_those_of_scikit_learn_and_unknown_truth_is_left_out():
    random = np.random.default_rng(0)
    truth = [random.integers(3, size=n) for n in random.integers(0, 30, size=40)]
    predicted = [np.where(random.random(len(t)) < 0.3, random.integers(3, size=len(t)), t) for t in truth]
    flat_truth, flat = np.concatenate(truth), np.concatenate(predicted)
    names = ["walk", "rest", "freeze"]
    metrics = tagging_metrics(truth, predicted, names)
    assert set(metrics) == {"accuracy", "macro_f1"}
    assert metrics["accuracy"].value == pytest.approx(sklearn_metrics.accuracy_score(flat_truth, flat))
    assert metrics["macro_f1"].value == pytest.approx(sklearn_metrics.f1_score(flat_truth, flat, average="macro"))
    assert metrics["accuracy"].low < metrics["accuracy"].value < metrics["accuracy"].high
    hidden = [np.where(t == 2, -1, t) for t in truth]
    kept = flat_truth != 2
    accuracy = tagging_metrics(hidden, predicted, names)["accuracy"].value
    assert accuracy == pytest.approx((flat_truth == flat)[kept].mean())
    expected = sklearn_metrics.f1_score(flat_truth, flat, average=None)
    assert [s.f1.value for s in per_tag_scores(truth, predicted, names)] == pytest.approx(expected.tolist())


def test_one_long_sequence_has_an_interval_too():
    truth = np.random.default_rng(1).integers(2, size=5000)
    predicted = np.where(np.random.default_rng(2).random(5000) < 0.1, 1 - truth, truth)
    accuracy = tagging_metrics([truth], [predicted], ["a", "b"])["accuracy"]
    half = 1.96 * np.sqrt(0.1 * 0.9 / 5000)
    assert accuracy.high - accuracy.value == pytest.approx(half, rel=0.3)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="not as long"):
        tagging_metrics([tags("O O")], [tags("O")], NAMES)


def test_which_tags_make_spans():
    assert has_spans(["O", "B-x", "I-x"])
    assert has_spans(["O", "B", "I"])
    assert not has_spans(["walk", "rest"])
    assert not has_spans(["B-x", "I-x", "NOUN", "O"])
    assert not has_spans(["O"])


def test_nothing_found_and_nothing_to_find():
    metrics = tagging_metrics([tags("B-PER O")], [tags("O O")], NAMES)
    assert metrics["span_precision"].value is None
    assert metrics["span_f1"].value == 0.0
    assert tagging_metrics([tags("O O")], [tags("O O")], NAMES)["span_f1"].note == "there are no spans"
    assert tagging_metrics([], [], NAMES)["accuracy"].value is None


def test_events_by_hand():
    truth, predicted = np.array([100, 200, 300, 310]), np.array([105, 150, 303, 500])
    pairs = match_events(truth, predicted, 10)
    assert (pairs.truth.tolist(), pairs.predicted.tolist()) == ([0, 2], [0, 2])  # 303 answers for one of two only
    metrics = event_metrics([truth], [predicted], [600], 10)
    assert metrics["sensitivity"].value == 2 / 4
    assert metrics["precision"].value == 2 / 4
    assert metrics["f1"].value == 2 / 4


@given(st.lists(st.integers(0, 60), max_size=8), st.lists(st.integers(0, 60), max_size=8), st.integers(0, 12))
def test_no_other_matching_has_more_pairs(truth, predicted, tolerance):

    truth, predicted = np.array(sorted(truth), dtype=np.int64), np.array(sorted(predicted), dtype=np.int64)
    pairs = match_events(truth, predicted, tolerance)
    close = np.abs(truth[:, None] - predicted[None]) <= tolerance
    rows, columns = linear_sum_assignment(~close)
    assert len(pairs.truth) == close[rows, columns].sum()
    assert close[pairs.truth, pairs.predicted].all()
    assert len(set(pairs.truth)) == len(pairs.truth)
    assert len(set(pairs.predicted)) == len(pairs.predicted)


def test_missed_beats_of_one_recording_have_the_interval_of_a_share():
    random = np.random.default_rng(3)
    truth = np.arange(50, 650_000, 300)
    kept = random.random(len(truth)) < 0.9
    metrics = event_metrics([truth], [truth[kept]], [650_000], 27)
    assert metrics["sensitivity"].value == pytest.approx(kept.mean())
    half = 1.96 * np.sqrt(0.09 / len(truth))
    assert metrics["sensitivity"].high - metrics["sensitivity"].low == pytest.approx(2 * half, rel=0.3)
    assert metrics["precision"].low == pytest.approx(0.025 ** (1 / 100)), "100 stretches without a false one"


def test_events_out_of_order_and_none_at_all():
    none = np.zeros(0, dtype=np.int64)
    with pytest.raises(ValueError, match="order"):
        match_events(np.array([2, 1]), none, 1)
    metrics = event_metrics([np.array([5])], [none], [10], 1)
    assert metrics["precision"].note == "no event was predicted"
    assert metrics["sensitivity"].value == 0.0
