"""Decoding in worker processes, for records whose reading takes time (sound, video)."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, wait
from typing import Any

from unrolled.data.encoders.encoding import Encoding
from unrolled.data.feeds.examples import Example
from unrolled.data.interruptible import WAIT
from unrolled.data.records import Record, Source

TRIED = 16
"""Records that are read here first, to see how long one takes."""
CHUNK = 8
"""Records that a process is given at once."""
WORTH_IT = 10.0
"""Seconds of reading from which on it pays to start other processes."""


def read_and_encode(
    source: Source, numbers: list[int], encoding: Encoding, *, workers: int | None = None
) -> Iterator[tuple[Record, Example]]:
    """The records with their examples, in the order of `numbers`.

    Of a slow source with much left to read, in as many processes as there are cores (or `workers`). The values of a
    record that came from another process are only those of its target: signals and frames stay there.
    """
    count = workers or (os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count()) or 1
    if not source.slow or count < 2 or len(numbers) <= TRIED:
        yield from (_read_one(source, encoding, number) for number in numbers)
        return
    started = time.perf_counter()
    yield from (_read_one(source, encoding, number) for number in numbers[:TRIED])
    rest = numbers[TRIED:]
    if workers is None and (time.perf_counter() - started) / TRIED * len(rest) < WORTH_IT:
        yield from (_read_one(source, encoding, number) for number in rest)
        return
    # Not forked: the libraries loaded here have threads of their own.
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_begin, initargs=(source, encoding))
    try:
        futures = [pool.submit(_encode_in_worker, rest[begin : begin + CHUNK]) for begin in range(0, len(rest), CHUNK)]
        for future in futures:
            while not future.done():
                wait([future], timeout=WAIT)
            yield from future.result()
    except (KeyboardInterrupt, GeneratorExit):
        # What was begun is of no use any more, and a record may take long.
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _read_one(source: Source, encoding: Encoding, number: int) -> tuple[Record, Example]:
    record = source.record(number)
    return record, encoding.encode(record)


_worker: dict[str, Any] = {}
"""In a worker process: the source and the encoding."""


def _begin(source: Source, encoding: Encoding) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal; the first one answers it
    _worker.update(source=source, encoding=encoding)


def _encode_in_worker(numbers: list[int]) -> list[tuple[Record, Example]]:
    heavy = {field.name for field in _worker["source"].fields if field.kind in ("signal", "frames")}
    encoded = []
    for number in numbers:
        record, example = _read_one(_worker["source"], _worker["encoding"], number)
        encoded.append((record._replace(values={n: v for n, v in record.values.items() if n not in heavy}), example))
    return encoded
