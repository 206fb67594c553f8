"""The forecaster for Python: arrays, lists and files in, forecasts out, as in scikit-learn."""

import pickle
from pathlib import Path

import numpy as np
import polars
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score

from unrolled.errors import UserError
from unrolled.estimators.forecaster import Forecaster

SMALL = {"context": 16, "horizon": 6, "width": 8, "patch": 8, "max_steps": 60, "batch_size": 16, "learning_rate": 1e-2}


def wave(count: int, period: float = 11.0) -> np.ndarray:
    t = np.arange(count)
    return np.stack([np.sin(2 * np.pi * t / period) * 3 + 7, np.cos(2 * np.pi * t / period)], axis=1)


@pytest.fixture(scope="module")
def fitted() -> Forecaster:
    return Forecaster(**SMALL).fit(wave(220))


def test_shapes_and_values(fitted: Forecaster) -> None:
    X = wave(220)
    predicted = fitted.predict(X)
    assert predicted.shape == (6, 2)
    assert np.abs(predicted - wave(226)[220:]).mean() < 0.5
    levels = fitted.predict_quantiles(X)
    assert levels.shape == (6, 2, 3)
    assert (np.diff(levels, axis=-1) >= 0).all()
    assert levels[..., 1] == pytest.approx(predicted, rel=1e-6)
    assert fitted.predict(X, horizon=15).shape == (15, 2)
    several = fitted.predict([X, X[:50]])
    assert several.shape == (2, 6, 2)
    assert several[0] == pytest.approx(predicted, rel=1e-5)
    assert several[1] == pytest.approx(fitted.predict(X[:50]), rel=1e-5)
    assert fitted.predict(np.stack([X, X])).shape == (2, 6, 2)


def test_the_score_is_the_error_over_all_windows(fitted: Forecaster) -> None:
    X = wave(60)
    centre, spread = wave(220)[:198].mean(0), wave(220)[:198].std(0)
    errors = [np.abs(fitted.predict(X[: n + 16]) - X[n + 16 : n + 22]) / spread for n in range(len(X) - 16 - 6 + 1)]
    assert centre.shape == (2,)
    assert fitted.score(X) == pytest.approx(-np.mean(errors), rel=1e-3)


def test_it_is_an_estimator(fitted: Forecaster, tmp_path: Path) -> None:
    again = clone(fitted)
    assert again.get_params() == fitted.get_params()
    again.fit(wave(220))
    assert again.predict(wave(220)) == pytest.approx(fitted.predict(wave(220)))
    fitted.save_pretrained(tmp_path / "model")
    loaded = Forecaster.from_pretrained(tmp_path / "model")
    assert loaded.predict(wave(220)) == pytest.approx(fitted.predict(wave(220)))
    scores = cross_val_score(Forecaster(**SMALL | {"max_steps": 5}), wave(260), cv=TimeSeriesSplit(2))
    assert np.isfinite(scores).all()


def test_a_path_and_one_target(tmp_path: Path) -> None:
    rows = [f"2020-01-{1 + n // 24:02} {n % 24:02}:00,{a:.4f},{b:.4f}" for n, (a, b) in enumerate(wave(220))]
    (tmp_path / "x.csv").write_text("date,a,b\n" + "\n".join(rows))
    model = Forecaster(**SMALL | {"max_steps": 3, "quantiles": (0.2, 0.8), "target": "b"}).fit(tmp_path / "x.csv")
    assert model.predict(tmp_path / "x.csv").shape == (6, 1)
    assert model.predict_quantiles(str(tmp_path / "x.csv")).shape == (6, 1, 2)


def test_what_is_refused(fitted: Forecaster) -> None:
    with pytest.raises(UserError, match="has no column"):
        fitted.predict(wave(60)[:, :1])
    with pytest.raises(UserError, match="horizon"):
        fitted.predict(wave(60), horizon=0)
    with pytest.raises(UserError, match="the longest series has 12 steps"):
        fitted.score(wave(12))
    with pytest.raises(UserError, match="one value per step"):
        Forecaster(**SMALL | {"max_steps": 1, "quantiles": "none"}).fit(wave(100)).predict_quantiles(wave(100))


def test_columns_known_ahead() -> None:
    x = np.random.default_rng(0).normal(5, 2, 230)
    frame = polars.DataFrame({"y": [*(3 * x)[:220], *[None] * 10], "x": x})
    model = Forecaster(**SMALL | {"max_steps": 150, "known": "x", "learning_rate": 2e-2}).fit(frame[:200])
    assert model.predict(frame)[:, 0] == pytest.approx(3 * x[220:226], abs=1.5)
    assert model.predict(frame, horizon=10)[:, 0] == pytest.approx(3 * x[220:], abs=1.5)
    assert model.predict_quantiles(frame).shape == (6, 1, 3)
    assert model.score(frame) == pytest.approx(model.score(frame[:220]))
    with pytest.raises(UserError, match=r"add 2 rows with x, and y empty"):
        model.predict(frame[:224])
    with pytest.raises(UserError, match=r"add 4 rows"):
        model.predict(frame, horizon=14)
    with pytest.raises(UserError, match="did you mean 'x'"):
        Forecaster(**SMALL | {"known": ["xx"]}).fit(frame)
    assert clone(model).get_params()["known"] == "x"


def test_it_is_pickled_and_searched(fitted: Forecaster) -> None:
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(wave(220)), fitted.predict(wave(220)))
    grid = {"width": [4, 8], "quantiles": [(0.2, 0.5, 0.8), "none"]}
    search = GridSearchCV(Forecaster(**SMALL | {"max_steps": 2}), grid, cv=TimeSeriesSplit(2), error_score="raise")
    search.fit(wave(260))
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(wave(60)).shape == (6, 2)
    several = [wave(120, period) for period in (7.0, 9.0, 11.0, 13.0)]
    scores = cross_val_score(Forecaster(**SMALL | {"max_steps": 2}), several, cv=2, error_score="raise")
    assert np.isfinite(scores).all()


def test_frames() -> None:
    values = wave(120)
    columns = {"a": values[:, 0], "b": values[:, 1]}
    plain = Forecaster(**SMALL | {"max_steps": 3}).fit(values).predict(values)
    for frame in (polars.DataFrame(columns), pytest.importorskip("pandas").DataFrame(columns)):
        model = Forecaster(**SMALL | {"max_steps": 3}).fit(frame)
        assert model.predict(frame) == pytest.approx(plain, rel=1e-5)
        assert np.isfinite(model.score(frame))
