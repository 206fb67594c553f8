"""Records of PhysioNet in segments, against wfdb's own reader where that can read them."""

from pathlib import Path

import numpy as np
import pytest

from unrolled.data.readers.recordings import BRIDGED
from unrolled.data.readers.wfdb_records import read_wfdb
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError

wfdb = pytest.importorskip("wfdb")
RNG = np.random.default_rng(0)


def segment(
    root: Path, name: str, steps: int, channels: tuple[str, ...] = ("I",), rate: int = 100, events: tuple[int, ...] = ()
) -> np.ndarray:
    values = np.cumsum(RNG.normal(size=(steps, len(channels))), axis=0).round(2)
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
        wfdb.wrann(name, "atr", np.array(events), ["N"] * len(events), write_dir=str(root))
    return wfdb.rdrecord(str(root / name)).p_signal


def header(root: Path, name: str, *lines: str, channels: int = 1, rate: int = 100) -> Path:
    steps = sum(int(line.split()[1]) for line in lines)
    path = root / f"{name}.hea"
    path.write_text(f"{name}/{len(lines)} {channels} {rate} {steps}\n" + "\n".join(lines) + "\n# a comment\n")
    return path


def test_a_fixed_layout(tmp_path: Path) -> None:
    parts = [segment(tmp_path, f"m_{n}", steps) for n, steps in ((1, 500), (2, 250), (3, 400))]
    path = header(tmp_path, "m", "m_1 500", "m_2 250", "m_3 400")
    wfdb.wrann("m", "atr", np.array([10, 520, 760, 1100]), ["N", "V", "+", "N"], write_dir=str(tmp_path))
    for given in (path, tmp_path, path.with_suffix(".atr")):
        notes = Notes()
        source = read_wfdb([given], Reading(), notes)
        assert len(source) == 1
        record = source.record(0)
        np.testing.assert_array_equal(record.values["signal"], np.concatenate(parts).astype(np.float32))
        np.testing.assert_array_equal(record.values["signal"], wfdb.rdrecord(str(tmp_path / "m")).p_signal.astype("f4"))
        assert record.rate == 100
        assert record.values["events"].positions.tolist() == [10, 520, 1100]
        assert record.values["events"].labels == ("N", "V", "N")
        assert notes.counts == {"annotations that are no beats, left out": 1}
    assert len(read_wfdb([tmp_path / "m_2.hea"], Reading(), Notes()).record(0).values["signal"]) == 250


def test_a_gap_is_bridged(tmp_path: Path) -> None:
    first, second = segment(tmp_path, "g_1", 300), segment(tmp_path, "g_2", 200)
    path = header(tmp_path, "g", "g_1 300", "~ 99", "g_2 200")
    record = read_wfdb([path], Reading(), Notes()).record(0)
    values = record.values["signal"][:, 0]
    np.testing.assert_array_equal(values[:300], first[:, 0].astype(np.float32))
    np.testing.assert_array_equal(values[399:], second[:, 0].astype(np.float32))
    line = np.linspace(first[-1, 0], second[0, 0], 101)[1:-1]
    np.testing.assert_allclose(values[300:399], line, rtol=1e-5, atol=1e-6)
    assert record.mended == ((BRIDGED, 99),)


