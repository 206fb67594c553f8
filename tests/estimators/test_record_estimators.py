"""The estimators of records: scikit-learn's habits, and the same answers as the command line."""

import copy
import io
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score

from unrolled import SequenceClassifier, SequenceRegressor, SequenceTagger, Transcriber
from unrolled.errors import UserError

ALL = [SequenceClassifier, SequenceRegressor, SequenceTagger, Transcriber]
TINY: dict[str, Any] = {"family": "gru", "width": 6, "layers": 1, "members": 1, "max_steps": 3, "precision": "32"}
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(24, 7, 2)).astype(np.float32)
Y = np.array([0, 10, 2] * 8)
X[:, :, 0] += Y[:, None]


@pytest.fixture(scope="module")
def classifier() -> SequenceClassifier:
    return SequenceClassifier(**TINY).fit(X, Y)


@pytest.mark.parametrize("kind", ALL)
def test_settings_are_as_in_scikit_learn(kind: Any) -> None:
    made = kind(width=16, valid_fraction=0.2)
    settings = made.get_params()
    assert (settings["width"], settings["valid_fraction"], settings["run"], settings["silent"]) == (16, 0.2, None, True)
    assert {"family", "layers", "scaling", "max_time", "seed", "kmer"} <= set(settings)
    again = clone(made)
    assert again is not made
    assert again.get_params() == settings
    assert made.set_params(width=8) is made
    assert made.get_params()["width"] == 8
    with pytest.raises(ValueError, match="widht"):
        made.set_params(widht=8)
    with pytest.raises(TypeError, match="did you mean 'width'"):
        kind(widht=8)
    assert repr(kind(width=9)) == f"{kind.__name__}(width=9)"
    assert kind().get_params() == kind(**kind().get_params()).get_params()


@pytest.mark.parametrize("kind", ALL)
def test_nothing_is_predicted_before_fit(kind: Any, tmp_path: Path) -> None:
    for call in (lambda: kind().predict(X), lambda: kind().score(X, Y), lambda: kind().save_pretrained(tmp_path / "m")):
        with pytest.raises(NotFittedError):
            call()


