import pickle
from pathlib import Path

import numpy as np
import pytest

from unrolled.data.readers import extras
from unrolled.data.readers.audio import read_audio
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError
from unrolled.tasks.reads import wish_of

soundfile = pytest.importorskip("soundfile")


def tone(seconds: float = 0.1, rate: int = 8000, channels: int = 1) -> np.ndarray:
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    return np.stack([wave * (channel + 1) / channels for channel in range(channels)], axis=1)


def write(root: Path, name: str, samples: np.ndarray, rate: int = 8000, subtype: str | None = None) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


def test_a_folder_per_class(tmp_path: Path) -> None:
    for name in ("a/1.wav", "a/2.flac", "b/3.ogg"):
        write(tmp_path, name, tone())
    (tmp_path / "b/readme.md").write_text("stray")
    notes = Notes()
    source = read_audio([tmp_path], Reading(), notes)
    assert source.slow
    assert source.labels("label") == ["a", "a", "b"]
    assert (source.field("audio").kind, source.field("audio").rate) == ("signal", 8000)
    assert notes.counts == {"files of another kind, left out": 1}
    for record in pickle.loads(pickle.dumps(source)):  # it goes to worker processes
        audio = record.values["audio"]
        assert (audio.shape, audio.dtype, record.rate) == ((800, 1), np.float32, 8000.0)
        np.testing.assert_allclose(audio, tone(), atol=0.1 if record.origin.endswith("ogg") else 1e-4)


def test_mixed_rates_go_to_the_most_common_one(tmp_path: Path) -> None:
    for name, rate in (("a_1.wav", 8000), ("a_2.wav", 16000), ("b_3.wav", 8000)):
        write(tmp_path, name, tone(rate=rate), rate)
    notes = Notes()
    source = read_audio([tmp_path], Reading(), notes)
    assert [len(record.values["audio"]) for record in source] == [800, 800, 800]
    inner = slice(100, -100)
    np.testing.assert_allclose(source.record(1).values["audio"][inner], tone()[inner], atol=0.01)
    assert notes.counts == {"files resampled to 8000 Hz": 1}
    notes = Notes()
    source = read_audio([tmp_path], Reading(rate=4000.0), notes)
    assert (source.field("audio").rate, len(source.record(0).values["audio"])) == (4000.0, 400)
    assert notes.counts == {"files resampled to 4000 Hz": 3}


def test_channels_are_kept_if_all_files_have_them_and_mixed_if_not(tmp_path: Path) -> None:
    first, second = write(tmp_path, "1.wav", tone(channels=2)), write(tmp_path, "2.wav", tone(channels=2))
    notes = Notes()
    source = read_audio([first, second], Reading(), notes)
    assert source.field("audio").channels == ("channel_0", "channel_1")
    np.testing.assert_allclose(source.record(0).values["audio"], tone(channels=2), atol=1e-4)
    assert not notes.counts
    source = read_audio([first, write(tmp_path, "3.wav", tone())], Reading(), notes)
    np.testing.assert_allclose(source.record(0).values["audio"], 0.75 * tone(), atol=1e-4)
    assert notes.counts == {"files whose channels were mixed to one": 1}


def test_transcripts_beside_the_files_or_in_a_table(tmp_path: Path) -> None:
    for name in ("1.wav", "2.wav", "3.wav", "4.wav"):
        write(tmp_path, name, tone())
    (tmp_path / "1.txt").write_text("eins\nzwei \n")
    (tmp_path / "3.txt").write_text("drei")
    (tmp_path / "4.txt").write_text("")
    notes = Notes()
    source = read_audio([tmp_path], Reading(wish=wish_of("transcribe")), notes)
    assert [record.values["text"] for record in source] == ["eins zwei", "drei"]
    assert (source.field("text").kind, source.field("text").timed) == ("text", True)
    assert source.labels("text") is None
    assert notes.counts == {"files without a text beside them, left out": 2}

    (tmp_path / "all.csv").write_text("path,speaker,text\n2.wav,x,two\n1.wav,y,\n")
    reading = Reading(wish=wish_of("transcribe"), labels=str(tmp_path / "all.csv"), group="speaker")
    source = read_audio([tmp_path], reading, Notes())
    assert [(record.origin, record.values["text"]) for record in source] == [(str(tmp_path / "2.wav"), "two")]
    assert source.groups("speaker") == ["x"]

    for path in tmp_path.glob("*.txt"):
        path.unlink()
    source = read_audio([tmp_path], Reading(wish=wish_of("transcribe")), Notes())
    assert len(source.fields) == 1
    assert "no NAME.txt" in source.files.how


def test_numbers_as_labels(tmp_path: Path) -> None:
    write(tmp_path, "1.wav", tone())
    (tmp_path / "all.csv").write_text("path,loudness\n1.wav,0.5\n")
    reading = Reading(wish=wish_of("regress"), labels=str(tmp_path / "all.csv"), target="loudness")
    source = read_audio([tmp_path], reading, Notes())
    assert source.field("loudness").kind == "numeric"
    np.testing.assert_array_equal(source.record(0).values["loudness"], np.array([0.5], dtype=np.float32))
    for bad in ("loud", "nan"):
        (tmp_path / "all.csv").write_text(f"path,loudness\n1.wav,{bad}\n")
        with pytest.raises(UserError, match=rf"the label of .*1\.wav is '{bad}', expected a number"):
            read_audio([tmp_path], reading, Notes())


def cut(path: Path, share: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: round(len(data) * share)])


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_a_file_cut_short_is_named_when_opened(tmp_path: Path, suffix: str) -> None:
    write(tmp_path, "good.wav", tone(1))
    noise = np.random.default_rng(0).uniform(-1, 1, size=(80_000, 1))
    cut(write(tmp_path, f"short.{suffix}", noise), 0.5)
    with pytest.raises(UserError, match=rf"short\.{suffix} (is cut short|cannot be decoded)"):
        read_audio([tmp_path], Reading(), Notes())


def test_broken_and_empty_files_are_named_when_opened(tmp_path: Path) -> None:
    path = tmp_path / "bad.wav"
    for content, message in ((b"", "has length 0"), (b"this is text", "cannot be decoded"), (b"RIFF", "be decoded")):
        path.write_bytes(content)
        with pytest.raises(UserError, match=rf"bad\.wav {message}" if message[0] != "b" else message):
            read_audio([path], Reading(), Notes())
    write(tmp_path, "bad.wav", np.zeros((0, 1)))
    with pytest.raises(UserError, match=r"bad\.wav has length 0"):
        read_audio([path], Reading(), Notes())


def test_a_stream_of_unknown_length_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, "1.wav", tone())
    data = bytearray(path.read_bytes())
    offset = data.index(b"data") + 4
    data[offset : offset + 4] = data[4:8] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    np.testing.assert_allclose(read_audio([path], Reading(), Notes()).record(0).values["audio"], tone(), atol=1e-4)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_sound_are_named(tmp_path: Path, value: float) -> None:
    samples = tone()
    samples[7] = value
    write(tmp_path, "odd.wav", samples, subtype="FLOAT")
    with pytest.raises(UserError, match=r"odd\.wav holds NaN or infinity at sample 7"):
        read_audio([tmp_path], Reading(), Notes())


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(extras.importlib, "import_module", missing)
    with pytest.raises(UserError, match=r'reading audio needs soundfile: pip install "unrolled\[audio\]"'):
        read_audio([tmp_path], Reading(), Notes())