def test_a_variable_layout(tmp_path: Path) -> None:
    segment(tmp_path, "v_1", 300, ("I", "II"))
    segment(tmp_path, "v_2", 200, ("II",))
    segment(tmp_path, "v_3", 100, ("V", "I"))
    lines = [f"~ 0 200 16 0 0 0 0 {name}" for name in ("I", "II", "V")]
    (tmp_path / "v_layout.hea").write_text("v_layout 3 100 0\n" + "\n".join(lines) + "\n")
    header(tmp_path, "v", "v_layout 0", "v_1 300", "~ 100", "v_2 200", "v_3 100", channels=3)
    expected = wfdb.rdrecord(str(tmp_path / "v"))
    notes = Notes()
    source = read_wfdb([tmp_path], Reading(), notes)
    assert len(source) == 1
    record = source.record(0)
    assert set(source.fields[0].channels) == set(expected.sig_name)
    for channel, name in enumerate(source.fields[0].channels):
        column = expected.p_signal[:, expected.sig_name.index(name)]
        present = ~np.isnan(column)
        np.testing.assert_array_equal(record.values["signal"][present, channel], column[present].astype(np.float32))
    missing = int(np.isnan(expected.p_signal).sum())
    assert dict(record.mended)[BRIDGED] == missing
    chosen = read_wfdb([tmp_path / "v.hea"], Reading(inputs=("II",)), Notes()).record(0)
    assert chosen.values["signal"].shape == (700, 1)


def test_annotations_of_the_segments_are_moved(tmp_path: Path) -> None:
    segment(tmp_path, "a_1", 300, events=(5, 299))
    segment(tmp_path, "a_2", 200, events=(0, 150))
    path = header(tmp_path, "a", "a_1 300", "~ 100", "a_2 200")
    for reading in (Reading(), Reading(target="atr")):
        source = read_wfdb([path], reading, Notes())
        name = reading.target or "events"
        assert source.record(0).values[name].positions.tolist() == [5, 299, 400, 550]
    assert len(read_wfdb([path], Reading(unlabelled=True), Notes()).fields) == 1


def test_labels_of_records_in_segments(tmp_path: Path) -> None:
    for name in ("x", "y"):
        segment(tmp_path, f"{name}_1", 50)
        segment(tmp_path, f"{name}_2", 50)
        header(tmp_path, name, f"{name}_1 50", f"{name}_2 50")
    source = read_wfdb([tmp_path], Reading(labels=r"(?P<label>[xy])"), Notes())
    assert source.labels("label") == ["x", "y"]


def test_what_is_refused(tmp_path: Path) -> None:
    segment(tmp_path, "m_1", 50)
    segment(tmp_path, "slow", 50, rate=50)
    with pytest.raises(UserError, match=r"m\.hea needs m_9\.hea, which does not exist; put it beside the header"):
        read_wfdb([header(tmp_path, "m", "m_1 50", "m_9 50")], Reading(), Notes())
    with pytest.raises(UserError, match=r"m_1\.hea has 50 steps, and .*m\.hea says 60; fetch both again"):
        read_wfdb([header(tmp_path, "m", "m_1 60")], Reading(), Notes())
    with pytest.raises(UserError, match=r"slow\.hea has 50 steps per second, those before have 100"):
        read_wfdb([header(tmp_path, "m", "m_1 50", "slow 50")], Reading(), Notes())
    with pytest.raises(UserError, match=r"m\.hea has no segment with a signal"):
        read_wfdb([header(tmp_path, "m", "~ 50")], Reading(), Notes())
    path = header(tmp_path, "m", "m_1 50")
    path.write_text(path.read_text().replace("m/1", "m/3"))
    with pytest.raises(UserError, match=r"m\.hea says that it has 3 segments, and names 1; fetch it again"):
        read_wfdb([path], Reading(), Notes())
    path.write_text("m/1 1 100 50\nm_1 many\n")
    with pytest.raises(UserError, match=r"has the line 'm_1 many', expected the name of a segment and its length"):
        read_wfdb([path], Reading(), Notes())
    (tmp_path / "m_1.dat").write_bytes((tmp_path / "m_1.dat").read_bytes()[:40])
    with pytest.raises(UserError, match=r"the signal of .*m_1\.hea is shorter than its header says, or damaged"):
        read_wfdb([header(tmp_path, "m", "m_1 50")], Reading(), Notes())
    (tmp_path / "bad.hea").write_text("bad/1 1 100 50\n\n")
    with pytest.raises(UserError, match=r"bad\.hea says that it has 1 segments, and names 0"):
        read_wfdb([tmp_path / "bad.hea"], Reading(), Notes())
