"""The Monash forecasting archive: what its header says holds, and forecasts go on in its times."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from unrolled.cli.main import main
from unrolled.data.readers.registry import open_source
from unrolled.data.readers.tsf import TsfSource
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError

HEAD = """# Dataset Information
# some lines about it
@relation Demand

@attribute series_name string
@attribute state string
@attribute start_timestamp date
@frequency half_hourly
@horizon 4
@missing true
@equallength false
@data
"""


def opened(folder: Path, text: str, notes: Notes | None = None) -> TsfSource:
    path = folder / "a.tsf"
    path.write_text(text, encoding="utf-8")
    source = open_source([path], Reading(), Notes() if notes is None else notes)
    assert isinstance(source, TsfSource)
    return source


def test_series_with_names_starts_and_gaps(tmp_path: Path) -> None:
    notes = Notes()
    text = HEAD + "T1:NSW:2002-01-01 00-00-00:5714.045691,?,5.5\nT2:VIC:2002-03-31 23-30-00:-1e3,2\n"
    source = opened(tmp_path, text, notes)
    assert len(source) == 2
    np.testing.assert_array_equal(source.record(0).values["value"][:, 0], np.array([5714.045691, np.nan, 5.5], "f4"))
    assert source.record(1).values["state"] == "VIC"
    assert source.record(1).origin.endswith("a.tsf, series T2")
    assert source.times(1).tolist() == [pd.Timestamp("2002-03-31 23:30"), pd.Timestamp("2002-04-01")]  # type: ignore[union-attr]
    assert source.horizon == 4
    assert [field.name for field in source.fields] == ["value", "state"]
    assert "missing values in series: 1" in notes.lines()


@pytest.mark.parametrize(
    ("frequency", "start", "pandas"),
    [
        ("4_seconds", "2001-02-03 04-05-06", "4s"),
        ("minutely", "2001-02-03 04-05-00", "1min"),
        ("10_minutes", "2001-12-31 23-50-00", "10min"),
        ("half_hourly", "2001-02-28 23-30-00", "30min"),
        ("hourly", "2001-02-28 23-00-00", "h"),
        ("daily", "2000-02-28 12-00-00", "D"),
        ("weekly", "2001-02-03 00-00-00", "7D"),
        ("monthly", "1979-11-01 00-00-00", "MS"),
        ("Monthly", "1979-11-30 00-00-00", "ME"),
        ("quarterly", "1979-10-01 00-00-00", "QS"),
        ("yearly", "1979-01-01", "YS"),
        ("3_months", "1979-10-01 00-00-00", "QS"),
    ],
)
def test_every_frequency(frequency: str, start: str, pandas: str, tmp_path: Path) -> None:
    head = f"@relation r\n@attribute series_name string\n@attribute start date\n@frequency {frequency}\n@data\n"
    source = opened(tmp_path, f"{head}a:{start}:{','.join(map(str, range(15)))}\n")
    day, _, clock = start.partition(" ")
    expected = pd.date_range(f"{day} {clock.replace('-', ':')}".strip(), periods=15, freq=pandas)
    np.testing.assert_array_equal(source.times(0), expected.to_numpy().astype("datetime64[us]"))


def test_attributes_of_every_type(tmp_path: Path) -> None:
    head = "@relation r\n@attribute kind string\n@attribute size numeric\n@attribute place string\n@data\n"
    source = opened(tmp_path, head + "shop:3.5:north:1,2\nshop:4:south:3\n")
    assert source.record(0).values["features"].tolist() == [3.5]
    assert source.record(1).values["place"] == "south"
    assert [source.record(index).origin.rpartition(", ")[2] for index in (0, 1)] == [
        "series shop north",
        "series shop south",
    ]
    assert source.times(0) is None
    assert source.step(0) is None


def test_clocks_with_colons_and_no_names(tmp_path: Path) -> None:
    head = "@relation r\n@attribute start date\n@frequency hourly\n@data\n"
    source = opened(tmp_path, head + "2001-01-01 05:30:00:1,2\n2001-01-02T06-00:1\n")
    assert source.times(0)[0] == np.datetime64("2001-01-01T05:30:00")  # type: ignore[index]
    assert source.times(1)[0] == np.datetime64("2001-01-02T06:00:00")  # type: ignore[index]
    assert source.record(1).origin.endswith("series 2")


def test_series_of_nothing_are_left_out(tmp_path: Path) -> None:
    notes = Notes()
    source = opened(tmp_path, HEAD + "T1:a:2001-01-01 00-00-00:?,NaN\nT2:a:2001-01-01 00-00-00:1\n", notes)
    assert len(source) == 1
    assert "series without any value, left out: 1" in notes.lines()


BAD = {
    "an attribute too few": (
        HEAD + "T1:2001-01-01 00-00-00:1,2\n",
        r"line 13: found 2 attributes before the values, expec",
    ),
    "a word": (HEAD + "T1:a:2001-01-01 00-00-00:1,x\n", r"line 13: the series: 'x' is not a number"),
    "infinity": (HEAD + "T1:a:2001-01-01 00-00-00:1,inf\n", r"line 13: the series, step 2 is 'inf'"),
    "no values": (HEAD + "T1:a:2001-01-01 00-00-00:\n", r"line 13: the series has length 0"),
    "a time": (HEAD + "T1:a:tomorrow:1\n", r"line 13: start_timestamp is 'tomorrow', expected a time such as"),
    "no such year": (
        HEAD.replace("half_hourly", "yearly") + f"T1:a:9990-01-01:{'1,' * 30}1\n",
        r"line 13: the series would end in the year 10020",
    ),
    "no such step": (
        HEAD.replace("half_hourly", "9" * 15 + "_years") + "T1:a:2001-01-01:1,2\n",
        r"would end in the year",
    ),
    "no such day": (HEAD + "T1:a:2001-02-30 00-00-00:1\n", r"line 13: start_timestamp is '2001-02-30 00-00-00'"),
    "a frequency": (HEAD.replace("half_hourly", "often"), r"line 8: @frequency is 'often', expected such as daily"),
    "a horizon": (
        HEAD.replace("@horizon 4", "@horizon 0"),
        r"line 9: @horizon is '0', expected a whole number above 0",
    ),
    "a switch": (
        HEAD.replace("@missing true", "@missing maybe"),
        r"line 10: @missing is 'maybe', expected true or false",
    ),
    "a type": (
        HEAD.replace("state string", "state text"),
        r"line 6: found '@attribute state text', expected @attribute",
    ),
    "no data": (HEAD, r"holds no series: nothing follows @data"),
    "no line @data": (HEAD.replace("@data\n", ""), r"ends at line 11 without a line @data"),
    "no attributes": ("@relation r\n@data\n1,2\n", r"line 2: no @attribute stands before @data"),
    "prose": ("once upon a time\n", r"line 1: found 'once upon a time' where the header has lines that begin with @"),
    "cut short": (
        HEAD.replace("@equallength false", "@equallength true")
        + "T1:a:2001-01-01 00-00-00:1,2,3\nT2:a:2001-01-01 00-00-00:1,2\n",
        r"line 14: the series has 2 steps, the first has 3, and @equallength is true",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    text, sentence = BAD[name]
    with pytest.raises(UserError, match=sentence):
        opened(tmp_path, text)


def week(series: int, steps: int) -> str:
    """Monthly sums with a period of a year."""
    head = (
        "@relation r\n@attribute series_name string\n@attribute start_timestamp date\n@frequency monthly\n@horizon 6\n"
    )
    lines = []
    for number in range(series):
        values = 10 * number + np.sin(np.arange(steps) * np.pi / 6) * 3
        lines.append(f"S{number}:19{70 + number}-01-01 00-00-00:" + ",".join(f"{value:.3f}" for value in values))
    return head + "@data\n" + "\n".join(lines) + "\n"


def test_a_forecast_by_the_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.tsf").write_text(week(3, 120))
    sentence = "horizon 6, monthly steps and their starts from the file"
    assert main(["init", "m.tsf"]) == 0
    assert capsys.readouterr().out.startswith(f"forecast: 3 series x 1 channel x 120 monthly steps; {sentence}\n")
    quick = ["--train.max_steps", "2", "--model.width", "8", "--model.layers", "1"]
    assert main(["train", "m.tsf", *quick, "--run", "r"]) == 0
    line = next(text for text in capsys.readouterr().err.splitlines() if text.startswith("forecast: "))
    assert "3 series x 1 channel x 120 monthly steps" in line
    assert "horizon 6," in line
    assert line.endswith(sentence)

    Path("new.tsf").write_text(week(2, 60).replace("S0", "new one"))
    assert main(["predict", "r", "new.tsf"]) == 0
    rows = [json.loads(row) for row in capsys.readouterr().out.splitlines()]
    assert [row["series"] for row in rows] == ["new one"] * 6 + ["S1"] * 6
    times = pd.date_range("1975-01-01", periods=6, freq="MS").strftime("%Y-%m-%d").tolist()
    assert [row["time"] for row in rows[:6]] == times
    assert main(["evaluate", "r", "new.tsf"]) == 0
    assert main(["evaluate", "r"]) == 0
    capsys.readouterr()

    assert main(["train", "m.tsf", *quick, "--run", "q", "--data.horizon", "3"]) == 0
    assert "horizon 3," in capsys.readouterr().err
    Path("daily.tsf").write_text(week(2, 60).replace("monthly", "daily"))
    assert main(["predict", "r", "daily.tsf"]) == 2
    assert "has daily steps, and the model was trained on monthly ones" in capsys.readouterr().err


def test_series_of_one_step_have_times_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.tsf").write_text(week(3, 120))
    quick = ["--train.max_steps", "2", "--model.width", "8", "--model.layers", "1", "--data.calendar", "none"]
    assert main(["train", "m.tsf", *quick, "--run", "r"]) == 0
    Path("one.tsf").write_text(week(2, 1))
    capsys.readouterr()
    assert main(["predict", "r", "one.tsf"]) == 0
    rows = [json.loads(row) for row in capsys.readouterr().out.splitlines()]
    assert rows[0]["time"] == "1970-02-01"
