"""What large files cost: memory and time until the first training step of tables, and the speed of encoding texts.

Each run is a process of its own; its memory is the largest resident set, divided by the size of the file. The files are
made here: a long table of many series (unique_id, ds, y), one long series, a wide table with a sequence per row, and a
text of words. What was read is compared with the slow, straightforward way: Python's csv module and float(); words
counted and looked up line by line; byte pairs of the beginning in one piece, and all of them decoded again.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from harness.options import parser, workplace
from harness.result import publish, table

from unrolled.data.config import DataConfig
from unrolled.data.encoders.words import WordVocabulary
from unrolled.data.readers.tables import read_table
from unrolled.data.records import Notes, Reading, Source
from unrolled.tasks.language.text_data import prepare_text
from unrolled.tasks.reads import wish_of

MB = 1_000_000
ONE_PIECE = 4 * MB
"""Characters of the beginning of a text that are encoded in one piece."""
STEPPED = 42
"""Exit code of a process that is ended right after the first step of its optimiser."""
REPORT = """
import json, os, resource, sys, time
started = time.perf_counter()
def peak():
    try:  # what the process that started this one had is not counted, as it is in ru_maxrss
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
def report():
    print(json.dumps({"seconds": time.perf_counter() - started, "peak": peak()}), flush=True)
"""
UNTIL_FIRST_STEP = f"""{REPORT}
from torch.optim.optimizer import register_optimizer_step_post_hook
register_optimizer_step_post_hook(lambda *_: (report(), os._exit({STEPPED})))
from unrolled.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
ENCODE = f"""{REPORT}
from unrolled.data.config import DataConfig
from unrolled.tasks.language.text_data import prepare_text
from unrolled.tasks.reads import wish_of
prepare_text(sys.argv[1], DataConfig(vocabulary=sys.argv[2], cache=sys.argv[3]))
report()
"""


