"""Encoders are fitted on the training part only, saved as JSON, and say which record does not fit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unrolled.data.config import DataConfig
from unrolled.data.feeds.examples import NO_TARGET
from unrolled.data.records import Events, Field, Record, Source
from unrolled.errors import UserError
from unrolled.tasks.labels.dataset import prepare_records, prepare_source
from unrolled.tasks.labels.encoding import RecordEncoding, fit_encoding
from unrolled.tasks.schema import Schema

FIELDS = (
    Field("x", "numeric", True, ("u", "v")),
    Field("age", "numeric", False, ("age",)),
    Field("words", "token", True),
    Field("colour", "categorical", False),
    Field("label", "categorical", False),
)


class Rows(Source):
    def __init__(self, values: Sequence[dict[str, Any]], fields: tuple[Field, ...] = FIELDS) -> None:
        self.fields, self.values = fields, values

    def __len__(self) -> int:
        return len(self.values)

    def record(self, index: int) -> Record:
        return Record(self.values[index], f"row {index}")


def row(number: int, label: str = "", steps: int = 4, **changes: Any) -> dict[str, Any]:
    random = np.random.default_rng(number)
    return {
        "x": random.normal(10, 3, size=(steps, 2)).astype(np.float32),
        "age": np.array([40 + number], dtype=np.float32),
        "words": [("a", "b", "c")[(number + step) % 3] for step in range(steps)],
        "colour": ("red", "blue")[number % 2],
        "label": label or ("no", "yes")[number % 2],
        **changes,
    }


def prepared(rows: list[dict[str, Any]], **data: Any) -> Any:
    return prepare_source(
        Rows(rows), DataConfig(**{"target": "label", "split": "time", "valid_fraction": 0.2, **data}), task=None
    )


def test_nothing_is_learned_from_what_is_held_out() -> None:
    """Whatever stands in the validation part, the encoders and the training examples are the same."""
    train = [row(number) for number in range(8)]
    plain = prepared([*train, row(8), row(9)])
    wild = row(
        9, "maybe", x=np.full((4, 2), 1e6, dtype=np.float32), words=["new"] * 4, colour="green", age=np.array([-9.0])
    )
    other = prepared([*train, row(8), wild])
    assert len(plain.train) == 8
    assert other.encoding.to_text() == plain.encoding.to_text()
    for number in range(8):
        for array, other_array in zip(plain.train[number], other.train[number], strict=True):
            np.testing.assert_array_equal(array, other_array)
    assert int(other.valid[1].target) == NO_TARGET
    assert (other.valid[1].tokens == 0).all()
    assert other.notes == [
        "tokens or categories in valid that training did not see, read as unknown: 8",
        "records in valid with a label that training did not see, left out of the scores: 1",
    ]
    assert plain.fingerprint != other.fingerprint
    numbers = np.concatenate([plain.train[number].numbers[:, :2] for number in range(8)])
    np.testing.assert_allclose(numbers.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(numbers.std(0), 1, atol=1e-5)


def test_columns_lie_side_by_side_and_single_values_are_repeated() -> None:
    dataset = prepared([row(number) for number in range(10)])
    example = dataset.train[3]
    assert example.numbers.shape == (4, 3)
    assert example.tokens.shape == (4, 2)
    assert len(set(example.numbers[:, 2])) == 1
    assert len(set(example.tokens[:, 1])) == 1
    assert dataset.encoding.channels == 3
    assert dataset.encoding.tables == (4, 3)
    assert dataset.encoding.words == [["a", "b", "c"], ["blue", "red"]]
    assert dataset.summary.startswith("classify: x (2 channels) and age (1 channel) and words (4 tokens)")


def test_as_json_and_back() -> None:
    encoding = prepared([row(number) for number in range(10)]).encoding
    again = RecordEncoding.from_text(encoding.to_text())
    assert again.to_text() == encoding.to_text()
    record = Record(row(3), "row 3")
    for array, other_array in zip(encoding.encode(record), again.encode(record), strict=True):
        np.testing.assert_array_equal(array, other_array)
    with pytest.raises((ValueError, KeyError)):
        RecordEncoding.from_text('{"task": "classify"}')


BAD = [
    ({"x": np.zeros((0, 2)), "words": []}, "row 3 has a sequence of length 0; leave it out"),
    ({"words": ["a", "b"]}, "the fields of row 3 have unlike numbers of steps (4, 1)"),
    ({"x": np.zeros((4, 3))}, "field x has 3 channels, the model expects 2"),
]


@pytest.mark.parametrize(("changes", "sentence"), BAD)
def test_records_that_do_not_fit(changes: dict[str, Any], sentence: str) -> None:
    encoding = prepared([row(number) for number in range(10)]).encoding
    with pytest.raises(UserError) as caught:
        encoding.encode(Record(row(3, **changes), "row 3"))
    assert sentence.split(" (")[0] in str(caught.value)
    values = row(3)
    del values["colour"]
    with pytest.raises(UserError, match="row 3 has no field colour, which the model reads"):
        encoding.encode(Record(values, "row 3"))


SIGNAL = Field("signal", "signal", True, ("I",), 100.0)
PER_STEP = {
    "tags": (Field("y", "categorical", True), ["a", "b", "a"], ["a", "b", "a", "b"]),
    "events": (Field("y", "event", True), Events(np.array([1]), ("N",)), None),
    "values": (
        Field("y", "numeric", True, ("y",)),
        np.ones((3, 1), dtype=np.float32),
        np.ones((4, 1), dtype=np.float32),
    ),
}


@pytest.mark.parametrize("name", PER_STEP)
def test_records_without_a_target_per_step_have_unknown_steps(name: str) -> None:
    field, known, longer = PER_STEP[name]
    schema = Schema("tag", (SIGNAL,), field)
    values = {"signal": np.zeros((3, 1), dtype=np.float32), "y": known}
    encoding = fit_encoding(schema, lambda: [Record(values, "one", 100.0)], 1, DataConfig())
    for missing in ({**values, "y": None}, {"signal": values["signal"]}):
        target = encoding.encode(Record(missing, "two", 100.0)).target
        assert target is not None
        assert len(target) == 3
        assert np.isnan(target).all() if name == "values" else (target == NO_TARGET).all()
    assert encoding.encode(Record(values, "one"), targets=False).target is None
    if longer is not None:
        with pytest.raises(UserError, match="three has 3 steps and 4 values of y; there must be one for each step"):
            encoding.encode(Record({**values, "y": longer}, "three", 100.0))


def test_a_test_file_is_read_as_the_training_file_was(tmp_path: Path) -> None:
    """By itself this test file would be a table of numbers to regress on."""
    train = "\n".join(f"{n}.5,{n % 3}.25,{('0', '1')[n % 2]}" for n in range(20))
    (tmp_path / "x_train.csv").write_text(f"a,b,label\n{train}\n")
    (tmp_path / "x_test.csv").write_text("b,more,a,label\n0.25,7.5,3.5,1\n")
    dataset = prepare_records([str(tmp_path / "x_train.csv")], DataConfig(), task=None)
    plain = dataset.encoding.encode(Record({"features": np.array([3.5, 0.25]), "label": "1"}, ""))
    np.testing.assert_array_equal(dataset.test[0].numbers, plain.numbers)  # type: ignore[index]
    assert int(dataset.test[0].target) == 1  # type: ignore[index,arg-type]
