import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.encoders import bpe
from unrolled.data.encoders.vocabulary import (
    BPEVocabulary,
    ByteVocabulary,
    CharVocabulary,
    Vocabulary,
    WordVocabulary,
    infer_vocabulary,
    load_vocabulary,
)
from unrolled.errors import UserError

LEARNED = (
    "The quick brown fox, aged 3.14 years, doesn't jump over the well-known dog's (lazy) tail.\n"
    "\"Stop!\" cried the fox's friend; 'never,' said the dog...  It cost $1,000 - or 5 %.\n"
) * 3
SIGNS = "abAB019_'\"-.,!?()$%<>\n\t\u2019\u201c\u2028\u00a0\u0301\x1c\x85éß字🙂"
RUNS = ["हि", "  ", "\r\n", "'re", "'r", "the ", " dog's", "don't", "3.14", "<unk>", "<eos>"]
ALPHABET = st.sampled_from([*SIGNS, " ", *RUNS])
TEXT = st.lists(ALPHABET | st.characters(codec="utf-8"), max_size=40).map("".join)
CHARACTERS = CharVocabulary.fit([LEARNED, "é🙂字"])
KINDS: dict[str, Vocabulary] = {
    "byte": ByteVocabulary(),
    "word-spaces": WordVocabulary.fit([LEARNED], tokenisation="spaces"),
    "word-punctuation": WordVocabulary.fit([LEARNED], tokenisation="punctuation"),
    # White space in runs, so that there are tokens of several spaces, which a wrong cut would split.
    "bpe": BPEVocabulary.fit([LEARNED, "    \n\n\n   x \n \n    y\r\n\r\n" * 3], vocabulary_size=340),
}


def split(text: str, places: list[int]) -> Iterator[str]:
    edges = sorted(min(position, len(text)) for position in places)
    for begin, end in zip([0, *edges], [*edges, len(text)], strict=True):
        yield text[begin:end]


PLACES = st.lists(st.integers(0, 60), max_size=8)


@pytest.mark.parametrize("kind", KINDS)
@given(text=TEXT, places=PLACES)
def test_encoding_in_blocks_is_encoding_the_whole(kind: str, text: str, places: list[int]) -> None:
    blocks = [np.zeros(0, int), *KINDS[kind].encode_blocks(split(text, places))]
    assert np.array_equal(np.concatenate(blocks), KINDS[kind].encode(text))


@given(text=st.text(st.sampled_from(CHARACTERS.tokens)), places=PLACES)
def test_char_encoding(text: str, places: list[int]) -> None:
    ids = CHARACTERS.encode(text)
    assert [CHARACTERS.tokens[number] for number in ids] == list(text)
    assert CHARACTERS.decode(ids) == text
    assert np.array_equal(np.concatenate([ids[:0], *CHARACTERS.encode_blocks(split(text, places))]), ids)


@pytest.mark.parametrize("kind", ["byte", "bpe"])
@given(text=TEXT)
def test_nothing_is_lost(kind: str, text: str) -> None:
    assert KINDS[kind].decode(KINDS[kind].encode(text)) == text


@given(text=TEXT, places=PLACES)
@pytest.mark.parametrize("tiny", [False, True])
def test_bpe_pieces_encode_as_the_tokenizer_does_at_once(tiny: bool, text: str, places: list[int]) -> None:
    vocabulary = KINDS["bpe"]
    assert isinstance(vocabulary, BPEVocabulary)
    with pytest.MonkeyPatch.context() as patch:
        if tiny:  # so that text without white space is cut too, also at the longest allowed piece
            patch.setattr(bpe, "_PIECE", 20)
        ids = [number for part in vocabulary.encode_blocks(split(text * 3, places)) for number in part]
    assert ids == vocabulary.tokenizer.encode(text * 3).ids


@pytest.mark.parametrize("text", ["a" * 500, " " * 500 + "x", "ab" * 200 + "'" + "re" * 90, "🙂" * 200])
def test_long_runs_are_cut_where_the_tokenizer_cuts_them(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bpe, "_PIECE", 100)
    vocabulary = KINDS["bpe"]
    assert isinstance(vocabulary, BPEVocabulary)
    pieces = list(bpe._whole_pieces([text]))
    assert len(pieces) > 1
    assert "".join(pieces) == text
    assert vocabulary.encode(text).tolist() == vocabulary.tokenizer.encode(text).ids


