from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.readers.columns import open_table
from unrolled.data.readers.series import lay_out_series
from unrolled.data.readers.steps import StepSource
from unrolled.data.readers.tables import table_layout
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError
from unrolled.tasks.reads import wish_of


def read(folder: Path, text: str, notes: Notes | None = None, **reading: object) -> StepSource:
    path = folder / "series.csv"
    path.write_text(text)
    notes = Notes() if notes is None else notes
    return lay_out_series(open_table(path, notes), Reading(**reading), notes).open(notes)  # type: ignore[arg-type]


WEATHER = "date,rain,temp,weather\n2012/01/01,0.0,12.8,drizzle\n2012/01/02,10.9,,rain\n2012/01/03,0.8,11.7,rain\n"


def test_a_series_of_numbers_and_words(tmp_path: Path) -> None:
    notes = Notes()
    source = read(tmp_path, WEATHER, notes)
    record = source.record(0)
    assert len(source) == 1
    assert source.field("values").channels == ("rain", "temp")
    assert source.field("values").rate == pytest.approx(1 / 86400)
    np.testing.assert_array_equal(record.values["values"], np.float32([[0, 12.8], [10.9, np.nan], [0.8, 11.7]]))
    assert record.values["weather"] == ["drizzle", "rain", "rain"]
    assert notes.counts == {"missing values": 1}
    times = source.times(0)
    assert times is not None
    assert times[2] == np.datetime64("2012-01-03")


def test_the_target_is_a_field_of_its_own(tmp_path: Path) -> None:
    source = read(tmp_path, WEATHER, target="temp")
    assert [(field.name, field.channels) for field in source.fields] == [
        ("values", ("rain",)),
        ("weather", ()),
        ("temp", ("temp",)),
    ]
    flags = "t,a,flag\n0,1.5,0\n1,2.5,1\n2,3.5,0\n"
    source = read(tmp_path, flags, target="flag")
    assert source.field("flag").kind == "categorical"
    assert source.record(0).values["flag"] == ["0", "1", "0"]
    assert read(tmp_path, flags, target="flag", wish=wish_of("forecast")).field("flag").kind == "numeric"


def test_rows_out_of_order_are_sorted_and_counted(tmp_path: Path) -> None:
    notes = Notes()
    source = read(tmp_path, "time,a\n2020-01-03,3\n2020-01-01,1\n2020-01-02,2\n", notes)
    assert source.record(0).values["values"][:, 0].tolist() == [1, 2, 3]
    assert notes.counts == {"rows that were earlier than the row above, sorted by time": 1}


@given(order=st.permutations(range(7)))
def test_any_order_reads_the_same(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    text = (
        "when,a\n"
        + "".join(f"2020-02-{day + 25 if day < 5 else 99}," for day in ())
        + "".join(f"2020-03-{day + 1:02},{day * day}\n" for day in order)
    )
    source = read(tmp_path_factory.mktemp("series"), text)
    assert source.record(0).values["values"][:, 0].tolist() == [day * day for day in range(7)]


def test_irregular_steps_are_counted_and_months_are_regular(tmp_path: Path) -> None:
    notes = Notes()
    source = read(tmp_path, "t,a\n0,1\n1,2\n2,3\n5,4\n6,5\n", notes)
    assert notes.counts == {"irregular steps, taken as if they were regular": 1}
    assert source.fields[0].rate is None
    notes = Notes()
    read(tmp_path, "date,a\n" + "".join(f"2021-{month:02}-01,{month}\n" for month in range(1, 13)), notes)
    assert notes.counts == {}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["2020-01-02T03:04:05Z", "2020-01-02T03:04:06Z"], "2020-01-02T03:04:05"),
        (["2020-01-02T03:04:05+02:00", "2020-01-02T03:04:06+02:00"], "2020-01-02T01:04:05"),
        (["2020-01-02 03:04:05.250", "2020-01-02 03:04:06.250"], "2020-01-02T03:04:05.250"),
        (["30.01.2020", "31.01.2020"], "2020-01-30"),
        (["01/30/2020", "01/31/2020"], "2020-01-30"),
        (["30/01/2020", "31/01/2020"], "2020-01-30"),
        (["20200130", "20200131"], "2020-01-30"),
        (["2020-01-02 03:04", "2020-01-02 03:05"], "2020-01-02T03:04"),
    ],
)
def test_ways_to_write_a_time(tmp_path: Path, words: list[str], expected: str) -> None:
    source = read(tmp_path, "time,a\n" + "".join(f"{word},1\n" for word in words))
    times = source.times(0)
    assert times is not None
    assert times[0] == np.datetime64(expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("date,a\n2020-01-01,1\n2020-01-02,2\nsoon,3\n", r"row 3: column 'date' has 'soon' where a time"),
        ("date,a\n2020-01-01,1\n2020-13-01,2\n", r"row 2: column 'date' has '2020-13-01'"),
        ("date,a\n2020-01-01,1\n,2\n", r"row 2: column 'date' has nothing"),
        ("date,a\n2020-01-01,1\n2020-01-02,2\n2020-01-01,3\n", r"row 3 has the same time 2020-01-01.* as row 1;"),
        ("date,a\n01/02/2020,1\n01/03/2020,2\n", r"nothing tells the day from the month"),
        ("date,a\n2020-01-01,1\n2020-01-02,-inf\n", r"row 2: column 'a' has -inf"),
    ],
)
def test_times_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(tmp_path, text)


def test_errors_after_sorting_name_the_row_of_the_file(tmp_path: Path) -> None:
    rows = "".join(f"2020-01-{day:02},{day if day != 5 else 'x'}\n" for day in range(9, 0, -1))
    with pytest.raises(UserError, match=r"row 5: column 'a' has 'x'"):
        read(tmp_path, "date,a\n" + rows)


def test_a_time_column_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no column 'dat' \(--time\), did you mean 'date'\?"):
        read(tmp_path, WEATHER, time="dat")


def test_a_day_and_its_time_in_two_columns_are_to_be_joined(tmp_path: Path) -> None:
    rows = [f"2020-01-{day:02},{hour}:00,{hour}" for day in (1, 2) for hour in range(24)]
    path = tmp_path / "load.csv"
    path.write_text("Date,Time,load\n" + "\n".join(rows) + "\n")
    with pytest.raises(UserError, match="the day in 'Date' and the time of day in 'Time'; put both into one column"):
        table_layout(path, Reading())
