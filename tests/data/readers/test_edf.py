from pathlib import Path

import numpy as np
import pytest

from unrolled.data.readers.edf import read_edf
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError

pyedflib = pytest.importorskip("pyedflib")


def write(
    path: Path, channels: dict[str, int], seconds: int = 4, annotations: tuple[tuple[float, str], ...] = ()
) -> dict[str, np.ndarray]:
    """An EDF+ file with a slow sine at each rate; returns what was written."""
    with pyedflib.EdfWriter(str(path), len(channels), pyedflib.FILETYPE_EDFPLUS) as file:
        heads = [
            {
                "label": name.partition("#")[0],
                "dimension": "uV",
                "sample_frequency": rate,
                "physical_min": -2.0,
                "physical_max": 2.0,
                "digital_min": -32768,
                "digital_max": 32767,
                "transducer": "",
                "prefilter": "",
            }
            for name, rate in channels.items()
        ]
        file.setSignalHeaders(heads)
        waves = {name: np.sin(2 * np.pi * np.arange(seconds * rate) / rate) for name, rate in channels.items()}
        file.writeSamples(list(waves.values()))
        for onset, text in annotations:
            file.writeAnnotation(onset, -1, text)
    return waves


def test_signals_and_annotations(tmp_path: Path) -> None:
    path = tmp_path / "night.edf"
    waves = write(path, {"EEG": 100, "EEG#2": 100}, annotations=((0.5, "N1"), (2.25, "REM")))
    source = read_edf([path], Reading(), Notes())
    assert (source.field("signal").channels, source.field("signal").rate) == (("EEG", "EEG 2"), 100.0)
    record = source.record(0)
    np.testing.assert_allclose(record.values["signal"], np.stack(list(waves.values()), axis=1), atol=1e-3)
    assert record.values["signal"].dtype == np.float32
    np.testing.assert_array_equal(record.values["events"].positions, [50, 225])
    assert record.values["events"].labels == ("N1", "REM")


def test_slower_channels_are_resampled_to_the_highest_rate_or_left_out(tmp_path: Path) -> None:
    path = tmp_path / "night.edf"
    waves = write(path, {"EEG": 100, "resp": 20})
    notes = Notes()
    source = read_edf([path], Reading(), notes)
    values = source.record(0).values["signal"]
    assert values.shape == (400, 2)
    np.testing.assert_allclose(values[50:-50, 1], waves["EEG"][50:-50], atol=0.02)
    assert notes.counts == {"recordings with channels resampled to 100 steps per second": 1}
    slow = read_edf([path], Reading(inputs=("resp",)), Notes())
    assert (slow.field("signal").rate, slow.record(0).values["signal"].shape) == (20.0, (80, 1))


def test_a_label_per_file_and_annotations_at_odd_places(tmp_path: Path) -> None:
    write(tmp_path / "a.edf", {"EEG": 50}, annotations=((1.0, "x"), (99.0, "late")))
    write(tmp_path / "b.edf", {"EEG": 50})
    (tmp_path / "labels.csv").write_text("file,label\na.edf,one\nb.edf,two\n")
    notes = Notes()
    source = read_edf([tmp_path], Reading(labels=str(tmp_path / "labels.csv")), notes)
    assert source.labels("label") == ["one", "two"]
    assert [list(record.values) for record in source] == [["signal", "events", "label"], ["signal", "label"]]
    assert notes.counts["annotations before the start or after the end, left out"] == 1
    assert notes.counts["recordings without annotations"] == 1


@pytest.mark.parametrize("content", [b"", b"0       " + b" " * 40, b"no EDF at all" * 100])
def test_files_that_are_no_edf(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.edf"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"bad\.edf cannot be read as EDF"):
        read_edf([path], Reading(), Notes())


def test_a_file_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "short.edf"
    write(path, {"EEG": 100})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"short\.edf cannot be read as EDF"):
        read_edf([path], Reading(), Notes())


def test_a_channel_that_does_not_exist(tmp_path: Path) -> None:
    write(tmp_path / "a.edf", {"EEG Fpz": 50})
    with pytest.raises(UserError, match=r"no channel 'EEG Fp'; did you mean 'EEG Fpz'\?"):
        read_edf([tmp_path], Reading(inputs=("EEG Fp",)), Notes())


def test_a_file_with_gaps_in_time(tmp_path: Path) -> None:
    path = tmp_path / "gaps.edf"
    write(path, {"EEG": 100})
    content = path.read_bytes()
    assert content.count(b"EDF+C") == 1
    path.write_bytes(content.replace(b"EDF+C", b"EDF+D"))
    with pytest.raises(UserError, match=r"gaps\.edf has gaps between its stretches \(EDF\+D\).*a file of its own"):
        read_edf([path], Reading(), Notes())
