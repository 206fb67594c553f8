import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier

from unrolled.inference.metrics import baselines
from unrolled.inference.metrics.classification import classification_metrics
from unrolled.inference.metrics.forecasting import forecast_metrics, quantile_metrics, seasonal_scale
from unrolled.inference.metrics.periods import guess_period
from unrolled.inference.metrics.tagging import tagging_metrics


def test_class_shares_are_those_of_the_dummy_of_scikit_learn():
    training = np.array([0, 2, 2, 1, 2, 0])
    dummy = DummyClassifier(strategy="prior").fit(np.zeros((6, 1)), training)
    shares = baselines.class_shares(training, 3, 4)
    assert shares == pytest.approx(dummy.predict_proba(np.zeros((4, 1))))
    found = classification_metrics(np.array([2, 2, 0, 1]), shares)
    assert found["accuracy"].value == 0.5
    assert found["roc_auc"].value == 0.5


def test_shares_of_labels_and_constants():
    assert baselines.label_shares(np.array([[True, False], [True, True]]), 1).tolist() == [[1.0, 0.5]]
    values = np.array([[1.0], [2.0], [9.0], [np.nan]])
    assert baselines.mean_value(values, 2).tolist() == [[4.0], [4.0]]
    assert baselines.median_value(values, 1).tolist() == [[2.0]]


def test_last_and_seasonal_values():
    history = np.array([[[1.0], [2.0], [3.0], [4.0], [5.0]]])
    assert baselines.last_value(history, 3).ravel().tolist() == [5, 5, 5]
    assert baselines.seasonal_value(history, 5, 3).ravel().tolist() == [3, 4, 5, 3, 4]
    assert baselines.seasonal_value(history, 2, 9).ravel().tolist() == [5, 5]
    history[0, 4] = np.nan
    assert baselines.last_value(history, 2).ravel().tolist() == [4, 4]
    assert np.isnan(baselines.last_value(history * np.nan, 1)).all()


def test_the_naive_forecast_has_a_scaled_error_of_one_on_its_own_training_part():
    series = np.random.default_rng(0).normal(size=(200, 1)).cumsum(axis=0)
    history, truth = series[:-1, None, :], series[1:, None, :]
    found = forecast_metrics(truth, baselines.last_value(history, 1), scale=seasonal_scale(series))
    assert found["mase"].value == pytest.approx(1.0)


def test_quantiles_of_residuals_cover_what_they_say_in_training():
    series = np.random.default_rng(1).normal(size=(1000, 2)).cumsum(axis=0)
    offsets = baselines.residual_quantiles(series, 1, (0.1, 0.9))
    assert offsets.shape == (2, 2)
    quantiles = baselines.last_value(series[:-1, None, :], 1)[..., None] + offsets
    assert quantile_metrics(series[1:, None, :], quantiles, (0.1, 0.9))["coverage_80"].value == pytest.approx(0.8, 0.01)


def test_tags_by_token():
    tokens, tags = [["the", "cat"], ["the", "the", "sat"]], [np.array([0, 1]), np.array([0, 2, -1])]
    found = baselines.frequent_tags(tokens, tags, [["cat", "the", "dog"], []])
    assert [one.tolist() for one in found] == [[1, 0, 0], []]
    usual = baselines.majority_tag([np.array([2, 2, 1, -1])], [2, 0])
    assert [one.tolist() for one in usual] == [[2, 2], []]
    assert (
        tagging_metrics([np.array([2, 0]), np.zeros(0, dtype=np.int64)], usual, ["a", "b", "c"])["accuracy"].value
        == 0.5
    )


def test_unigram_cross_entropy():
    nats = baselines.unigram_cross_entropy(np.array([0, 0, 1]), np.array([0, 2]), 3)
    assert nats == pytest.approx([-np.log(3 / 6), -np.log(1 / 6)])


def test_texts_and_events():
    assert baselines.copied_source(["a b"]) == ["a b"]
    assert baselines.event_gap([np.array([10, 110, 210]), np.array([5]), np.array([0, 40])]) == pytest.approx(80)
    assert [one.tolist() for one in baselines.periodic_events(100.0, [350, 40])] == [[50, 150, 250], []]
    assert baselines.event_gap([np.array([3])]) == np.inf
    assert baselines.periodic_events(np.inf, [9])[0].tolist() == []
    assert len(baselines.periodic_events(0.2, [5])[0]) <= 5


def levenshtein(one: str, other: str) -> int:
    """The recursion as it stands in the textbook."""
    if not one or not other:
        return len(one) + len(other)
    same = levenshtein(one[1:], other[1:])
    if one[0] == other[0]:
        return same
    return 1 + min(same, levenshtein(one[1:], other), levenshtein(one, other[1:]))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text("abc", max_size=4), max_size=6))
def test_no_transcript_is_nearer_to_all_than_the_central_one(texts):
    found = baselines.central_text(texts)

    def edits(one):
        return sum(levenshtein(one, text) for text in texts)

    assert found in {"", *texts}
    assert edits(found) == min(map(edits, {"", *texts}))


def test_of_many_transcripts_a_sample_is_compared():
    draw = np.random.default_rng(0)
    texts = ["".join(draw.choice(list("ab"), 300)) for _ in range(400)] + ["short"] * 3
    assert baselines.central_text(texts, seed=1) in texts
    assert baselines.central_text(texts, seed=1) == baselines.central_text(texts, seed=1)


@pytest.mark.parametrize(
    ("step", "unit", "period"),
    [(1, "h", 24), (1, "D", 7), (7, "D", 52), (1, "M", 12), (3, "M", 4), (15, "m", 96), (10, "m", 144), (1, "Y", 1)],
)
def test_the_calendar_tells_the_period(step, unit, period):
    times = (np.datetime64("2020-01", unit) + np.arange(400) * np.timedelta64(step, unit)).astype("datetime64[ns]")
    assert guess_period(np.random.default_rng(0).normal(size=(400, 1)), times) == period


@settings(max_examples=50)
@given(st.integers(4, 60), st.floats(-5, 5), st.integers(0, 100))
def test_the_series_tells_its_period(period, slope, seed):
    time = np.arange(12 * period)
    random = np.random.default_rng(seed)
    season = np.sin(2 * np.pi * time / period)
    series = season + slope * time / len(time) + 0.1 * random.normal(size=len(time))
    series[random.integers(len(time), size=2)] = np.nan
    assert guess_period(series[:, None]) == pytest.approx(period, abs=max(1, 0.05 * period))


@pytest.mark.parametrize(
    "series",
    [np.random.default_rng(0).normal(size=500), np.arange(300.0), np.ones(300), np.ones(2), np.full(50, np.nan)],
)
def test_no_period(series):
    assert guess_period(series[:, None]) == 1


def test_too_short_for_the_calendar():
    times = np.datetime64("2020-01-01", "h") + np.arange(30) * np.timedelta64(1, "h")
    assert guess_period(np.sin(2 * np.pi * np.arange(30) / 5)[:, None], times) == 5
