from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_calls import python_calls
from unrolled.data.readers.ts import read_ts
from unrolled.data.records import Notes, Reading, Source
from unrolled.errors import UserError

UCR = Path(__file__).parents[3].parent / "shared" / "data" / "ucr"
HEAD = "@problemName Toy\n@univariate false\n@dimensions 2\n@classLabel true a b\n@data\n"


def write(folder: Path, text: str, name: str = "toy.ts") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_ragged_channels_comments_and_missing_values(tmp_path: Path) -> None:
    path = write(tmp_path, "#a comment\n\n" + HEAD + "1,?,3:4,5,6:a\n# another\n7, NaN : 8, 9 :b\n")
    notes = Notes()
    source = read_ts([path], Reading(), notes)
    assert [(field.name, field.kind, field.timed) for field in source.fields] == [
        ("series", "numeric", True),
        ("label", "categorical", False),
    ]
    assert source.field("series").channels == ("channel_0", "channel_1")
    first, second = source
    assert first.values["series"].dtype == np.float32
    np.testing.assert_array_equal(first.values["series"], [[1, 4], [np.nan, 5], [3, 6]])
    np.testing.assert_array_equal(second.values["series"], [[7, 8], [np.nan, 9]])
    assert (second.values["label"], second.origin) == ("b", f"{path}, line 10")
    assert source.labels("label") == ["a", "b"]
    assert notes.lines() == ["missing values in series: 2"]


NUMBERS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(
    cases=st.lists(
        st.integers(1, 5).flatmap(
            lambda n: st.lists(st.lists(NUMBERS, min_size=n, max_size=n), min_size=3, max_size=3)
        ),
        min_size=1,
        max_size=4,
    )
)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, cases: list) -> None:
    lines = [":".join(",".join(map(repr, channel)) for channel in case) for case in cases]
    path = write(tmp_path_factory.mktemp("ts"), "@classLabel false\n@data\n" + "\n".join(lines))
    source = read_ts([path], Reading(), Notes())
    assert len(source.fields) == 1
    for case, record in zip(cases, source, strict=True):
        np.testing.assert_array_equal(record.values["series"], np.array(case, dtype=np.float32).T)


def test_a_numeric_target_and_an_unknown_one(tmp_path: Path) -> None:
    path = write(tmp_path, "@univariate true\n@targetlabel true\n@data\n1,2:0.5\n3:?\n")
    known, unknown = read_ts([path], Reading(), Notes())
    np.testing.assert_array_equal(known.values["target"], np.array([0.5], dtype=np.float32))
    assert unknown.values["target"] is None


def test_unknown_labels_are_none_and_then_there_is_no_list(tmp_path: Path) -> None:
    source = read_ts([write(tmp_path, HEAD + "1:2:a\n1:2:?\n")], Reading(), Notes())
    assert [record.values["label"] for record in source] == ["a", None]
    assert source.labels("label") is None


def test_padding_at_the_end_is_cut_and_counted(tmp_path: Path) -> None:
    notes = Notes()
    path = write(tmp_path, "@equalLength true\n@seriesLength 4\n@classLabel true a\n@data\n1,?,3,?:a\n1,2,NaN,NaN:a\n")
    source = read_ts([path], Reading(), notes)
    assert [len(record.values["series"]) for record in source] == [3, 2]
    assert notes.counts == {"steps of padding at the end of a series, cut off": 3, "missing values in series": 1}