@pytest.mark.parametrize("kind", ["byte", "bpe"])
@given(ids=st.lists(st.integers(0, 255), max_size=30), size=st.integers(1, 4))
def test_streamed_bytes_decode_as_at_once(kind: str, ids: list[int], size: int) -> None:
    vocabulary = KINDS[kind]
    decoder = vocabulary.stream_decoder()
    pieces = [decoder.feed(ids[begin : begin + size]) for begin in range(0, len(ids), size)]
    assert "".join(pieces) + decoder.finish() == vocabulary.decode(ids)
    if kind == "byte":
        assert vocabulary.decode(ids) == bytes(ids).decode("utf-8", "replace")


def test_a_stream_never_shows_half_a_character() -> None:
    decoder = KINDS["byte"].stream_decoder()
    assert [decoder.feed([byte]) for byte in "é🙂".encode()] == ["", "é", "", "", "", "🙂"]
    assert decoder.feed([0xF0, 0x9F]) == ""
    assert decoder.finish() == "\ufffd"


@pytest.mark.parametrize("tokenisation", ["spaces", "punctuation"])
@given(text=TEXT, size=st.integers(1, 4))
def test_decoded_words_are_the_same_words_again(tokenisation: str, text: str, size: int) -> None:
    vocabulary = WordVocabulary.fit([text], tokenisation=tokenisation)
    ids = vocabulary.encode(text)
    assert np.array_equal(vocabulary.encode(vocabulary.decode(ids)), ids)
    decoder = vocabulary.stream_decoder()
    streamed = [decoder.feed(ids[begin : begin + size]) for begin in range(0, len(ids), size)]
    assert "".join(streamed) + decoder.finish() == vocabulary.decode(ids)


def test_words_of_ordinary_text() -> None:
    vocabulary = WordVocabulary.fit([LEARNED], tokenisation="punctuation")
    text = "\"Stop!\" cried the dog's (lazy) friend, aged 3.14 years - $1,000 or 5%;\n'never,' said the fox..."
    words = [vocabulary.tokens[number] for number in vocabulary.encode(text)]
    expected = '" Stop ! " cried the dog\'s ( lazy ) friend , aged 3.14 years - $ 1,000 or 5 % ; <eos> '
    expected += "' never , ' said the fox . . ."
    assert words == expected.split()
    assert vocabulary.decode(vocabulary.encode(text)) == text
    assert vocabulary.decode(vocabulary.encode("a dinosaur")) == "<unk> <unk>"


def test_words_of_tokenised_text() -> None:
    text = " = A <unk> title = \n \n It is , by @-@ and @,@ large , so .\n"
    vocabulary = WordVocabulary.fit([text])
    assert vocabulary.tokenisation == "spaces"
    assert vocabulary.tokens[:2] == ["<unk>", "<eos>"]
    assert vocabulary.decode(vocabulary.encode(text)) == "= A <unk> title =\n\nIt is , by @-@ and @,@ large , so .\n"


@given(text=TEXT, places=PLACES, min_count=st.integers(1, 3))
def test_words_are_counted_over_blocks_and_sorted_by_frequency(text: str, places: list[int], min_count: int) -> None:
    vocabulary = WordVocabulary.fit(split(text, places), tokenisation="spaces", min_count=min_count)
    counts = Counter(text.split())
    frequent = [word for word, count in counts.items() if count >= min_count and word not in ("<unk>", "<eos>")]
    assert vocabulary.tokens[2:] == sorted(frequent, key=lambda word: (-counts[word], word))
    known = {*vocabulary.tokens}
    expected = [word if word in known else "<unk>" for word in text.replace("\n", " <eos> ").split()]
    assert [vocabulary.tokens[number] for number in vocabulary.encode(text)] == expected


