"""A live stream says of a record what `predict` says of the whole, whatever the pieces, also from a saved state."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from unrolled.data.config import DataConfig
from unrolled.data.feeds.examples import Examples
from unrolled.data.records import Events, Field, Record
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.models.records import InputSizes, RecordNetwork
from unrolled.tasks.labels.answers import RecordModel
from unrolled.tasks.labels.encoding import fit_encoding
from unrolled.tasks.labels.stream import RecordStream
from unrolled.tasks.schema import Schema

FAMILIES: dict[str, dict[str, Any]] = {
    "rnn": {"family": "rnn"},
    "gru": {"family": "gru"},
    "transformer": {"family": "transformer", "heads": 2, "positions": "rotary"},
    "windowed": {"family": "transformer", "heads": 2, "positions": "alibi", "window": 6},
    "convolution": {"family": "convolution", "bidirectional": False, "kernel": 3},
    "inception": {"family": "inception", "bidirectional": False, "kernel": 4},
    "waits": {"family": "gru", "bidirectional": False, "lookahead": 3},
}
LENGTH = 60
AIR = Field("air", "numeric", True, ("temp", "wind"))
HEART = Field("signal", "signal", True, ("II",), 250.0)
SOUND = Field("audio", "signal", True, ("audio",), 2000.0)
WORDS = Field("words", "token", True)
CLIP = Field("frames", "frames", True, rate=10.0)


def inputs(number: int, field: Field) -> Any:
    random = np.random.default_rng(number)
    if field is WORDS:
        return [f"w{word}" for word in random.integers(0, 9, LENGTH)]
    if field is CLIP:
        return random.integers(0, 256, size=(LENGTH, 8, 10, 3), dtype=np.uint8)
    steps = {AIR: LENGTH, HEART: 4 * LENGTH, SOUND: 20 * LENGTH}[field]
    values = random.normal(size=(steps, len(field.channels))).astype(np.float32)
    if field is AIR:
        values[random.random(values.shape) < 0.2] = np.nan
    return values


TASKS: dict[str, tuple[str, Field, Field, list[Any]]] = {
    "classify": ("classify", AIR, Field("y", "categorical", False), ["a", "b", "c"]),
    "several labels": ("classify", SOUND, Field("y", "categorical", False), [("a", "b"), ("b",), ()]),
    "clip": ("classify", CLIP, Field("y", "categorical", False), ["a", "b", "c"]),
    "regress": ("regress", AIR, Field("y", "numeric", False, ("u", "v")), [np.array([1.0, 5.0]), np.array([2.0, 9.0])]),
    "tags": ("tag", AIR, Field("y", "categorical", True), [["a", "b", "c"] * (LENGTH // 3)]),
    "spans": ("tag", WORDS, Field("y", "categorical", True), [["O", "B-x", "I-x", "O", "B-y", "I-y"] * (LENGTH // 6)]),
    "numbers": ("tag", AIR, Field("y", "numeric", True, ("y",)), [np.arange(LENGTH, dtype=np.float32)[:, None]]),
    "events": ("tag", HEART, Field("y", "event", True), [Events(np.array([30, 90]), ("N", "V"))]),
    "text": ("transcribe", SOUND, Field("y", "text", False), ["abba", "bac"]),
}


def model_of(task: str, family: str) -> tuple[RecordModel, Field]:
    """A model with random weights, so that what it says changes from step to step."""
    name, field, target, values = TASKS[task]
    records = [
        Record({field.name: inputs(number, field), "y": values[number % len(values)]}, f"row {number}", field.rate)
        for number in range(6)
    ]
    data = DataConfig(mels=4, event_labels=True, spelling=True if field is WORDS else None)
    encoding = fit_encoding(Schema(name, (field,), target), lambda: records, len(records), data)
    torch.manual_seed(len(task) + len(family))
    config = ModelConfig(width=8, layers=2, members=2, **FAMILIES[family])
    sizes = InputSizes(encoding.channels, encoding.tables, encoding.frame)
    network = RecordNetwork(sizes, encoding.target.outputs, config, pooled=encoding.target.pooled)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1 if family == "inception" else 3)  # without running statistics its outputs are large
    return RecordModel(network.eval(), encoding, 2 * LENGTH), field


def messages_of(value: Any, field: Field, pieces: list[int]) -> list[dict[str, Any]]:
    borders = np.minimum(np.cumsum([0, *pieces, len(value)]), len(value)).tolist()
    return [{field.name: value[begin:end]} for begin, end in itertools.pairwise(borders)]


def replayed(told: list[dict[str, Any]]) -> dict[str, Any]:
    """What a listener knows at the end: the last word on every step, the events, the text."""
    assert told[-1]["end"] is True
    assert not any("end" in answer for answer in told[:-1])
    tags = {answer["step"]: answer["tag"] for answer in told if "tag" in answer}
    for answer in told:
        for change in answer.get("revised", ()):
            assert tags[change["step"]] != change["tag"]
            tags[change["step"]] = change["tag"]
    return {
        "tags": [tags[step] for step in sorted(tags)],
        "numbers": [answer["prediction"] for answer in told if "prediction" in answer and "end" not in answer],
        "events": [(answer["step"], answer["label"]) for answer in told if "label" in answer],
        "last": told[-1],
        "text": told[-1].get("text"),
    }


def assert_like_predict(model: RecordModel, record: Record, told: list[dict[str, Any]], task: str) -> None:
    """Beside the rows of `predict`."""
    examples = Examples()
    examples.append(model.encoding.encode(record, targets=False), "")
    answer = model.answers(examples)[0]
    rows = model.encoding.target.rows(record, answer, None)
    heard = replayed(told)
    if task in ("classify", "several labels", "clip"):
        assert heard["last"]["prediction"] == rows[0]["prediction"]
        wanted = {name.removeprefix("p_"): share for name, share in rows[0].items() if name.startswith("p_")}
        assert heard["last"]["probabilities"] == pytest.approx(wanted, abs=1e-4)
        assert len(heard["numbers"]) == len(model.encoding.encode(record, targets=False).numbers)  # type: ignore[arg-type]
    elif task == "regress":
        wanted = {name.removeprefix("prediction_"): value for name, value in rows[0].items()}
        assert heard["last"]["prediction"] == pytest.approx(wanted, abs=1e-3)
    elif task in ("tags", "spans"):
        assert heard["tags"] == rows[0]["tag"]
        assert len(set(heard["tags"])) > 1
        shares = np.array([list(line["probabilities"].values()) for line in told if "tag" in line])
        np.testing.assert_allclose(shares, answer, atol=1e-4)
    elif task == "numbers":
        np.testing.assert_allclose(heard["numbers"], rows[0]["prediction"], atol=1e-3)
    elif task == "events":
        assert heard["events"] == [(row["step"], row["label"]) for row in rows]
        assert len(rows) > 0
    else:
        assert heard["text"] == rows[0]["text"]
        assert len(rows[0]["text"]) > 2
        texts = [line["text"] for line in told]
        assert all(
            later.startswith(now[: line["stable"]]) for now, later, line in zip(texts, texts[1:], told, strict=False)
        )
        assert "".join(line.get("new", "") for line in told) == rows[0]["text"]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("task", TASKS)
def test_like_predict_with_a_saved_state_in_the_middle(task: str, family: str) -> None:
    if family == "waits" and task not in ("tags", "spans", "numbers", "events", "text"):
        pytest.skip("an answer for a whole record waits for nothing")
    model, field = model_of(task, family)
    record = Record({field.name: inputs(100, field)}, "", field.rate)
    sizes = [0, 1, 1, 2, 37, 1, 5] if field in (AIR, WORDS, CLIP) else [0, 1, 10, 237, 3, 400]
    messages = messages_of(record.values[field.name], field, sizes)
    stream, told = RecordStream(model, (field,)), []
    for number, message in enumerate(messages):
        told += stream.feed(message | ({"end": True} if number == len(messages) - 1 else {}))
        data = stream.save()
        stream = RecordStream(model, (field,))  # another process
        stream.load(data)
    assert_like_predict(model, record, told, task)
    assert not stream.began
    step = stream.save()
    assert step == RecordStream(model, (field,)).save()  # the record is over, and nothing of it is left


def step_message(step: int) -> dict[str, Any]:
    return {"temp": float(np.sin(step)), "wind": None if step % 3 else 0.5}


@pytest.mark.parametrize("family", ["gru", "windowed", "convolution"])
def test_a_record_longer_than_a_window_is_read_with_a_carried_state(family: str, monkeypatch: Any) -> None:
    """As the stream does, `predict` does not cut it; pieces of any size make no difference."""
    model, _ = model_of("tags", family)
    values = np.random.default_rng(3).normal(size=(5 * model.window + 3, 2)).astype(np.float32)
    examples = Examples()
    examples.append(model.encoding.encode(Record({"air": values}, ""), targets=False), "")
    examples.append(model.encoding.encode(Record({"air": values[:50]}, ""), targets=False), "")
    whole = model.answers(examples)
    monkeypatch.setattr("unrolled.tasks.labels.answers.BATCH_STEPS", 37)
    for ours, theirs in zip(model.answers(examples), whole, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    monkeypatch.setattr("unrolled.tasks.labels.stream.CHUNK", 64)
    told = RecordStream(model, (AIR,)).feed({"air": values})
    shares = np.array([list(line["probabilities"].values()) for line in told])
    np.testing.assert_allclose(shares, whole[0], atol=1e-5)


def test_attention_to_an_unbounded_past_ends_at_the_window() -> None:
    model, _ = model_of("tags", "transformer")
    stream = RecordStream(model, (AIR,))
    stream.feed({"air": np.zeros((model.window, 2))})
    with pytest.raises(UserError, match=r"records of up to 120 steps, and this one is longer.*--model.window N"):
        stream.feed(step_message(0))
    assert stream.feed({"reset": True, **step_message(0)})[0]["step"] == 1


def test_a_message_that_is_refused_changes_nothing() -> None:
    model, _ = model_of("spans", "gru")
    stream = RecordStream(model, (WORDS,))
    stream.feed({"words": ["w1", "w2"]})
    before = stream.save()
    bad: list[tuple[Any, str]] = [
        ({"word": "w1"}, 'did you mean "words"'),
        ({"words": ["w1", 3]}, "give a text"),
        ({"words": 3, "reset": True}, "give a text"),
        ({"reset": 1}, '"reset" must be true or false'),
        ({"end": "yes"}, '"end" must be true or false'),
        ({"end": True, "words": 3}, "give a text"),
        ({}, "the message holds no values; give those of words"),
        ({"rate": 100, "words": "w1"}, 'the model reads no "rate"'),
    ]
    for message, sentence in bad:
        with pytest.raises(UserError, match=sentence):
            stream.feed(message)
        assert stream.save() == before
    assert stream.feed({"reset": True}) == []
    with pytest.raises(UserError, match="nothing has come yet that could end"):
        stream.feed({"end": True})


def test_answers_that_are_no_numbers_are_refused() -> None:
    model, _ = model_of("numbers", "rnn")
    with torch.no_grad():
        next(iter(model.network.parameters())).fill_(torch.nan)
    stream = RecordStream(model, (AIR,))
    before = stream.save()
    with pytest.raises(UserError, match="the answer after step 1 is no number"):
        stream.feed(step_message(0))
    assert stream.save() == before


def test_vectors_are_a_record_each() -> None:
    fields = (Field("features", "numeric", False, ("a", "b")),)
    target = Field("y", "categorical", False)
    records = [Record({"features": np.array([n, -n], np.float32), "y": "no" if n % 2 else "yes"}, "") for n in range(6)]
    encoding = fit_encoding(Schema("classify", fields, target), lambda: records, 6, DataConfig())
    network = RecordNetwork(InputSizes(2), 2, ModelConfig(family="feedforward", width=8, layers=1), pooled=True)
    model = RecordModel(network, encoding, 1)
    stream = RecordStream(model, fields)
    examples = Examples()
    for record in records:
        examples.append(encoding.encode(record, targets=False), "")
    for record, answer in zip(records, model.answers(examples), strict=True):
        told = stream.feed({"a": float(record.values["features"][0]), "b": float(record.values["features"][1])})
        assert len(told) == 1
        assert list(told[0]["probabilities"].values()) == pytest.approx(answer.tolist(), abs=1e-5)
        assert told[0]["step"] == 1


def test_models_and_columns_that_cannot_stream() -> None:
    model, _ = model_of("tags", "gru")
    network = RecordNetwork(
        model.network.inputs, 3, ModelConfig(family="lstm", width=4, layers=1, bidirectional=True), pooled=False
    )
    with pytest.raises(UserError, match=r"so it cannot run live; train one that can with --model\.causal true"):
        RecordStream(RecordModel(network, model.encoding, 10), (AIR,))
    with pytest.raises(UserError, match='reads a column "end", which in a stream is a key of its own; rename'):
        RecordStream(model, (Field("air", "numeric", True, ("temp", "end")),))


def test_states_of_others_and_damaged_ones_are_refused() -> None:
    import safetensors.torch

    model, _ = model_of("spans", "gru")
    stream = RecordStream(model, (WORDS,))
    stream.feed({"words": ["w1", "w2", "w3"]})
    before, data = stream.state, stream.save()
    other, _ = model_of("spans", "rnn")
    with pytest.raises(ValueError, match="another model"):
        stream.load(RecordStream(other, (WORDS,)).save())
    twin = RecordModel(model.network, model_of("spans", "gru")[0].encoding, model.window)
    assert RecordStream(twin, (WORDS,)).save() == RecordStream(model, (WORDS,)).save()
    for damaged in (b"", b"abc", data[:-1]):
        with pytest.raises(ValueError, match="not a saved state"):
            stream.load(damaged)
    tensors = safetensors.torch.load(data)
    hidden = tensors["network.0.backbone.hidden"]
    changes = {
        "steps": torch.tensor([7]),
        "answers.seen": torch.tensor([-1]),
        "rows.columns.0.made": torch.tensor([9]),
        "network.0.backbone.hidden": torch.full_like(hidden, torch.nan),
        "network.1.0.hidden": hidden[:, :1].clone(),
    }
    for name, value in changes.items():
        with pytest.raises(ValueError, match=r"saved (state|tags)"):
            stream.load(safetensors.torch.save({**tensors, name: value}))
    assert stream.state is before


def test_how_late_answers_are() -> None:
    heart, _ = model_of("events", "gru")
    stream = RecordStream(heart, (HEART,))
    # 250 to 125 steps per second: a filter of 20 steps of the signal ahead; an event is sure 15 + 2 of the rows later.
    reach = heart.encoding.target.reach  # type: ignore[attr-defined]
    assert stream.delay() == pytest.approx(20 / 250 + (reach + 2 * (2 * reach + 1)) / 125)
    words, _ = model_of("spans", "gru")
    assert RecordStream(words, (WORDS,)).delay() == 0


def test_a_signal_at_its_own_rate() -> None:
    model, field = model_of("events", "gru")
    signal = np.random.default_rng(7).normal(size=(1000, 1)).astype(np.float32)
    told = RecordStream(model, (field,)).feed({"II": signal[:, 0], "rate": 500, "end": True})
    assert_like_predict(model, Record({"signal": signal}, "", 500.0), told, "events")