def test_time_stamps_give_values_and_irregular_ones_are_counted(tmp_path: Path) -> None:
    head = "@timeStamps true\n@classLabel true a b\n@data\n"
    even = "(2020-01-01 00:00:00,1),(2020-01-01 00:00:10,2),(2020-01-01 00:00:20,?):"
    rows = f"{even}{even}a\n(0,5),(1,6),(4,7):(0,8),(1,9),(4,10):b\n(3,1):(3,2):a\n"
    notes = Notes()
    first, second, third = read_ts([write(tmp_path, head + rows)], Reading(), notes)
    np.testing.assert_array_equal(first.values["series"], [[1, 1], [2, 2]])
    np.testing.assert_array_equal(second.values["series"], [[5, 8], [6, 9], [7, 10]])
    np.testing.assert_array_equal(third.values["series"], [[1, 2]])
    assert notes.counts["series with irregular times, of which only the order is used"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + "1,2:a\n", r"line 6: found 1 dimensions, expected 2 and the label"),
        (HEAD + "1:2:3:a\n", r"line 6: found 3 dimensions, expected 2"),
        ("@univariate true\n@data\n1,2\n1:2\n", r"line 4: found 2 dimensions, expected 1"),
        ("@data\n1:2\n1\n", r"line 3: found 1 dimensions, expected 2"),
        (HEAD + "1:2:a\n\n1:2:c\n", r"line 8: the label 'c' is not among those of @classLabel \(a, b\)"),
        (HEAD + "1,x3:2,3:a\n", r"line 6: channel 0: 'x3' is not a number; write \? for"),
        (HEAD + "1,2:2,inf:a\n", r"line 6: channel 1, step 2 is 'inf', expected a finite number"),
        (HEAD + "1:1e99:a\n", r"line 6: channel 1, step 1 is '1e99', expected a finite"),
        (HEAD + "1,2:3:a\n", r"line 6: channel 1 has 1 steps, channel 0 has 2"),
        (HEAD + "1,2::a\n", r"line 6: channel 1 has length 0"),
        (HEAD + "?,?:NaN,?:a\n", r"line 6: the series has length 0"),
        (HEAD, r"toy\.ts holds no series: nothing follows @data"),
        ("@univariate true\n", r"ends at line 1 without a line @data; it is cut short"),
        ("1,2,3\n", r"line 1: found '1,2,3' where the header"),
        ("@classLabel true\n@data\n1:a\n", r"line 1: @classLabel true names no classes"),
        ("@dimensions two\n@data\n1\n", r"line 1: @dimensions is 'two', expected a whole number"),
        ("@univariate maybe\n@data\n1\n", r"line 1: @univariate is 'maybe', expected true or false"),
        ("@equalLength true\n@seriesLength 3\n@data\n1,2\n", r"line 4: the series has 2 steps, @seriesLength says 3"),
        ("@timeStamps true\n@data\n(1,2),(1,3)\n", r"line 3: channel 0: the time '1' is not after the one before"),
        ("@timeStamps true\n@data\n(2020-13-01,2)\n", r"line 3: channel 0: '2020-13-01' is no time"),
        ("@timeStamps true\n@data\n(1,2),3\n", r"line 3: channel 0 is '\(1,2\),3', expected pairs"),
        ("@timeStamps true\n@data\n(1,2):(2,2)\n", r"line 3: channel 1 has other times"),
        ("", r"toy\.ts is empty"),
    ],
)
def test_what_does_not_agree_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_ts([write(tmp_path, text)], Reading(), Notes())


def test_wrong_encoding_and_binary_data(tmp_path: Path) -> None:
    path = tmp_path / "toy.ts"
    path.write_bytes(HEAD.encode() + b"1:2:a\n1:2:\xe9\n")
    with pytest.raises(UserError, match=r"line 7: byte 0xe9 is not UTF-8"):
        read_ts([path], Reading(), Notes())
    path.write_bytes(b"\x00\x01")
    with pytest.raises(UserError, match="not text"):
        read_ts([path], Reading(), Notes())


def test_a_target_that_does_not_exist(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + "1:2:a\n")
    with pytest.raises(UserError, match="no target 'labl'; its target is named 'label'"):
        read_ts([path], Reading(target="labl"), Notes())


def test_files_that_do_not_go_together(tmp_path: Path) -> None:
    labelled = write(tmp_path, HEAD + "1:2:a\n", "one.ts")
    other = write(tmp_path, "@classLabel true a\n@data\n1:2:3:a\n", "other.ts")
    with pytest.raises(UserError, match=r"other\.ts, line 3: found 3 dimensions, expected 2"):
        read_ts([labelled, other], Reading(), Notes())
    bare = write(tmp_path, "@data\n1:2\n", "bare.ts")
    with pytest.raises(UserError, match=r"bare\.ts and .*one\.ts do not both have labels"):
        read_ts([labelled, bare], Reading(), Notes())
    assert len(read_ts([labelled, labelled], Reading(), Notes())) == 2


@pytest.mark.skipif(not UCR.exists(), reason="the public data is not here")
def test_the_archive_is_read_fast() -> None:
    def read() -> Source:
        return read_ts([UCR / "JapaneseVowels/JapaneseVowels_TRAIN.ts"], Reading(), Notes())

    source = read()
    assert len(source) == 270
    assert {record.values["series"].shape[1] for record in source} == {12}
    lengths = [len(record.values["series"]) for record in source]
    assert (min(lengths), max(lengths)) == (7, 26)
    assert python_calls(read) < 3 * 12 * sum(lengths)
