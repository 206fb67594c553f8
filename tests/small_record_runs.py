"""Small data of each kind, and runs that were trained on it for a few steps: they know nothing, but hold everything."""

from pathlib import Path
from typing import Any

import numpy as np

from unrolled.data.config import DataConfig
from unrolled.models.config import ModelConfig
from unrolled.tasks.train_files import train_files
from unrolled.training.config import TrainConfig

FLOWERS = ("a", "b", "c")


def train_small(
    files: list[Path], run: Path, task: str | None = None, *, steps: int = 2, live: bool = False, **data: Any
) -> Path:
    """A run directory; `live`: of a model that can run one step at a time."""
    train_files(
        [str(file) for file in files],
        task=task,
        run=str(run),
        data=DataConfig(**data),
        model=ModelConfig(family="gru", width=6, layers=1, members=1, bidirectional=False if live else None),
        train_config=TrainConfig(max_steps=steps, precision="32"),
        silent=True,
    )
    return run


def write_flowers(path: Path, count: int = 30, *, labels: tuple[str, ...] | None = FLOWERS, extra: str = "") -> Path:
    """A table with two measures and, unless there are no labels, a class."""
    random = np.random.default_rng(count)
    header = ["petal_length", "petal_width", *(["colour"] if extra else []), *(["species"] if labels else [])]
    lines = [",".join(header)]
    for number in range(count):
        cells = [f"{random.normal(number % 3, 0.5):.3f}", f"{random.normal(-(number % 3), 0.5):.3f}"]
        cells += [extra] if extra else []
        cells += [labels[number % len(labels)]] if labels else []
        lines.append(",".join(cells))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_prices(path: Path, count: int = 30) -> Path:
    """A table with a number to learn."""
    random = np.random.default_rng(1)
    rows = [f"{a:.3f},{b:.3f},{100 + 5 * a - b:.3f}" for a, b in random.normal(size=(count, 2))]
    path.write_text("\n".join(["rooms,age,price", *rows]) + "\n")
    return path


def write_sentences(path: Path, count: int = 20, *, tags: bool = True) -> Path:
    """A CoNLL file of sentences of three and two words."""
    sentences = [[("Anna", "B-P"), ("Lee", "I-P"), ("ran", "O")], [("they", "O"), ("ran", "O")]]
    lines = []
    for number in range(count):
        lines += [f"{word}\t{tag}" if tags else word for word, tag in sentences[number % 2]] + [""]
    path.write_text("\n".join(lines))
    return path


def write_recordings(folder: Path, count: int = 6, *, texts: bool = True) -> Path:
    """Short sounds with a text beside each."""
    import soundfile

    folder.mkdir()
    random = np.random.default_rng(2)
    for number in range(count):
        sound = random.normal(size=1600 + 80 * number) * 0.1
        soundfile.write(folder / f"clip{number}.wav", sound, 8000)
        if texts:
            (folder / f"clip{number}.txt").write_text(["ab", "ba", "abba"][number % 3])
    return folder


def write_heartbeats(folder: Path, count: int = 3, *, beats: bool = True) -> Path:
    """ECG-like records of 20 s at 250 steps per second with a beat each second."""
    import wfdb

    folder.mkdir()
    for number in range(count):
        steps = 250 * 20
        places = np.arange(125, steps, 250)
        signal = np.random.default_rng(number).normal(size=(steps, 1)) * 0.02
        for peak in places:
            signal[peak - 5 : peak + 6, 0] += np.hanning(11)
        names = {"fs": 250, "units": ["mV"], "sig_name": ["II"], "fmt": ["16"], "write_dir": str(folder)}
        wfdb.wrsamp(f"r{number}", p_signal=signal, **names)
        if beats:
            wfdb.wrann(f"r{number}", "atr", places, ["N"] * len(places), write_dir=str(folder))
    return folder
