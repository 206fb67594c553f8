import itertools
import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from unrolled.data.config import DataConfig
from unrolled.data.encoders.vocabulary import ByteVocabulary, CharVocabulary, WordVocabulary
from unrolled.errors import UserError
from unrolled.tasks.language import token_cache as cache
from unrolled.tasks.language.text_data import TextData, TokenPart, cache_folder, encode_text, prepare_text

SHARED = Path(__file__).parents[3].parent / "shared" / "data" / "text"
SLOW = pytest.mark.slow
POEM = "Sah ein Knab ein Röslein stehn,\nRöslein auf der Heiden,\nwar so jung und morgenschön.\n"


@pytest.fixture
def config(tmp_path: Path) -> DataConfig:
    return DataConfig(cache=str(tmp_path / "cache"))


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_bytes(text.encode())
    return folder


def text_of(part: TokenPart | None, data: TextData) -> str:
    assert part is not None
    return data.vocabulary.decode(part.tokens)


def test_a_file_is_split_and_encoded(tmp_path: Path, config: DataConfig) -> None:
    path = write(tmp_path, poem__txt=POEM) / "poem.txt"
    data = prepare_text(path, config)
    raw = POEM.encode()
    cut = int(len(raw) * 0.9)
    assert text_of(data.train, data).encode() == raw[:cut]
    assert text_of(data.valid, data).encode() == raw[cut:]
    assert data.valid is not None
    assert data.train.bytes + data.valid.bytes == len(raw)
    assert data.train.characters + data.valid.characters == len(POEM)
    assert data.train.starts.tolist() == [0]
    assert data.train.targets == len(data.train) - 1
    assert data.train.tokens.dtype == np.uint8
    assert isinstance(data.train.tokens, np.memmap)
    assert data.test is None
    assert data.summary == (
        f"text: {len(POEM)} characters → char vocabulary of {len(set(POEM))} (few distinct characters); "
        "validation: last 10 %"
    )


def test_the_cut_moves_to_a_character_and_for_words_to_white_space(tmp_path: Path, config: DataConfig) -> None:
    path = write(tmp_path, emoji__txt="🙂" * 50, words__txt="one two three four") / "emoji.txt"
    for fraction in (0.1, 0.25, 0.33, 0.5):
        config.valid_fraction = fraction
        data = prepare_text(path, config)
        assert text_of(data.train, data) + text_of(data.valid, data) == "🙂" * 50
    config.vocabulary, config.valid_fraction = "word", 0.6  # byte 7 is the end of "two"
    data = prepare_text(tmp_path / "words.txt", config)
    assert text_of(data.train, data) == "one two"
    assert data.valid is not None
    assert len(data.valid) == 2


def test_every_file_is_a_document_split_at_its_end(tmp_path: Path, config: DataConfig) -> None:
    folder = write(tmp_path / "texts", a__txt="a" * 100, b__txt="b" * 200)
    data = prepare_text(folder, config)
    assert text_of(data.train, data) == "a" * 90 + "b" * 180
    assert data.train.starts.tolist() == [0, 90]
    assert text_of(data.valid, data) == "a" * 10 + "b" * 20
    assert data.summary.startswith("text: 300 characters in 2 files → char")
    assert data.summary.endswith("validation: last 10 % of each file")


def test_words_do_not_grow_together_across_files(tmp_path: Path, config: DataConfig) -> None:
    folder = write(tmp_path / "texts", a__txt="one two", b__txt="three four")
    config.vocabulary, config.valid_fraction = "word", 0
    data = prepare_text(folder, config)
    assert set(data.vocabulary.tokens) == {"<unk>", "<eos>", "one", "two", "three", "four"}
    assert data.train.unknown == 0
    assert data.valid is None