def test_text_without_white_space_has_no_words() -> None:
    with pytest.raises(UserError, match=r"no white space within .* use --data\.vocabulary char"):
        WordVocabulary.fit(["x" * 600_000] * 3)


def test_unknown_characters_are_named_with_the_first_place() -> None:
    with pytest.raises(UserError, match=r'"ü" \(U\+00FC\), "ÿ".*position 2\).*--data.vocabulary byte') as caught:
        CharVocabulary.fit(["abc"]).encode("abÿaü")
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="U\\+0007"):
        CharVocabulary.fit(["xyz"]).encode("\a")


@pytest.mark.parametrize("kind", ["byte", "bpe"])
def test_half_a_surrogate_pair_is_refused(kind: str) -> None:
    with pytest.raises(UserError, match=r"U\+DCFF\) at position 2"):
        KINDS[kind].encode("ab\udcff")


@pytest.mark.parametrize("vocabulary", [CHARACTERS, *KINDS.values()], ids=["char", *KINDS])
def test_numbers_outside_the_vocabulary_are_refused(vocabulary: Vocabulary) -> None:
    for number in (-1, len(vocabulary)):
        with pytest.raises(ValueError, match="is not in a vocabulary of"):
            vocabulary.decode([0, number])


@pytest.mark.parametrize("vocabulary", [CHARACTERS, *KINDS.values()], ids=["char", *KINDS])
def test_saved_and_loaded(vocabulary: Vocabulary, tmp_path: Path) -> None:
    vocabulary.save(tmp_path / "vocabulary.json")
    loaded = load_vocabulary(tmp_path / "vocabulary.json")
    assert type(loaded) is type(vocabulary)
    assert (len(loaded), loaded.tokens) == (len(vocabulary), vocabulary.tokens)
    assert loaded.to_json() == vocabulary.to_json()
    assert np.array_equal(loaded.encode(LEARNED), vocabulary.encode(LEARNED))
    assert loaded.dtype == np.min_scalar_type(len(vocabulary) - 1)
    assert [path.name for path in tmp_path.iterdir()] == ["vocabulary.json"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: no such file"),
        ("{", "is damaged"),
        ("[]", "is not a vocabulary"),
        ('{"format": "unrolled vocabulary", "version": 2, "kind": "char"}', "format version 2.*update"),
        ('{"format": "unrolled vocabulary", "version": 1, "kind": "char"}', "'characters' is missing"),
        ('{"format": "unrolled vocabulary", "version": 1, "kind": "emoji"}', "'emoji', expected one of char, byte"),
        ('{"format": "unrolled vocabulary", "version": 1, "kind": "bpe", "tokenizer": {}}', "is damaged"),
    ],
)
def test_a_file_that_is_no_vocabulary_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "vocabulary.json").write_text(content)
    with pytest.raises(UserError, match=message):
        load_vocabulary(tmp_path / "vocabulary.json")


def test_bpe_is_the_same_every_time_and_has_the_size_asked_for() -> None:
    first, second = (BPEVocabulary.fit([LEARNED], vocabulary_size=300) for _ in range(2))
    assert len(first) == 300
    assert json.dumps(first.to_json()) == json.dumps(second.to_json())
    with pytest.raises(UserError, match="256 bytes"):
        BPEVocabulary.fit([LEARNED], vocabulary_size=255)


@pytest.mark.parametrize(
    ("sample", "size", "kind"),
    [
        ("To be, or not to be. That is the question.\n" * 20, 10_000, "char"),
        ("To be, or not to be. That is the question.\n" * 20, 30_000_000, "bpe"),
        ("".join(map(chr, range(0x4E00, 0x4F40))), 10_000, "bpe"),
        ("no it was n't black monday\n <unk> N years old\n" * 9, 10_000, "word"),
        ("a film , television and theatre actor . \n" * 20, 30_000_000, "word"),
        ("[MAX 2 9 [MIN 4 7 ] 0 ]\n" * 20, 10_000, "char"),
        ("En effet ! Oui : c'est vrai, non ?\n" * 20, 10_000, "char"),
    ],
)
def test_inference(sample: str, size: int, kind: str) -> None:
    assert infer_vocabulary(sample, size)[0] == kind
