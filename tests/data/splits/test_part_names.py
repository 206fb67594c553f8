"""Which files are for what, by their names or as given."""

from pathlib import Path

import pytest

from unrolled.data.config import DataConfig
from unrolled.data.readers.registry import find_reader, open_source
from unrolled.data.records import Notes, Reading
from unrolled.data.splits.part_names import find_parts
from unrolled.errors import UserError


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def parts(folder: Path, *names: str, **data: list[str]) -> dict[str, list[str]]:
    given = {name: [str(folder / value) for value in values] for name, values in data.items()}
    by_part = find_parts([folder / name for name in names], DataConfig(**given)).parts  # type: ignore[arg-type]
    return {part: [str(path.relative_to(folder)) for path in paths] for part, paths in by_part.items()}


def test_a_test_file_beside_the_training_file(tmp_path: Path) -> None:
    touch(tmp_path, "GunPoint_TRAIN.ts", "GunPoint_TEST.ts", "Other_TEST.ts", "GunPoint_TEST.csv")
    assert parts(tmp_path, "GunPoint_TRAIN.ts") == {"train": ["GunPoint_TRAIN.ts"], "test": ["GunPoint_TEST.ts"]}
    assert "GunPoint_TEST.ts found beside it" in find_parts([tmp_path / "GunPoint_TRAIN.ts"], DataConfig()).note
    assert parts(tmp_path, "Other_TEST.ts") == {"train": ["Other_TEST.ts"]}


@pytest.mark.parametrize("names", [("train.csv", "dev.csv", "test.csv"), ("a-training.tsv", "a-val.tsv", "a-test.tsv")])
def test_three_files_of_a_folder(names: tuple[str, str, str], tmp_path: Path) -> None:
    touch(tmp_path, *names)
    wanted = dict(zip(("train", "valid", "test"), ([name] for name in names), strict=True))
    assert parts(tmp_path, ".") == wanted
    assert parts(tmp_path, names[0]) == wanted
    assert parts(tmp_path, *reversed(names)) == wanted


def test_folders_named_so(tmp_path: Path) -> None:
    touch(tmp_path, "train/cat/1.wav", "test/cat/2.wav", ".hidden/x", "README.md")
    assert parts(tmp_path, ".") == {"train": ["train"], "test": ["test"]}


def test_a_folder_without_such_names_is_one_part(tmp_path: Path) -> None:
    touch(tmp_path, "cat/1.wav", "dog/2.wav", "test_drive/3.wav")
    assert parts(tmp_path, ".") == {"train": ["."]}
    assert parts(tmp_path, "cat", "dog") == {"train": ["cat", "dog"]}


def test_what_is_given_holds_and_patterns_are_expanded(tmp_path: Path) -> None:
    touch(tmp_path, "x_TRAIN.ts", "x_TEST.ts", "clips/7_a_0.wav", "clips/7_b_1.wav", "clips/7_b_2.wav")
    assert parts(tmp_path, "x_TRAIN.ts", valid=["clips"]) == {"train": ["x_TRAIN.ts"], "valid": ["clips"]}
    by_part = parts(tmp_path, "x_TRAIN.ts", test=["clips/7_*_[01].wav"])
    assert by_part == {"train": ["x_TRAIN.ts"], "test": ["clips/7_a_0.wav", "clips/7_b_1.wav"]}


def test_files_that_are_not_there_or_there_twice(tmp_path: Path) -> None:
    touch(tmp_path, "a.csv", "b.csv")
    with pytest.raises(UserError, match=r"there is no file .*c\.csv; give a file or a folder of data"):
        parts(tmp_path, "c.csv")
    with pytest.raises(UserError, match=r"there is no file .*nothing_\*\.csv"):
        parts(tmp_path, "a.csv", valid=["nothing_*.csv"])
    with pytest.raises(UserError, match=r"a\.csv is given for train and for valid"):
        parts(tmp_path, "a.csv", valid=["a.csv"])
    with pytest.raises(UserError, match=r"b\.csv is given for valid and for test"):
        parts(tmp_path, "a.csv", valid=["b.csv"], test=["./b.csv"])


def test_a_folder_with_one_table_and_with_official_parts(tmp_path: Path) -> None:
    touch(tmp_path, "one/data.csv", "one/README.md", "one/LICENSE")
    assert parts(tmp_path, "one") == {"train": ["one/data.csv"]}
    note = find_parts([tmp_path / "one"], DataConfig()).note
    assert "data.csv" in note
    assert "files of another kind, left out: 2" in note
    touch(tmp_path, "ucr/Gun_TRAIN.ts", "ucr/Gun_TEST.ts", "ucr/Gun_TRAIN.arff", "ucr/Gun_TEST.arff", "ucr/Gun.txt")
    assert parts(tmp_path, "ucr") == {"train": ["ucr/Gun_TRAIN.ts"], "test": ["ucr/Gun_TEST.ts"]}
    touch(tmp_path, "k/train/t.csv", "k/test/t.csv", "k/readme.txt")
    assert parts(tmp_path, "k") == {"train": ["k/train/t.csv"], "test": ["k/test/t.csv"]}
    assert parts(tmp_path, "one", test=["ucr/Gun_TEST.ts"])["train"] == ["one/data.csv"]


def test_columns_of_words_in_a_folder_are_no_text(tmp_path: Path) -> None:
    for part in ("train", "testa", "testb"):
        (tmp_path / f"eng.{part}").write_text("Mia\tB-PER\nlives\tO\n\nTom\tB-PER\n")
    (tmp_path / "README.md").write_text("about them\n")
    wanted = {name: [f"eng.{part}"] for name, part in (("train", "train"), ("valid", "testa"), ("test", "testb"))}
    assert parts(tmp_path, ".") == wanted
    assert parts(tmp_path, "eng.train") == wanted
    assert find_reader([tmp_path], Reading()) == ("conll", "read_conll")
    source = open_source([tmp_path], Reading(), Notes())
    assert len(source) == 6
    (tmp_path / "more.txt").write_text("some text of another kind\n")
    assert find_reader([tmp_path], Reading()) is None


def test_several_files_with_their_parts_beside_them(tmp_path: Path) -> None:
    touch(tmp_path, "X_train.npy", "y_train.npy", "X_val.npy", "y_val.npy", "X_test.npy", "z_test.npy")
    wanted = {"train": ["X_train.npy", "y_train.npy"], "valid": ["X_val.npy", "y_val.npy"]}
    assert parts(tmp_path, "X_train.npy", "y_train.npy") == wanted
    assert parts(tmp_path, "X_train.npy", "y_val.npy") == {"train": ["X_train.npy"], "valid": ["y_val.npy"]}
    touch(tmp_path, "one/train.txt", "two/train.txt", "one/test.txt")
    assert parts(tmp_path, "one/train.txt", "two/train.txt") == {"train": ["one/train.txt", "two/train.txt"]}
