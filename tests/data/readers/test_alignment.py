"""Columns of another file by name."""

import numpy as np
import pytest

from unrolled.data.readers.alignment import align, columns_of
from unrolled.data.records import Field, Notes, Record, Source
from unrolled.errors import UserError

SERIES = Field("values", "numeric", True, ("x", "y", "z"))
TEXT = Field("text", "text", False)


class One(Source):
    def __init__(self, *fields: Field, **values: object) -> None:
        self.fields, self.values = fields, values

    def __len__(self) -> int:
        return 1

    def record(self, index: int) -> Record:
        return Record(self.values, "here")


def test_columns_come_in_the_wanted_order_and_others_are_left_out() -> None:
    wanted = columns_of((Field("values", "numeric", True, ("z", "x")), Field("age", "numeric", False, ("age",)), TEXT))
    assert wanted == {"values": ("z", "x"), "age": ("age",)}
    notes = Notes()
    source = align(One(SERIES, TEXT, values=np.arange(6).reshape(2, 3), text="t"), wanted, notes, part="b.csv")
    assert source.record(0).values["values"].tolist() == [[2, 0], [5, 3]]
    assert source.record(0).values["text"] == "t"
    assert source.field("values").channels == ("z", "x")
    assert notes.lines() == ["columns of b.csv that training did not have, left out (y): 1"]
    single = align(One(SERIES, values=np.array([1, 2, 3])), wanted, Notes(), part="b.csv")
    assert single.record(0).values["values"].tolist() == [3, 1]
    missing = align(One(SERIES, values=None), wanted, Notes(), part="b.csv")
    assert missing.record(0).values["values"] is None


def test_what_fits_stays_as_it_is() -> None:
    source = One(SERIES, values=np.zeros((2, 3)))
    assert align(source, {"values": ("x", "y", "z")}, Notes(), part="b") is source
    assert align(source, {}, Notes(), part="b") is source


def test_a_column_that_is_missing() -> None:
    with pytest.raises(UserError, match=r"b\.csv has no column 'xx', which the model reads; is it 'x'\?"):
        align(One(SERIES), {"values": ("x", "xx")}, Notes(), part="b.csv")
    with pytest.raises(UserError, match="it has x, y, z"):
        align(One(SERIES), {"values": ("speed",)}, Notes(), part="b.csv")
