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
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

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
    predicted = classifier.predict(X)
    assert predicted.dtype.kind == "i"
    np.testing.assert_array_equal(predicted, classifier.classes_[shares.argmax(axis=1)])
    assert classifier.score(X, Y) == accuracy_score(Y, predicted)
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
    model_dir = tmp_path / "models" / "mine"
    for _ in range(2):  # it may be replaced
        classifier.save_pretrained(model_dir)
    assert {path.name for path in model_dir.iterdir()} >= {
        "config.json",
        "model.safetensors",
        "encoding.json",
        "README.md",
    }
    assert [path.name for path in model_dir.parent.iterdir()] == ["mine"]
    again = SequenceClassifier.from_pretrained(model_dir)
    np.testing.assert_array_equal(again.predict(X), classifier.predict(X))
    with pytest.raises(UserError, match="is a model for classify, and SequenceRegressor is for regress"):
        SequenceRegressor.from_pretrained(model_dir)
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
    assert all(set(labels) <= {"high", "low", "wide"} for labels in named.predict(X))
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
    predicted = model.predict(X)
    assert predicted.shape == (24,)
    assert model.score(X, Y * 0.5) == pytest.approx(r2_score(Y * 0.5, predicted))
    two = SequenceRegressor(**TINY).fit(X, np.stack([Y * 0.5, -Y * 1.0], axis=1))
    assert two.predict(X).shape == (24, 2)
    assert np.isfinite(cross_val_score(SequenceRegressor(**TINY), X, Y * 0.5, cv=2, error_score="raise")).all()


def test_a_tagger() -> None:
    sentences = [["Anna", "went", "home"], ["Bob", "Smith", "ran"], ["they", "ran"]] * 5
    tags = [["B-P", "O", "O"], ["B-P", "I-P", "O"], ["O", "O"]] * 5
    model = SequenceTagger(**TINY | {"width": 16, "max_steps": 80, "learning_rate": 0.02}).fit(sentences, tags)
    assert model.classes_.tolist() == ["B-P", "I-P", "O"]
    predicted = model.predict(sentences)
    assert [len(labels) for labels in predicted] == [3, 3, 2] * 5
    assert all(b != "I-P" or a != "O" for labels in predicted for a, b in zip(["O", *labels], labels, strict=False))
    assert model.predict_proba(sentences)[2].shape == (2, 3)
    assert model.score(sentences, tags) > 0.8
    numbers = SequenceTagger(**TINY).fit(list(X), [x[:, 0] * 2 for x in X])
    assert numbers.predict(X)[0].shape == (7,)
    assert numbers.score(X, [x[:, 0] * 2 for x in X]) <= 1
    steps = SequenceTagger(**TINY).fit(list(X), [[int(value > 1) for value in x[:, 0]] for x in X])
    assert set(np.concatenate(steps.predict(X)).tolist()) <= {0, 1}


def test_a_transcriber() -> None:
    model = Transcriber(**TINY).fit(list(X), ["ab", "ba", "b"] * 8)
    predicted = model.predict(X)
    assert len(predicted) == 24
    assert all(isinstance(text, str) for text in predicted)
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
    with pytest.raises(UserError, match=r"width is 0; give a whole number"):
        SequenceClassifier(width=0).fit(X, Y)
    with pytest.raises(UserError, match="there is no file"):
        classifier.predict("nowhere.csv")


def test_importing_the_package_stays_light() -> None:
    script = "import sys, unrolled; print({'sklearn', 'torch', 'polars', 'numpy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "set()\n"


def test_a_model_from_the_hub(classifier: SequenceClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier.save_pretrained(tmp_path / "downloaded")
    wanted: list[tuple[str, list[str]]] = []

    def download(name: str, allow_patterns: list[str]) -> str:
        wanted.append((name, allow_patterns))
        return str(tmp_path / "downloaded")

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    again = SequenceClassifier.from_pretrained("someone/beats")
    np.testing.assert_array_equal(again.predict(X), classifier.predict(X))
    ((name, patterns),) = wanted
    assert name == "someone/beats"
    assert {path.name for path in (tmp_path / "downloaded").iterdir()} <= set(patterns), "what a model needs is fetched"

    def offline(name: str, allow_patterns: list[str]) -> str:
        raise OSError("no network")

    monkeypatch.setattr("huggingface_hub.snapshot_download", offline)
    with pytest.raises(UserError, match="there is no run someone/beats here, and the Hugging Face Hub gave none"):
        SequenceClassifier.from_pretrained("someone/beats")


def test_the_channels_may_come_first() -> None:
    """As in aeon: [n, channels, time]."""
    plain = SequenceClassifier(**TINY).fit(X, Y)
    first = SequenceClassifier(**TINY, layout="channels-time").fit(X.transpose(0, 2, 1), Y)
    np.testing.assert_array_equal(first.predict_proba(X.transpose(0, 2, 1)), plain.predict_proba(X))
    assert first.score(X.transpose(0, 2, 1), Y) == plain.score(X, Y)
    with pytest.raises(UserError, match="channels"):
        first.predict(X)
    scores = cross_val_score(
        SequenceClassifier(**TINY, layout="channels-time"), X.transpose(0, 2, 1), Y, cv=2, error_score="raise"
    )
    assert scores.tolist() == cross_val_score(SequenceClassifier(**TINY), X, Y, cv=2, error_score="raise").tolist()


def test_ragged_lists() -> None:
    ragged = [x[: 3 + number % 5] for number, x in enumerate(X)]
    model = SequenceClassifier(**TINY).fit(ragged, Y)
    whole = model.predict_proba(ragged)
    for number in (0, 3, 4):  # what stands beside a record in its batch does not matter
        np.testing.assert_allclose(model.predict_proba([ragged[number]])[0], whole[number], atol=1e-6)
    assert cross_val_score(SequenceClassifier(**TINY), ragged, Y, cv=2, error_score="raise").shape == (2,)


class Dataset:
    """What is used of a Hugging Face `Dataset`."""

    def __init__(self, columns: dict[str, list[Any]], features: dict[str, Any] | None = None) -> None:
        self.columns, self.features = columns, features
        self.column_names = list(columns)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name: str) -> list[Any]:
        return self.columns[name]


