from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from unrolled.data.readers.arrays import read_arrays
from unrolled.data.readers.frames import read_frame
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError

COLUMNS = {"id": ["a", "b", "a"], "t": [0, 0, 1], "x": [1.0, 2.0, 3.0], "label": ["u", "v", "u"]}


@pytest.mark.parametrize("kind", ["polars", "lazy", "pandas"])
def test_long_frames(kind: str) -> None:
    if kind == "pandas":
        frame = pytest.importorskip("pandas").DataFrame(COLUMNS, index=[7, 8, 9])
    else:
        frame = pl.DataFrame(COLUMNS) if kind == "polars" else pl.LazyFrame(COLUMNS)
    source = read_frame(frame, Reading(id="id", time="t"), Notes())
    assert [record.values["values"][:, 0].tolist() for record in source] == [[1, 3], [2]]
    assert source.labels("label") == ["u", "v"]


def test_pandas_types() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "when": pandas.to_datetime(["2020-01-01", "2020-01-02", "2020-01-03"]),
            "state": pandas.Categorical(["u", "v", "u"]),
            "n": pandas.array([1, None, 3], dtype="Int64"),
        }
    )
    source = read_frame(frame, Reading(), Notes())
    record = source.record(0)
    assert record.values["state"] == ["u", "v", "u"]
    np.testing.assert_array_equal(record.values["values"][:, 0], [1, np.nan, 3])
    with pytest.raises(UserError, match="column 'm' holds values of several types"):
        read_frame(pandas.DataFrame({"m": [1, "a", [2]]}), Reading(), Notes())


def test_frames_as_x_of_an_estimator() -> None:
    frame = pl.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    source = read_arrays(frame, ["u", "v"], ["p", "q"])
    assert source.record(1).values["features"].tolist() == [2, 4]
    assert source.labels("y") == ["u", "v"]
    assert source.groups("group") == ["p", "q"]
    assert read_arrays(frame, [0.5, 1.5]).record(1).values["y"].tolist() == [1.5]
    with pytest.raises(UserError, match="2 rows, but 1 values of y"):
        read_arrays(frame, ["u"])
    with pytest.raises(UserError, match="has no rows"):
        read_arrays(frame[:0])


class HuggingFace:
    """The parts of a `datasets.Dataset` that the reader relies on."""

    def __init__(self, columns: dict, features: dict) -> None:
        self._columns, self.features, self.column_names = columns, features, list(columns)

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def __getitem__(self, key: str) -> list:
        return self._columns[key]


def test_hugging_face_class_names() -> None:
    classes = SimpleNamespace(names=["O", "B-PER"])
    tagged = HuggingFace(
        {"tokens": [["Ann", "ran"], ["So"]], "ner_tags": [[1, 0], [0]]},
        {"tokens": None, "ner_tags": SimpleNamespace(feature=classes)},
    )
    source = read_frame(tagged, Reading(), Notes())
    assert source.record(0).values == {"tokens": ["Ann", "ran"], "ner_tags": ["B-PER", "O"]}
    labelled = HuggingFace({"text": ["ann ran", "so it is"], "label": [1, 0]}, {"text": None, "label": classes})
    assert read_arrays(labelled).labels("label") == ["B-PER", "O"]
