"""What may be said when an estimator is made: the settings of its task, and where its random numbers come from."""

from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV

from unrolled import (
    Forecaster,
    LanguageModel,
    SequenceClassifier,
    SequenceDescriber,
    SequenceRegressor,
    SequenceTagger,
    Transcriber,
    Translator,
)
from unrolled.errors import UserError
from unrolled.estimators.settings import settings_of

ALL = [
    *(Forecaster, LanguageModel, SequenceClassifier, SequenceDescriber, SequenceRegressor, SequenceTagger),
    *(Transcriber, Translator),
]
TINY: dict[str, Any] = {"family": "gru", "width": 4, "layers": 1, "members": 1, "max_steps": 2, "precision": "32"}
X = np.random.default_rng(0).normal(size=(24, 5, 2))
Y = np.array([0, 1] * 12)


@pytest.mark.parametrize("kind", ALL)
def test_an_estimator_has_the_settings_of_its_task(kind: Any) -> None:
    assert issubclass(kind, BaseEstimator)
    names = set(kind().get_params())
    assert names == settings_of(kind._task) | {"run", "silent", "random_state"}
    assert {"family", "width", "layers", "seed", "max_time", "learning_rate"} <= names
    again = clone(kind(width=7))
    assert again.get_params() == kind(width=7).get_params()
    with pytest.raises(TypeError, match=f"{kind.__name__} has no setting 'widht'; did you mean 'width'"):
        kind(widht=7)
    with pytest.raises(ValueError, match=f"{kind.__name__} has no setting 'widht'"):
        kind().set_params(width=3, widht=7)


@pytest.mark.parametrize(
    ("kind", "own", "strange"),
    [
        (
            Forecaster,
            {"horizon", "quantiles", "known", "patch", "calendar"},
            {"vocabulary", "pooling", "kmer", "carry"},
        ),
        (LanguageModel, {"vocabulary", "feed", "carry", "tie_weights"}, {"target", "horizon", "pooling", "members"}),
        (
            SequenceClassifier,
            {"pooling", "members", "class_weights", "kmer"},
            {"horizon", "share_vocabulary", "event_labels"},
        ),
        (SequenceRegressor, {"pooling", "members", "scaling"}, {"class_weights", "label_smoothing", "label_separator"}),
        (SequenceTagger, {"event_labels", "spelling", "context"}, {"pooling", "class_weights", "quantiles"}),
        (Transcriber, {"features", "mels", "rate"}, {"pooling", "batching", "class_weights"}),
        (Translator, {"attention", "share_vocabulary"}, {"pooling", "members", "scaling", "quantiles"}),
    ],
)
def test_what_is_for_other_tasks_is_refused(kind: Any, own: set[str], strange: set[str]) -> None:
    names = set(kind().get_params())
    assert own <= names
    for name in strange:
        assert name not in names
        with pytest.raises(TypeError, match=f"{kind.__name__} has no setting '{name}'"):
            kind(**{name: None})


def shares(**settings: Any) -> np.ndarray:
    return SequenceClassifier(**TINY, **settings).fit(X, Y).predict_proba(X)


def test_random_state() -> None:
    usual = shares()
    np.testing.assert_array_equal(shares(random_state=None), usual)
    np.testing.assert_array_equal(shares(random_state=0), usual)
    np.testing.assert_array_equal(shares(random_state=np.int64(5)), shares(seed=5))
    assert not np.array_equal(shares(seed=5), usual)
    for kind in (np.random.RandomState, np.random.default_rng):
        np.testing.assert_array_equal(shares(random_state=kind(3)), shares(random_state=kind(3)))
        generator = kind(3)
        assert not np.array_equal(shares(random_state=generator), shares(random_state=generator))
    with pytest.raises(UserError, match="seed is 5 and there is a random_state too; give one of the two"):
        shares(seed=5, random_state=5)
    for bad in ("a", -1, 1.5, True):
        with pytest.raises(UserError, match=r"random_state is .*; give a whole number from 0 on"):
            shares(random_state=bad)


def test_numbers_of_numpy_are_numbers() -> None:
    search = GridSearchCV(SequenceClassifier(**TINY), {"width": np.array([4, 6])}, cv=2, error_score="raise")
    assert search.fit(X, Y).best_params_["width"] in (4, 6)


def test_a_class_of_ones_own() -> None:
    class Small(SequenceClassifier):
        def __init__(self, *, width: int = 4, twice: bool = False) -> None:
            super().__init__(**TINY | {"width": 2 * width if twice else width})
            self.width, self.twice = width, twice

    assert clone(Small(width=3)).get_params() == {"width": 3, "twice": False}
    assert Small().fit(X, Y).predict(X).shape == (24,)