def measured(code: str, *arguments: str, expected: int = 0) -> dict[str, float]:
    """Seconds and bytes of a process. Raises `SystemExit` if it ends with another exit code than expected."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    if done.returncode != expected:
        raise SystemExit(f"{arguments} ended with {done.returncode}, not {expected}:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def write(path: Path, size: int, header: str, block: Callable[[int], str]) -> Path:
    """A file of at least `size` bytes, block after block, and one at least."""
    with path.open("w", encoding="utf-8") as file:
        file.write(header)
        number = 0
        while number == 0 or file.tell() < size:
            file.write(block(number))
            number += 1
    return path


def clock(begin: int, count: int, seconds: int) -> list[str]:
    times = np.datetime64("2014-01-01T00:00:00") + np.arange(begin, begin + count) * np.timedelta64(seconds, "s")
    return np.datetime_as_string(times, unit="s").tolist()


def long_table(path: Path, size: int) -> Path:
    draw, times = np.random.default_rng(0), [time.replace("T", " ") for time in clock(0, 2000, 3600)]

    def series(number: int) -> str:
        values = 50 + 20 * np.sin(np.arange(2000) * 2 * np.pi / 24 + number) + draw.normal(0, 3, 2000)
        return "".join(f"H{number},{time},{value:.3f}\n" for time, value in zip(times, values.tolist(), strict=True))

    return write(path, size, "unique_id,ds,y\n", series)


def long_series(path: Path, size: int) -> Path:
    draw, rows = np.random.default_rng(1), 10_000

    def some(number: int) -> str:
        steps = np.arange(number * rows, (number + 1) * rows)
        load = (50 + 20 * np.sin(steps * 2 * np.pi / 96) + draw.normal(0, 3, rows)).tolist()
        heat = (10 + 5 * np.sin(steps * 2 * np.pi / 96 + 1) + draw.normal(0, 1, rows)).tolist()
        times = clock(number * rows, rows, 60)
        return "".join(f"{t},{a:.3f},{b:.2f}\n" for t, a, b in zip(times, load, heat, strict=True))

    return write(path, size, "time,load,temperature\n", some)


def wide_table(path: Path, size: int) -> Path:
    draw, steps, rows = np.random.default_rng(2), 500, 100

    def some(number: int) -> str:
        labels = draw.integers(0, 3, rows)
        values = draw.normal(0, 1, (rows, steps)) + np.sin(np.arange(steps) / (5.0 + 4 * labels[:, None]))
        cells = (",".join(f"{value:.3f}" for value in row) for row in values.tolist())
        return "".join(f"{row},c{label}\n" for row, label in zip(cells, labels.tolist(), strict=True))

    return write(path, size, ",".join(f"t{step}" for step in range(steps)) + ",label\n", some)


def words(path: Path, size: int) -> Path:
    """Made-up words, as frequent as in a language (Zipf's law), with punctuation and lines."""
    draw, letters = np.random.default_rng(3), np.array([*"etaoinshrdlucmfwypvbgkjqxz"])
    known = ["".join(draw.choice(letters, length)) for length in draw.integers(1, 10, 150_000)]
    chances = 1 / np.arange(1, len(known) + 1) ** 1.05
    marks = {9: ",", 16: ".", 33: ".\n"}

    def some(number: int) -> str:
        drawn = draw.choice(len(known), 50_000, p=chances / chances.sum()).tolist()
        return " ".join(known[word] + marks.get(position % 34, "") for position, word in enumerate(drawn)) + "\n"

    return write(path, size, "", some)


def rows_of(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        yield from rows


def opened(path: Path, task: str) -> Source:
    return read_table([path], Reading(wish=wish_of(task)), Notes())


def check_long_table(path: Path) -> bool:
    source: Any = opened(path, "forecast")
    groups = groupby(rows_of(path), key=lambda row: row[0])
    count = 0
    for number, (name, group) in enumerate(groups):
        rows, record = list(group), source.record(number)
        values = np.array([float(row[2]) for row in rows], dtype=np.float32)
        times = np.array([datetime.fromisoformat(row[1]) for row in rows], dtype="datetime64[us]")
        same = np.array_equal(
            record.values["y"][:, 0] if "y" in record.values else record.values["values"][:, 0], values
        )
        if not (same and np.array_equal(source.times(number), times) and record.origin.endswith(f" {name}")):
            return False
        count += 1
    return count == len(source)


def check_long_series(path: Path) -> bool:
    source: Any = opened(path, "forecast")
    values, times, step = source.record(0).values["values"], source.times(0), 0
    for row in rows_of(path):
        if (np.float32(row[1]), np.float32(row[2])) != (values[step, 0], values[step, 1]):
            return False
        if times[step].item() != datetime.fromisoformat(row[0]):
            return False
        step += 1
    return step == len(values)


def check_wide_table(path: Path) -> bool:
    source, count = opened(path, "classify"), 0
    for number, row in enumerate(rows_of(path)):
        values = source.record(number).values
        if values["label"] != row[-1] or values["values"][:, 0].tolist() != np.array(row[:-1], np.float32).tolist():
            return False
        count += 1
    return count == len(source)


def check_words(path: Path, cache: Path) -> bool:
    data = prepare_text(path, DataConfig(vocabulary="word", cache=str(cache)))
    with path.open(encoding="utf-8") as file:
        text = file.read()
    train, valid = text[: data.train.characters], text[data.train.characters :]
    assert isinstance(data.vocabulary, WordVocabulary)
    lines = train.splitlines(keepends=True)
    slow = WordVocabulary.fit(lines, tokenisation=data.vocabulary.tokenisation)
    if slow.tokens != data.vocabulary.tokens:
        return False
    for part, some in ((data.train, lines), (data.valid, valid.splitlines(keepends=True))):
        position = 0
        for line in some:
            ids = slow.encode(line)
            if part is None or part.tokens[position : position + len(ids)].tolist() != ids.tolist():
                return False
            position += len(ids)
        if part is None or position != len(part):
            return False
    return True


def check_byte_pairs(path: Path, cache: Path) -> bool:
    data = prepare_text(path, DataConfig(vocabulary="bpe", cache=str(cache)))
    with path.open(encoding="utf-8") as file:
        text = file.read()
    vocabulary: Any = data.vocabulary
    # The last pieces may differ where the text goes on.
    beginning = text[: min(ONE_PIECE, data.train.characters)]
    ids = vocabulary.tokenizer.encode(beginning, add_special_tokens=False).ids[:-100]
    if data.train.tokens[: len(ids)].tolist() != ids:
        return False
    position = 0
    for part in data.parts.values():
        decoder = vocabulary.stream_decoder()
        for begin in range(0, len(part), MB):
            piece = decoder.feed(part.tokens[begin : begin + MB])
            if text[position : position + len(piece)] != piece:
                return False
            position += len(piece)
    return position == len(text)


TABLES: list[tuple[str, Callable[[Path, int], Path], Callable[[Path], bool], str]] = [
    ("many series, a step per row", long_table, check_long_table, "forecast"),
    ("one series, a step per row", long_series, check_long_series, "forecast"),
    ("a sequence per row", wide_table, check_wide_table, "classify"),
]


def measure_tables(folder: Path, size: int) -> list[list[str]]:
    rows = []
    for number, (name, make, check, task) in enumerate(TABLES):
        path = make(folder / f"table-{number}.csv", size)
        least = make(folder / f"least-{number}.csv", 1)
        if not check(path):
            raise SystemExit(f"{name}: what was read is not what stands in the file")
        runs = [
            measured(
                UNTIL_FIRST_STEP, "train", str(file), "--task", task, "--run", str(file) + ".run", expected=STEPPED
            )
            for file in (least, path)
        ]
        bytes_ = path.stat().st_size
        peaks = [run["peak"] for run in runs]
        rows.append(
            [
                name,
                f"{bytes_ / MB:.0f}",
                f"{peaks[1] / MB:,.0f}",
                f"{peaks[1] / bytes_:.2f}",
                f"{(peaks[1] - peaks[0]) / bytes_:.2f}",
                f"{runs[1]['seconds']:.1f}",
                f"{runs[0]['seconds']:.1f}",
            ]
        )
        print(rows[-1], flush=True)
        path.unlink()
    return rows


def measure_texts(folder: Path, size: int) -> list[list[str]]:
    path, rows = words(folder / "words.txt", size), []
    for name, kind, check in (("words", "word", check_words), ("byte pairs", "bpe", check_byte_pairs)):
        cache = folder / f"cache-{kind}"
        run = measured(ENCODE, str(path), kind, str(cache))
        if not check(path, cache):
            raise SystemExit(f"{name}: the tokens are not those of the straightforward way")
        bytes_ = path.stat().st_size
        speed = bytes_ / MB / run["seconds"]
        rows.append([name, f"{bytes_ / MB:.0f}", f"{run['seconds']:.1f}", f"{speed:.1f}", f"{run['peak'] / MB:,.0f}"])
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--tables", type=float, default=200, metavar="MB", help="size of each table")
    options.add_argument("--text", type=float, default=600, metavar="MB", help="size of the text")
    chosen: argparse.Namespace = options.parse_args()
    tables, text = (0.1, 0.2) if chosen.quick else (chosen.tables, chosen.text)
    load = os.getloadavg()[0]
    with workplace(chosen.data, quick=True) as (folder, _):
        read = measure_tables(folder, int(tables * MB))
        encoded = measure_texts(folder, int(text * MB))
    body = [
        "Until the first training step, `unrolled train FILE.csv` in a process of its own:",
        table(
            ["CSV file", "MB", "peak, MB", "MB per MB", "above a small file, MB per MB", "seconds", "small file, s"],
            read,
        ),
        "From a text to its vocabulary and tokens on the disk (reading, counting or learning, encoding, writing):",
        table(["vocabulary", "MB", "seconds", "MB/s", "peak, MB"], encoded),
        "What was read, and all tokens, agree with the straightforward way. The small file has a block of the same "
        "kind of rows: what remains there is the program itself and its model.",
        f"Load of the machine before: {load:.1f}. Aims: at most 5 MB per MB and 60 s; words at 10 MB/s on two cores.",
    ]
    publish("big_files", "What large files cost", body, write=chosen.write, quick=chosen.quick)


if __name__ == "__main__":
    main()