def test_a_classifier_of_arrays(classifier: SequenceClassifier, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_classifier(classifier)
    other = SequenceClassifier(**TINY)
    assert other.fit(X, Y) is other
    assert list(tmp_path.iterdir()) == []
    assert classifier.classes_.tolist() == [0, 2, 10]
    shares = classifier.predict_proba(X)
    assert shares.shape == (24, 3)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    said = classifier.predict(X)
    assert said.dtype.kind == "i"
    np.testing.assert_array_equal(said, classifier.classes_[shares.argmax(axis=1)])
    assert classifier.score(X, Y) == accuracy_score(Y, said)
    np.testing.assert_array_equal(other.predict_proba(X), shares)  # the same seed, the same model
    np.testing.assert_allclose(classifier.predict_proba(list(X)), shares, atol=1e-6)
    assert classifier.score(X, np.full(24, 77)) == 0


def test_learning_shows() -> None:
    model = SequenceClassifier(**TINY | {"width": 16, "max_steps": 60, "learning_rate": 0.02}).fit(X, Y)
    assert model.score(X, Y) > 0.9
    assert model.result_["task"] == "classify"
    assert "run" not in model.result_


def test_copies_and_pickles_say_the_same(classifier: SequenceClassifier) -> None:
    import joblib

    shares = classifier.predict_proba(X)
    file = io.BytesIO()
    joblib.dump(classifier, file)
    file.seek(0)
    for other in (copy.deepcopy(classifier), pickle.loads(pickle.dumps(classifier)), joblib.load(file)):
        np.testing.assert_array_equal(other.predict_proba(X), shares)
        assert other.get_params() == classifier.get_params()
        assert other.classes_.tolist() == [0, 2, 10]


def test_saved_and_read_again(classifier: SequenceClassifier, tmp_path: Path) -> None:
    place = tmp_path / "models" / "mine"
    for _ in range(2):  # it may be replaced
        classifier.save_pretrained(place)
    assert {path.name for path in place.iterdir()} >= {"config.json", "model.safetensors", "encoding.json", "README.md"}
    assert [path.name for path in place.parent.iterdir()] == ["mine"]
    again = SequenceClassifier.from_pretrained(place)
    np.testing.assert_array_equal(again.predict(X), classifier.predict(X))
    with pytest.raises(UserError, match="is a model for classify, and SequenceRegressor is for regress"):
        SequenceRegressor.from_pretrained(place)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    with pytest.raises(UserError, match="holds other files"):
        classifier.save_pretrained(tmp_path / "full")
    with pytest.raises(UserError, match="there is no run"):
        SequenceClassifier.from_pretrained(tmp_path / "nothing")


def test_cross_validation_and_grid_search(capsys: pytest.CaptureFixture) -> None:
    scores = cross_val_score(SequenceClassifier(**TINY), X, Y, cv=2, error_score="raise")
    assert scores.shape == (2,)
    search = GridSearchCV(
        SequenceClassifier(**TINY), {"width": [4, 6]}, cv=2, error_score="raise", scoring="neg_log_loss"
    )
    search.fit(X, Y)
    assert search.best_params_["width"] in (4, 6)
    assert np.isfinite(search.best_score_)
    assert capsys.readouterr() == ("", "")


def test_several_labels_at_once() -> None:
    held = np.stack([Y == 0, Y > 0, np.zeros(24, dtype=bool)], axis=1).astype(int)
    model = SequenceClassifier(**TINY).fit(X, held)
    assert model.predict_proba(X).shape == (24, 3)
    assert model.predict(X).shape == held.shape
    assert model.score(X, held) == accuracy_score(held, model.predict(X))
    sets = [("low",) if value == 0 else ("high", "wide") for value in Y]
    named = SequenceClassifier(**TINY).fit(X, sets)
    assert named.classes_.tolist() == ["high", "low", "wide"]
    assert all(set(one) <= {"high", "low", "wide"} for one in named.predict(X))
    assert 0 <= named.score(X, sets) <= 1


def test_texts_words_vectors_frames_and_groups() -> None:
    texts = ["good film", "bad film", "good good", "bad bad"] * 4
    model = SequenceClassifier(**TINY).fit(texts, ["yes", "no"] * 8, groups=np.arange(16) // 2)
    assert set(model.predict(["good", "never heard"])) <= {"yes", "no"}
    words = SequenceClassifier(**TINY).fit([text.split() for text in texts], [True, False] * 8)
    assert words.predict([["good", "bad"]]).dtype == bool
    vectors = SequenceClassifier(**TINY | {"family": "feedforward"}).fit(X[:, 0], Y)
    assert vectors.predict(X[:, 0]).shape == (24,)
    frame = pl.DataFrame({"a": X[:, 0, 0], "b": X[:, 0, 1], "species": [f"s{value}" for value in Y]})
    table = SequenceClassifier(**TINY).fit(frame)
    assert set(table.predict(frame.drop("species"))) <= {"s0", "s2", "s10"}
    assert table.score(frame) == np.mean(table.predict(frame) == frame["species"].to_numpy())


def test_a_regressor() -> None:
    model = SequenceRegressor(**TINY).fit(X, Y * 0.5)
    assert is_regressor(model)
    said = model.predict(X)
    assert said.shape == (24,)
    assert model.score(X, Y * 0.5) == pytest.approx(r2_score(Y * 0.5, said))
    two = SequenceRegressor(**TINY).fit(X, np.stack([Y * 0.5, -Y * 1.0], axis=1))
    assert two.predict(X).shape == (24, 2)
    assert np.isfinite(cross_val_score(SequenceRegressor(**TINY), X, Y * 0.5, cv=2, error_score="raise")).all()


def test_a_tagger() -> None:
    sentences = [["Anna", "went", "home"], ["Bob", "Smith", "ran"], ["they", "ran"]] * 5
    tags = [["B-P", "O", "O"], ["B-P", "I-P", "O"], ["O", "O"]] * 5
    model = SequenceTagger(**TINY | {"width": 16, "max_steps": 80, "learning_rate": 0.02}).fit(sentences, tags)
    assert model.classes_.tolist() == ["B-P", "I-P", "O"]
    said = model.predict(sentences)
    assert [len(one) for one in said] == [3, 3, 2] * 5
    assert all(b != "I-P" or a != "O" for one in said for a, b in zip(["O", *one], one, strict=False))
    assert model.predict_proba(sentences)[2].shape == (2, 3)
    assert model.score(sentences, tags) > 0.8
    numbers = SequenceTagger(**TINY).fit(list(X), [x[:, 0] * 2 for x in X])
    assert numbers.predict(X)[0].shape == (7,)
    assert numbers.score(X, [x[:, 0] * 2 for x in X]) <= 1
    steps = SequenceTagger(**TINY).fit(list(X), [[int(value > 1) for value in x[:, 0]] for x in X])
    assert set(np.concatenate(steps.predict(X)).tolist()) <= {0, 1}


def test_a_transcriber() -> None:
    model = Transcriber(**TINY).fit(list(X), ["ab", "ba", "b"] * 8)
    said = model.predict(X)
    assert len(said) == 24
    assert all(isinstance(text, str) for text in said)
    assert model.score(X, ["ab", "ba", "b"] * 8) <= 1


def test_a_path_and_a_run(tmp_path: Path) -> None:
    path = tmp_path / "flowers.csv"
    rows = [f"{x[0, 0]},{x[0, 1]},s{y}" for x, y in zip(X, Y, strict=True)]
    path.write_text("\n".join(["a,b,species", *rows]) + "\n")
    run = tmp_path / "run"
    model = SequenceClassifier(**TINY, run=run).fit(path)
    assert model.classes_.tolist() == ["s0", "s10", "s2"]
    assert model.result_["run"] == str(run)
    assert model.score(path) == np.mean(model.predict(path) == np.array([f"s{y}" for y in Y]))
    np.testing.assert_array_equal(SequenceClassifier.from_pretrained(run).predict(path), model.predict(path))
    with pytest.raises(UserError, match="already exists"):
        SequenceClassifier(**TINY, run=run).fit(path)
    with pytest.raises(UserError, match="leave y out"):
        model.fit(path, Y)


def test_bad_data(classifier: SequenceClassifier) -> None:
    with pytest.raises(UserError, match="y is missing"):
        SequenceClassifier(**TINY).fit(X)
    with pytest.raises(UserError, match="y has 3 entries, but X has 24 records"):
        SequenceClassifier(**TINY).fit(X, Y[:3])
    with pytest.raises(UserError, match="X has 3 channels in X, and the model reads 2 channels"):
        classifier.predict(np.zeros((4, 7, 3)))
    with pytest.raises(UserError, match=r"a text .* reads numbers"):
        classifier.predict(["a text"])
    with pytest.raises(UserError, match="no records"):
        classifier.predict(np.zeros((0, 7, 2)))
    with pytest.raises(UserError, match=r"--model.width is 0; give a whole number"):
        SequenceClassifier(width=0).fit(X, Y)
    with pytest.raises(UserError, match="there is no file"):
        classifier.predict("nowhere.csv")


def test_importing_the_package_stays_light() -> None:
    script = "import sys, unrolled; print({'sklearn', 'torch', 'polars', 'numpy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "set()\n"
