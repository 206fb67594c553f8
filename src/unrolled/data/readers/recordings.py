"""Long recordings of several channels with annotations, whatever the file they are in (WFDB, EDF)."""

from collections import Counter
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import numpy as np

from unrolled.data.encoders.resample import resample
from unrolled.data.readers.files import find_files
from unrolled.data.readers.names import LabelledFiles, label_files
from unrolled.data.records import Events, Field, Notes, Reading, Record, Source
from unrolled.errors import UserError


class Recording(NamedTuple):
    """What the header of a recording says, and its annotations."""

    path: Path
    channels: tuple[str, ...]
    rates: tuple[float, ...]
    """steps per second of each channel"""
    seconds: float
    """how long it is"""
    times: np.ndarray | None
    """float64, seconds from the start to each annotation; None if there are no annotations"""
    symbols: tuple[str, ...] = ()


BRIDGED = "samples that a recording lacks, bridged by a straight line"
SILENT = "channels without any valid sample, taken as zero"
Read = Callable[[Path, tuple[str, ...]], list[np.ndarray]]
"""The values of the named channels of one recording, one array `[time]` each, at their own rates."""


class RecordingSource(Source):
    """Recordings, each with `signal`, with events if any has annotations (in a field of the name `events`), and with a
    label if `files` has labels.

    The channels are those of `reading.inputs`, or those that all recordings have, in the order of the first. They are
    resampled to `reading.rate`, or to the rate that most recordings have (of a recording with several: its highest),
    and events move along. A gap in a channel is bridged by a straight line, and a channel without values is zero.
    What is left out, resampled or bridged is counted. Raises `UserError` if there are files of annotations and nothing
    in any of them.
    """

    def __init__(
        self,
        recordings: list[Recording],
        files: LabelledFiles | None,
        reading: Reading,
        notes: Notes,
        read: Read,
        events: str = "events",
    ) -> None:
        self.files, self._recordings, self._read, self._events_name = files, recordings, read, events
        self._channels = _choose_channels(recordings, reading, notes)
        rates = [max(self._rates(recording)) for recording in recordings]
        self._rate = reading.rate or Counter(rates).most_common(1)[0][0]
        resampled = sum(set(self._rates(recording)) != {self._rate} for recording in recordings)
        notes.add(f"recordings with channels resampled to {self._rate:g} steps per second", resampled)
        self.fields: tuple[Field, ...] = (Field("signal", "signal", True, self._channels, self._rate),)
        self._events = [_events(recording, self._rate, notes) for recording in recordings]
        missing = sum(events is None for events in self._events)
        if missing < len(recordings):
            notes.add("recordings without annotations", missing)
            empty = sum(events is not None and not events.labels for events in self._events)
            if empty + missing == len(recordings) and not reading.unlabelled:
                raise UserError(f"{recordings[0].path} has no annotation within the signal; give recordings with some")
            notes.add("recordings with a file of annotations and none in it", empty)
            self.fields += (Field(events, "event", timed=True),)
        if files is not None and files.labels is not None:
            self.fields += (Field(files.name, "categorical", timed=False),)

    def __len__(self) -> int:
        return len(self._recordings)

    def record(self, index: int) -> Record:
        recording = self._recordings[index]
        channels = self._read(recording.path, self._channels)
        missing = [int((~np.isfinite(values)).sum()) for values in channels]
        silent = sum(count == len(values) for count, values in zip(missing, channels, strict=True))
        columns = [
            resample(_bridge(values), rate, self._rate, edges="hold")
            for values, rate in zip(channels, self._rates(recording), strict=True)
        ]
        steps = min(map(len, columns))
        values: dict[str, object] = {"signal": np.stack([column[:steps] for column in columns], axis=1)}
        if (events := self._events[index]) is not None:
            values[self._events_name] = events
        if self.files is not None and self.files.labels is not None:
            values[self.files.name] = self.files.labels[index]
        mended = ((BRIDGED, sum(missing)), (SILENT, silent))
        return Record(values, str(recording.path), self._rate, tuple(note for note in mended if note[1]))

    def labels(self, name: str) -> list[str] | None:
        return self.files.labels if self.files is not None and name == self.files.name else None

    def groups(self, name: str) -> list[str] | None:
        return self.files.groups if self.files is not None else None

    def _rates(self, recording: Recording) -> list[float]:
        rates = dict(zip(recording.channels, recording.rates, strict=True))
        return [rates[name] for name in self._channels]


def recording_files(
    paths: list[Path], suffixes: tuple[str, ...], reading: Reading, notes: Notes
) -> tuple[list[Path], LabelledFiles | None]:
    """The recordings under `paths`, with labels if `reading.labels` says where they are."""
    if reading.labels is not None:
        files = label_files(paths, suffixes, reading, notes)
        return files.paths, files
    if reading.group is not None:
        raise UserError(f"--group {reading.group} needs --data.labels with a table or a pattern that has it")
    return list(find_files(paths, suffixes, notes)), None


def _choose_channels(recordings: list[Recording], reading: Reading, notes: Notes) -> tuple[str, ...]:
    first = recordings[0]
    wanted = tuple(name for name in reading.inputs if name != "signal")  # the name of the field means all of them
    if not wanted:
        common = [name for name in first.channels if all(name in other.channels for other in recordings)]
        if not common:
            stranger = next(other for other in recordings if not set(first.channels) & set(other.channels))
            raise UserError(
                f"{first.path} has the channels {', '.join(first.channels)} and {stranger.path} has "
                f"{', '.join(stranger.channels)}; give recordings with channels in common"
            )
        every = {name for recording in recordings for name in recording.channels}
        notes.add("channels that some recordings do not have, left out", len(every) - len(common))
        return tuple(common)
    for recording in recordings:
        for name in wanted:
            if name not in recording.channels:
                near = get_close_matches(name, recording.channels, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(recording.channels)}"
                raise UserError(f"{recording.path} has no channel {name!r}; {hint}")
    return wanted


def _events(recording: Recording, rate: float, notes: Notes) -> Events | None:
    if recording.times is None:
        return None
    order = np.argsort(recording.times, kind="stable")
    positions = np.rint(recording.times[order] * rate).astype(np.int64)
    inside = (positions >= 0) & (positions < round(recording.seconds * rate))
    notes.add("annotations before the start or after the end, left out", int((~inside).sum()))
    labels = tuple(recording.symbols[index] for index in order[inside])
    return Events(positions[inside], labels)


def _bridge(values: np.ndarray) -> np.ndarray:
    """The values with gaps (NaN, infinity) filled, float32 `[time]`."""
    present = np.isfinite(values)
    if present.all():
        return values.astype(np.float32)
    if not present.any():
        return np.zeros(len(values), dtype=np.float32)
    steps = np.arange(len(values))
    return np.interp(steps, steps[present], values[present]).astype(np.float32)
