"""The learning curve of a fit."""

import json
from pathlib import Path

import numpy as np
import pytest

from unrolled import Forecaster, LanguageModel, SequenceClassifier

X, Y = np.random.default_rng(0).normal(size=(40, 5, 2)), np.array([0, 1] * 20)


def test_it_is_what_the_run_wrote(tmp_path: Path) -> None:
    settings = {"family": "gru", "width": 4, "layers": 1, "members": 1, "batch_size": 4}
    run = tmp_path / "run"
    model = SequenceClassifier(**settings, max_steps=25, validate_every=5, run=run).fit(X, Y)
    curve = model.history_
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert curve["step"].tolist() == sorted({record["step"] for record in records})
    assert len({len(column) for column in curve.values()}) == 1
    for kind, prefix in (("train", ""), ("validation", "valid_")):
        those = [record for record in records if record["kind"] == kind]
        for name in ("loss", *(["accuracy"] if prefix else ["learning_rate", "gradient_norm"])):
            column = curve[prefix + name]
            known = ~np.isnan(column)
            assert curve["step"][known].tolist() == [record["step"] for record in those] != []
            assert column[known].tolist() == [record[name] for record in those]
    assert SequenceClassifier(**settings, max_steps=25, validate_every=5).fit(X, Y).history_["valid_loss"].tolist() == (
        pytest.approx(curve["valid_loss"].tolist(), nan_ok=True)
    )


def test_others_have_one(tmp_path: Path) -> None:
    text = LanguageModel(family="gru", width=8, max_steps=3, silent=True, run=tmp_path / "run").fit(
        "The cat sat.\n" * 99
    )
    series = Forecaster(max_steps=3, width=4, context=8, horizon=2).fit(np.arange(60.0))
    for model in (text, series):
        assert model.history_["step"][-1] == 3
        assert np.isfinite(model.history_["loss"][-1])
        assert np.isfinite(model.history_["valid_loss"][-1])
