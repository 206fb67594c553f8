"""The translator: scikit-learn's habits, and the same answers as the command line."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sacrebleu.metrics import BLEU
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score

from small_pairs import reversals
from unrolled import SequenceClassifier, Translator
from unrolled.errors import UserError

TINY: dict[str, Any] = {"family": "gru", "width": 8, "layers": 1, "max_steps": 40, "batch_size": 8, "precision": "32"}
PAIRS = reversals(60)
X, Y = [source for source, _ in PAIRS], [target for _, target in PAIRS]


@pytest.fixture(scope="module")
def translator() -> Translator:
    return Translator(**TINY).fit(X, Y)


def test_settings_are_as_in_scikit_learn() -> None:
    made = Translator(width=16, attention="none", share_vocabulary=True)
    settings = made.get_params()
    assert (settings["width"], settings["attention"], settings["share_vocabulary"]) == (16, "none", True)
    assert clone(made).get_params() == settings
    with pytest.raises(TypeError, match="did you mean 'width'"):
        Translator(widht=3)
    with pytest.raises(NotFittedError):
        made.predict(["a"])


def test_texts_in_texts_out(translator: Translator) -> None:
    predicted = translator.predict(X[:7])
    assert len(predicted) == 7
    assert all(isinstance(text, str) for text in predicted)
    assert translator.predict(np.array(X[:7])) == predicted
    assert translator.predict([]) == []
    assert translator.predict(["", X[0]]) == ["", predicted[0]]
    assert translator.result_["valid"]["count"] == 6
    assert "run" not in translator.result_


def test_the_score_is_bleu(translator: Translator) -> None:
    targets = ["some words of a sentence", "and some more of these words"]
    sources = ["ab", "cd"]
    expected = BLEU(force=True).corpus_score(translator.predict(sources), [targets]).score / 100
    assert translator.score(sources, targets) == pytest.approx(expected)
    scores = translator.evaluate(X, Y)
    assert scores["metrics"]["chrf"]["value"] > 0
    assert scores["baseline"]["name"] == "the source copied"


def test_it_is_saved_and_copied(translator: Translator, tmp_path: Path) -> None:
    predicted = translator.predict(X[:5])
    translator.save_pretrained(tmp_path / "model")
    assert Translator.from_pretrained(tmp_path / "model").predict(X[:5]) == predicted
    assert pickle.loads(pickle.dumps(translator)).predict(X[:5]) == predicted
    with pytest.raises(UserError, match="is a model for translate, and SequenceClassifier is for classify"):
        SequenceClassifier.from_pretrained(tmp_path / "model")


def test_a_path_is_the_same_as_lists(translator: Translator, tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{source}\t{target}\n" for source, target in PAIRS))
    made = Translator(**TINY).fit(path)
    assert made.predict(X[:5]) == translator.predict(X[:5])
    assert made.predict(path) == translator.predict(X)
    assert made.score(path) == pytest.approx(translator.score(X, Y))
    with pytest.raises(UserError, match="leave y out"):
        Translator(**TINY).fit(path, Y)


@pytest.mark.parametrize(
    ("sources", "targets", "message"),
    [
        (X, None, "y is missing"),
        (X, Y[:-1], "X has 60 texts and y has 59"),
        ([1, 2], ["a", "b"], r"X\[0\] is 1, expected a text"),
        (["a", "b"], ["c", None], r"y\[1\] is None, expected a text"),
        (["a"], ["b"], "1 pair is too little"),
    ],
)
def test_what_cannot_be_learned(sources: Any, targets: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Translator(**TINY).fit(sources, targets)


def test_it_is_searched_and_cross_validated() -> None:
    short = TINY | {"max_steps": 2}
    assert np.isfinite(cross_val_score(Translator(**short), X, Y, cv=2, error_score="raise")).all()
    search = GridSearchCV(Translator(**short), {"attention": ["none", "additive"]}, cv=2, error_score="raise")
    assert search.fit(X, Y).best_params_["attention"] in ("none", "additive")
    assert len(search.predict(X[:3])) == 3
