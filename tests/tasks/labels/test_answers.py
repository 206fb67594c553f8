"""What a causal model says about a whole record is what it says step by step."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unrolled.data.config import DataConfig
from unrolled.models.config import ModelConfig
from unrolled.models.records import RecordInputs
from unrolled.tasks.labels.answers import RecordModel
from unrolled.tasks.labels.dataset import Dataset, prepare_records
from unrolled.tasks.labels.train import make_network

LENGTHS = [30, 3, 11, 8]


@pytest.fixture(scope="module")
def sentences(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    random, lines = np.random.default_rng(0), []
    for length in LENGTHS * 3:
        lines += [f"{word}\t{tag}" for word, tag in random.choice(["a", "b", "c"], (length, 2))] + [""]
    path: Path = tmp_path_factory.mktemp("sentences") / "words.conll"
    path.write_text("\n".join(lines))
    return prepare_records([str(path)], DataConfig(), task="tag")


def make_model(dataset: Dataset, steps_in_row: int, **settings: Any) -> RecordModel:
    config = ModelConfig(
        **{"layers": 1, "width": 8, "heads": 2, "kv_heads": 2, "embedding_size": 4, "bidirectional": False} | settings
    )
    return RecordModel(make_network(dataset.encoding, config, 0, steps=64), dataset.encoding, steps_in_row)


def step_by_step(model: RecordModel, tokens: np.ndarray) -> np.ndarray:
    """Probabilities of the tags, the last ones after as many blank steps as the model waits."""
    network = model.network.eval()
    delay = network.latency
    steps = np.concatenate([tokens, np.zeros((delay, tokens.shape[1]), dtype=tokens.dtype)])
    state, probabilities = network.initial_state(1), []
    with torch.no_grad():
        for step in steps:
            y, state = network.step(RecordInputs(None, torch.from_numpy(step)[None]), state)
            probabilities.append(y[0].softmax(-1).mean(0).numpy())
    return np.stack(probabilities)[delay:]


CAUSAL: dict[str, dict[str, Any]] = {
    "gru": {"family": "gru"},
    "lstm of two members": {"family": "lstm", "members": 2},
    "transformer": {"family": "transformer", "positions": "rotary", "window": 4},
    "convolution": {"family": "convolution", "kernel": 3},
    "inception": {"family": "inception", "kernel": 4},
    "gru that waits": {"family": "gru", "lookahead": 3},
}


@pytest.mark.parametrize("name", CAUSAL)
@pytest.mark.parametrize("window", [8, 64])
def test_records_longer_than_a_row_are_read_as_a_stream(name: str, window: int, sentences: Dataset) -> None:
    model = make_model(sentences, window, **CAUSAL[name])
    shown: list[tuple[int, int]] = []
    answers = model.answers(sentences.train, lambda done, total: shown.append((done, total)))
    assert shown[-1] == (len(sentences.train), len(sentences.train))
    assert max(sentences.train.lengths) == 30
    for number, answer in enumerate(answers):
        wanted = step_by_step(model, sentences.train[number].tokens)  # type: ignore[arg-type]
        assert answer.shape == (sentences.train.lengths[number], len(sentences.encoding.target.labels))  # type: ignore[union-attr]
        np.testing.assert_allclose(answer, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "settings", [{"family": "gru", "bidirectional": True}, {"family": "transformer", "positions": "learned"}]
)
def test_others_read_long_records_in_windows(settings: dict[str, Any], sentences: Dataset) -> None:
    """Of the whole record such a model knows nothing that training showed."""
    model = make_model(sentences, 8, **settings)
    whole = make_model(sentences, 64, **settings)
    for answer, other in zip(model.answers(sentences.train), whole.answers(sentences.train), strict=True):
        assert np.allclose(answer, other, atol=1e-5) == (len(answer) <= 8)
