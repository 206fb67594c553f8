"""Physiological records of PhysioNet: WFDB headers, signals and annotations."""

from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.data.readers.extras import need
from unrolled.data.readers.names import LabelledFiles
from unrolled.data.readers.recordings import Recording, RecordingSource, recording_files
from unrolled.data.readers.wfdb_segments import (
    Segment,
    check_segment,
    length_of,
    parts_of_others,
    read_segments,
    segments_of,
)
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError

# "Beat annotations" of the table at https://physionet.org/physiotools/wpg/wpg_36.htm (WFDB Programmer's Guide).
BEATS = frozenset("NLRBAaJSVrFejnE/fQ?")

_BROKEN = (ValueError, IndexError, KeyError, TypeError, AttributeError, EOFError)  # what wfdb raises on a damaged file
_NO_ANNOTATION = {".hea", ".dat", ".mat", ".edf", ".flac", ".xws", ".txt", ".csv", ".md", ".json", ".html"}


def read_wfdb(paths: list[Path], reading: Reading, notes: Notes) -> RecordingSource:
    """One record per header: `signal` in physical units, and `events`, the annotations, if there are any.

    A path is a folder of records or any file of one (`100.hea`, `100.dat`, `100.atr`). The annotations are those of the
    annotator `reading.target` (the suffix of the file: `atr`), by default `atr`, or the only one there is; the
    field has its name if it was named. If any of
    them is a beat, the others (change of rhythm, noise, comments) are left out and counted; if none is, all are kept,
    labelled by their notes where their symbol only says that there is one. `reading.labels` gives a label per record.
    For channels, rates and gaps see `RecordingSource`. Signals are read when a record is asked for; here only headers,
    annotations and the last step are.

    A record may be cut into segments, with gaps between them and signals that only some have; what is missing is a gap
    in a channel. Its annotations stand beside it, or beside its segments, which in a folder are no records.

    Raises `UserError` for a record whose files are missing, damaged or cut short, or that has length 0, and for an
    annotator that does not exist.
    """
    wfdb = need("wfdb", extra="wfdb", doing="reading WFDB records")
    headers = [path if path.is_dir() else path.with_suffix(".hea") for path in paths]
    record_paths, files = recording_files(list(dict.fromkeys(headers)), (".hea",), reading, notes)
    record_paths, files = _without_segments(record_paths, files)
    recordings = [_open(wfdb, path, reading, notes) for path in record_paths]
    channels = recordings[0].channels
    named = reading.labels is None and reading.target is not None and reading.target not in channels
    return RecordingSource(recordings, files, reading, notes, _read, events=str(reading.target) if named else "events")


def _without_segments(paths: list[Path], files: LabelledFiles | None) -> tuple[list[Path], LabelledFiles | None]:
    """The records without those that are segments of others among them."""
    inside = parts_of_others(paths)
    kept = [index for index, path in enumerate(paths) if path not in inside]
    if len(kept) == len(paths):
        return paths, files

    def chosen(values: list[Any] | None) -> Any:
        return None if values is None else [values[index] for index in kept]

    if files is not None:
        files = replace(files, paths=chosen(files.paths), labels=chosen(files.labels), groups=chosen(files.groups))
    return chosen(paths), files


def _open(wfdb: Any, path: Path, reading: Reading, notes: Notes) -> Recording:
    segments = segments_of(path)
    whole = _open_whole(wfdb, path, path) if not segments else _open_segments(wfdb, path, segments)
    steps, channels, rate = whole
    if segments and not _annotators(path):
        times, symbols = _annotations_of_segments(wfdb, path, segments, reading, channels, notes)
    else:
        times, symbols = _annotations(wfdb, path, reading, channels, notes)
    seconds = None if times is None else times / rate
    return Recording(path, channels, (rate,) * len(channels), steps / rate, seconds, symbols)


def _open_whole(wfdb: Any, path: Path, named: Path) -> tuple[int, tuple[str, ...], float]:
    """Steps, channels and rate of a record that is one piece; `named` is what the user knows it by."""
    name = str(path.with_suffix(""))
    try:
        header = wfdb.rdheader(name)
        steps, channels, rate = header.sig_len, header.sig_name, header.fs
    except FileNotFoundError:
        raise UserError(f"{named} needs {path.name}, which does not exist; put it beside the header") from None
    except (*_BROKEN, OSError):
        raise UserError(f"{path} is no header of a WFDB record; fetch it again") from None
    if not channels or not rate:
        raise UserError(f"{path} names no signals or no rate; give records with signals")
    if steps == 0:
        raise UserError(f"{path} has length 0; take the record away")
    try:
        if steps is None:
            steps = len(wfdb.rdrecord(name).p_signal)
        else:
            wfdb.rdrecord(name, sampfrom=steps - 1, sampto=steps)
    except FileNotFoundError as error:
        raise UserError(f"{path} needs {error.filename}, which does not exist; put it beside the header") from None
    except (*_BROKEN, OSError):
        raise UserError(f"the signal of {path} is shorter than its header says, or damaged; fetch it again") from None
    return int(steps), tuple(channels), float(rate)


