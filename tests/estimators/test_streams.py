"""Every estimator is asked for a live stream in the same way."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from unrolled import Forecaster, LanguageModel, SequenceClassifier, SequenceRegressor, Translator
from unrolled.errors import UserError


def test_a_forecast_runs_live() -> None:
    series = np.sin(np.arange(80) / 3)
    model = Forecaster(max_steps=3, width=4, context=8, horizon=3).fit(series)
    stream = model.stream()
    for number, value in enumerate(series[:20], start=1):
        answer = stream.feed({stream.encoding.columns[0]: float(value)})
        if number == 12:
            saved = stream.save()
    (forecast,) = answer["forecast"].values()
    assert forecast["prediction"] == pytest.approx(model.predict(series[:20])[:, 0].tolist(), abs=1e-5)
    other = model.stream()
    other.load(saved)
    for value in series[12:20]:
        again = other.feed({stream.encoding.columns[0]: float(value)})
    assert again == answer


def test_a_text_runs_live(tmp_path: Path) -> None:
    model = LanguageModel(family="gru", width=8, max_steps=2, silent=True, run=tmp_path / "r").fit(
        "The cat sat.\n" * 50
    )
    stream = model.stream(top=3)
    steps = stream.feed_text("The ")
    assert [len(step.next) for step in steps] == [3] * 4
    other = model.stream(top=3)
    other.load(stream.save())
    assert other.feed(1) == stream.feed(1)


@pytest.mark.parametrize("kind", [SequenceClassifier, SequenceRegressor])
def test_records_run_live(kind: type) -> None:
    X, y = np.random.default_rng(0).normal(size=(24, 7, 2)), np.arange(24) % 2
    model = kind(family="gru", width=4, layers=1, max_steps=2, bidirectional=False).fit(
        X, y if kind is SequenceClassifier else y / 3
    )
    stream = model.stream()
    told = [*stream.feed({"X": X[3, :1]}), *stream.feed({"X": X[3, 1:]})]
    assert [answer["step"] for answer in told] == list(range(1, 8))
    saved, last = stream.save(), stream.feed({"end": True})
    if kind is SequenceClassifier:
        assert list(last[-1]["probabilities"].values()) == pytest.approx(model.predict_proba(X)[3].tolist(), abs=1e-5)
    else:
        assert last[-1]["prediction"] == pytest.approx(float(model.predict(X)[3]), abs=1e-5)
    other = model.stream()
    other.load(saved)
    assert other.feed({"end": True}) == last


def test_others_say_so() -> None:
    X, Y = np.random.default_rng(0).normal(size=(24, 5, 2)), np.array([0, 1] * 12)
    model = SequenceClassifier(family="gru", width=4, layers=1, max_steps=1, bidirectional=True).fit(X, Y)
    with pytest.raises(UserError, match="both ends, so it cannot run live; train one that can with causal=True"):
        model.stream()
    for kind in (SequenceClassifier, Forecaster, LanguageModel, Translator):
        with pytest.raises(NotFittedError):
            kind().stream()


def test_a_translation_is_written_live() -> None:
    model = Translator(family="gru", width=8, layers=1, max_steps=3, batch_size=8).fit(
        ["a b", "c"] * 12, ["x", "y z"] * 12
    )
    told = list(model.stream().feed({"source": "a b"}))
    assert told[-1]["end"]
    assert [answer["step"] for answer in told[:-1]] == list(range(1, len(told)))
