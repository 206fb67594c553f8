from pathlib import Path

import numpy as np
import pytest

from unrolled.data.readers.array_files import has_test_part, read_array_files
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError

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
    assert has_test_part(path)
    train = read_array_files([path], Reading(), Notes())
    assert (train.labels("y"), train.groups("groups")) == (["0", "1"], ["p", "q"])
    test = read_array_files([path], Reading(), Notes(), part="test")
    np.testing.assert_array_equal(test.record(0).values["X"], X[0] + 1)
    np.savez(path, signal=X, kind=[3, 4])
    assert read_array_files([path], Reading(target="kind"), Notes()).labels("y") == ["3", "4"]
    assert not has_test_part(path)
    with pytest.raises(UserError, match=r"arrays signal, kind; call one X, or choose one with --inputs"):
        read_array_files([path], Reading(), Notes())
    with pytest.raises(UserError, match=r"no array 'kinds' \(--target\)"):
        read_array_files([path], Reading(target="kinds"), Notes())


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
