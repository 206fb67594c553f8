import os

import pytest

from unrolled.atomic import write_atomically
from unrolled.errors import UserError


def test_writes_and_leaves_nothing_beside(tmp_path):
    write_atomically(tmp_path / "a.txt", "grüße")
    assert (tmp_path / "a.txt").read_bytes() == "grüße".encode()
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_refused_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    write_atomically(path, "old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"a\.txt could not be written: No space left on device"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]
