"""A text whose every letter is said by the next step: who waits for a step can write it down, others cannot."""

import contextlib

import numpy as np
import pytest
import torch

from unrolled.data.encoders.characters import CharVocabulary
from unrolled.data.feeds.delayed_records import Delayed
from unrolled.data.feeds.examples import Example, Examples, collate
from unrolled.estimators.records import Transcriber
from unrolled.models.config import ModelConfig
from unrolled.models.on_device import on_device
from unrolled.models.records import InputSizes, RecordInputs, RecordNetwork
from unrolled.objectives.ctc import ctc_loss
from unrolled.tasks.labels.answers import RecordModel
from unrolled.tasks.labels.encoding import RecordEncoding
from unrolled.tasks.labels.objective import RecordObjective
from unrolled.tasks.transcribe.target import TranscriptTarget


def records(count: int) -> tuple[list[np.ndarray], list[str]]:
    """As many letters as steps, no two alike in a row, so that each must be written at its own step."""
    random, series, texts = np.random.default_rng(count), [], []
    for _ in range(count):
        steps = np.cumsum(random.integers(1, 4, size=random.integers(6, 10))) % 4
        series.append(np.eye(4, dtype=np.float32)[steps])
        texts.append("".join("abcd"[step] for step in steps[1:]) + "e")
    return series, texts


def fitted(**settings: object) -> Transcriber:
    chosen = {"family": "gru", "layers": 1, "width": 24, "members": 1, "dropout": 0.0, "augment": "none"} | settings
    return Transcriber(max_steps=90, learning_rate=2e-2, precision="32", silent=True, **chosen).fit(*records(200))


def test_waiting_buys_the_letters_that_come_late() -> None:
    waits = fitted(lookahead=1)
    network = waits._model.loaded.model.network
    assert (network.latency, network.supports_step) == (1, True)
    X, y = records(40)
    assert waits.score(X, y) > 0.95
    assert fitted(causal=True).score(X, y) < 0.8


def test_the_record_is_followed_by_blank_steps_and_the_first_answers_are_none() -> None:
    """Beside the plain network on each record by itself, with steps of zeros after it."""
    target = TranscriptTarget("y", CharVocabulary.fit(["abc"]))
    config = ModelConfig(family="gru", layers=1, width=8, bidirectional=False, lookahead=2)
    network = RecordNetwork(InputSizes(4), target.outputs, config, pooled=False).eval()
    model = RecordModel(network, RecordEncoding((), "transcribe", target), 1)
    examples = Examples()
    for steps in (5, 3):
        values = np.random.default_rng(steps).normal(size=(steps, 4)).astype(np.float32)
        examples.append(Example(values, None, np.array([1, 2])), "")
    losses = []
    for number, answer in enumerate(model.answers(examples)):
        values = examples[number].numbers
        assert values is not None
        longer = torch.from_numpy(np.concatenate([values, np.zeros((2, 4), np.float32)]))[None]
        with torch.no_grad():
            plain = model.network.answers(RecordInputs(longer))[0].log_softmax(-1)[:, 2:]
        np.testing.assert_allclose(answer, plain[0], atol=1e-5)
        losses.append(float(ctc_loss(plain, torch.tensor([[0, 1]]))[0]))
    delayed = Delayed(examples, 2, per_step=False)
    batch = on_device(collate([delayed[0], delayed[1]], per_step=False, texts=True), torch.device("cpu"))
    objective = RecordObjective(model.network, model.encoding.target, autocast=contextlib.nullcontext())
    assert float(objective(batch, None)[0].detach()) == pytest.approx(sum(losses), rel=1e-4)
