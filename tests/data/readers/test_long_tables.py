from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.readers import columns
from unrolled.data.readers.columns import open_table, table_of
from unrolled.data.readers.long_tables import lay_out_long
from unrolled.data.readers.steps import StepSource
from unrolled.data.readers.tables import read_table
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError
from unrolled.tasks.reads import wish_of

HEARTS = (
    "beat,t,mv,lead2,patient,rhythm\nb1,0,1,5,p1,normal\nb2,0,10,6,p1,odd\nb1,1,2,5,p1,normal\nb2,1,20,7,p1,odd\n"
    "b3,0,7,8,p2,normal\nb2,2,30,9,p1,odd\n"
)


def read(folder: Path, text: str, notes: Notes | None = None, **reading: object) -> StepSource:
    path = folder / "long.csv"
    path.write_text(text)
    notes = Notes() if notes is None else notes
    return lay_out_long(open_table(path, notes), Reading(**reading), notes).open(notes)  # type: ignore[arg-type]


def test_interleaved_sequences_with_a_label_and_a_group(tmp_path: Path) -> None:
    source = read(tmp_path, HEARTS, id="beat", time="t", target="rhythm", group="patient")
    assert [(field.name, field.kind, field.timed) for field in source.fields] == [
        ("values", "numeric", True),
        ("rhythm", "categorical", False),
    ]
    assert source.labels("rhythm") == ["normal", "odd", "normal"]
    assert source.groups("patient") == ["p1", "p1", "p2"]
    assert source.groups("rhythm") is None
    np.testing.assert_array_equal(source.record(1).values["values"], [[10, 6], [20, 7], [30, 9]])
    assert source.record(2).origin.endswith("long.csv, beat b3")


def test_nixtla_names_need_no_flags(tmp_path: Path) -> None:
    rows = [(unit, day, day * 10 + (unit == "b")) for unit in "ab" for day in range(1, 5)]
    text = "unique_id,ds,y\n" + "".join(f"{unit},2020-01-0{day},{y}\n" for unit, day, y in rows)
    source = read(tmp_path, text, wish=wish_of("forecast"))
    assert source.target_guess == "y"
    assert [(field.name, field.channels) for field in source.fields] == [("y", ("y",))]
    assert source.record(1).values["y"][:, 0].tolist() == [11, 21, 31, 41]


def test_values_constant_within_a_sequence_belong_to_the_record(tmp_path: Path) -> None:
    text = "id,t,x,age,place\na,0,1,30,north\na,1,2,30,north\nb,0,3,40,south\nb,1,4,40,south\n"
    source = read(tmp_path, text, id="id")
    record = source.record(1)
    assert record.values["features"].tolist() == [40]
    assert record.values["place"] == "south"
    np.testing.assert_array_equal(record.values["values"], [[3], [4]])


ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30)), min_size=1, max_size=20, unique=True)


@given(rows=ROWS)
def test_the_same_as_collecting_row_by_row(rows: list[tuple[str, int]]) -> None:
    values = [float(number) + 0.25 for number in range(len(rows))]
    frame = pl.DataFrame({"id": [row[0] for row in rows], "t": [row[1] for row in rows], "x": values})
    source = lay_out_long(table_of("rows", frame), Reading(id="id", time="t"), Notes()).open(Notes())
    expected: dict[str, list[tuple[int, float]]] = {}
    for (name, time), value in zip(rows, values, strict=True):
        expected.setdefault(name, []).append((time, value))
    assert len(source) == len(expected)
    for record, steps in zip(source, expected.values(), strict=True):
        assert record.values["values"][:, 0].tolist() == [value for _, value in sorted(steps)]


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_large_parquet_file_reads_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shuffled: bool) -> None:
    generator = np.random.default_rng(1)
    frame = pl.DataFrame(
        {"id": np.repeat(np.arange(6), 5), "t": np.tile(np.arange(5), 6), "x": generator.normal(size=30)}
    )
    frame = frame.with_columns(state=pl.Series(list("uvw") * 10), label=(pl.col("id") % 2).cast(pl.String))
    if shuffled:
        frame = frame[generator.permutation(30)]
    path = tmp_path / "long.parquet"
    frame.write_parquet(path)
    reading = Reading(id="id", time="t", target="label")
    whole = list(lay_out_long(open_table(path, Notes()), reading, Notes()).open(Notes()))
    monkeypatch.setattr(columns, "IN_MEMORY", 0)
    lazy = lay_out_long(open_table(path, Notes()), reading, Notes()).open(Notes())
    for record, other in zip(whole, lazy, strict=True):
        np.testing.assert_array_equal(record.values["values"], other.values["values"])
        assert record.values["state"] == other.values["state"]
        assert record.values["label"] == other.values["label"]