@pytest.mark.parametrize(
    "names",
    [
        ("train.txt", "valid.txt", "test.txt"),
        ("wiki.train.tokens", "wiki.valid.tokens", "wiki.test.tokens"),
        ("train-00001.txt", "dev.txt", "test/b.txt"),
        ("corpus_train1.txt", "VAL.md", "corpus_test1.txt"),
    ],
)
def test_a_folder_split_by_name(tmp_path: Path, config: DataConfig, names: tuple[str, str, str]) -> None:
    folder = tmp_path / "corpus"
    for name, text in zip((*names, "README.md"), ("train" * 9, "valid" * 9, "test" * 9, "read me"), strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    data = prepare_text(folder, config)
    assert [text_of(part, data)[:4] for part in (data.train, data.valid, data.test)] == ["trai", "vali", "test"]
    assert data.summary.endswith("split by file name: 1 train, 1 valid, 1 test, 1 left out")


def test_names_that_only_look_like_a_split_are_not_one(tmp_path: Path, config: DataConfig) -> None:
    folder = write(tmp_path / "texts", trains__txt="a" * 30, testament__txt="b" * 30, train__txt="c" * 30)
    data = prepare_text(folder, config)
    assert data.train.starts.tolist() == [0, 27, 54]


def test_files_given_for_validation_and_test(tmp_path: Path, config: DataConfig) -> None:
    folder = write(tmp_path / "texts", a__txt="aaaa", b__txt="bbbb", c__txt="cccc")
    config.valid, config.test = [str(folder / "b.txt")], [str(folder / "c.txt")]
    data = prepare_text(folder, config)
    assert [text_of(part, data) for part in (data.train, data.valid, data.test)] == ["aaaa", "bbbb", "cccc"]
    with pytest.raises(UserError, match=r"b\.txt is given for training and for validation"):
        prepare_text([folder / "a.txt", folder / "b.txt"], config)
    config.test = config.valid
    with pytest.raises(UserError, match="for validation and for testing"):
        prepare_text(folder / "a.txt", config)


def test_types_of_words_come_from_the_training_part_and_characters_from_all(tmp_path: Path, config: DataConfig) -> None:
    write(tmp_path, train__txt="eins zwei\n", valid__txt="zwei drei ü\n")
    config.valid = [str(tmp_path / "valid.txt")]
    assert "ü" in prepare_text(tmp_path / "train.txt", config).vocabulary.tokens
    config.vocabulary = "word"
    data = prepare_text(tmp_path / "train.txt", config)
    assert data.vocabulary.tokens == ["<unk>", "<eos>", "eins", "zwei"]
    assert data.valid is not None
    assert data.valid.unknown == 2
    assert "7 words, 29 % <unk>" in data.summary


def test_the_second_time_nothing_is_encoded(tmp_path: Path, config: DataConfig) -> None:
    path = write(tmp_path, poem__txt=POEM * 10) / "poem.txt"
    calls: list[tuple[str, int, int]] = []

    def progress(label: str, done: int, total: int) -> None:
        calls.append((label, done, total))

    first = prepare_text(path, config, progress)
    size = len(POEM.encode()) * 10
    for label in ("reading", "vocabulary", "encoding"):
        assert [call for call in calls if call[0] == label][-1] == (label, size, size)
    calls.clear()
    again = prepare_text(path, config, progress)
    assert {label for label, _, _ in calls} == {"reading"}
    assert again.fingerprint == first.fingerprint
    assert np.array_equal(again.train.tokens, first.train.tokens)
    assert again.summary == first.summary


def test_the_fingerprint_knows_content_splits_and_settings_but_not_names(tmp_path: Path, config: DataConfig) -> None:
    write(tmp_path, a__txt="one two three " * 9, b__txt="one two four! " * 9, c__txt="one two three " * 9)
    prints = {}
    for name in "abc":
        for kind, fraction in itertools.product(("char", "word"), (0.4, 0.5)):
            config.vocabulary, config.valid_fraction = kind, fraction  # type: ignore[assignment]
            prints[name, kind, fraction] = prepare_text(tmp_path / f"{name}.txt", config).fingerprint
    assert len(set(prints.values())) == 8
    assert all(prints["a", *key] == prints["c", *key] for key in itertools.product(("char", "word"), (0.4, 0.5)))


def damage_cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def damage_flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("damage", [damage_cut, damage_flip, Path.unlink])
@pytest.mark.parametrize("name", ["train.bin", "valid.bin", "store.json", "vocabulary.json"])
def test_a_damaged_store_is_built_again(tmp_path: Path, config: DataConfig, name: str, damage: object) -> None:
    path = write(tmp_path, poem__txt=POEM) / "poem.txt"
    first = prepare_text(path, config)
    tokens = np.array(first.train.tokens)
    folder = cache_folder(config) / f"text-{first.fingerprint}"
    damage(folder / name)  # type: ignore[operator]
    again = prepare_text(path, config)
    assert np.array_equal(again.train.tokens, tokens)
    assert again.vocabulary.to_json() == first.vocabulary.to_json()
    assert os.listdir(cache_folder(config)) == [folder.name]


def test_a_file_where_the_store_should_be(tmp_path: Path, config: DataConfig) -> None:
    path = write(tmp_path, poem__txt=POEM) / "poem.txt"
    fingerprint = prepare_text(path, config).fingerprint
    config.cache = str(tmp_path / "other")
    write(tmp_path / "other", **{f"text-{fingerprint}": "in the way"})
    assert prepare_text(path, config).fingerprint == fingerprint


def test_a_full_disk_is_named_and_leaves_nothing(
    tmp_path: Path, config: DataConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache, "_flush", full)
    with pytest.raises(UserError, match=r"cache: the disk is full; free some space, or .* --data\.cache"):
        prepare_text(write(tmp_path, poem__txt=POEM) / "poem.txt", config)
    assert os.listdir(cache_folder(config)) == []


def test_a_limit_on_file_sizes_is_a_full_disk(tmp_path: Path) -> None:
    write(tmp_path, text__txt=POEM * 20_000)
    program = (
        "import resource, signal, sys; from unrolled.data.config import DataConfig\n"
        "from unrolled.tasks.language.text_data import *\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "prepare_text(sys.argv[1], DataConfig(cache=sys.argv[2]))\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "text.txt"), str(tmp_path / "cache")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "UserError: the encoded text cannot be written" in result.stderr
    assert "the disk is full" in result.stderr
    assert os.listdir(tmp_path / "cache") == []


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, config: DataConfig) -> None:
    path = write(tmp_path, poem__txt=POEM) / "poem.txt"
    config.cache = str(path / "cache")
    with pytest.raises(UserError, match=r"cannot be written to .*not a directory; .*--data\.cache"):
        prepare_text(path, config)


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("UNROLLED_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder(DataConfig()) == tmp_path / ".cache" / "unrolled"
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_folder(DataConfig()) == Path("/xdg/unrolled")
    monkeypatch.setenv("UNROLLED_CACHE", "/mine")
    assert cache_folder(DataConfig()) == Path("/mine")
    assert cache_folder(DataConfig(cache="here")) == Path("here")


def build(path: Path, folder: str) -> int:
    return len(prepare_text(path, DataConfig(cache=folder)).train)


def test_many_builders_at_once(tmp_path: Path, config: DataConfig) -> None:
    path = write(tmp_path, poem__txt=POEM * 300) / "poem.txt"
    with multiprocessing.get_context("fork").Pool(4) as pool:
        sizes = pool.starmap(build, [(path, config.cache)] * 8, chunksize=1)
    assert set(sizes) == {len(prepare_text(path, config).train)}
    assert len(os.listdir(cache_folder(config))) == 1


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("ab", {}, r"the training part of .*t\.txt has 1 token.*or files to validate on with --data\.valid"),
        ("abcdef", {}, r"the validation part of .*t\.txt has 1 token"),
        ("a", {"valid_fraction": 0}, "the training part"),
        ("one two three four five six", {"vocabulary": "word", "valid_fraction": 0.05}, "the validation part"),
        (POEM, {"valid_fraction": 1.0}, "data.valid_fraction is 1.0"),
        (POEM, {"min_count": 0}, "data.min_count is 0"),
        (POEM, {"vocabulary": "letters"}, "data.vocabulary is 'letters'; choose one of auto, char"),
        (POEM, {"vocabulary": "bpe", "vocabulary_size": 100}, "256 bytes"),
        ("x" * 1_300_000, {"vocabulary": "word"}, r"t\.txt: the text has no white space"),
    ],
)
def test_what_cannot_be_used_is_refused(
    tmp_path: Path, config: DataConfig, text: str, settings: dict, message: str
) -> None:
    path = write(tmp_path, t__txt=text) / "t.txt"
    for name, value in settings.items():
        setattr(config, name, value)
    with pytest.raises(UserError, match=message) as caught:
        prepare_text(path, config)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["char", "byte", "word", "bpe"])
