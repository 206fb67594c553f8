"""Texts in two languages with the parts that lie beside them."""

from pathlib import Path

import pytest

from unrolled import Translator
from unrolled.cli.main import main
from unrolled.data.config import DataConfig
from unrolled.data.readers.parallel_text import read_parallel_files
from unrolled.data.readers.registry import find_reader, is_plain_text
from unrolled.data.records import Notes, Reading
from unrolled.data.splits.part_names import find_parts
from unrolled.errors import UserError


def write(folder: Path, *stems: str, languages: str = "de en", lines: int = 20) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for stem in stems:
        for language in languages.split():
            path = folder / (stem.replace("*", language) if "*" in stem else f"{stem}.{language}")
            path.write_text("".join(f"{language} {path.stem} {n} {'abc'[n % 3]}\n" for n in range(lines)))


def parts(folder: Path, *names: str, **data: list[str]) -> dict[str, list[str]]:
    given = {name: [str(folder / value) for value in values] for name, values in data.items()}
    by_part = find_parts([folder / name for name in names], DataConfig(**given)).parts  # type: ignore[arg-type]
    return {part: [str(path.relative_to(folder)) for path in paths] for part, paths in by_part.items()}


@pytest.mark.parametrize("valid", ["val", "valid", "dev", "validation"])
def test_named_files_have_their_parts_beside_them(valid: str, tmp_path: Path) -> None:
    write(tmp_path, "train", valid, "test_2016_flickr", "test2017", "other")
    write(tmp_path, "test_en_only", languages="en")
    tests = ["test2017.en", "test2017.de", "test_2016_flickr.en", "test_2016_flickr.de"]
    wanted = {"train": ["train.en", "train.de"], "valid": [f"{valid}.en", f"{valid}.de"], "test": tests}
    assert parts(tmp_path, "train.en", "train.de") == wanted
    turned = {
        part: [path for pair in range(0, len(paths), 2) for path in paths[pair : pair + 2][::-1]]
        for part, paths in wanted.items()
    }
    assert parts(tmp_path, "train.de", "train.en") == turned
    assert parts(tmp_path, ".") == turned
    note = find_parts([tmp_path / "train.en", tmp_path / "train.de"], DataConfig()).note
    assert f"{valid}.de" in note
    assert note.endswith("and 2 more found beside it")
    assert find_parts([tmp_path], DataConfig()).note == "split by file name, 2 files left out"


def test_one_that_is_named_alike_is_preferred(tmp_path: Path) -> None:
    write(tmp_path, "news.train", "news.test", "news.test.long", "web.test")
    assert parts(tmp_path, "news.train.de", "news.train.en") == {
        "train": ["news.train.de", "news.train.en"],
        "test": ["news.test.de", "news.test.en"],
    }


def test_what_is_given_holds(tmp_path: Path) -> None:
    write(tmp_path, "train", "val", "test", "extra")
    assert parts(tmp_path, "train.de", "train.en", valid=["extra.de", "extra.en"]) == {
        "train": ["train.de", "train.en"],
        "valid": ["extra.de", "extra.en"],
    }
    named = ["train.de", "train.en", "val.de", "val.en"]
    assert parts(tmp_path, *named) == {"train": named[:2], "valid": named[2:]}


@pytest.mark.parametrize(
    ("stem", "languages", "order"),
    [
        ("train.*.txt", "de en", "train.de.txt train.en.txt"),
        ("*-train.txt", "src tgt", "src-train.txt tgt-train.txt"),
        ("train", "source target", "train.source train.target"),
        ("train", "tgt src", "train.src train.tgt"),
        ("train.de-en", "de en", "train.de-en.de train.de-en.en"),
        ("train.tok.clean.bpe.32000", "en pt", "train.tok.clean.bpe.32000.en train.tok.clean.bpe.32000.pt"),
        ("train", "en fa", "train.en train.fa"),
    ],
)
def test_ways_to_name_a_language(stem: str, languages: str, order: str, tmp_path: Path) -> None:
    write(tmp_path, stem, stem.replace("train", "val"), languages=languages)
    train = order.split()
    wanted = {"train": train, "valid": [name.replace("train", "val") for name in train]}
    assert parts(tmp_path, ".") == wanted
    assert parts(tmp_path, *train) == wanted
    assert find_reader([tmp_path], Reading()) == ("parallel_text", "read_parallel_files")


