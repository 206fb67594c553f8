"""A record in messages gives the rows of the whole record; a message that does not fit changes nothing."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.data.config import DataConfig
from unrolled.data.encoders.live_rows import LiveRows, LiveState
from unrolled.data.feeds.examples import Example
from unrolled.data.records import Field, Record
from unrolled.errors import UserError
from unrolled.tasks.labels.encoding import RecordEncoding, fit_encoding
from unrolled.tasks.schema import Schema

RANDOM = np.random.default_rng(5)
LABEL = Field("label", "categorical", False)
WEATHER = (
    Field("air", "numeric", True, ("temp", "wind")),
    Field("sky", "categorical", True),
    Field("words", "token", True),
    Field("age", "numeric", False, ("age",)),
    Field("place", "categorical", False),
)


def weather(number: int, steps: int = 7) -> dict[str, Any]:
    random = np.random.default_rng(number)
    air = random.normal(10, 3, size=(steps, 2)).astype(np.float32)
    air[random.random(air.shape) < 0.3] = np.nan
    return {
        "air": air,
        "sky": [("sun", "rain", "True")[k] for k in random.integers(0, 3, steps)],
        "words": [("Anna", "met", "x1", "-42")[k] for k in random.integers(0, 4, steps)],
        "age": np.array([40 + number], dtype=np.float32),
        "place": ("sea", "hill")[number % 2],
        "label": ("no", "yes")[number % 2],
    }


def fitted(fields: tuple[Field, ...], rows: list[dict[str, Any]], **data: Any) -> tuple[RecordEncoding, LiveRows]:
    rate = next((field.rate for field in fields if field.rate), None)
    records = [Record(row, f"row {number}", rate) for number, row in enumerate(rows)]
    encoding = fit_encoding(Schema("classify", fields, LABEL), lambda: records, len(records), DataConfig(**data))
    return encoding, LiveRows(RecordEncoding.from_text(encoding.to_text()), fields)


ENCODING, LIVE = fitted(WEATHER, [weather(number) for number in range(12)], spelling=True)


def run(live: LiveRows, messages: list[Any], **options: Any) -> Example:
    """The rows of all messages, each state copied and checked on its way."""
    state, parts = live.begin(), []
    for message in messages:
        rows, state = live.feed(message, state, **options)
        live.check(state)
        state = copied(state)
        parts.append(rows)
    return joined([*parts, live.finish(state)])


def copied(state: Any) -> Any:
    if isinstance(state, tuple):
        parts = [copied(part) for part in state]
        return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)
    assert isinstance(state, np.ndarray)
    return np.frombuffer(state.tobytes(), state.dtype).reshape(state.shape)


def joined(parts: list[Example]) -> Example:
    arrays = (None if parts[0][kind] is None else np.concatenate([part[kind] for part in parts]) for kind in (0, 1))
    return Example(*arrays, None)  # type: ignore[call-arg]


def assert_same(streamed: Example, wanted: Example, atol: float = 0.0) -> None:
    for ours, theirs in zip(streamed[:2], wanted[:2], strict=True):
        assert (ours is None) == (theirs is None)
        if ours is not None and theirs is not None:
            assert ours.dtype == theirs.dtype
            np.testing.assert_allclose(ours, theirs, atol=atol, rtol=0)


def plain(value: Any) -> Any:
    """As JSON has it."""
    return None if isinstance(value, float) and np.isnan(value) else value


def test_step_by_step_by_column_name() -> None:
    record = weather(3)
    messages: list[dict[str, Any]] = []
    for step in range(7):
        message = {"temp": plain(float(record["air"][step, 0])), "wind": plain(float(record["air"][step, 1]))}
        message = {name: value for name, value in message.items() if value is not None or step % 2}  # absent or null
        if not message:
            message = {"temp": None}
        messages.append({**message, "sky": record["sky"][step], "words": record["words"][step]})
    messages[0] |= {"age": 43, "place": "hill"}
    messages[4] |= {"age": 43.0}  # once more the same
    state = LIVE.begin()
    for message in messages:
        rows, state = LIVE.feed(message, state)
        assert rows.time == 1  # at once
    assert_same(run(LIVE, messages), ENCODING.encode(Record(record, "")))


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["air", "sky", "words", "age", "place"]), st.integers(0, 4)), max_size=30))
def test_fields_in_any_order_and_pieces_wait_for_each_other(pieces: list[tuple[str, int]]) -> None:
    record = weather(5)
    at = dict.fromkeys(("air", "sky", "words"), 0)
    messages: list[dict[str, Any]] = []
    for name, size in [*pieces, *((name, 7) for name in ("air", "sky", "words", "age", "place"))]:
        if name in at:
            part = record[name][at[name] : at[name] + size]
            at[name] += len(part)
            messages.append({name: [[plain(float(v)) for v in row] for row in part] if name == "air" else part})
        else:
            messages.append({name: 45 if name == "age" else record[name]})
    state: LiveState = LIVE.begin()
    came = dict.fromkeys(("air", "sky", "words", "age", "place"), 0)
    rows = 0
    for message in messages:
        example, state = LIVE.feed(message, state)
        for name, value in message.items():
            came[name] += len(value) if name in at else 7
        rows += example.time
        assert rows == min(came.values())
    assert_same(run(LIVE, messages), ENCODING.encode(Record(record, "")))


HEART = (Field("signal", "signal", True, ("MLII", "V5"), 360.0),)


@pytest.mark.parametrize("form", ["raw", "log-mel"])
@given(pieces=st.lists(st.integers(0, 90), max_size=8), by_name=st.booleans())
def test_a_signal_in_pieces(form: str, pieces: list[int], by_name: bool) -> None:
    encoding, live = HEARTS[form]
    signal = np.random.default_rng(len(pieces)).normal(size=(300, 2)).astype(np.float32)
    messages: list[Any] = []
    for part in np.split(signal, np.minimum(np.cumsum(pieces), 300).astype(int)):
        columns = {"MLII": part[:, 0].tolist(), "V5": part[:, 1].tolist()}
        messages.append(columns if by_name else {"signal": part})
    wanted = encoding.encode(Record({"signal": signal}, "", 360.0))
    assert_same(run(live, messages), wanted, atol=1e-4)


HEARTS = {
    form: fitted(
        HEART,
        [{"signal": RANDOM.normal(size=(900, 2)).astype(np.float32), "label": label} for label in ("a", "b")],
        features=form,
        rate=120.0 if form == "raw" else None,
        mels=4,
    )
    for form in ("raw", "log-mel")
}


def test_a_signal_at_another_rate() -> None:
    encoding, live = HEARTS["raw"]
    signal = RANDOM.normal(size=(500, 2)).astype(np.float32)
    wanted = encoding.encode(Record({"signal": signal}, "", 500.0))
    messages = [{"signal": signal[:77]}, {"signal": signal[77:]}]
    assert_same(run(live, messages, rate=500), wanted, atol=1e-4)
    assert live.delay(360.0) == pytest.approx(10 / 120)
    _, state = live.feed(messages[0], live.begin(), rate=500)
    with pytest.raises(UserError, match=r'"rate" is 360, and this record began at 500; begin another one'):
        live.feed(messages[1], state, rate=360)


TEXT = (Field("text", "text", False),)


@pytest.mark.parametrize("kind", ["char", "byte", "word", "bpe"])
def test_a_text_in_pieces(kind: Any) -> None:
    texts = ["the cat sat", "a cat, it's here", "no hat 3.14"]
    rows = [{"text": text, "label": label} for text, label in zip(texts, "aba", strict=True)]
    encoding, live = fitted(TEXT, rows, vocabulary=kind, vocabulary_size=280)
    for text in [*texts, "", "x"]:
        wanted = encoding.encode(Record({"text": text}, ""))
        assert_same(run(live, [*text] or [""]), wanted)  # bare values, since there is one field
        assert_same(run(live, [{"text": text[:3]}, {"text": text[3:]}]), wanted)


CLIP = (Field("frames", "frames", True, rate=10.0),)


def test_pictures_one_by_one() -> None:
    clip = RANDOM.integers(0, 256, size=(4, 2, 3, 3), dtype=np.uint8)
    encoding, live = fitted(CLIP, [{"frames": clip, "label": label} for label in "ab"])
    wanted = encoding.encode(Record({"frames": clip}, ""))
    assert_same(run(live, [{"frames": picture.tolist()} for picture in clip]), wanted)
    assert_same(run(live, [clip[:3], clip[3]]), wanted)
    wide = clip.transpose(0, 2, 1, 3)
    for picture, sentence in (
        (wide, r'"frames" has the shape \[4, 3, 2, 3\]; give a picture of 2 lines of 3 points'),
        ([[1], [1, 2]], '"frames" is no array'),
        (clip.astype(np.int64) + 1000, "something else than whole numbers from 0 to 255"),
        (clip / 255, "something else than whole numbers"),
    ):
        with pytest.raises(UserError, match=sentence):
            live.feed({"frames": picture}, live.begin())


def test_a_vector_is_a_record_of_one_step() -> None:
    fields = (Field("features", "numeric", False, ("a", "b")), Field("colour", "categorical", False))
    rows = [{"features": np.array([n, -n], np.float32), "colour": "xy"[n % 2], "label": "no"} for n in range(6)]
    rows[0]["label"] = "yes"
    encoding, live = fitted(fields, rows)
    assert live.one_step
    assert not LIVE.one_step
    rows_of, _ = live.feed({"b": -3, "a": 3, "colour": "y"}, live.begin())
    assert_same(rows_of, encoding.encode(Record(rows[3], "")))
    assert_same(run(live, [{"features": [3, -3]}, {"colour": "y"}]), encoding.encode(Record(rows[3], "")))


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


BAD: list[tuple[Any, str]] = [
    ({"tmp": 1}, r'the model reads no "tmp"; did you mean "temp"\?'),
    ({"quux": 1}, r'the model reads no "quux"; it reads temp, wind, age, air, sky, words, place$'),
    ({"x" * 1000: 1}, r'the model reads no "x{60}\.\.\. \(1,000 characters\)"; it reads temp'),
    (1.5, "expected an object with values of air, sky, words, age, place"),
    ({}, "the message holds no values; give those of air, sky"),
    ({"temp": "warm"}, r'"temp" is \'warm\'; give a finite number, or null if it is missing'),
    ({"temp": True}, '"temp" is True; give a finite number'),
    ({"temp": 10**400}, '"temp" is 1000.*; give a finite number'),
    ({"temp": [1, float("inf")]}, '"temp" is inf; give a finite number'),
    ({"temp": [1, 2], "wind": [1]}, "there are 2 of temp and 1 of wind; give as many of each"),
    ({"air": [[1, 2], [3]]}, 'a step of "air" is 1 values; give a list of 2 numbers'),
    ({"air": 3}, 'a step of "air" is 1 values; give a list of 2 numbers for each step'),
    ({"air": [[1, 2]], "temp": 3}, '"air" and "temp" are both given'),
    ({"words": ["a", 3]}, '"words" is 3; give a text'),
    ({"words": {}}, r'"words" is \{\}; give a text'),
    ({"temp": nested(900)}, '"temp" is .*; give a finite number'),
    ({"sky": [["sun"]]}, r'"sky" is \[\'sun\'\]; give a text, or null'),
    ({"place": ["sea", "hill"]}, '"place" is .*; give a text, or null'),
    ({"age": [1, 2]}, '"age" is one value for the whole record, and 2 were given'),
    ({"age": 44}, "age is one value for the whole record, and another one came before; begin another record"),
]


@pytest.mark.parametrize(("message", "sentence"), BAD, ids=[sentence[:25] for _, sentence in BAD])
def test_messages_that_do_not_fit(message: Any, sentence: str) -> None:
    _, state = LIVE.feed({"age": 43, "temp": [1, 2], "wind": [None, 3]}, LIVE.begin())
    before = copied(state)
    with pytest.raises(UserError, match=sentence):
        LIVE.feed(message, state)
    np.testing.assert_equal(state, before)


def test_rates_that_do_not_fit() -> None:
    _, live = HEARTS["raw"]
    for rate in (0, -1, True, "8000", float("nan"), 1e-9, 1e12):
        with pytest.raises(UserError, match=r'"rate" is .*; give the steps per second of the signal'):
            live.feed({"signal": [[0, 0]]}, live.begin(), rate=rate)
    with pytest.raises(UserError, match="no simple ratio; send 120 steps per second"):
        live.feed({"signal": [[0, 0]]}, live.begin(), rate=81234.567)
    with pytest.raises(UserError, match='reads no signal; leave out "rate"'):
        LIVE.feed({"age": 3}, LIVE.begin(), rate=100)


def test_an_end_that_comes_too_early() -> None:
    with pytest.raises(UserError, match="nothing has come yet that could end"):
        LIVE.finish(LIVE.begin())
    _, state = LIVE.feed({"age": 43, "temp": [1, 2], "sky": ["sun", "sun"], "words": ["Anna"]}, LIVE.begin())
    with pytest.raises(UserError, match="place of this record has not come; give it before the end"):
        LIVE.finish(state)
    _, state = LIVE.feed({"place": "sea"}, state)
    with pytest.raises(UserError, match=r"unlike numbers of steps \(air 2, sky 2, words 1\)"):
        LIVE.finish(state)
    _, state = LIVE.feed({"words": "met"}, state)
    assert LIVE.finish(state).time == 0
    _, state = LIVE.feed({"place": "sea", "age": 43}, LIVE.begin())
    with pytest.raises(UserError, match="this record has no step"):
        LIVE.finish(state)


def test_states_that_cannot_be() -> None:
    _, state = LIVE.feed({"age": 43, "temp": [1, 2], "sky": ["sun"]}, LIVE.begin())
    LIVE.check(state)
    air, sky, words, *others = state.columns

    def refused(**changes: Any) -> None:
        with pytest.raises(ValueError, match="saved state"):
            LIVE.check(state._replace(**changes))

    refused(rate=np.array(0.0))
    refused(columns=(air._replace(made=np.array(1)), sky, words, *others))
    refused(columns=(air._replace(made=np.array(-1)), sky, words, *others))
    refused(columns=(air._replace(waiting=air.waiting * np.nan), sky, words, *others))
    refused(columns=(air, sky._replace(waiting=sky.waiting + 100), words, *others))
    refused(columns=(air, sky, words._replace(waiting=sky.waiting, made=np.array(1)), *others))  # not so the spellings
    whole, after = LIVE.feed({"place": "sea", "words": "met"}, state)
    assert whole.time == 1
    ready = [
        column._replace(waiting=np.zeros((1, column.waiting.shape[1]), column.waiting.dtype))
        for column in after.columns
    ]
    with pytest.raises(ValueError, match="do not fit each other"):
        LIVE.check(after._replace(columns=tuple(ready)))
    _, live = HEARTS["raw"]
    _, state = live.feed({"signal": [[0, 0]]}, live.begin())
    for rate in (float("nan"), -1.0, 1e12, 81234.567):
        with pytest.raises(ValueError, match="the saved state has a signal at"):
            live.check(state._replace(rate=np.array(rate)))


def test_an_encoding_that_needs_whole_records_is_refused_at_once() -> None:
    with pytest.raises(UserError, match=r"--data\.scaling standard"):
        fitted(WEATHER[:1], [weather(0), weather(1)], scaling="window")
