import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier

from unrolled.scoring import baselines
from unrolled.scoring.classification import classification_metrics
from unrolled.scoring.forecasting import forecast_metrics
from unrolled.tasks.forecast.naive import seasonal_naive, seasonal_scale


def test_class_shares_are_those_of_the_dummy_of_scikit_learn():
    training = np.array([0, 2, 2, 1, 2, 0])
    dummy = DummyClassifier(strategy="prior").fit(np.zeros((6, 1)), training)
    shares = baselines.class_shares(training, 3, 4)
    assert shares == pytest.approx(dummy.predict_proba(np.zeros((4, 1))))
    metrics = classification_metrics(np.array([2, 2, 0, 1]), shares)
    assert metrics["accuracy"].value == 0.5
    assert metrics["roc_auc"].value == 0.5


def test_shares_of_labels_and_constants():
    assert baselines.label_shares(np.array([[True, False], [True, True]]), 1).tolist() == [[1.0, 0.5]]
    values = np.array([[1.0], [2.0], [9.0], [np.nan]])
    assert baselines.mean_value(values, 2).tolist() == [[4.0], [4.0]]


def test_the_naive_forecast_has_a_scaled_error_of_one_on_its_own_training_part():
    series = np.random.default_rng(0).normal(size=(200, 1)).cumsum(axis=0)
    history, truth = series[:-1, None, :], series[1:, None, :]
    metrics = forecast_metrics(truth, seasonal_naive(history, 1), scale=np.array(seasonal_scale([series])))
    assert metrics["mase"].value == pytest.approx(1.0)


def test_each_word_has_the_tag_it_has_most_often():
    words, tags = np.array([1, 2, 1, 1, 3, 2]), np.array([0, 1, 0, 2, -100, 1])
    # Word 3 has no known tag and word 0 never came: both have the tag that is most frequent of all.
    assert baselines.frequent_tags(words, tags, 4).tolist() == [0, 0, 1, 0]
    assert baselines.frequent_tags(words[:0], tags[:0], 2).tolist() == [0, 0]


def test_unigram_cross_entropy():
    nats = baselines.unigram_cross_entropy(np.array([0, 0, 1]), np.array([0, 2]), 3)
    assert nats == pytest.approx([-np.log(3 / 6), -np.log(1 / 6)])


def test_texts_and_events():
    assert baselines.copied_source(["a b"]) == ["a b"]
    assert baselines.event_gap([np.array([10, 110, 210]), np.array([5]), np.array([0, 40])]) == pytest.approx(80)
    assert [events.tolist() for events in baselines.periodic_events(100.0, [350, 40])] == [[50, 150, 250], []]
    assert baselines.event_gap([np.array([3])]) == np.inf
    assert baselines.periodic_events(np.inf, [9])[0].tolist() == []
    assert len(baselines.periodic_events(0.2, [5])[0]) <= 5


def levenshtein(text: str, other: str) -> int:
    """The recursion as it stands in the textbook."""
    if not text or not other:
        return len(text) + len(other)
    same = levenshtein(text[1:], other[1:])
    if text[0] == other[0]:
        return same
    return 1 + min(same, levenshtein(text[1:], other), levenshtein(text, other[1:]))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text("abc", max_size=4), max_size=6))
def test_no_transcript_is_nearer_to_all_than_the_central_one(texts):
    central = baselines.central_text(texts)

    def edits(candidate):
        return sum(levenshtein(candidate, text) for text in texts)

    assert central in {"", *texts}
    assert edits(central) == min(map(edits, {"", *texts}))


def test_of_many_transcripts_a_sample_is_compared():
    draw = np.random.default_rng(0)
    texts = ["".join(draw.choice(list("ab"), 300)) for _ in range(400)] + ["short"] * 3
    assert baselines.central_text(texts, seed=1) in texts
    assert baselines.central_text(texts, seed=1) == baselines.central_text(texts, seed=1)
