"""Recordings of sound: WAV, FLAC, OGG, MP3."""

from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.data.encoders.resample import resample
from unrolled.data.readers.extras import need
from unrolled.data.readers.file_source import FileSource
from unrolled.data.readers.files import find_files
from unrolled.data.readers.label_table import TEXTS, is_table
from unrolled.data.readers.lines import numbered_lines
from unrolled.data.readers.names import LabelledFiles, label_files
from unrolled.data.readers.suffixes import AUDIO
from unrolled.data.records import Field, Kind, Notes, Reading
from unrolled.errors import UserError

_UNKNOWN_LENGTH = (0, 0x7FFFFFFF, 0xFFFFFFFF)  # what programs write that stream a WAV file
_BLOCK = 1 << 20


def read_audio(paths: list[Path], reading: Reading, notes: Notes) -> FileSource:
    """One record per file: `audio` (signal), and the label of `label_files`.

    Where texts are wanted the second field is `text`: from the table that `reading.labels` names (columns `path` and
    `text`), else from `NAME.txt` beside each file; files without are left out and counted. Where numbers are wanted
    the label is numeric.

    Only headers are read here; a record is decoded when asked for, as float32 `[time, channels]` in -1..1. Channels are
    mixed to one by their mean, unless every file has the same number of them. All are resampled to `reading.rate`, or
    to the most common rate of the files, and those that were at another are counted.

    Raises `UserError` for a file that cannot be decoded, is cut short, has length 0, or holds NaN or infinity (files
    of floating point are read through for that).
    """
    soundfile = need("soundfile", extra="audio", doing="reading audio")
    texts = reading.wish.target == "text"
    if (
        texts
        and not reading.unlabelled
        and not is_table(reading.labels)
        and not any(is_table(path.name) for path in paths)
    ):
        files = _with_transcripts(list(find_files(paths, AUDIO, notes)), notes)
    else:
        files = label_files(paths, AUDIO, reading, notes, *([TEXTS] if texts else []))
        files = replace(files, name=reading.target or "text") if texts else files
    headers = [_check(soundfile, path) for path in files.paths]
    rate = reading.rate or float(Counter(rate for rate, _ in headers).most_common(1)[0][0])
    notes.add(f"files resampled to {rate:g} Hz", sum(rate != file_rate for file_rate, _ in headers))
    channels = headers[0][1] if len({channels for _, channels in headers}) == 1 else 1
    notes.add("files whose channels were mixed to one", sum(channels != file_channels for _, file_channels in headers))
    names = tuple(f"channel_{number}" for number in range(channels)) if channels > 1 else ("audio",)
    content = Field("audio", "signal", timed=True, channels=names, rate=rate)
    kind: Kind = "text" if texts else "numeric" if reading.wish.target == "number" else "categorical"
    return FileSource(files, content, partial(decode, rate=rate, mono=channels == 1), kind)


def decode(path: Path, *, rate: float, mono: bool) -> np.ndarray:
    """The sound of a file at `rate`, float32 `[time, channels]`."""
    soundfile = need("soundfile", extra="audio", doing="reading audio")
    try:
        samples, file_rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError):
        raise _broken(path) from None
    if not len(samples):
        raise _empty(path)
    if mono and samples.shape[1] > 1:
        samples = samples.mean(axis=1, keepdims=True)
    return resample(samples, file_rate, rate, edges="hold")


def _check(soundfile: Any, path: Path) -> tuple[int, int]:
    """Rate and number of channels of a file that can be read to its end."""
    try:
        if not path.stat().st_size:
            raise _empty(path)
        _check_size(path)
        with soundfile.SoundFile(path) as file:
            if not file.frames:
                raise _empty(path)
            if file.subtype in ("FLOAT", "DOUBLE"):
                _check_finite(path, file)
            elif file.seekable():
                file.seek(file.frames - 1)
                if not len(file.read(1)):
                    raise _cut_short(path)
            return file.samplerate, file.channels
    except (soundfile.SoundFileError, OSError):
        raise _broken(path) from None


def _check_size(path: Path) -> None:
    """Refuses a WAV file shorter than its header says, which libsndfile reads without a word."""
    with open(path, "rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return
        while len(chunk := file.read(8)) == 8:
            size = int.from_bytes(chunk[4:], "little")
            if chunk[:4] == b"data":
                if size not in _UNKNOWN_LENGTH and file.tell() + size > path.stat().st_size:
                    raise _cut_short(path)
                return
            file.seek(size + size % 2, 1)


def _check_finite(path: Path, file: Any) -> None:
    for start in range(0, file.frames, _BLOCK):
        finite = np.isfinite(file.read(_BLOCK, dtype="float32", always_2d=True)).all(axis=1)
        if not finite.all():
            step = start + int(np.flatnonzero(~finite)[0])
            raise UserError(f"{path} holds NaN or infinity at sample {step:,}; repair the file or take it away")


def _with_transcripts(paths: list[Path], notes: Notes) -> LabelledFiles:
    texts = [_transcript(path.with_suffix(".txt")) for path in paths]
    pairs = [(path, text) for path, text in zip(paths, texts, strict=True) if text]
    if not pairs:
        how = "no texts: no NAME.txt beside the files; give --data.labels with a table of path and text"
        return LabelledFiles(paths, "text", None, None, how, None)
    notes.add("files without a text beside them, left out", len(paths) - len(pairs))
    kept, transcripts = zip(*pairs, strict=True)
    return LabelledFiles(list(kept), "text", list(transcripts), None, "text: NAME.txt beside each file", None)


def _transcript(path: Path) -> str:
    if not path.is_file() or not path.stat().st_size:
        return ""
    return " ".join(" ".join(line for _, line in numbered_lines(path)).split())


def _broken(path: Path) -> UserError:
    return UserError(f"{path} cannot be decoded: it is damaged, or no sound; take it away")


def _empty(path: Path) -> UserError:
    return UserError(f"{path} has length 0: it holds no sound; take it away")


def _cut_short(path: Path) -> UserError:
    return UserError(f"{path} is cut short: its header announces more than there is; fetch it again or take it away")
