"""Video clips, through FFmpeg (PyAV)."""

import math
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.data.readers.extras import need
from unrolled.data.readers.file_source import FileSource
from unrolled.data.readers.names import label_files
from unrolled.data.readers.suffixes import VIDEO
from unrolled.data.records import Field, Kind, Notes, Reading
from unrolled.errors import UserError

_FASTEST = 8.0  # frames per second, unless the user asks for more


def read_video(paths: list[Path], reading: Reading, notes: Notes, *, size: int = 64) -> FileSource:
    """One record per clip: `frames`, and the label of `label_files` (numeric if numbers are wanted).

    A clip is decoded when asked for, as uint8 RGB `[time, size, size, 3]`: scaled until the shorter side is `size`, and
    cut to the square in the middle. The rate is `reading.rate`, or that of most clips but at most 8 frames per second,
    the same for all: at each tick the frame is taken that is on screen, so that slower clips repeat frames; these clips
    are counted. Here only headers and first frames are read.

    Raises `UserError` for a file that cannot be decoded, without video, or without a frame.
    """
    need("av", extra="video", doing="reading video")
    files = label_files(paths, VIDEO, reading, notes)
    rates = [_check(path) for path in files.paths]
    rate = reading.rate or min(_FASTEST, Counter(rates).most_common(1)[0][0])
    notes.add(f"clips slower than {rate:g} frames per second, with frames repeated", sum(r < rate for r in rates))
    kind: Kind = "numeric" if reading.wish.target == "number" else "categorical"
    return FileSource(files, Field("frames", "frames", True, rate=rate), partial(decode, rate=rate, size=size), kind)


def decode(path: Path, *, rate: float, size: int) -> np.ndarray:
    """The frames of a clip on a grid of `rate` per second, uint8 `[time, size, size, 3]`."""
    chosen: list[np.ndarray] = []
    shown: Any = None
    end = 0.0
    for frame, start, seconds in _frames(path):
        _choose(chosen, shown, start, rate, size)  # the frame before is on screen until this one starts
        shown, end = frame, start + seconds
    _choose(chosen, shown, end, rate, size)
    if not chosen:
        raise UserError(f"{path} holds no frame; take it away")
    return np.stack(chosen)


def _choose(chosen: list[np.ndarray], shown: Any, until: float, rate: float, size: int) -> None:
    """Adds the frame for every tick before the time `until`, if it is on screen at one."""
    ticks = math.ceil(until * rate - 1e-6) - len(chosen)  # times are rounded to the time base of the clip
    if shown is not None and ticks > 0:
        chosen += [_square(shown, size)] * ticks


def _square(frame: Any, size: int) -> np.ndarray:
    scale = size / min(frame.width, frame.height)
    width, height = max(size, round(frame.width * scale)), max(size, round(frame.height * scale))
    pixels = frame.to_ndarray(format="rgb24", width=width, height=height)
    top, left = (height - size) // 2, (width - size) // 2
    return pixels[top : top + size, left : left + size]


def _frames(path: Path) -> Iterator[tuple[Any, float, float]]:
    """Each frame with its start from the first, and how long it is on screen by the rate of the clip, in seconds."""
    av = need("av", extra="video", doing="reading video")
    try:
        if not path.stat().st_size:
            raise UserError(f"{path} has length 0: it holds no video; take it away")
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise UserError(f"{path} holds no video; take it away")
            stream = container.streams.video[0]
            seconds = 1 / float(stream.average_rate or stream.guessed_rate or _FASTEST)
            first: float | None = None
            for number, frame in enumerate(container.decode(stream)):
                time = number * seconds if frame.time is None else frame.time
                first = time if first is None else first
                yield frame, time - first, seconds
    except (av.FFmpegError, OSError):
        raise UserError(f"{path} cannot be decoded: it is damaged, or no video; take it away") from None


def _check(path: Path) -> float:
    """The frames per second of a clip whose first frame can be decoded."""
    for _, _, seconds in _frames(path):
        return 1 / seconds
    raise UserError(f"{path} holds no frame; take it away")