def _open_segments(wfdb: Any, path: Path, segments: list[Segment]) -> tuple[int, tuple[str, ...], float]:
    """The same for a record in segments: all channels that any of them has, in the order of first appearance."""
    rate, channels = None, dict[str, None]()
    for segment in segments:
        steps, names, rate_here = _open_whole(wfdb, segment.header(path), path)
        check_segment(segment, steps, path)
        if rate not in (None, rate_here):
            raise UserError(f"{segment.header(path)} has {rate_here:g} steps per second, those before have {rate:g}")
        rate = rate_here
        channels |= dict.fromkeys(names)
    assert rate is not None
    return length_of(path), tuple(channels), rate


def _annotations(
    wfdb: Any, path: Path, reading: Reading, channels: tuple[str, ...], notes: Notes
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Steps and symbols, or None if the record has no annotations."""
    if reading.unlabelled:
        return None, ()
    annotator = _annotator(path, reading, channels)
    if annotator is None:
        return None, ()
    file = path.with_suffix(f".{annotator}")
    try:
        annotations = wfdb.rdann(str(path.with_suffix("")), annotator)
    except (*_BROKEN, OSError):
        raise UserError(f"{file} cannot be read as annotations; fetch it again or take it away") from None
    beats = [symbol in BEATS for symbol in annotations.symbol]
    if any(beats):
        notes.add("annotations that are no beats, left out", beats.count(False))
        symbols = tuple(symbol for symbol in annotations.symbol if symbol in BEATS)
        return np.asarray(annotations.sample)[beats].astype(np.float64), symbols
    texts = [note.strip("\0 ") for note in annotations.aux_note]
    symbols = tuple(
        text if symbol in '"+' and text else symbol for symbol, text in zip(annotations.symbol, texts, strict=True)
    )
    return np.asarray(annotations.sample).astype(np.float64), symbols


def _annotations_of_segments(
    wfdb: Any, path: Path, segments: list[Segment], reading: Reading, channels: tuple[str, ...], notes: Notes
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Those that stand beside each segment, moved to where it begins."""
    all_times: list[np.ndarray] = []
    symbols: list[str] = []
    for segment in segments:
        times, here = _annotations(wfdb, segment.header(path), reading, channels, notes)
        if times is not None:
            all_times.append(times + segment.start)
            symbols += here
    return (np.concatenate(all_times), tuple(symbols)) if all_times else (None, ())


def _annotators(path: Path) -> list[str]:
    """The annotators that stand beside a header."""
    beside = [file.suffix for file in sorted(path.parent.glob(f"{path.stem}.*")) if file.stem == path.stem]
    return [suffix[1:] for suffix in beside if suffix not in _NO_ANNOTATION and suffix[1:].isalnum()]


def _annotator(path: Path, reading: Reading, channels: tuple[str, ...]) -> str | None:
    annotators = _annotators(path)
    target = reading.target
    if target in (None, "events") or reading.labels is not None or target in channels:
        if "atr" in annotators:
            return "atr"
        if len(annotators) > 1:
            raise UserError(f"{path} has several annotators ({', '.join(annotators)}); choose one with --target")
        return annotators[0] if annotators else None
    if target not in annotators:
        known = annotators + list(channels)
        near = get_close_matches(str(target), known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known)}"
        raise UserError(f"{path} has no annotator or channel {target!r}; {hint}")
    return target


def _read(path: Path, channels: tuple[str, ...]) -> list[np.ndarray]:
    wfdb = need("wfdb", extra="wfdb", doing="reading WFDB records")
    try:
        if segments_of(path):
            return read_segments(wfdb, path, channels)
        record = wfdb.rdrecord(str(path.with_suffix("")))
        return [record.p_signal[:, record.sig_name.index(name)] for name in channels]
    except (*_BROKEN, OSError):
        raise UserError(f"the signal of {path} cannot be read; fetch it again") from None
