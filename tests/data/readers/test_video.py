import pickle
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from unrolled.data.readers.video import read_video
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError

av = pytest.importorskip("av")


def write(
    root: Path, name: str, frames: int = 12, rate: int = 4, size: tuple[int, int] = (96, 64), codec: str = "mjpeg"
) -> Path:
    """A clip whose frame i is grey of brightness 10 + 15 i, with a red stripe down the left eighth."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    width, height = size
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(rate))
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for number in range(frames):
            pixels = np.full((height, width, 3), 10 + 15 * number, dtype=np.uint8)
            pixels[:, : width // 8] = [250, 0, 0]
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def numbers(frames: np.ndarray) -> list[int]:
    """Which frame of the clip each one is, by its brightness in the middle."""
    middle = frames.shape[1] // 2
    return [round((float(frame[middle, middle].mean()) - 10) / 15) for frame in frames]


@pytest.mark.parametrize(("name", "codec"), [("clip.avi", "mjpeg"), ("clip.mp4", "mpeg4"), ("clip.avi", "mpeg4")])
def test_a_clip_is_read_frame_by_frame(tmp_path: Path, name: str, codec: str) -> None:
    source = read_video([write(tmp_path, name, codec=codec)], Reading(), Notes())
    record = pickle.loads(pickle.dumps(source)).record(0)
    frames = record.values["frames"]
    assert (frames.shape, frames.dtype) == ((12, 64, 64, 3), np.uint8)
    assert (record.rate, source.field("frames").rate, source.slow) == (4.0, 4.0, True)
    assert numbers(frames) == list(range(12))


def test_fast_clips_are_sampled_at_eight_frames_per_second(tmp_path: Path) -> None:
    path = write(tmp_path, "fast.avi", frames=15, rate=20)
    source = read_video([path], Reading(), Notes())
    assert source.field("frames").rate == 8.0
    # On screen at k/8 s: frame floor(20 k / 8).
    assert numbers(source.record(0).values["frames"]) == [0, 2, 5, 7, 10, 12]
    assert numbers(read_video([path], Reading(rate=20.0), Notes()).record(0).values["frames"]) == list(range(15))
    assert numbers(read_video([path], Reading(rate=2.0), Notes()).record(0).values["frames"]) == [0, 10]


def test_slow_clips_repeat_frames_and_are_counted(tmp_path: Path) -> None:
    for name in ("a/1.avi", "b/2.avi"):
        write(tmp_path, name, frames=6, rate=6)
    write(tmp_path, "b/3.avi", frames=3, rate=3)
    notes = Notes()
    source = read_video([tmp_path], Reading(), notes)
    assert source.labels("label") == ["a", "b", "b"]
    assert [numbers(record.values["frames"]) for record in source] == [[*range(6)], [*range(6)], [0, 0, 1, 1, 2, 2]]
    assert notes.counts == {"clips slower than 6 frames per second, with frames repeated": 1}


@pytest.mark.parametrize("size", [(96, 64), (64, 96), (64, 64), (98, 50)])
def test_the_middle_square_is_cut_out(tmp_path: Path, size: tuple[int, int]) -> None:
    path = write(tmp_path, "clip.avi", frames=2, size=size)
    frames = read_video([path], Reading(), Notes(), size=16).record(0).values["frames"]
    assert frames.shape == (2, 16, 16, 3)
    red = frames[0, 8, 0, 0].astype(int) - frames[0, 8, 0, 1] > 100
    wide = size[0] > size[1] * 1.3  # then the red stripe at the left is cut off
    assert red == (not wide)


def test_broken_and_empty_clips_are_named_when_opened(tmp_path: Path) -> None:
    good = write(tmp_path, "good.mp4", codec="mpeg4")
    data = good.read_bytes()
    bad = tmp_path / "bad.mp4"
    for content, message in ((b"", "has length 0"), (b"text" * 50, "cannot be"), (data[: len(data) // 2], "cannot be")):
        bad.write_bytes(content)
        with pytest.raises(UserError, match=rf"bad\.mp4 {message}"):
            read_video([tmp_path], Reading(), Notes())


def test_a_file_without_video_is_named(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 2048), dtype=np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        for packet in [*stream.encode(frame), *stream.encode()]:
            container.mux(packet)
    with pytest.raises(UserError, match=r"sound\.mp4 holds no video"):
        read_video([path], Reading(), Notes())
