"""Physiological recordings in EDF, EDF+ and BDF files."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.data.readers.extras import need
from unrolled.data.readers.recordings import Recording, RecordingSource, recording_files
from unrolled.data.readers.suffixes import EDF
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError


def read_edf(paths: list[Path], reading: Reading, notes: Notes) -> RecordingSource:
    """One record per EDF or BDF file: `signal` in physical units, and `events`, its annotations (EDF+), if there are
    any with a text.

    Channels at different rates are resampled to the highest of those used, which loses nothing; `reading.inputs`
    chooses channels. The second channel of one name is called `name 2`. `reading.labels` gives a label per file. For
    channels, rates and gaps see `RecordingSource`. Signals are read when a record is asked for.

    Raises `UserError` for a file that does not comply with the format or is cut short, for one with gaps in time
    (EDF+D), and for one without signals or of length 0.
    """
    record_paths, files = recording_files(paths, EDF, reading, notes)
    return RecordingSource([_open(path, notes) for path in record_paths], files, reading, notes, _read)


def _open(path: Path, notes: Notes) -> Recording:
    with _reader(path) as file:
        seconds = float(file.getFileDuration())
        if not file.signals_in_file or not seconds:
            raise UserError(f"{path} has length 0: it holds no signal; take it away")
        rates = tuple(float(file.getSampleFrequency(number)) for number in range(file.signals_in_file))
        onsets, _, texts = file.readAnnotations()
        named = [bool(str(text).strip()) for text in texts]
        notes.add("annotations without a text, left out", named.count(False))
        times = np.asarray(onsets, dtype=np.float64)[named] if any(named) else None
        symbols = tuple(str(text).strip() for text in texts if str(text).strip())
        return Recording(path, _channels(file), rates, seconds, times, symbols)


def _read(path: Path, channels: tuple[str, ...]) -> list[np.ndarray]:
    with _reader(path) as file:
        names = _channels(file)
        return [file.readSignal(names.index(name)) for name in channels]


def _channels(file: Any) -> tuple[str, ...]:
    seen: Counter[str] = Counter()
    names = []
    for name in (label.strip() for label in file.getSignalLabels()):
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return tuple(names)


@contextmanager
def _reader(path: Path) -> Iterator[Any]:
    pyedflib = need("pyedflib", extra="edf", doing="reading EDF")
    try:
        file = pyedflib.EdfReader(str(path))
    except (OSError, ValueError) as error:
        if "discontinuous" in str(error):
            raise UserError(
                f"{path} has gaps between its stretches (EDF+D), which is not read; save each stretch as a file of its "
                "own, or all as EDF+C"
            ) from None
        raise UserError(
            f"{path} cannot be read as EDF: it is empty, cut short or damaged; repair it or take it away"
        ) from None
    try:
        yield file
    finally:
        file.close()
