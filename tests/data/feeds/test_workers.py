"""Reading in worker processes gives what reading here gives."""

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import polars
import pytest

from unrolled.data.config import DataConfig
from unrolled.data.encoders.encoding import Encoding
from unrolled.data.encoders.numbers import NumericEncoder, Scaler
from unrolled.data.feeds.workers import TRIED, read_and_encode
from unrolled.data.readers.audio import read_audio
from unrolled.data.records import Field, Notes, Reading, Record, Source
from unrolled.errors import UserError
from unrolled.tasks.infer_schema import infer_schema
from unrolled.tasks.labels.encoding import fit_encoding

soundfile = pytest.importorskip("soundfile")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for number in range(TRIED + 10):
        label = ("low", "high")[number % 2]
        tone = np.sin(np.arange(1600) * (0.05, 0.4)[number % 2]) + random.normal(0, 0.1, 1600)
        soundfile.write(tmp_path / f"{label}_{number}.wav", 0.3 * tone, 8000)
    return tmp_path


def test_other_processes_give_the_same_in_the_same_order(folder: Path) -> None:
    source = read_audio([folder], Reading(), Notes())
    encoding = fit_encoding(
        infer_schema(source, task=None, target=None, inputs=[]), lambda: source, len(source), DataConfig()
    )
    numbers = list(range(len(source)))[::-1]
    here = [encoding.encode(source.record(number)) for number in numbers]
    from_workers = list(read_and_encode(source, numbers, encoding, workers=2))
    assert [record.origin for record, _ in from_workers] == [source.record(number).origin for number in numbers]
    for example, (_, other) in zip(here, from_workers, strict=True):
        np.testing.assert_array_equal(example.numbers, other.numbers)
        np.testing.assert_array_equal(example.target, other.target)
    assert "audio" not in from_workers[-1][0].values
    assert from_workers[-1][0].values["label"] in ("low", "high")


def test_a_broken_file_is_named_from_another_process(folder: Path) -> None:
    source = read_audio([folder], Reading(), Notes())
    encoding = fit_encoding(
        infer_schema(source, task=None, target=None, inputs=[]), lambda: source, len(source), DataConfig()
    )
    broken = source.files.paths[TRIED + 3]
    broken.write_bytes(b"RIFF")
    with pytest.raises(UserError, match=broken.name):
        list(read_and_encode(source, list(range(len(source))), encoding, workers=2))


class Endless(Source):
    """Records of which the first are there at once, and the others never."""

    fields = (Field("x", "numeric", True, ("value",)),)
    slow = True

    def __len__(self) -> int:
        return TRIED + 100

    def record(self, index: int) -> Record:
        if index >= TRIED:
            time.sleep(3600)
        return Record({"x": np.zeros((3, 1), dtype=np.float32), "y": "ab"[index % 2]}, f"record {index}")


def test_ctrl_c_ends_other_processes_in_the_middle_of_a_record() -> None:
    polars.LazyFrame({"x": [1]}).collect()  # from here on a signal does not wake a thread that waits
    encoding = Encoding((NumericEncoder("x", Scaler("none", (0.0,), (1.0,)), (False,)),))
    before = set(multiprocessing.active_children())
    reading = read_and_encode(Endless(), list(range(TRIED + 100)), encoding, workers=2)
    for _ in range(TRIED):
        next(reading)

    def press() -> None:
        while len(set(multiprocessing.active_children()) - before) < 2:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    def next_one() -> None:
        threading.Thread(target=press, daemon=True).start()
        next(reading)

    with pytest.raises(KeyboardInterrupt):
        next_one()
    assert set(multiprocessing.active_children()) - before == set()
