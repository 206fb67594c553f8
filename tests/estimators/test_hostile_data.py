"""Whatever a program gives to an estimator that is no data ends in one sentence, and what it may rely on stays."""

import datetime
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from unrolled import (
    Forecaster,
    SequenceClassifier,
    SequenceRegressor,
    SequenceTagger,
    Transcriber,
    Translator,
)
from unrolled.errors import UserError
from unrolled.estimators.intake import whole_number

SMALL: dict[str, Any] = {"max_steps": 1, "family": "gru", "width": 4, "layers": 1}
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(24, 6, 2))
LABELS = np.array(["a", "b"] * 12)
TEXTS = ["a", "b"] * 12


class Broken:
    def __len__(self) -> int:
        return 3

    def __iter__(self) -> Any:
        raise RuntimeError("no")


NO_DATA: dict[str, Any] = {
    "None": None,
    "bytes": b"bytes",
    "a number": 3,
    "a truth value": True,
    "NaN": float("nan"),
    "an object": object(),
    "a function": len,
    "a class": int,
    "a date": datetime.date(2020, 1, 1),
    "an iterator": iter([1, 2]),
    "a set": {1, 2},
    "a list of None": [None] * 24,
    "None and a number": [None, 1],
    "an array without an axis": np.array(3.0),
    "objects": np.array([object()] * 24, dtype=object),
    "objects in rows": np.array([[object()]] * 24, dtype=object),
    "mappings": [{"a": 1}] * 24,
    "all NaN": np.full((24, 6, 2), np.nan),
    "lists of NaN": [[np.nan] * 4] * 24,
    "complex numbers": np.zeros((24, 6, 2), dtype=complex),
    "times": np.array(["2020-01-01"] * 24, dtype="M8[D]"),
    "records of NumPy": np.zeros(24, dtype=[("a", "f4")]),
    "five axes": np.zeros((2, 3, 4, 5, 6)),
    "nothing": np.zeros((0, 5, 2)),
    "an empty list": [],
    "an empty text": "",
    "a long text": "x" * 5000,
    "what breaks": Broken(),
}
NO_TEXTS = {name: value for name, value in NO_DATA.items() if name not in ("an empty text", "a long text")}


def refused(use: Callable[[], Any]) -> None:
    with pytest.raises(UserError) as caught:
        use()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("name", NO_DATA)
def test_fit(name: str) -> None:
    bad = NO_DATA[name]
    for estimator in (SequenceClassifier, SequenceRegressor, SequenceTagger, Transcriber):
        refused(lambda kind=estimator: kind(**SMALL).fit(bad, LABELS))
    refused(lambda: Forecaster(max_steps=1, width=4).fit(bad))
    refused(lambda: Translator(**SMALL).fit(bad, TEXTS))
    refused(lambda: Translator(**SMALL).fit(TEXTS, bad))


@pytest.mark.parametrize("name", ["None", "a number", "NaN", "an object", "a function", "an array without an axis"])
def test_targets(name: str) -> None:
    for estimator in (SequenceClassifier, SequenceRegressor, SequenceTagger, Transcriber):
        refused(lambda kind=estimator: kind(**SMALL).fit(X, NO_DATA[name]))


@pytest.mark.parametrize("y", [np.full(24, np.nan), [None] * 24, [float("nan")] * 24])
def test_targets_that_are_all_missing(y: Any) -> None:
    for estimator in (SequenceClassifier, SequenceRegressor, SequenceTagger, Transcriber):
        with pytest.raises(UserError, match=r"^y holds no value: everything in it is missing; "):
            estimator(**SMALL).fit(X, y)


def test_half_a_character() -> None:
    half = ["a \ud800", "b c"] * 12
    for use in (
        lambda: SequenceClassifier(**SMALL).fit(half, LABELS),
        lambda: SequenceClassifier(**SMALL).fit(TEXTS, half),
        lambda: SequenceTagger(**SMALL).fit([["a", "\udfff"]] * 24, [["x", "y"]] * 24),
        lambda: Translator(**SMALL).fit(half, TEXTS),
        lambda: Translator(**SMALL).fit(TEXTS, half),
    ):
        with pytest.raises(UserError, match=r"^[Xy] holds half a character \(a surrogate\)"):
            use()


def test_words_for_numbers() -> None:
    with pytest.raises(UserError, match=r"^X holds what is no number; give a series as an array \[time\]"):
        Forecaster().fit(["a"] * 300)
    with pytest.raises(UserError, match=r"^X\[1\] holds what is no number"):
        Forecaster().fit([[1.0, 2.0], ["a", "b"]])


