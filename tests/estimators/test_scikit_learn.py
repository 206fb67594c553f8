"""scikit-learn's own checks of estimators, all of them but those listed here."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import DataConversionWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator

from unrolled import SequenceClassifier, SequenceRegressor
from unrolled.errors import UserError

EXCEPTIONS = {
    "check_sample_weight_equivalence_on_dense_data": (
        "records are held out for validation and come in batches at random, so a record of weight 2 and the record "
        "twice give other models; that their losses are equal is tested in test_sample_weight.py"
    )
}
"""What is not as scikit-learn has it, and why."""
QUICK: dict[str, Any] = {"max_steps": 30, "width": 16, "layers": 1, "members": 1, "learning_rate": 0.05}
TINY: dict[str, Any] = {"max_steps": 2, "width": 4, "layers": 1, "members": 1}
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(40, 3))
Y = np.array(["a", "b"] * 20)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [SequenceClassifier, SequenceRegressor])
@pytest.mark.filterwarnings("ignore")
def test_the_checks_of_scikit_learn(kind: Any) -> None:
    estimator = kind(**QUICK, validate_every=1000)
    done = check_estimator(estimator, expected_failed_checks=EXCEPTIONS, on_skip=None)
    outcomes = {check["check_name"]: check["status"] for check in done}
    assert len(outcomes) > 45
    assert {name for name, outcome in outcomes.items() if outcome == "xfail"} == set(EXCEPTIONS)


def test_tags() -> None:
    classifier, regressor = get_tags(SequenceClassifier()), get_tags(SequenceRegressor())
    for tags in (classifier, regressor):
        inputs = tags.input_tags
        assert (inputs.two_d_array, inputs.three_d_array, inputs.string, inputs.allow_nan) == (True,) * 4
        assert not inputs.sparse
        assert tags.target_tags.required
    assert classifier.classifier_tags.multi_label
    assert regressor.target_tags.multi_output


def test_a_matrix_is_a_vector_for_each_record() -> None:
    made = SequenceClassifier(**TINY).fit(X, Y)
    assert made.n_features_in_ == 3
    assert not hasattr(made, "feature_names_in_")
    assert made.result_["task"] == "classify"
    field = made._model.loaded.recipe.inputs[0]
    assert (field.timed, len(field.channels)) == (False, 3)
    np.testing.assert_array_equal(SequenceClassifier(**TINY).fit(X.tolist(), Y).predict_proba(X), made.predict_proba(X))
    np.testing.assert_array_equal(
        SequenceClassifier(**TINY).fit(pd.DataFrame(X), Y).predict_proba(X), made.predict_proba(X)
    )
    series = SequenceClassifier(**TINY, family="gru").fit(X, Y)  # a network of steps reads a series of one channel
    assert series.n_features_in_ == 1
    assert series._model.loaded.recipe.inputs[0].timed
    sequences = SequenceClassifier(**TINY, family="gru").fit(RANDOM.normal(size=(40, 6, 2)), Y)
    assert sequences.n_features_in_ == 2
    for bad, sentence in (
        (X[:, :2], "X has 2 features, but SequenceClassifier is expecting 3 features as input"),
        (X[0], r"X has the shape \(3,\); .* Reshape your data: X\[None\]"),
        (X[:, :0], r"0 feature\(s\) \(shape=\(40, 0\)\) while a minimum of 1 is required"),
    ):
        with pytest.raises(UserError, match=sentence):
            made.predict(bad)


@pytest.mark.parametrize("frames", [pd, pl])
def test_frames_have_names(frames: Any) -> None:
    frame = frames.DataFrame({"length": X[:, 0], "colour": ["red", "blue"] * 20, "width": X[:, 1]})
    made = SequenceClassifier(**TINY).fit(frame, Y)
    assert made.feature_names_in_.tolist() == ["length", "colour", "width"]
    assert made.n_features_in_ == 3
    turned = frame[["width", "length", "colour"]]
    np.testing.assert_array_equal(made.predict_proba(turned), made.predict_proba(frame))  # columns go by their names
    with pytest.raises(UserError, match="colour"):
        made.predict(frame[["width", "length"]])
    column = frames.Series(name="y", data=Y) if frames is pd else frames.Series("y", Y)
    np.testing.assert_array_equal(
        SequenceClassifier(**TINY).fit(frame, column).predict_proba(frame), made.predict_proba(frame)
    )
    whole = frames.DataFrame({"length": X[:, 0], "width": X[:, 1], "kind": Y})
    made = SequenceClassifier(**TINY, target="kind").fit(whole)
    assert made.feature_names_in_.tolist() == ["length", "width"]
    number = SequenceRegressor(**TINY).fit(frame[["length"]], X[:, 1])  # which of two numbers is the target is clear
    assert number.predict(frame[["length"]]).shape == (40,)
    refitted = made.fit(X, Y)
    assert not hasattr(refitted, "feature_names_in_")


@pytest.mark.parametrize("frames", [pd, pl])
def test_columns_of_texts(frames: Any) -> None:
    texts = ["good film", "bad film", "good good", "bad bad"] * 5
    labels = ["yes", "no"] * 10
    settings = TINY | {"family": "gru"}
    column, answers = frames.Series(texts), frames.Series(labels)
    made = SequenceClassifier(**settings).fit(column, answers)
    np.testing.assert_array_equal(
        made.predict_proba(column), SequenceClassifier(**settings).fit(texts, labels).predict_proba(texts)
    )
    assert made.classes_.tolist() == ["no", "yes"]
    assert 0 <= made.score(column, answers) <= 1
    assert not hasattr(made, "n_features_in_")
    for missing in (frames.Series([None, "good"]), ["good", None]):
        with pytest.raises(UserError, match=r"X\[[01]\] is missing; leave out records of which nothing is known"):
            made.predict(missing)


def test_targets_that_are_for_others() -> None:
    for y, sentence in (
        (
            X[:, 0],
            r"y is continuous \(y\[0\] is .*\), and SequenceClassifier learns labels; use SequenceRegressor for num",
        ),
        ([1.0, float("nan")] * 20, r"y\[1\] is missing .*SequenceClassifier needs a label for each record"),
        (["a", None] * 20, r"y\[1\] is missing"),
        (pd.Series(["a", pd.NA] * 20), r"y\[1\] is missing"),
        (["a"] * 40, "y has only one class, 'a'"),
        (None, "SequenceClassifier requires y to be passed, but the target y is None"),
    ):
        with pytest.raises(UserError, match=sentence):
            SequenceClassifier(**TINY).fit(X, y)
    for y, sentence in (
        (Y, r"y\[0\] is 'a', and SequenceRegressor learns numbers; use SequenceClassifier for labels"),
        ([1.0, float("nan")] * 20, r"y\[1\] is missing .*SequenceRegressor needs a number for each record"),
    ):
        with pytest.raises(UserError, match=sentence):
            SequenceRegressor(**TINY).fit(X, y)
    assert SequenceClassifier(**TINY).fit(X, [1.0, 2.0] * 20).classes_.tolist() == [1.0, 2.0]
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed"):
        column = SequenceClassifier(**TINY).fit(X, Y[:, None])
    assert column.predict(X).shape == (40,)


def test_sparse_and_complex_data_are_refused() -> None:
    from scipy import sparse

    for made in (sparse.csr_array(X), sparse.coo_matrix(X)):
        with pytest.raises(
            UserError, match=r"X is a sparse matrix, and only dense data can be read; give X.toarray\(\)"
        ):
            SequenceClassifier(**TINY).fit(made, Y)
    with pytest.raises(UserError, match="Complex data not supported"):
        SequenceClassifier(**TINY).fit(X * 1j, Y)


def test_inside_others() -> None:
    bag = BaggingClassifier(SequenceClassifier(**TINY), n_estimators=2, random_state=3).fit(X, Y)
    states = [estimator.random_state for estimator in bag.estimators_]
    assert len(set(states)) == 2, "each has a seed of its own"
    pipeline = make_pipeline(StandardScaler(), SequenceRegressor(**TINY)).fit(X, X[:, 0])
    assert pipeline.predict(X).shape == (40,)
    assert pipeline.n_features_in_ == 3