def test_the_first_bad_byte_of_all_is_reported_for_every_vocabulary(
    tmp_path: Path, config: DataConfig, kind: str
) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes(b"good\n" * 500_000 + b"sch\xf6n\n" + b"good\n" * 500_000 + b"\xff\n")
    config.vocabulary = kind  # type: ignore[assignment]
    with pytest.raises(UserError, match=r"latin\.txt.*0xf6 at offset 2,500,003 \(line 500,001\)"):
        prepare_text(path, config)


def test_encode_text(tmp_path: Path) -> None:
    write(tmp_path, a__txt="one\ntwo\r\n", b__txt="\ufefftwo one")
    words = WordVocabulary(["one", "two"])
    part = encode_text(tmp_path, words)
    assert [words.tokens[number] for number in part.tokens] == ["one", "<eos>", "two", "<eos>", "two", "one"]
    assert part.starts.tolist() == [0, 4]
    assert (part.bytes, part.characters, part.unknown) == (16, 16, 0)
    part = encode_text("one zwei é\n", words)
    assert part.tokens.tolist() == [2, 0, 0, 1]
    assert (part.bytes, part.characters, part.unknown) == (12, 11, 2)
    assert encode_text("é", ByteVocabulary()).tokens.tolist() == [0xC3, 0xA9]
    with pytest.raises(UserError, match="the text has 1 token"):
        encode_text("x", ByteVocabulary())
    with pytest.raises(UserError, match=r'"é" \(U\+00E9\), "ü" .*first in .*c\.txt, line 3\).*--data\.vocabulary byte'):
        encode_text(write(tmp_path, c__txt="a\na\naü\né") / "c.txt", CharVocabulary("a\n"))


