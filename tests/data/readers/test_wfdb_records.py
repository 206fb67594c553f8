from pathlib import Path

import numpy as np
import pytest

from unrolled.data.readers.recordings import BRIDGED
from unrolled.data.readers.wfdb_records import read_wfdb
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError

wfdb = pytest.importorskip("wfdb")
ECG = Path(__file__).parents[3].parent / "shared" / "data" / "ecg"


def signal(steps: int = 1000, channels: int = 2) -> np.ndarray:
    return np.sin(np.arange(steps)[:, None] / np.array([10.0, 30.0, 50.0])[:channels])


def write(
    root: Path,
    name: str,
    values: np.ndarray | None = None,
    channels: tuple[str, ...] = ("II", "V5"),
    rate: int = 250,
    events: list[tuple[int, str]] | None = None,
    annotator: str = "atr",
) -> Path:
    values = signal(channels=len(channels)) if values is None else values
    wfdb.wrsamp(
        name,
        fs=rate,
        units=["mV"] * len(channels),
        sig_name=list(channels),
        p_signal=values,
        fmt=["16"] * len(channels),
        write_dir=str(root),
    )
    if events:
        places, symbols = zip(*events, strict=True)
        wfdb.wrann(name, annotator, np.array(places), list(symbols), write_dir=str(root))
    return root / f"{name}.hea"


BEATS = [(5, "N"), (70, "+"), (99, "V"), (150, "~"), (300, "N")]


def test_a_record_with_beats(tmp_path: Path) -> None:
    path = write(tmp_path, "r1", events=BEATS)
    for given in (path, path.with_suffix(".dat"), path.with_suffix(".atr"), tmp_path):
        notes = Notes()
        source = read_wfdb([given], Reading(), notes)
        assert (source.field("signal").channels, source.field("signal").rate) == (("II", "V5"), 250.0)
        record = source.record(0)
        np.testing.assert_allclose(record.values["signal"], signal(), atol=1e-3)
        assert record.values["signal"].dtype == np.float32
        np.testing.assert_array_equal(record.values["events"].positions, [5, 99, 300])
        assert record.values["events"].labels == ("N", "V", "N")
        assert (record.origin, record.rate) == (str(path), 250.0)
        assert notes.counts == {"annotations that are no beats, left out": 2}


def test_annotations_that_are_all_no_beats_are_kept(tmp_path: Path) -> None:
    source = read_wfdb([write(tmp_path, "r1", events=[(5, "+"), (9, "|")])], Reading(), Notes())
    assert source.record(0).values["events"].labels == ("+", "|")


def test_a_folder_with_mixed_rates_and_channels(tmp_path: Path) -> None:
    write(tmp_path, "r1", events=BEATS)
    write(tmp_path, "r2", channels=("V5", "II", "resp"))
    write(tmp_path, "r3", signal(2000, 2), rate=500, events=[(600, "N")])
    notes = Notes()
    source = read_wfdb([tmp_path], Reading(), notes)
    assert source.field("signal").channels == ("II", "V5")
    first, second, third = source
    np.testing.assert_allclose(second.values["signal"], first.values["signal"][:, ::-1], atol=1e-3)
    assert "events" not in second.values
    assert third.values["signal"].shape == (1000, 2)
    np.testing.assert_array_equal(third.values["events"].positions, [300])
    assert notes.counts == {
        "annotations that are no beats, left out": 2,
        "channels that some recordings do not have, left out": 1,
        "recordings with channels resampled to 250 steps per second": 1,
        "recordings without annotations": 1,
    }
    chosen = read_wfdb([tmp_path], Reading(inputs=("V5",), rate=125.0), Notes())
    assert chosen.field("signal").channels == ("V5",)
    assert chosen.record(0).values["signal"].shape == (500, 1)


def test_gaps_are_bridged(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 100)[:, None] * [1, 1]
    values[40:60, 0] = np.nan
    record = read_wfdb([write(tmp_path, "r1", values)], Reading(), Notes()).record(0)
    np.testing.assert_allclose(record.values["signal"][:, 0], np.linspace(0, 1, 100), atol=1e-3)


def test_annotators(tmp_path: Path) -> None:
    path = write(tmp_path, "r1", events=BEATS, annotator="qrs")
    assert len(read_wfdb([path], Reading(), Notes()).record(0).values["events"].labels) == 3
    wfdb.wrann("r1", "man", np.array([7]), ["N"], write_dir=str(tmp_path))
    with pytest.raises(UserError, match=r"r1\.hea has several annotators \(man, qrs\); choose one with --target"):
        read_wfdb([path], Reading(), Notes())
    source = read_wfdb([path], Reading(target="man"), Notes())
    np.testing.assert_array_equal(source.record(0).values["man"].positions, [7])
    with pytest.raises(UserError, match=r"no annotator or channel 'qsr'; did you mean 'qrs'\?"):
        read_wfdb([path], Reading(target="qsr"), Notes())


