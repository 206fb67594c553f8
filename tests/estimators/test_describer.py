"""The describer: labels and numbers in, sequences out, and the same answers as the command line."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from unrolled import SequenceClassifier, SequenceDescriber
from unrolled.cli.main import main
from unrolled.errors import UserError

TINY: dict[str, Any] = {"family": "gru", "width": 8, "layers": 1, "max_steps": 3, "precision": "32", "batch_size": 8}
LABELS = ["low", "high"] * 15
KNOWN = [{"style": label, "speed": float(number % 5)} for number, label in enumerate(LABELS)]
TEXTS = ["aab", "xyyz"] * 15
WORDS = [["do", "re"], ["mi", "fa", "so"]] * 15
CURVES = [np.sin(np.arange(6) / 2) * (1 + number % 2) for number in range(30)]


@pytest.fixture(scope="module")
def tunes() -> SequenceDescriber:
    return SequenceDescriber(**TINY | {"width": 24, "max_steps": 150, "learning_rate": 0.03}).fit(LABELS, TEXTS)


def test_it_learns_what_belongs_to_what(tunes: SequenceDescriber) -> None:
    assert tunes.predict(["low", "high"], temperature=0.0) == ["aab", "xyyz"]
    assert tunes.generate("high", temperature=0.0, samples=2) == ["xyyz"] * 2
    assert tunes.generate("high", temperature=0.0, length=2) == ["xy"]
    assert tunes.score(LABELS, TEXTS) > tunes.score(LABELS, TEXTS[::-1])
    assert tunes.evaluate(LABELS, TEXTS)["count"] == 30
    assert np.nanmin(tunes.history_["valid_loss"]) < 0.1
    assert tunes.predict(LABELS, seed=3, temperature=1.0) == tunes.predict(LABELS, seed=3, temperature=1.0)


def test_it_is_an_estimator(tunes: SequenceDescriber, tmp_path: Path) -> None:
    assert clone(tunes).get_params() == tunes.get_params()
    predicted = tunes.predict(LABELS[:4])
    assert pickle.loads(pickle.dumps(tunes)).predict(LABELS[:4]) == predicted
    tunes.save_pretrained(tmp_path / "model")
    assert SequenceDescriber.from_pretrained(tmp_path / "model").predict(LABELS[:4]) == predicted
    with pytest.raises(UserError, match="is a model for describe, and SequenceClassifier is for classify"):
        SequenceClassifier.from_pretrained(tmp_path / "model")
    with pytest.raises(NotFittedError):
        SequenceDescriber().generate("low")


@pytest.mark.parametrize("y", [TEXTS, WORDS, CURVES])
@pytest.mark.parametrize("given", ["dictionaries", "pandas", "polars"])
def test_what_is_known_and_what_is_written(given: str, y: list[Any]) -> None:
    X = {"dictionaries": lambda: KNOWN, "pandas": lambda: pd.DataFrame(KNOWN), "polars": lambda: pl.DataFrame(KNOWN)}[
        given
    ]()
    model = SequenceDescriber(**TINY).fit(X, y)
    written = model.predict(X)
    assert len(written) == 30
    assert all(isinstance(sequence, type(y[0])) for sequence in written)
    plain = SequenceDescriber(**TINY).fit(KNOWN, y).predict(KNOWN)
    assert all(np.array_equal(sequence, other) for sequence, other in zip(written, plain, strict=True))
    (generated,) = model.generate({"style": "low", "speed": 2.0}, seed=0)
    assert isinstance(generated, type(y[0]))
    assert np.isfinite(model.score(X, y))


def test_numbers_are_known() -> None:
    numbers = np.arange(30.0)
    for X in (numbers, numbers.tolist(), np.stack([numbers, numbers**2], axis=1)):
        model = SequenceDescriber(**TINY).fit(X, CURVES)
        assert len(model.predict(X)[0]) >= 0
    assert len(SequenceDescriber(**TINY).fit(numbers, CURVES).generate(3.5)) == 1


def test_a_file_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, run = tmp_path / "tunes.jsonl", tmp_path / "run"
    file.write_text("".join(json.dumps({"style": s, "tune": w}) + "\n" for s, w in zip(LABELS, WORDS, strict=True)))
    model = SequenceDescriber(**TINY, target="tune", run=run).fit(file)
    assert main(["predict", str(run), str(file), "-o", str(tmp_path / "out.jsonl")]) == 0
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["tune"] for row in rows] == [" ".join(words) for words in model.predict(file)] or [
        row["tune"] for row in rows
    ] == model.predict(file)
    assert model.score(file) == pytest.approx(model.score([{"style": label} for label in LABELS], WORDS), rel=1e-5)
    with pytest.raises(UserError, match="leave y out"):
        model.fit(file, WORDS)


def test_it_writes_live(tunes: SequenceDescriber) -> None:
    stream = tunes.stream(seed=5)
    told = list(stream.feed({"condition": "low"}))
    assert told[-1]["sequence"] == tunes.generate("low", seed=5)[0]
    assert told[-1]["end"]


@pytest.mark.parametrize(
    ("X", "y", "sentence"),
    [
        (LABELS, None, "SequenceDescriber requires y to be passed"),
        (LABELS, TEXTS[:-1], "X has 30 records and y has 29"),
        (LABELS, ["a", ["b"]] * 15, r"y\[1\] is another kind of sequence than y\[0\]"),
        (LABELS, [np.ones((3, 2))] * 30, r"y\[0\] has the shape \(3, 2\)"),
        ([], [], "X has no records|X has no records; give"),
        (None, TEXTS, "X is missing"),
    ],
)
def test_what_cannot_be_learned(X: Any, y: Any, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        SequenceDescriber(**TINY).fit(X, y)


def test_what_is_not_known(tunes: SequenceDescriber) -> None:
    with pytest.raises(UserError, match=r"condition=hihg: training had no such condition; did you mean 'high'\?"):
        tunes.generate("hihg")
    with pytest.raises(UserError, match="the model reads no style"):
        tunes.generate({"style": "low"})
    with pytest.raises(TypeError, match="no sampling setting 'temprature'; did you mean 'temperature'"):
        tunes.generate("low", temprature=1.0)