@pytest.fixture(scope="module")
def fitted() -> dict[str, Any]:
    series = RANDOM.normal(size=(60, 2))
    return {
        "classifier": SequenceClassifier(**SMALL).fit(X, LABELS),
        "words": SequenceClassifier(**SMALL).fit([["a", "b"], ["b", "c", "a"]] * 12, LABELS),
        "regressor": SequenceRegressor(**SMALL).fit(X, RANDOM.normal(size=24)),
        "tagger": SequenceTagger(**SMALL).fit(X, [np.array(["a", "b"] * 3)] * 24),
        "forecaster": Forecaster(max_steps=1, width=4, context=8, horizon=2).fit(series),
        "translator": Translator(**SMALL).fit(TEXTS, ["ab", "ba"] * 12),
    }


@pytest.mark.parametrize("kind", ["classifier", "words", "regressor", "tagger", "forecaster", "translator"])
def test_predict_and_score(kind: str, fitted: dict[str, Any]) -> None:
    model = fitted[kind]
    for name, bad in NO_DATA.items():
        if kind == "translator" and name in ("an empty list", "nothing"):
            continue  # no texts have no translations
        refused(lambda bad=bad: model.predict(bad))
        refused(lambda bad=bad: model.score(bad) if kind == "forecaster" else model.score(bad, LABELS))


@pytest.mark.parametrize("kind", ["classifier", "regressor", "tagger", "translator"])
def test_score_against_what_is_no_target(kind: str, fitted: dict[str, Any]) -> None:
    for name, bad in NO_TEXTS.items():
        if name != "None":
            refused(lambda bad=bad: fitted[kind].score(TEXTS if kind == "translator" else X, bad))
    refused(lambda: fitted[kind].score(TEXTS if kind == "translator" else X, LABELS[:3]))


@pytest.mark.parametrize("horizon", [0, -1, 2.5, "3", True, [1], np.zeros(2), float("nan"), 10**30])
def test_horizons(horizon: Any, fitted: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"horizon is .*; give a whole number from 1 on"):
        whole_number(horizon, "horizon", 1)
    if isinstance(horizon, int):
        with pytest.raises(UserError, match=r"horizon is .*; give a whole number from 1 on"):
            fitted["forecaster"].predict(RANDOM.normal(size=(20, 2)), horizon=horizon)


def test_a_column_of_objects() -> None:
    refused(lambda: SequenceClassifier(**SMALL).fit(pd.DataFrame({"a": [object()] * 24})))


SCRIPT = """
import random, sys, threading, warnings
import numpy as np, torch
from unrolled import SequenceClassifier, Forecaster, LanguageModel, Translator
from unrolled.errors import UserError

def states():
    kind, keys, *rest = np.random.get_state()
    return random.getstate(), kind, keys.tolist(), rest, torch.get_rng_state().tolist(), torch.get_num_threads()

X, y = np.random.default_rng(0).normal(size=(24, 6, 2)), np.array(["a", "b"] * 12)
small = dict(max_steps=3, family="gru", width=4, layers=1)

def fit():
    return SequenceClassifier(**small, dropout=0.2).fit(X, y).predict_proba(X)

random.seed(5); np.random.seed(6); torch.manual_seed(7)
before = states()
one = fit()
assert states() == before
Forecaster(max_steps=1, width=4, context=8, horizon=2).fit(X[:, :, 0].ravel())
assert states() == before
Translator(**small).fit(["a", "b"] * 12, ["ab", "ba"] * 12)
assert states() == before
model = LanguageModel(silent=True, run=sys.argv[1], **small).fit("abc abd\\n" * 200)
assert states() == before
LanguageModel.from_pretrained(sys.argv[1])
assert states() == before
def refused(use):
    try:
        use()
    except UserError as error:
        assert "\\n" not in str(error)
    else:
        raise AssertionError("not refused")

refused(lambda: SequenceClassifier(**small).fit(None, y))
for bad in (None, b"some bytes", 3, float("nan"), object(), [None], [[]], [b"a"], np.zeros(3), {}, len):
    refused(lambda: LanguageModel(silent=True, **small).fit(bad))
    refused(lambda: model.score(bad))
    refused(lambda: model.generate(bad, length=1))
    refused(lambda: model.stream().feed_text(bad))
for bad in (-1, 2.5, "3", [], float("nan"), True):
    refused(lambda: model.generate("a", length=bad))
    refused(lambda: model.generate("a", seed=bad))
refused(lambda: model.generate("a", temperature="hot"))
refused(lambda: model.generate("a", top_k=1.5))
assert states() == before

found = [None] * 3
def work(number):
    found[number] = fit()
threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert all(np.array_equal(one, other) for other in found)
assert states() == before
print("all the same")
"""


def test_random_numbers_of_the_program_and_fits_in_threads(tmp_path: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "run")], capture_output=True, text=True, check=False
    )
    assert done.stdout == "all the same\n", done.stderr
