"""Times: read as pandas reads them, and continued as their data writes them."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.readers.time_formats import TimeFormat, local, written
from unrolled.data.readers.time_steps import find_step, times_from
from unrolled.data.readers.times import hint_at_unread, is_time, read_time, read_times
from unrolled.data.records import Notes
from unrolled.errors import UserError


def row_place(row: int) -> str:
    return f"row {row + 1}"


def continued(cells: list, count: int) -> list:
    """What follows, as written."""
    read = read_times(pl.Series("time", cells), row_place)
    times = local(read.values, read.form)
    step = find_step(times)
    assert step is not None
    return written(times_from(times[-1], step, np.arange(1, count + 1)), read.form)


FORMS = [
    ("%Y-%m-%d", "D"),
    ("%Y-%m-%d", "MS"),
    ("%Y-%m-%d", "ME"),
    ("%Y-%m", "MS"),
    ("%Y/%m", "MS"),
    ("%m/%Y", "MS"),
    ("%b %Y", "MS"),
    ("%B %Y", "MS"),
    ("%b-%y", "MS"),
    ("%d-%b-%Y", "D"),
    ("%d-%b-%y", "D"),
    ("%d%b%Y", "D"),
    ("%b %d, %Y", "D"),
    ("%d %B %Y", "D"),
    ("%A, %d %B %Y", "D"),
    ("%d.%m.%Y", "D"),
    ("%d.%m.%y", "D"),
    ("%d/%m/%Y", "D"),
    ("%m/%d/%Y", "D"),
    ("%m/%d/%y", "D"),
    ("%Y.%m.%d", "D"),
    ("%Y%m%d", "D"),
    ("%Y%m%dT%H%M%S", "h"),
    ("%Y%m%d%H%M", "h"),
    ("%Y%m%d%H%M%S", "min"),
    ("%Y-%m-%d %H", "h"),
    ("%Y-%m-%d %H:%M", "h"),
    ("%Y/%m/%d %H:%M", "15min"),
    ("%Y-%m-%dT%H:%M:%S", "s"),
    ("%Y-%m-%d %H:%M:%S.%f", "100ms"),
    ("%d-%b-%Y %H:%M:%S", "h"),
    ("%m/%d/%Y %I:%M %p", "12h"),
    ("%a %b %d %H:%M:%S %Y", "h"),
    ("%a, %d %b %Y %H:%M:%S", "h"),
]


@pytest.mark.parametrize(("form", "step"), FORMS)
def test_one_column_is_read_as_pandas_reads_it_and_goes_on_as_it_is_written(form: str, step: str) -> None:
    cells = [time.strftime(form) for time in pd.date_range("2012-01-02", periods=50, freq=step)]
    read = read_times(pl.Series("x", cells[:40]), row_place)
    expected = pd.to_datetime(pd.Series(cells[:40]), format=form).to_numpy().astype("datetime64[us]")
    assert read.values.astype("datetime64[us]").tolist() == expected.tolist()
    assert continued(cells[:40], 10) == cells[40:]
    assert is_time("date", pl.Series(cells))


@pytest.mark.parametrize("zone", ["Z", "+01:00", "+0530", "-08:00", "-03", "+00:00"])
def test_an_offset_comes_back(zone: str) -> None:
    local_times = [time.strftime("%Y-%m-%d %H:%M:%S") for time in pd.date_range("2022-11-14", periods=40, freq="h")]
    cells = [time + zone for time in local_times]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = pd.to_datetime(pd.Series(cells), utc=True).dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    read = read_times(pl.Series("time", cells[:30]), row_place)
    assert read.values.tolist() == expected[:30].tolist(), "UTC"
    assert local(read.values, read.form).tolist() == [np.datetime64(time).item() for time in local_times[:30]]
    assert continued(cells[:30], 10) == cells[30:]


def test_where_clocks_change_the_steps_stay_even_and_go_on_in_the_last_offset() -> None:
    berlin = pd.date_range("2020-03-29", periods=6, freq="h", tz="Europe/Berlin")
    cells = [time.isoformat(sep=" ") for time in berlin]
    assert cells[1].endswith("+01:00")
    assert cells[2].endswith("03:00:00+02:00")
    assert continued(cells[:4], 2) == cells[4:]
    frame = pl.Series("time", berlin[:4].tz_convert("UTC").tz_localize(None).to_list())
    typed = frame.dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin")
    assert read_times(typed, row_place).form.offset == 7200


@pytest.mark.parametrize(
    ("cells", "after"),
    [
        (["2010Q3", "2010Q4", "2011Q1"], ["2011Q2", "2011Q3"]),
        (["2010-Q3", "2010-Q4", "2011-Q1"], ["2011-Q2", "2011-Q3"]),
        (["Q3 2010", "Q4 2010", "Q1 2011"], ["Q2 2011", "Q3 2011"]),
        (["2020-W52", "2020-W53", "2021-W01"], ["2021-W02", "2021-W03"]),
        (["31/1/19", "1/2/19", "2/2/19"], ["3/2/19", "4/2/19"]),
        (["1/31/69", "2/1/69", "2/2/69"], ["2/3/69", "2/4/69"]),
        (["JAN-2019", "FEB-2019", "MAR-2019"], ["APR-2019", "MAY-2019"]),
        (["9:05 a.m.", "11:05 a.m.", "1:05 p.m."], ["3:05 p.m.", "5:05 p.m."]),
        (["22:30", "23:00", "23:30"], ["00:00", "00:30"]),
        (["23:00:00", "24:00:00", "25:00:00"], ["26:00:00", "27:00:00"]),
        (["2012-01-31 18:30:00,25", "2012-01-31 18:30:00,50"], ["2012-01-31 18:30:00,75", "2012-01-31 18:30:01,00"]),
        (["2012-01-31 18:30:00", "2012-01-31 18:30:00.5"], ["2012-01-31 18:30:01.0", "2012-01-31 18:30:01.5"]),
        ([201011, 201012, 201101], ["201102", "201103"]),
        ([20101230, 20101231, 20110101], ["20110102", "20110103"]),
        ([1668463200, 1668463260], [1668463320, 1668463380]),
        ([1668463200000, 1668463200250], [1668463200500, 1668463200750]),
        ([1668463200000001, 1668463200000002], [1668463200000003, 1668463200000004]),
        ([1668463200000000001, 1668463200000000002], [1668463200000000003, 1668463200000000004]),
        ([1668463200.5, 1668463201.0], [1668463201.5, 1668463202.0]),
        ([2010, 2011], [2012, 2013]),
        ([0.25, 0.5], [0.75, 1.0]),
        ([17668463200, 17668463201], [17668463202, 17668463203]),
    ],
)
def test_periods_epochs_and_numbers_go_on(cells: list, after: list) -> None:
    assert continued(cells, 2) == after
    assert continued(list(map(str, cells)), 2) in (after, list(map(str, after)))


def test_months_and_their_ends() -> None:
    assert continued(["2020-01-31", "2020-02-29", "2020-03-31"], 2) == ["2020-04-30", "2020-05-31"]
    weekdays = [str(day)[:10] for day in pd.bdate_range("2020-01-01", periods=20)]
    assert continued(weekdays[:15], 5) == weekdays[15:]


def test_forecasts_never_share_a_time() -> None:
    """Where the format of the data is too coarse for the step, more is written."""
    times = np.datetime64("2020-01-01", "us") + np.arange(5) * np.timedelta64(250, "ms")
    for text in ("2020-01-01", "2020-01-01 00:00", "2020-01-01 00:00:00", "Jan 2020"):
        form = read_times(pl.Series("time", [text]), row_place).form
        assert len(set(written(times, form))) == 5


def test_day_and_month_that_cannot_be_told_are_refused_unless_the_format_is_known() -> None:
    unclear = pl.Series("when", ["01/02/2020", "02/03/2020"])
    with pytest.raises(UserError, match=r"row 1: column 'when'.*the day from the month"):
        read_times(unclear, row_place)
    for known, month in (("31/01/2020", 2), ("01/31/2020", 1)):
        like = read_times(pl.Series("when", [known, known]), row_place).form
        assert read_times(unclear, row_place, like).values[0] == np.datetime64(f"2020-0{month}-0{3 - month}")


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["2012-01-31", "2012-02-30"], "row 2: column 'when' has '2012-02-30'"),
        (["2012-01-31", "soon"], "row 2: column 'when' has 'soon'"),
        (["2012-01-31", None], "row 2: column 'when' has nothing"),
        (["Spring", "Autumn"], "row 1: column 'when' has 'Spring'"),
        (["2012-01-31", "31.01.2012"], "row 2: column 'when' has '31.01.2012'"),
        (["1", "two"], "where a time is expected"),
    ],
)
def test_a_time_that_cannot_be_read_is_named(cells: list, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_times(pl.Series("when", cells), row_place)


@pytest.mark.parametrize(
    "value",
    [
        *("now", "today", "NaT", "", " ", "99999999999-01-01", "2012-13-01", "2012-02-30", "2012-01-31 25:00"),
        *("01/02/03", "1/2/2020", "10000-01-01", "2012-01-31T", None, True, float("nan"), float("inf"), [], {}),
    ],
)
def test_what_is_no_time_in_a_stream(value: object) -> None:
    assert read_time(value) is None


def test_which_columns_hold_times() -> None:
    assert is_time("x", pl.Series(["2010-01", "2010-02"]))
    assert is_time("Order Date", pl.Series(["01-02-19", "02-02-19"]))
    assert not is_time("size", pl.Series(["01-02-19", "02-02-19"])), "widths, heights and depths too"
    assert not is_time("score", pl.Series(["12:30", "11:15"]))
    assert not is_time("x", pl.Series([20100101, 20100102]))
    assert is_time("timestamp_ms", pl.Series([1668463200000, 1668463200250]))
    assert not is_time("update_count", pl.Series([1, 2, 3]))
    assert not is_time("word", pl.Series(["may", "march", "second"]))
    assert not is_time("version", pl.Series(["1.2.3", "1.2.4"]))


def test_a_column_named_like_a_time_that_is_read_as_words_is_said() -> None:
    notes = Notes()
    hint_at_unread(
        pl.DataFrame({"date": ["Spring 2010"], "name": ["Spring 2010"], "time": ["2010-01-01"]}),
        ["date", "name"],
        notes,
    )
    (hint,) = notes.hints
    assert "'date' is named like a time" in hint
    assert "'Spring 2010'" in hint


@given(
    st.sampled_from([form for form, _ in FORMS if "%H:%M:%S" in form or "%f" in form]),
    st.datetimes(min_value=pd.Timestamp("1970-01-01"), max_value=pd.Timestamp("2068-12-31")),
)
def test_what_is_written_reads_the_same(form: str, time: pd.Timestamp) -> None:
    cell = time.strftime(form)
    read = read_time(cell)
    assert read is not None
    assert written(read.values, read.form) == [cell]


def test_a_format_survives_json() -> None:
    import json
    from dataclasses import asdict

    form = read_times(pl.Series("time", ["1-Feb-19 9:05 pm +01:00"]), row_place).form
    assert TimeFormat.from_json(json.loads(json.dumps(asdict(form)))) == form
    with pytest.raises((TypeError, ValueError)):
        TimeFormat.from_json({"parts": [1]})
