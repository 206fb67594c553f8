"""Pairs of texts: split, vocabularies, tokens and batches."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.config import DataConfig
from unrolled.data.encoders.vocabulary import BPEVocabulary, CharVocabulary, WordVocabulary
from unrolled.data.records import Notes
from unrolled.errors import UserError
from unrolled.tasks.choose_reading import open_files
from unrolled.tasks.translate.data import (
    FEW_PAIRS,
    PairData,
    opened_pairs,
    own_pairs,
    prepare_pairs,
)
from unrolled.tasks.translate.pairs import PairEncoding, PairFeed, Pairs, encode

WORDS = [f"w{number}" for number in range(30)]
PAIRS = [(f"{WORDS[n % 30]} {WORDS[n * 7 % 30]}", f"{WORDS[n * 3 % 30]}!") for n in range(120)]


def prepared(pairs: list[tuple[str, str]] = PAIRS, seed: int = 0, **data: Any) -> PairData:
    return prepare_pairs(opened_pairs(pairs), DataConfig(**data), seed=seed)


ENCODING = prepared().encoding


def test_no_source_text_is_on_both_sides() -> None:
    pairs = [(f"same {n % 20}", f"answer {n}") for n in range(100)]
    pair_data = prepared(pairs, test_fraction=0.2, valid_fraction=0.2)
    assert list(pair_data.parts) == ["train", "valid", "test"]
    sides = [{source for source, _ in part.texts} for part in pair_data.parts.values()]
    assert all(not side & other for index, side in enumerate(sides) for other in sides[:index])
    assert sorted(pair for part in pair_data.parts.values() for pair in part.texts) == sorted(pairs)
    assert [len(part) for part in pair_data.parts.values()] == [60, 20, 20]
    for name, part in pair_data.parts.items():
        assert [pairs[number] for number in pair_data.split[name]] == part.texts


def test_the_split_follows_from_the_seed() -> None:
    assert prepared(seed=3).split == prepared(seed=3).split
    assert prepared(seed=3).fingerprint == prepared(seed=3).fingerprint
    assert prepared(seed=3).split != prepared(seed=4).split


def test_one_source_text_cannot_be_split() -> None:
    pair_data = prepared([("the same", f"answer {n}") for n in range(5)])
    assert list(pair_data.parts) == ["train"]
    assert "none held out" in pair_data.summary


def test_few_pairs_are_read_by_letter_and_many_by_piece() -> None:
    assert isinstance(prepared().encoding.source, CharVocabulary)
    many = prepared([(f"go {n}", f"geh {n}") for n in range(FEW_PAIRS * 2)])
    assert isinstance(many.encoding.source, BPEVocabulary)
    assert len(many.encoding.source) <= 18 * (FEW_PAIRS * 2) ** 0.5
    assert isinstance(prepared(vocabulary="word").encoding.target, WordVocabulary)


def test_a_size_that_was_asked_for_holds() -> None:
    texts = [(f"{n:b} {n:x}", f"{n:o}") for n in range(400)]
    assert len(prepared(texts, vocabulary="bpe", vocabulary_size=290).encoding.source) == 290


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("kind", ["char", "byte", "word", "bpe"])
def test_the_encoding_survives_json(kind: Any, shared: bool) -> None:
    encoding = prepared(vocabulary=kind, share_vocabulary=shared).encoding
    again = PairEncoding.from_text(encoding.to_text())
    assert again.to_text() == encoding.to_text()
    assert (again.shared, again.source is again.target) == (shared, shared)
    for source, target in PAIRS[:5]:
        np.testing.assert_array_equal(again.encode_source(source), encoding.encode_source(source))
        assert again.target.decode(again.encode_target(target)) == target


@pytest.mark.parametrize("text", ["{}", "[]", "null", '{"source": 1}', "no json"])
def test_anything_else_is_no_encoding(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        PairEncoding.from_text(text)


def test_unknown_characters_are_left_out_and_counted() -> None:
    vocabulary = CharVocabulary.fit(["abc"])
    assert encode(vocabulary, "a#b%c").tolist() == vocabulary.encode("abc").tolist()
    assert encode(vocabulary, "%%").tolist() == []
    notes = Notes()
    Pairs([("a#", "c")], PairEncoding("s", "t", vocabulary, vocabulary, True), notes=notes)
    assert list(notes.counts.values()) == [1]
    words = WordVocabulary.fit(["one two"])
    Pairs([("one", "three four")], PairEncoding("s", "t", words, words, True), notes=(other := Notes()))
    assert list(other.counts.values()) == [2]


def test_a_huge_line_is_left_out_and_counted() -> None:
    pair_data = prepared([*PAIRS, ("x" * 2_000_000, "y")], valid_fraction=0.3)
    assert sum(len(part) for part in pair_data.parts.values()) == len(PAIRS)
    assert any("more than 512 tokens" in line and line.endswith(": 1") for line in pair_data.notes)
    assert max(part.source_lengths.max() for part in pair_data.parts.values()) < 10
    with pytest.raises(UserError, match="every pair of the training part has a side of more than 2 tokens"):
        prepared(context=2)


def test_common_sources_of_own_files_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("".join(f"{s}\t{t}\n" for s, t in PAIRS))
    (tmp_path / "b.tsv").write_text("".join(f"{s}\t{t}\n" for s, t in [*PAIRS[:3], ("new one", "new")]))
    data = DataConfig(test=[str(tmp_path / "b.tsv")], valid_fraction=0.0)
    opened = open_files([str(tmp_path / "a.tsv")], data, "translate")
    pair_data = prepare_pairs(opened, data, seed=0)
    assert "pairs in test whose source text is in training too: 3" in pair_data.notes


def test_own_parts_come_back_unless_the_file_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "pairs.tsv"
    file.write_text("".join(f"{s}\t{t}\n" for s, t in PAIRS))
    data = DataConfig(test_fraction=0.1)
    opened = open_files([str(file)], data, "translate")
    pair_data = prepare_pairs(opened, data, seed=5)
    split = json.loads(json.dumps(pair_data.split))
    again = own_pairs([str(file)], data, seed=5, split=split)
    assert again == {name: part.texts for name, part in pair_data.parts.items()}
    file.write_text("".join(f"{s}\t{t}\n" for s, t in PAIRS[:-9]))
    with pytest.raises(UserError, match="have changed since"):
        own_pairs([str(file)], data, seed=5, split=split)


def test_a_target_by_name_turns_the_direction(tmp_path: Path) -> None:
    file = tmp_path / "pairs.tsv"
    file.write_text("english\tgerman\n" + "".join(f"go {n} now\tgeh {n} jetzt\n" for n in range(30)))
    data = DataConfig(target="english")
    opened = open_files([str(file)], data, "translate")
    assert opened.sources["train"].record(0).values == {"german": "geh 0 jetzt", "english": "go 0 now"}
    encoding = prepare_pairs(opened, data, seed=0).encoding
    assert (encoding.source_field, encoding.target_field) == ("german", "english")


def test_what_is_no_pair_is_for_others(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text("text,label\n" + "".join(f"some text {n},{'good' if n % 2 else 'bad'}\n" for n in range(30)))
    assert open_files([str(file)], DataConfig(), None).task != "translate"
    called = tmp_path / "called.tsv"
    called.write_text("source\ttarget\n" + "".join(f"one text {n}\tanother {n}\n" for n in range(30)))
    assert open_files([str(called)], DataConfig(), None).task == "translate"


@pytest.mark.parametrize(
    ("pairs", "message"),
    [([("a", "b")], "1 pair"), ([("a", " "), ("", "b"), ("c", "d")], "1 pair"), ([], "0 pair")],
)
def test_too_few_pairs(pairs: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(UserError, match=message):
        prepared(pairs)


def test_nothing_is_left_for_training() -> None:
    with pytest.raises(UserError, match="leave nothing for training"):
        prepared(valid_fraction=0.5, test_fraction=0.6)


def test_room_for_long_targets() -> None:
    alike = prepared([("ab" * n, "cd" * n) for n in range(1, 40)])
    assert alike.parts["train"].growth == 2
    numbers = prepared([(str(n), "abcdefghij" * len(str(n))) for n in range(100, 300)])
    growth = numbers.parts["train"].growth
    assert growth == 7
    assert growth * 3 + 10 >= 30


class TestPairFeed:
    @given(count=st.integers(1, 90), batch_size=st.integers(1, 40), world=st.integers(1, 3), seed=st.integers(0, 9))
    def test_every_pair_once_in_an_epoch(self, count: int, batch_size: int, world: int, seed: int) -> None:
        pairs = Pairs(PAIRS[:count], ENCODING)
        feeds = [PairFeed(pairs, batch_size=batch_size, seed=seed, rank=rank, world=world) for rank in range(world)]
        per_epoch = feeds[0].batches_per_epoch
        for epoch in range(2):
            rows: list[tuple[int, ...]] = []
            for index in range(epoch * per_epoch, (epoch + 1) * per_epoch):
                for feed in feeds:
                    batch = feed.batch(index)
                    sources = [tuple(row[mask]) for row, mask in zip(batch.source, batch.source_mask, strict=True)]
                    assert batch.scored == (int(batch.target_mask.sum()) + len(sources) if batch.is_scored else 0)
                    rows += sources if batch.is_scored else []
            assert sorted(rows) == sorted(tuple(pairs.source[number].tolist()) for number in range(count))

    def test_a_batch_follows_from_its_number_alone(self) -> None:
        pairs = Pairs(PAIRS, ENCODING)
        feed, other = (PairFeed(pairs, batch_size=7, seed=1) for _ in range(2))
        for index in (40, 3, 17, 3):
            for _ in range(index % 4):
                feed.batch(index + 1)
            for left, right in zip(feed.batch(index), other.batch(index), strict=True):
                np.testing.assert_array_equal(left, right)

    def test_sides_belong_together(self) -> None:
        encoding = ENCODING
        feed = PairFeed(Pairs(PAIRS, encoding), batch_size=8, seed=2)
        batch = feed.batch(5)
        for row in range(len(batch.source)):
            source = encoding.source.decode(batch.source[row][batch.source_mask[row]])
            target = encoding.target.decode(batch.target[row][batch.target_mask[row]])
            assert (source, target) in PAIRS
        assert not batch.source[~batch.source_mask].any()
        assert batch.source.dtype == np.int64


def test_some_of_all_over() -> None:
    pairs = Pairs(PAIRS, ENCODING)
    assert pairs.spread(500).tolist() == list(range(120))
    some = pairs.spread(5).tolist()
    assert (some[0], some[-1], len(set(some))) == (0, 119, 5)
