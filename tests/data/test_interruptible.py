"""Ctrl-C is answered while data is prepared, leaves nothing half-written, and the work can be begun again."""

import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest

from unrolled.data.config import DataConfig
from unrolled.data.encoders import bpe
from unrolled.data.encoders.bpe import BPEVocabulary
from unrolled.data.encoders.frequency import most_frequent_first
from unrolled.data.interruptible import interruptible
from unrolled.tasks.language.text_data import prepare_text


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_what_work_returns_and_raises_comes_out() -> None:
    here = threading.get_ident()
    assert interruptible(lambda check: (check(), threading.get_ident() != here)) == (None, True)
    with pytest.raises(ZeroDivisionError):
        interruptible(lambda check: 1 // 0)


def test_work_that_never_looks_up_is_left_behind_and_ended_once_it_does() -> None:
    go_on, ended = threading.Event(), threading.Event()

    def work(check) -> None:  # type: ignore[no-untyped-def]
        try:
            press_ctrl_c()
            go_on.wait()  # as within a library, which knows nothing of signals
            check()
        except KeyboardInterrupt:
            ended.set()

    try:
        with pytest.raises(KeyboardInterrupt):
            interruptible(work)
        assert not ended.is_set()
    finally:
        go_on.set()
    ended.wait()


def test_byte_pairs_are_given_up_while_they_are_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    merged, read = threading.Event(), []

    class Slow:
        def __init__(self, model: object) -> None:
            self.pre_tokenizer = None

        def train_from_iterator(self, iterator, trainer) -> None:  # type: ignore[no-untyped-def]
            read.extend(iterator)
            press_ctrl_c()
            merged.wait()

    monkeypatch.setattr(bpe, "Tokenizer", Slow)
    try:
        with pytest.raises(KeyboardInterrupt):
            BPEVocabulary.fit(["some text ", "and more"])
        assert "".join(read) == "some text and more"
    finally:
        merged.set()


@pytest.mark.parametrize("kind", ["char", "byte", "word", "bpe"])
@pytest.mark.parametrize("label", ["reading", "vocabulary", "encoding"])
def test_a_text_that_was_stopped_is_prepared_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, label: str
) -> None:
    monkeypatch.setattr("unrolled.data.encoders.token_parts.MIB", 256)
    text = tmp_path / "text.txt"
    text.write_text("some words, and some more of them\n" * 100)
    cache = tmp_path / "cache"
    config = DataConfig(vocabulary=kind, cache=str(cache))
    seen = []

    def progress(what: str, done: int, total: int) -> None:
        seen.append(what)
        if what == label and seen.count(what) == 1:
            press_ctrl_c()

    stops = label != "vocabulary" or kind in ("char", "bpe")  # a word is counted as it is encoded, a byte is known
    if stops:
        with pytest.raises(KeyboardInterrupt):
            prepare_text(text, config, progress)
        assert not cache.exists() or list(cache.iterdir()) == []
    data = prepare_text(text, config)
    assert data.vocabulary.decode(data.train.tokens) == text.read_text()[: data.train.characters]
    assert data.train.tokens.tolist() == prepare_text(text, config).train.tokens.tolist()


@pytest.mark.parametrize("at_once", [1, 3, 1000])
def test_words_sorted_in_pieces_are_in_the_order_of_one_sort(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr("unrolled.data.encoders.frequency.AT_ONCE", at_once)
    draw = np.random.default_rng(0)
    words = list({"".join(draw.choice([*"abcé🙂日"], 3)) for _ in range(150)})
    counts = [(word, int(draw.integers(1, 5))) for word in words]
    assert list(most_frequent_first(counts)) == [
        word for word, _ in sorted(counts, key=lambda item: (-item[1], item[0]))
    ]