@pytest.mark.parametrize(
    ("kind", "size"), [("char", 50), pytest.param("word", 20, marks=SLOW), pytest.param("bpe", 20, marks=SLOW)]
)
def test_a_large_file_needs_little_memory(tmp_path: Path, kind: str, size: int) -> None:
    words = [f"{number * 7919 % 10_007:x}" for number in range(100_000)]
    text = (" ".join(words) + "\n").encode()
    with open(tmp_path / "large.txt", "wb") as file:
        while file.tell() < size << 20:
            file.write(text)
    program = (
        "import resource, sys; from unrolled.data.config import DataConfig\n"
        "from unrolled.tasks.language.text_data import *\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "config = DataConfig(cache=sys.argv[2], vocabulary=sys.argv[3], vocabulary_size=1000)\n"
        "prepare_text(sys.argv[1], config)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "large.txt"), str(tmp_path / "cache"), kind]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    unit = 1 if sys.platform == "darwin" else 1024
    # Held whole, the text would take its size as characters, and several times that as words or tokens.
    assert int(result.stdout) * unit < (40 if kind == "char" else 100) << 20


@pytest.mark.skipif(not (SHARED / "wikitext-2").is_dir(), reason="needs WikiText-2")
def test_wikitext_2_has_the_published_counts(config: DataConfig) -> None:
    data = prepare_text(SHARED / "wikitext-2", config)
    assert {name: len(part) for name, part in data.parts.items()} == {
        "train": 2_088_628,
        "valid": 217_646,
        "test": 245_569,
    }
    assert len(data.vocabulary) == 33_278
    assert data.train.tokens.dtype == np.uint16
    assert "word vocabulary of 33,278 (already tokenised)" in data.summary
    assert "split by file name: 1 train, 1 valid, 1 test" in data.summary


@pytest.mark.skipif(not (SHARED / "tiny-shakespeare.txt").is_file(), reason="needs tiny-shakespeare")
def test_tiny_shakespeare_is_split_as_usual(config: DataConfig) -> None:
    data = prepare_text(SHARED / "tiny-shakespeare.txt", config)
    assert {name: len(part) for name, part in data.parts.items()} == {"train": 1_003_854, "valid": 111_540}
    assert data.summary == (
        "text: 1,115,394 characters → char vocabulary of 65 (few distinct characters); validation: last 10 %"
    )


def test_the_store_is_plain_files(tmp_path: Path, config: DataConfig) -> None:
    data = prepare_text(write(tmp_path, poem__txt=POEM) / "poem.txt", config)
    folder = cache_folder(config) / f"text-{data.fingerprint}"
    assert sorted(os.listdir(folder)) == ["store.json", "train.bin", "valid.bin", "vocabulary.json"]
    assert json.loads((folder / "vocabulary.json").read_text())["kind"] == "char"
    assert np.array_equal(np.fromfile(folder / "train.bin", dtype=np.uint8), data.train.tokens)


@pytest.mark.parametrize("tokenisation", ["spaces", "punctuation"])
@pytest.mark.parametrize("min_count", [1, 3])
def test_words_counted_while_they_are_encoded_are_those_counted_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokenisation: str, min_count: int
) -> None:
    """The straightforward way: read all for a vocabulary, then read all again."""
    draw = np.random.default_rng(min_count)
    words = ["die", "Röslein", "well-known", "1,000", "don't", "<unk>", "<eos>", "x", "日本", "zwei\u2028drei"]
    words += [f"word{number}" for number in range(40)]
    join = " , " if tokenisation == "spaces" else "; "
    texts = [join.join(draw.choice(words, size)) + end for size, end in ((500, ""), (700, "\n"), (90, "\n\n"))]
    folder = write(tmp_path / "texts", a_train__txt=texts[0], b_train__txt=texts[1], c_valid__txt=texts[2] + " new\n")
    monkeypatch.setattr("unrolled.data.encoders.token_parts.MIB", 64)  # so that blocks and pieces are many
    data = prepare_text(folder, DataConfig(vocabulary="word", min_count=min_count, cache=str(tmp_path / "cache")))
    wanted = WordVocabulary.fit(["\n".join(texts[:2])], tokenisation=tokenisation, min_count=min_count)  # type: ignore[arg-type]
    assert data.vocabulary.to_json() == wanted.to_json()
    assert data.vocabulary.to_json()["tokenisation"] == tokenisation
    encoded = [wanted.encode(text) for text in texts[:2]]
    np.testing.assert_array_equal(data.train.tokens, np.concatenate(encoded))
    assert data.train.tokens.dtype == np.uint8
    assert data.train.starts.tolist() == [0, len(encoded[0])]
    assert data.train.unknown == int((np.concatenate(encoded) == 0).sum()) > 0
    assert data.valid is not None
    np.testing.assert_array_equal(data.valid.tokens, wanted.encode(texts[2] + " new\n"))
    assert sorted(file.name for folder in (tmp_path / "cache").iterdir() for file in folder.iterdir()) == [
        "store.json",
        "train.bin",
        "valid.bin",
        "vocabulary.json",
    ]


def test_too_many_different_words_are_named_and_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: DataConfig
) -> None:
    path = write(tmp_path, words__txt=" ".join(map(str, range(200)))) / "words.txt"
    monkeypatch.setattr("unrolled.data.encoders.words._MOST_WORDS", 99)
    config.vocabulary = "word"
    with pytest.raises(UserError, match=r"words\.txt: the text has more than 99 different words; use --data\.vocab"):
        prepare_text(path, config)
    assert list((tmp_path / "cache").iterdir()) == []