def test_a_pair_alone_and_folders_of_parts(tmp_path: Path) -> None:
    write(tmp_path / "one", "corpus")
    (tmp_path / "one" / "README.md").write_text("about\n")
    assert parts(tmp_path, "one") == {"train": ["one/corpus.de", "one/corpus.en"]}
    write(tmp_path / "two" / "train", "a", "b")
    write(tmp_path / "two" / "dev", "a")
    assert parts(tmp_path, "two") == {"train": ["two/train"], "valid": ["two/dev"]}
    for name in ("one", "two", "two/train"):
        assert not is_plain_text([tmp_path / name])
    source = read_parallel_files([tmp_path / "two" / "train"], Reading(), Notes())
    assert len(source) == 40
    assert source.record(20).values == {"source": "de b 0 a", "target": "en b 0 a"}
    assert source.record(19).origin.endswith("a.de, line 20")
    write(tmp_path / "three", "text", "val")
    assert parts(tmp_path, "three") == {
        "train": ["three/text.de", "three/text.en"],
        "valid": ["three/val.de", "three/val.en"],
    }


def test_three_languages_are_not_guessed(tmp_path: Path) -> None:
    write(tmp_path, "train", "val", languages="de en fr")
    with pytest.raises(
        UserError, match=r"has texts in de, en, fr; name the source and the target, such as .*train\.de .*en"
    ):
        parts(tmp_path, ".")
    assert parts(tmp_path, "train.fr", "train.de")["valid"] == ["val.fr", "val.de"]


def test_text_for_a_language_model_stays_so(tmp_path: Path) -> None:
    for name in ("train.txt", "valid.txt", "a.tokens", "he.txt", "it.txt", "code.cs"):
        (tmp_path / name).write_text("some text\n" * 9)
    assert is_plain_text([tmp_path])
    assert is_plain_text([tmp_path / "train.txt", tmp_path / "valid.txt"])
    assert is_plain_text([tmp_path / "he.txt", tmp_path / "it.txt"])


def test_lines_that_do_not_belong_together(tmp_path: Path) -> None:
    write(tmp_path, "test_a", "test_b")
    (tmp_path / "test_b.en").write_text("one line\n")
    files = [tmp_path / name for name in ("test_a.de", "test_a.en", "test_b.de", "test_b.en")]
    with pytest.raises(UserError, match=r"test_b\.de has 20 lines and .*test_b\.en has 1; line by line"):
        read_parallel_files(files, Reading(), Notes())
    with pytest.raises(UserError, match=r"needs two files, the source and the target, and 3 were given"):
        read_parallel_files(files[:3], Reading(), Notes())


def test_from_files_to_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("data"), "train", "val", "test_a", "test_b", lines=30)
    assert main(["init", "data/train.en", "data/train.de"]) == 0
    assert capsys.readouterr().out.startswith("translate: source -> target; 30 records; data/val.en, data/val.de, ")
    quick = ["--train.max_steps", "2", "--model.width", "8", "--model.layers", "1"]
    assert main(["train", "data", *quick, "--run", "r"]) == 0
    assert "30 train, 30 valid, 60 test pairs; split by file name" in capsys.readouterr().err
    assert main(["evaluate", "r", "data/test_a.de", "data/test_a.en"]) == 0
    assert main(["evaluate", "r"]) == 0
    model = Translator(max_steps=2, width=8, layers=1).fit([Path("data/train.en"), Path("data/train.de")])
    assert set(model.result_) >= {"valid", "test"}


def test_files_of_other_kinds_are_no_pairs(tmp_path: Path) -> None:
    for name in ("train_en.wav", "train_de.wav", "test_en.wav", "test_de.wav"):
        (tmp_path / name).write_text("x")
    assert find_reader([tmp_path], Reading()) == ("audio", "read_audio")
    for name in ("train_en.csv", "train_de.csv"):
        (tmp_path / name).write_text("text,label\na b,c\n")
    assert find_reader([tmp_path / "train_en.csv"], Reading()) == ("tables", "read_table")
    assert parts(tmp_path, "train_en.csv") == {"train": ["train_en.csv"]}
    for name in ("100.hea", "100.dat"):
        (tmp_path / name).write_text("x")
    assert find_reader([tmp_path / "100.hea", tmp_path / "100.dat"], Reading()) == ("wfdb_records", "read_wfdb")
