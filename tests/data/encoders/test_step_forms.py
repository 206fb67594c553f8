"""Every encoder fed in pieces of any size gives the rows of the whole record, also after its state was written down."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.encoders.calendar import CYCLES, calendar_features
from unrolled.data.encoders.categories import TokenTable
from unrolled.data.encoders.numbers import NumericEncoder, Scaler
from unrolled.data.encoders.signals import FramesEncoder, SignalEncoder
from unrolled.data.encoders.spelling import ASPECTS, SpellingTable
from unrolled.data.encoders.texts import KmerEncoder, TextEncoder, fit_vocabulary
from unrolled.errors import UserError

WORDS = ["Anna", "met", "Bo", "-42", "", "met", "x1"]
TEXTS = ["it's well-known: 3.14, 1,000 (or so)…\nyes!", "a  b\n\n c ", "ACGTÄ日本 <unk> 12 34"]
PIECES = st.lists(st.integers(0, 9), max_size=12)


def cut(values: Any, pieces: list[int]) -> list[Any]:
    """The pieces, and what is left."""
    borders = [0, *np.minimum(np.cumsum(pieces), len(values)).astype(int).tolist(), len(values)]
    return [values[begin:end] for begin, end in itertools.pairwise(borders)]


def fed(encoder: Any, pieces: Sequence[Any]) -> np.ndarray:
    """The rows of all pieces; what the encoder keeps is plain arrays, copied and checked between any two."""
    state, rows = encoder.begin(), []
    for piece in pieces:
        ready, state = encoder.feed(piece, state)
        encoder.check(state)
        state = copied(state)
        rows.append(ready)
    return np.concatenate([*rows, encoder.finish(state)])


def copied(state: Any) -> Any:
    if isinstance(state, tuple):
        parts = [copied(part) for part in state]
        return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)
    assert isinstance(state, np.ndarray)
    return np.frombuffer(state.tobytes(), state.dtype).reshape(state.shape)


@given(
    st.lists(st.lists(st.sampled_from([np.nan, 1.0, 2.5, -3.0]), min_size=2, max_size=2), min_size=1, max_size=20),
    PIECES,
    st.sampled_from([(False, False), (True, False), (True, True)]),
)
def test_numbers(rows: list[list[float]], pieces: list[int], gaps: tuple[bool, ...]) -> None:
    encoder = NumericEncoder("x", Scaler("standard", (0.5, 1.0), (2.0, 3.0)), gaps)
    values = np.array(rows)
    streamed = fed(encoder, cut(values, pieces))
    np.testing.assert_array_equal(streamed, encoder.encode(values))
    assert streamed.dtype == np.float32


def test_numbers_that_need_the_whole_record_or_a_last_value_are_refused() -> None:
    encoder = NumericEncoder("x", Scaler("window", (0.0,), (1.0,)), (False,))
    with pytest.raises(UserError, match=r"x is scaled by .* each whole record.*--data.scaling standard"):
        encoder.begin()
    plain = NumericEncoder("x", Scaler("none", (0.0,), (1.0,)), (False,))
    with pytest.raises(ValueError, match="a last value of x that is no number"):
        plain.check(plain.begin()._replace(last=np.array([np.inf], dtype=np.float32)))


@given(
    steps=st.integers(1, 300),
    pieces=st.lists(st.integers(0, 70), max_size=8),
    form=st.sampled_from(["raw", "log-mel"]),
    rate=st.sampled_from([400.0, 1000.0, 360.0]),
)
def test_signals(steps: int, pieces: list[int], form: Any, rate: float) -> None:
    channels = 2 if form == "raw" else 8
    scaler = Scaler("standard", (1.0,) * channels, (2.0,) * channels)
    encoder = SignalEncoder("ecg", 400.0, form, 4, 0.02, scaler, "hold")
    signal = np.random.default_rng(steps).normal(3, 2, size=(steps, 2)).astype(np.float32)
    if steps > 50 and rate == 400.0:
        signal[40] = np.nan
    streamed = fed(encoder.at(rate), cut(signal, pieces))
    np.testing.assert_allclose(streamed, encoder.encode(signal, rate), atol=1e-4)
    assert streamed.dtype == np.float32


def test_a_signal_tells_its_delay_and_whether_it_can_come_piece_by_piece() -> None:
    scaler = Scaler("none", (0.0,) * 4, (1.0,) * 4)
    encoder = SignalEncoder("sound", 400.0, "log-mel", 4, 0.02, scaler)
    assert encoder.at(400.0).delay == 0.025
    with pytest.raises(UserError, match=r"sound comes at 800 .* send 400 steps per second"):
        encoder.at(800.0)
    held = SignalEncoder("sound", 400.0, "log-mel", 4, 0.02, scaler, "hold").at(800.0)
    assert held.delay == pytest.approx(0.025 + 20 / 800)
    signal = np.random.default_rng(0).normal(size=(100, 1)).astype(np.float32)
    state, came = held.begin(), 0
    for number, step in enumerate(signal):
        rows, state = held.feed(step[None], state)
        came += len(rows)
        # Row n begins at n * 0.02 s; it is there after the delay, or up to a step of the new rate before.
        ready = [
            int(np.floor(((number + 1) / 800 - wait + 1e-9) / 0.02)) + 1 for wait in (held.delay, held.delay - 1 / 400)
        ]
        assert max(0, ready[0]) <= came <= max(0, ready[1])


@pytest.mark.parametrize("edges", ["line", "hold"])
def test_what_is_saved_says_how_the_ends_were_read(edges: Any) -> None:
    encoder = SignalEncoder("ecg", 100.0, "raw", 4, 0.02, Scaler("none", (0.0,), (1.0,)), edges)
    data = encoder.to_json()
    assert SignalEncoder.from_json(data) == encoder
    if edges == "line":
        del data["edges"]  # as it was before there was a choice
        assert SignalEncoder.from_json(data) == encoder
    with pytest.raises(ValueError, match="edges 'round', expected line or hold"):
        SignalEncoder.from_json(data | {"edges": "round"})


@given(st.integers(0, 5), PIECES)
def test_pictures(steps: int, pieces: list[int]) -> None:
    frames = np.random.default_rng(1).integers(0, 256, size=(steps, 2, 3, 3), dtype=np.uint8)
    encoder = FramesEncoder("clip", 2, 3)
    np.testing.assert_array_equal(fed(encoder, cut(frames, pieces)), encoder.encode(frames))


@pytest.mark.parametrize("folds", [False, True])
@given(words=st.lists(st.sampled_from([*WORDS, "True", "1.0", "new"]), max_size=9), pieces=PIECES)
def test_tokens_and_spellings(folds: bool, words: list[str], pieces: list[int]) -> None:
    tokens = TokenTable.fit("w", [[*WORDS, "true", "1"]], folds=folds)
    spellings = [SpellingTable.fit("w", aspect, [WORDS, WORDS]) for aspect in ASPECTS]
    for encoder in (tokens, *spellings):
        streamed = fed(encoder, cut(words, pieces))
        np.testing.assert_array_equal(streamed, encoder.encode(words))
        assert streamed.dtype == np.int64


def test_the_calendar_of_a_step_is_its_own() -> None:
    times = np.datetime64("2011-12-30T22") + np.arange(0, 60, 7).astype("timedelta64[h]")
    whole = calendar_features(times, cycles=CYCLES)
    steps = [calendar_features(times[step : step + 1], cycles=CYCLES) for step in range(len(times))]
    np.testing.assert_array_equal(np.concatenate(steps), whole)


def text_encoder(kind: str, **options: Any) -> TextEncoder:
    return TextEncoder("text", fit_vocabulary(kind, lambda: TEXTS, **options))


ENCODERS: dict[str, Callable[[], Any]] = {
    "characters": lambda: KmerEncoder.fit("text", TEXTS, 1),
    "3-mers": lambda: KmerEncoder.fit("text", TEXTS, 3),
    "bytes": lambda: text_encoder("byte"),
    "words": lambda: text_encoder("word"),
    "pieces": lambda: text_encoder("bpe", size=300),
}


@pytest.mark.parametrize("kind", ENCODERS)
def test_texts(kind: str) -> None:
    encoder = ENCODERS[kind]()

    @given(st.text(st.sampled_from("abN .,'-1\n\t(日Ä" + "".join(TEXTS)), max_size=40), PIECES)
    def check(text: str, pieces: list[int]) -> None:
        streamed = fed(encoder, cut(text, pieces))
        np.testing.assert_array_equal(streamed, encoder.encode(text))
        assert streamed.dtype == np.int64

    check()


def test_what_is_certain_comes_at_once_and_no_more() -> None:
    sizes = {"characters": [1, 1, 1, 1], "3-mers": [0, 0, 1, 1], "bytes": [1, 1, 1, 1], "words": [0, 0, 1, 0]}
    for kind, wanted in sizes.items():
        encoder = ENCODERS[kind]()
        state, streamed = encoder.begin(), []
        for letter in "ab c":
            rows, state = encoder.feed(letter, state)
            streamed.append(len(rows))
        assert streamed == wanted, kind
    pieces = ENCODERS["pieces"]()
    rows, _ = pieces.feed("ab c", pieces.begin())
    np.testing.assert_array_equal(rows, pieces.encode("ab"))


def test_texts_that_cannot_wait_and_states_that_cannot_be() -> None:
    words = ENCODERS["words"]()
    with pytest.raises(UserError, match="no white space within 1,048,577 characters"):
        words.feed("x" * ((1 << 20) + 1), words.begin())
    for kind, text in (("words", "a b"), ("pieces", "a b c"), ("bytes", "a"), ("words", None)):
        encoder = ENCODERS[kind]()
        codes = np.array([0xFF] if text is None else list(text.encode()), dtype=np.uint8)
        with pytest.raises(ValueError, match="a text of text that is not one to wait with"):
            encoder.check(encoder.begin()._replace(pending=codes))
    letters = ENCODERS["3-mers"]()
    _, state = letters.feed("abcd", letters.begin())
    for seen in (-1, 1, 1 << 62):
        with pytest.raises(ValueError, match="letters of text that do not fit"):
            letters.check(state._replace(seen=np.array(seen)))
