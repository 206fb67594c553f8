from pathlib import Path

import numpy as np
import pytest

from unrolled.data.config import DataConfig
from unrolled.data.readers.array_files import read_array_files
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError
from unrolled.tasks.choose_reading import choose_reading, open_reading
from unrolled.tasks.reads import wish_of

X = np.arange(24, dtype=np.float32).reshape(2, 4, 3)


def test_npy_with_and_without_labels(tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", np.array(["a", "b"]))
    source = read_array_files([tmp_path / "X.npy"], Reading(), Notes())
    np.testing.assert_array_equal(source.record(1).values["X"], X[1])
    assert isinstance(source._X, np.memmap)  # type: ignore[attr-defined]
    assert source.record(1).origin == f"{tmp_path}/X.npy[1]"
    for paths in (["X.npy", "y.npy"], ["y.npy", "X.npy"]):
        assert read_array_files([tmp_path / name for name in paths], Reading(), Notes()).labels("y") == ["a", "b"]
    turned = read_array_files([tmp_path / "X.npy"], Reading(layout="channels-time"), Notes())
    np.testing.assert_array_equal(turned.record(0).values["X"], X[0].T)


def test_one_axis_is_one_series(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(5))
    source = read_array_files([tmp_path / "a.npy"], Reading(), Notes())
    assert [record.values["X"].tolist() for record in source] == [[[0], [1], [2], [3], [4]]]


def test_npz_names_and_parts(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x_train=X, y_train=[0, 1], x_test=X[:1] + 1, y_test=[1], groups=["p", "q"])
    train = read_array_files([path], Reading(), Notes())
    assert (train.labels("y"), train.groups("groups")) == (["0", "1"], ["p", "q"])
    test = train.test_part  # type: ignore[attr-defined]
    np.testing.assert_array_equal(test.record(0).values["X"], X[0] + 1)
    assert test.labels("y") == ["1"]
    np.savez(path, signal=X, kind=[3, 4])
    named = read_array_files([path], Reading(target="kind"), Notes())
    assert named.labels("kind") == ["3", "4"]
    assert [field.name for field in named.fields] == ["X", "kind"]
    assert named.test_part is None  # type: ignore[attr-defined]
    assert len(read_array_files([path], Reading(target="kind", unlabelled=True), Notes()).fields) == 1
    with pytest.raises(UserError, match=r"arrays signal, kind; call one X, or choose one with --inputs"):
        read_array_files([path], Reading(), Notes())
    with pytest.raises(UserError, match=r"no array 'kinds' \(--target\); did you mean 'kind'\? It has signal, kind"):
        read_array_files([path], Reading(target="kinds"), Notes())


def test_labels_that_nobody_named_are_not_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, X=X, kinds=[3, 4], scale=[1.0, 2.0, 3.0])
    with pytest.raises(UserError, match=r"has X, and kinds with as many entries; name .* --target kinds, or choose"):
        choose_reading([str(path)], DataConfig())
    for reading in (Reading(wish=wish_of("forecast")), Reading(unlabelled=True)):
        assert len(read_array_files([path], reading, Notes()).fields) == 1
    assert read_array_files([path], Reading(target="kinds"), Notes()).labels("kinds") == ["3", "4"]
    np.savez(path, x_train=X, kinds_train=["a", "b"], x_test=X, kinds_test=["b", "c"])
    source = read_array_files([path], Reading(target="kinds"), Notes())
    assert (source.labels("kinds"), source.test_part.labels("kinds")) == (["a", "b"], ["b", "c"])  # type: ignore[attr-defined]
    np.savez(path)
    with pytest.raises(UserError, match="has no arrays"):
        read_array_files([path], Reading(), Notes())


def test_nothing_pickled_is_loaded(tmp_path: Path) -> None:
    ragged = np.empty(2, dtype=object)
    ragged[:] = [np.zeros(2), np.zeros(3)]
    np.save(tmp_path / "a.npy", ragged, allow_pickle=True)
    np.savez(tmp_path / "a.npz", X=ragged)
    for name in ("a.npy", "a.npz"):
        with pytest.raises(UserError, match=rf"{name} holds Python objects.*padded with NaN"):
            read_array_files([tmp_path / name], Reading(), Notes())


def test_damaged_files(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, X)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(UserError, match="not a whole NumPy file"):
        read_array_files([path], Reading(), Notes())
    for name in ("b.npy", "b.npz"):
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(UserError, match="not a whole NumPy file"):
            read_array_files([tmp_path / name], Reading(), Notes())
        with pytest.raises(UserError, match="does not exist"):
            read_array_files([tmp_path / f"no-{name}"], Reading(), Notes())


def test_labels_in_bytes_and_labels_that_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, X=X, y=np.array([b"a", b"b"]))
    assert read_array_files([path], Reading(), Notes()).labels("y") == ["a", "b"]
    np.savez(path, X=X, y=np.array([1.5, np.nan]))
    notes = Notes()
    read_array_files([path], Reading(), notes)
    assert notes.counts == {"records without a target": 1}
    np.savez(path, X=X, y=[1])
    with pytest.raises(UserError, match=r"a\.npz: y has 1 entries, but X has 2 records"):
        read_array_files([path], Reading(), Notes())
    path.write_bytes(b"hello")
    with pytest.raises(UserError, match=r"a\.npz is not a whole NumPy file"):
        read_array_files([path], Reading(), Notes())


@pytest.mark.parametrize("word", ["val", "valid", "validation", "dev"])
def test_a_validation_part_in_the_file(word: str, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    rng = np.random.default_rng(0)
    arrays = {f"X_{name}": rng.normal(size=(6, 5, 1)) for name in ("train", word, "test")}
    np.savez(path, **arrays, **{f"y_{name}": [0, 1] * 3 for name in ("train", word, "test")})
    opened = open_reading(choose_reading([str(path)], DataConfig()), DataConfig())
    sources, how = opened.sources, opened.how
    assert list(sources) == ["train", "valid", "test"]
    assert how == "valid and test part found in the file"
    np.testing.assert_allclose(sources["valid"].record(3).values["X"], arrays[f"X_{word}"][3], rtol=1e-6)
    assert sources["valid"].labels("y") == ["0", "1"] * 3