class ClassLabel:
    names = ("bad", "good")


@pytest.mark.parametrize("kind", ["polars", "lazy", "pandas", "hugging face"])
def test_frames_of_texts(kind: str) -> None:
    texts, labels = ["good film", "bad film", "good good", "bad bad"] * 5, ["good", "bad"] * 10
    frame: Any
    if kind == "hugging face":
        frame = Dataset(
            {"text": texts, "label": [ClassLabel.names.index(label) for label in labels]},
            {"text": None, "label": ClassLabel()},
        )
    elif kind == "pandas":
        frame = pytest.importorskip("pandas").DataFrame({"text": texts, "label": labels})
    else:
        frame = pl.DataFrame({"text": texts, "label": labels})
        frame = frame.lazy() if kind == "lazy" else frame
    model = SequenceClassifier(**TINY | {"max_steps": 30, "learning_rate": 0.03}).fit(frame)
    assert model.classes_.tolist() == ["bad", "good"]
    assert model.score(frame) == 1
    same = SequenceClassifier(**TINY | {"max_steps": 30, "learning_rate": 0.03}).fit(texts, labels)
    np.testing.assert_allclose(model.predict_proba(frame), same.predict_proba(texts), atol=1e-6)


def test_groups_of_a_frame_are_kept_apart() -> None:
    frame = pl.DataFrame(
        {"a": X[:, 0, 0], "b": X[:, 0, 1], "who": [f"p{n // 4}" for n in range(24)], "y": list("ab") * 12}
    )
    model = SequenceClassifier(**TINY | {"family": "feedforward", "group": "who", "target": "y"}).fit(frame)
    assert model.result_["valid"]["groups"] is not None
    assert model.result_["valid"]["count"] % 4 == 0
    assert model.predict(frame).shape == (24,)
    assert 0 <= model.score(frame) <= 1
    arrays = SequenceClassifier(**TINY).fit(X, Y, groups=np.arange(24) // 6)
    assert (arrays.result_["valid"]["groups"], arrays.result_["valid"]["count"]) == (1, 6)
    assert arrays.score(X, Y) == accuracy_score(Y, arrays.predict(X))


def test_probabilities_of_several_labels_are_those_of_each() -> None:
    low, high = (Y == 0).astype(int), (Y > 5).astype(int)
    settings = TINY | {"width": 16, "max_steps": 80, "learning_rate": 0.02}
    model = SequenceClassifier(**settings).fit(X, np.stack([low, high, 1 - high], axis=1))
    shares = model.predict_proba(X)
    assert ((shares >= 0) & (shares <= 1)).all()
    for column, truth in enumerate((low, high, 1 - high)):  # in the order of the columns of y
        assert roc_auc_score(truth, shares[:, column]) > 0.9
    assert not np.allclose(shares.sum(axis=1), 1), "they are not shares of one whole"
    np.testing.assert_array_equal(model.predict(X), shares >= 0.5)
    sets = [tuple(name for name, held in (("x", low[n]), ("w", high[n])) if held) for n in range(24)]
    named = SequenceClassifier(**settings).fit(X, sets)
    assert roc_auc_score(high, named.predict_proba(X)[:, named.classes_.tolist().index("w")]) > 0.9


def test_grid_search_inside_a_pipeline() -> None:
    def brighter(values: np.ndarray) -> np.ndarray:
        return values * 2

    pipeline = Pipeline([("scale", FunctionTransformer(brighter)), ("net", SequenceClassifier(**TINY))])
    search = GridSearchCV(pipeline, {"net__width": [4, 6], "net__family": ["gru", "lstm"]}, cv=2, error_score="raise")
    search.fit(X, Y)
    assert len(search.cv_results_["params"]) == 4
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    chosen = search.best_estimator_.named_steps["net"].get_params()
    assert {f"net__{name}": chosen[name] for name in ("width", "family")} == search.best_params_
    assert search.predict(X).shape == (24,)


@pytest.mark.parametrize(
    ("kind", "y"),
    [
        (SequenceRegressor, Y * 0.5),
        (SequenceTagger, [[int(value > 1) for value in x[:, 0]] for x in X]),
        (Transcriber, ["ab", "ba", "b"] * 8),
    ],
)
def test_others_are_searched_copied_and_pickled(kind: Any, y: Any) -> None:
    search = GridSearchCV(kind(**TINY), {"width": [4, 6]}, cv=2, error_score="raise").fit(list(X), y)
    assert np.isfinite(search.best_score_)
    best = search.best_estimator_
    predicted, again = best.predict(X), pickle.loads(pickle.dumps(best)).predict(X)
    for prediction, other in zip(predicted, again, strict=True):
        np.testing.assert_array_equal(prediction, other)
    with pytest.raises(NotFittedError):
        clone(best).predict(X)
