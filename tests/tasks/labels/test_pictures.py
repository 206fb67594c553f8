"""The pictures of a report show what was said beside what is true, for every task on records."""

import re
from typing import Any

import numpy as np
import pytest

from unrolled.data.encoders.categories import TokenTable
from unrolled.data.encoders.encoding import Encoding
from unrolled.data.encoders.numbers import Scaler
from unrolled.data.encoders.texts import fit_vocabulary
from unrolled.data.feeds.examples import NO_TARGET, Example, Examples
from unrolled.data.records import Events
from unrolled.tasks.labels.encoding import RecordEncoding
from unrolled.tasks.labels.targets.events import EventTarget
from unrolled.tasks.labels.targets.labels import ClassTarget, MultilabelTarget
from unrolled.tasks.labels.targets.numbers import NumberTarget
from unrolled.tasks.labels.targets.tags import TagTarget
from unrolled.tasks.transcribe.target import TranscriptTarget


def examples(targets: list[Any], *, steps: int = 4, tokens: np.ndarray | None = None) -> Examples:
    made = Examples()
    for number, target in enumerate(targets):
        noise = np.random.default_rng(number).normal(size=(steps, 1)).astype(np.float32)
        numbers = noise if tokens is None else None
        made.append(Example(numbers, tokens, np.asarray(target)), f"clip{number}.wav")
    return made


def rows(html: str) -> list[list[str]]:
    """The cells of a table, row by row."""
    return [re.findall(r"<td>(.*?)</td>", row) for row in html.split("<tr>")[2:]]


def test_classes() -> None:
    encoding = RecordEncoding((), "classify", ClassTarget("y", ("cat", "dog")))
    part = examples([0, 1, 1, NO_TARGET])
    answers = [np.array(shares, dtype=np.float32) for shares in ([0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [1, 0])]
    (name, matrix), (other, bars) = encoding.target.pictures(part, answers, encoding)
    assert (name, other) == ("Confusion matrix", "Each class")
    assert re.findall(r"<title>(dog taken for cat: .*?)</title>", matrix) == ["dog taken for cat: 1 of 2"]
    assert re.findall(r"<title>(dog: F1 \S+)", bars) == ["dog: F1 0.6667"]
    assert ">records</text>" in bars
    assert encoding.target.pictures(examples([NO_TARGET]), answers[:1], encoding) == []


def test_several_labels_at_once() -> None:
    encoding = RecordEncoding((), "classify", MultilabelTarget("y", ("news", "sport")))
    part = examples([np.array(held, dtype=np.float32) for held in ([1, 1], [1, 0], [0, 0], [np.nan, np.nan])])
    answers = [np.array(shares, dtype=np.float32) for shares in ([0.9, 0.2], [0.6, 0.7], [0.1, 0.1], [1, 1])]
    ((name, bars),) = encoding.target.pictures(part, answers, encoding)
    assert name == "Each label"
    assert re.findall(r"<title>(\w+): F1 ([\d.]+)", bars) == [("news", "1"), ("sport", "0")]


def test_values_in_their_units() -> None:
    target = NumberTarget("y", ("rent",), Scaler.fit(np.array([[100.0], [300.0]]), "standard"))
    part = examples([target.encode(np.array([value])) for value in (100.0, 200.0, 300.0)])
    ((name, chart),) = target.pictures(part, [np.array([v]) for v in (100, 210, 290)], Encoding(()))
    assert name == "Predicted against true values"
    assert "rent" in chart
    assert chart.count("<circle") == 3
    assert "200" in re.findall(r"<text[^>]*>([\d,.]+)</text>", chart), "the axis is in the units of the target"


def test_tagged_sentences_show_where_truth_and_prediction_differ() -> None:
    table = TokenTable.fit("token", [["Anna", "ran", "home"]] * 2, min_count=1)
    encoding = RecordEncoding((table,), "tag", TagTarget("y", ("O", "B-P")))
    words = encoding.words[0]
    tokens = np.array([[words.index(word) + 1] for word in ("Anna", "ran", "home")], dtype=np.int64)
    probabilities = np.array([[0.1, 0.9], [0.2, 0.8], [0.9, 0.1]], dtype=np.float32)
    pictures = dict(encoding.target.pictures(examples([[1, 0, 0]], tokens=tokens), [probabilities], encoding))
    sentence = pictures["Tagged examples"]
    assert re.findall(r"<b>(\w+)</b>", sentence) == ["Anna", "ran", "home"]
    assert sentence.count("wrong") == 1
    assert ">spans</text>" in pictures["Each tag"]
    steps = RecordEncoding((), "tag", TagTarget("y", ("rest", "walk")))
    pictures = dict(steps.target.pictures(examples([[1, 0, 0]], steps=3), [probabilities], steps))
    assert ">steps</text>" in pictures["Each tag"]
    assert "A stretch with its tags" in pictures


def test_events_on_the_signal() -> None:
    target = EventTarget("y", ("event",), 50.0, 1)
    marks = target.encode(Events(np.array([20, 60, 90]), ("event",) * 3), 120, 50.0)
    heard = target.encode(Events(np.array([21, 60]), ("event",) * 2), 120, 50.0)
    answer = np.stack([heard == 0, heard > 0], axis=1).astype(np.float32)
    ((name, chart),) = target.pictures(examples([marks], steps=120), [answer], Encoding(()))
    assert name == "Events"
    assert "clip0.wav" in chart
    assert "3 true events, 1 missed, 0 invented" in chart
    assert ">seconds</text>" in chart


def test_transcripts_stand_beside_the_truth() -> None:
    target = TranscriptTarget("y", fit_vocabulary("char", lambda: iter(["ab <"])))
    classes = len(target.vocabulary) + 1

    def says(text: str) -> np.ndarray:
        path = np.zeros(8, dtype=np.int64)
        codes = target.encode(text)
        path[: 2 * len(codes) : 2] = codes
        return np.log(np.eye(classes, dtype=np.float32)[path] + 1e-6)

    part = examples([target.encode("a<b"), target.encode("ba"), target.encode(None), target.encode("b")], steps=8)
    answers = [says(text) for text in ("a<b", "bb", "a", "")]
    ((name, table),) = target.pictures(part, answers, Encoding(()))
    assert name == "Transcripts"
    assert rows(table) == [["a&lt;b", "a&lt;b", "0"], ["ba", "bb", "1"], ["b", "<small>(nothing)</small>", "1"]]


@pytest.mark.parametrize("count", [9, 11, 25, 200])
def test_not_too_many_transcripts(count: int) -> None:
    target = TranscriptTarget("y", fit_vocabulary("char", lambda: iter(["a"])))
    silent = np.zeros((4, len(target.vocabulary) + 1), dtype=np.float32)
    part = examples([target.encode("a")] * count)
    ((_, table),) = target.pictures(part, [silent] * count, Encoding(()))
    assert len(rows(table)) == min(count, 10)