def test_a_label_per_record(tmp_path: Path) -> None:
    for name in ("r1", "r2"):
        write(tmp_path, name)
    table = tmp_path / "labels.csv"
    table.write_text("record,label,patient\nr1,sick,p1\nr2,well,p2\n")
    source = read_wfdb([tmp_path], Reading(labels=str(table), group="patient"), Notes())
    assert (source.labels("label"), source.groups("patient")) == (["sick", "well"], ["p1", "p2"])
    assert source.record(1).values["label"] == "well"
    with pytest.raises(UserError, match="--group patient needs"):
        read_wfdb([tmp_path], Reading(group="patient"), Notes())


def test_channels_that_do_not_exist(tmp_path: Path) -> None:
    path = write(tmp_path, "r1")
    with pytest.raises(UserError, match=r"r1\.hea has no channel 'V55'; did you mean 'V5'\?"):
        read_wfdb([path], Reading(inputs=("V55",)), Notes())
    write(tmp_path, "r2", channels=("x", "y"))
    with pytest.raises(UserError, match="give recordings with channels in common"):
        read_wfdb([tmp_path], Reading(), Notes())


def test_damaged_records_are_named_when_opened(tmp_path: Path) -> None:
    path = write(tmp_path, "r1", events=BEATS)
    data, header = path.with_suffix(".dat"), path.read_text()
    samples = data.read_bytes()
    data.write_bytes(samples[:100])
    with pytest.raises(UserError, match=r"the signal of .*r1\.hea is shorter than its header says"):
        read_wfdb([path], Reading(), Notes())
    data.unlink()
    with pytest.raises(UserError, match=r"r1\.hea needs .*r1\.dat, which does not exist"):
        read_wfdb([path], Reading(), Notes())
    data.write_bytes(samples)
    for text in ("", "hello\n", "r1 two 250 1000\n"):
        path.write_text(text)
        with pytest.raises(UserError, match=r"r1\.hea"):
            read_wfdb([path], Reading(), Notes())
    path.write_text(header.replace(" 1000\n", " 0\n", 1))
    with pytest.raises(UserError, match=r"r1\.hea has length 0"):
        read_wfdb([path], Reading(), Notes())
    with pytest.raises(UserError, match=r"r9\.hea does not exist"):
        read_wfdb([tmp_path / "r9.dat"], Reading(), Notes())


def test_annotations_outside_of_the_signal_are_left_out(tmp_path: Path) -> None:
    notes = Notes()
    path = write(tmp_path, "r1", events=[(5, "N"), (999, "N"), (1000, "N"), (5000, "N")])
    source = read_wfdb([path], Reading(), notes)
    np.testing.assert_array_equal(source.record(0).values["events"].positions, [5, 999])
    assert notes.counts == {"annotations before the start or after the end, left out": 2}


@pytest.mark.skipif(not ECG.exists(), reason="the public data is not here")
def test_record_100_has_its_beats() -> None:
    record = read_wfdb([ECG / "100.dat"], Reading(), Notes()).record(0)
    assert record.values["signal"].shape == (650_000, 2)
    assert len(record.values["events"].labels) == 2273
    assert sum(label != "N" for label in record.values["events"].labels) == 34


def test_what_is_bridged_or_silent_is_counted_with_the_record(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 100)[:, None] * [1, 1]
    values[40:60, 0] = np.nan
    path = write(tmp_path, "r1", values)
    assert read_wfdb([path], Reading(), Notes()).record(0).mended == ((BRIDGED, 20),)
    write(tmp_path, "r2", np.linspace(0, 1, 100)[:, None] * [1, 1])
    assert read_wfdb([tmp_path], Reading(), Notes()).record(1).mended == ()


def test_annotations_that_are_all_outside_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "r1", events=[(5000, "N")])
    with pytest.raises(UserError, match=r"r1\.hea has no annotation within the signal"):
        read_wfdb([path], Reading(), Notes())
    assert len(read_wfdb([path], Reading(unlabelled=True), Notes()).fields) == 1
    write(tmp_path, "r2", events=[(5, "N")])
    notes = Notes()
    read_wfdb([tmp_path], Reading(), notes)
    assert notes.counts["recordings with a file of annotations and none in it"] == 1