@pytest.mark.parametrize(
    ("text", "reading", "message"),
    [
        ("id,t,x\na,0,1\nb,0,2\na,0,3\n", {"time": "t"}, r"row 3 has the same time 0.0 as row 1;"),
        ("id,t,x\na,0,1\n,1,2\n", {"time": "t"}, r"row 2: column 'id' \(--id\) is empty"),
        ("id,t,x\na,0,1\na,1,1\na,2,1\na,3,1\na,4,1\na,now,2\n", {"time": "t"}, r"row 6: column 't' has 'now'"),
        ("id,t,label\na,0,u\na,1,u\nb,0,v\n", {}, r"no column that changes within one id"),
        ("id,t,x\na,0,1\na,1,inf\n", {"time": "t"}, r"row 2: column 'x' has inf"),
        ("id,t,x,p\na,0,1,k\na,1,2,l\n", {"time": "t", "group": "p"}, r"'p' \(--group\) changes within one id"),
        ("id,t,x\na,0,1\na,1,2\n", {"target": "z"}, r"no column 'z' \(--target\)"),
    ],
)
def test_what_cannot_be_used(tmp_path: Path, text: str, reading: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(tmp_path, text, id="id", **reading)


def test_unsorted_times_are_sorted_and_stated(tmp_path: Path) -> None:
    notes = Notes()
    source = read(tmp_path, "id,t,x\na,1,1\na,0,2\nb,5,3\nb,6,4\n", notes, id="id", time="t")
    assert source.record(0).values["values"][:, 0].tolist() == [2, 1]
    assert notes.counts == {"rows that were earlier than the row above, sorted by time": 1}


def test_a_key_of_several_columns(tmp_path: Path) -> None:
    rows = [f"{c},{p},2020-01-{day:02},{day}" for c in ("DE", "FR") for p in ("shoes", "hats") for day in range(1, 6)]
    path = tmp_path / "sales.csv"
    path.write_text("country,product,date,sales\n" + "\n".join(rows) + "\n")
    for key in ("country,product", "country, product"):
        source = read_table([path], Reading(id=key, wish=wish_of("forecast")), Notes())
        assert [record.origin.rpartition(" ")[2] for record in source] == ["DE/shoes", "DE/hats", "FR/shoes", "FR/hats"]
        assert [field.name for field in source.fields] == ["values"]
        assert source.record(0).values["values"][:, 0].tolist() == [1, 2, 3, 4, 5]
    with pytest.raises(UserError, match="no column 'produkt'"):
        read_table([path], Reading(id="country,produkt"), Notes())
    path.write_text('"a,b",x\n' + "\n".join(f"{n // 5},{n}.5" for n in range(10)) + "\n")
    assert len(read_table([path], Reading(id="a,b", wish=wish_of("forecast")), Notes())) == 2
    path.write_text("a,b,x\n" + "\n".join(f"{n // 5},{'' if n == 3 else 'k'},{n}.5" for n in range(10)) + "\n")
    with pytest.raises(UserError, match=r"row 4: column 'a,b' \(--id\) is empty"):
        read_table([path], Reading(id="a,b", wish=wish_of("forecast")), Notes())
