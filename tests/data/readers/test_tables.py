import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.config import DataConfig
from unrolled.data.readers import columns, wide_tables
from unrolled.data.readers.registry import Files
from unrolled.data.readers.tables import read_table, table_layout
from unrolled.data.records import Notes, Reading, Source
from unrolled.errors import UserError
from unrolled.tasks.choose_reading import choose_reading, open_files
from unrolled.tasks.reads import wish_of


def write(folder: Path, text: str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read(path: Path, notes: Notes | None = None, **reading: object) -> Source:
    return read_table([path], Reading(**reading), Notes() if notes is None else notes)  # type: ignore[arg-type]


STEPS = ",".join(f"t{step}" for step in range(8))


def test_numbered_columns_are_the_steps_of_a_series(tmp_path: Path) -> None:
    source = read(write(tmp_path, f"label,{STEPS}\na,0,1,2,3,4,5,6,7\nb,7,6,5,4,3,2,,\n"))
    assert [(field.name, field.kind, field.timed, field.channels) for field in source.fields] == [
        ("values", "numeric", True, ("t",)),
        ("label", "categorical", False, ()),
    ]
    assert source.target_guess == "label"  # type: ignore[attr-defined]
    assert source.labels("label") == ["a", "b"]
    first, second = source
    np.testing.assert_array_equal(first.values["values"], np.arange(8, dtype=np.float32)[:, None])
    np.testing.assert_array_equal(second.values["values"][:, 0], [7, 6, 5, 4, 3, 2])
    assert second.values["label"] == "b"
    assert second.origin == f"{tmp_path}/table.csv, row 2"


def test_two_prefixes_are_two_channels_and_a_missing_step_within_is_nan(tmp_path: Path) -> None:
    header = ",".join([f"x_{n}" for n in range(1, 9)] + [f"y_{n}" for n in range(1, 9)])
    notes = Notes()
    source = read(write(tmp_path, f"{header}\n1,2,NA,4,5,6,7,8,10,20,30,40,50,60,70,80\n"), notes)
    values = source.record(0).values["values"]
    assert source.field("values").channels == ("x", "y")
    assert values.shape == (8, 2)
    assert values[3].tolist() == [4, 40]
    assert math.isnan(values[2, 0])
    assert notes.counts == {"missing values": 1}


def test_other_numbers_are_features_and_patterns_choose_between_the_two(tmp_path: Path) -> None:
    names = ",".join(f"V{number}" for number in range(8))
    path = write(tmp_path, f"{names},class\n1,2,3,4,5,6,7,8,0\n2,3,4,5,6,7,8,9,1\n")
    assert read(path).field("features").channels == tuple(names.split(","))
    assert read(path).record(1).values["features"].tolist() == [2, 3, 4, 5, 6, 7, 8, 9]
    assert read(path, inputs=("V*",)).field("values").timed
    assert read(path, inputs=("V3", "V1")).field("features").channels == ("V1", "V3")


def test_a_table_like_the_splice_data(tmp_path: Path) -> None:
    rows = [(("EI", "IE", "N")[n % 3], f"GENE-{n}", "ACGT" * 3 + "ACGT"[n % 4]) for n in range(30)]
    text = "label,instance_name,sequence\n" + "".join(f"{a},   {b},     {c}\n" for a, b, c in rows)
    notes = Notes()
    path = write(tmp_path, text)
    source = read(path, notes)
    assert table_layout(path, Reading()) == "wide"
    assert source.record(1).values == {"sequence": rows[1][2], "label": "IE"}
    assert source.field("sequence").kind == "text"
    assert "columns left out as identifiers (instance_name)" in notes.counts


def test_kinds_of_targets(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b,price,n,marks\n1,2,1.5,3,x|y\n2,3,2.5,4,y\n3,5,9.5,3,z | x\n")
    assert read(path, target="price").record(1).values["price"].tolist() == [2.5]
    assert read(path, target="n").labels("n") == ["3", "4", "3"]
    assert read(path, target="n", wish=wish_of("regress")).field("n").kind == "numeric"
    assert read(path, target="price", wish=wish_of("classify")).labels("price") == ["1.5", "2.5", "9.5"]
    assert [record.values["marks"] for record in read(path, target="marks")] == [("x", "y"), ("y",), ("z", "x")]


def test_groups_are_kept_and_are_no_input(tmp_path: Path) -> None:
    path = write(tmp_path, "a,patient_id,label\n1,p1,x\n2,p1,y\n3,p2,x\n")
    source = read(path, group="patient_id")
    assert source.groups("patient_id") == ["p1", "p1", "p2"]
    assert [field.name for field in source.fields] == ["features", "label"]


def test_a_missing_target_is_unknown(tmp_path: Path) -> None:
    notes = Notes()
    source = read(write(tmp_path, "a,label\n1,x\n2,\n"), notes)
    assert source.record(1).values["label"] is None
    assert notes.counts == {"rows without a label": 1}


def test_semicolons_decimal_commas_quotes_and_a_byte_order_mark(tmp_path: Path) -> None:
    source = read(write(tmp_path, '\ufeffa;b;label\n1,5;2;"x;1"\n2,5;3;y\n'))
    assert source.record(0).values["features"].tolist() == [1.5, 2]
    assert source.labels("label") == ["x;1", "y"]


def test_blank_rows_keep_the_numbers_of_the_others(tmp_path: Path) -> None:
    notes = Notes()
    source = read(write(tmp_path, "a,b,label\n1,2,x\n\n3,4,y\n\n"), notes)
    assert [record.origin.rpartition(", ")[2] for record in source] == ["row 1", "row 3"]
    assert notes.counts == {"blank rows left out": 2}


LISTS = {"signal": [[1.0, 2.0], [3.0]], "word": [["a", "b"], ["c"]], "tags": [["B", "O"], ["O"]]}


def test_list_columns_of_parquet_and_json_lines(tmp_path: Path) -> None:
    frame = pl.DataFrame(LISTS)
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_ndjson(tmp_path / "a.jsonl")
    for path in (tmp_path / "a.parquet", tmp_path / "a.jsonl"):
        source = read(path)
        assert [(field.name, field.kind, field.timed) for field in source.fields] == [
            ("signal", "numeric", True),
            ("word", "token", True),
            ("tags", "categorical", True),
        ]
        record = source.record(0)
        np.testing.assert_array_equal(record.values["signal"], [[1], [2]])
        assert record.values["tags"] == ["B", "O"]
        assert source.record(1).values["word"] == ["c"]


def test_lists_of_lists_are_channels_and_lists_of_labels_hold_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"x": [[[1, 2], [3, 4], [5, 6]], [[7, 8]]], "label": [["a", "b"], []]}).write_parquet(path)
    source = read(path)
    np.testing.assert_array_equal(source.record(0).values["x"], [[1, 2], [3, 4], [5, 6]])
    np.testing.assert_array_equal(source.record(1).values["x"], [[7, 8]])
    assert [record.values["label"] for record in source] == [("a", "b"), ()]


def test_a_large_parquet_file_is_read_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.parquet"
    generator = np.random.default_rng(0)
    signals = [generator.normal(size=length).tolist() for length in generator.integers(1, 9, 25)]
    pl.DataFrame({"signal": signals, "label": ["ab"[n % 2] for n in range(25)]}).write_parquet(path)
    monkeypatch.setattr(columns, "IN_MEMORY", 0)
    monkeypatch.setattr(wide_tables, "BLOCK", 4)
    source = read(path)
    for index in generator.permutation(25):
        record = source.record(int(index))
        np.testing.assert_allclose(record.values["signal"][:, 0], signals[index], rtol=1e-6)
        assert record.values["label"] == "ab"[index % 2]
        assert record.origin.endswith(f"row {index + 1}")


NUMBERS = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False, width=32))


@given(rows=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=12))
def test_numbers_come_back_as_written(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple]) -> None:
    path = tmp_path_factory.mktemp("numbers") / "a.csv"
    lines = [",".join("" if cell is None else repr(cell) for cell in row) + ",x" for row in rows]
    path.write_text("p,q,r,label\n" + "\n".join(lines) + "\n")
    full = [name for column, name in enumerate("pqr") if any(row[column] is not None for row in rows)]
    if not full:
        with pytest.raises(UserError, match="no column to learn from"):
            read(path)
        return
    source = read(path)
    assert source.field("features").channels == tuple(full)
    for row, record in zip(rows, source, strict=True):
        expected = [np.nan if row["pqr".index(name)] is None else row["pqr".index(name)] for name in full]
        np.testing.assert_array_equal(record.values["features"], np.array(expected, dtype=np.float32))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"table\.csv is empty"),
        ("a,b,label\n", r"table\.csv has a header but no rows"),
        ("a,b,label\n1,2,x\n3,4,5,y\n", r"line 3 has 4 fields, expected 3"),
        ("a,b,label\n1,2,x\n3,y\n", r"line 3 has 2 fields, expected 3"),
        ("a,a,label\n1,2,x\n", r"column 'a' twice"),
        ("a,b,label\n" + "1,2,x\n" * 9 + "many,2,x\n", r"row 10: column 'a' has 'many' where numbers are expected"),
        ("a,b,label\n1,2,x\n3,inf,y\n", r"row 2: column 'b' has inf, which is not a finite"),
        ("a,b,label\n1,2,x\n3,1e39,y\n", r"row 2: column 'b' has 1e39, which is not a finite"),
        (f"label,{STEPS}\nx,1,2,3,4,5,6,7,8\ny,,,,,,,,\n", r"row 2 has no value in any step"),
        ('a,b,label\n1,2,x\n3,"4,y\n5,6,z\n', r"line 3|quote"),
        ("label\nx\ny\n", r"no column to learn from besides label"),
    ],
)
def test_damaged_tables_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(write(tmp_path, text))


def test_other_encodings_are_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes("a,label\n1,gut\n2,schön\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"latin\.csv, line 3: byte 0xf6"):
        read(path)
    path.write_bytes("a,label\n1,gut\n".encode("utf-16"))
    with pytest.raises(UserError, match="UTF-16"):
        read(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "label": "x"}\n{"a": [1], "label": "y"}\n', r"line 2: field 'a' is a list of number, but a number"),
        ('{"a": 1}\n{"a": NaN}\n', r"line 2: NaN is not part of JSON; write null"),
        ('{"a": 1}\n{"a": 2', r"line 2 is not JSON"),
        ('{"a": 1}\n[2]\n', r"line 2 holds a list"),
        ('{"s": [1, 2], "label": "x"}\n{"s": [], "label": "y"}\n', r"row 2: column 's' has a sequence of length 0"),
        ('{"s": [[1, 2]], "label": "x"}\n{"s": [[1]], "label": "y"}\n', r"row 2: .* step of 1 values, expected 2"),
        ('{"s": {"t": 1}, "label": "x"}\n', r"column 's' holds .* values; expected numbers"),
    ],
)
def test_damaged_json_lines_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(write(tmp_path, text, "table.jsonl"))


def test_a_cut_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"a": [1, 2], "label": ["x", "y"]}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UserError, match=r"a\.parquet is not a whole Parquet file"):
        read(path)
    with pytest.raises(UserError, match="does not exist"):
        read(tmp_path / "b.parquet")


@pytest.mark.parametrize(
    ("reading", "message"),
    [
        ({"target": "lable"}, r"no column 'lable' \(--target\), did you mean 'label'\?"),
        ({"inputs": ("hight",)}, r"no column 'hight' \(--inputs\), did you mean 'height'\?"),
        ({"group": "Patient"}, r"no column 'Patient' \(--group\)"),
        ({"id": "ids", "target": "label"}, r"no column 'ids' \(--id\)"),
    ],
)
def test_columns_that_are_not_there(tmp_path: Path, reading: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(write(tmp_path, "height,weight,label\n1,2,x\n"), **reading)


@pytest.mark.parametrize(
    ("text", "reading", "layout"),
    [
        ("date,a,b\n2020-01-01,1,2\n2020-01-02,2,3\n", {}, "series"),
        ("date,a,price\n2020-01-01,1,2\n2020-01-02,2,3\n", {"wish": wish_of("regress"), "target": "price"}, "wide"),
        ("id,a,b\n1,1,2\n1,2,3\n", {"id": "id"}, "long"),
        ("unique_id,ds,y\nu,1,2\nu,2,3\n", {}, "long"),
        ("a,b\n1,2\n2,3\n", {"wish": wish_of("forecast")}, "series"),
        ("a,b\n1,2\n2,3\n", {"target": "b"}, "wide"),
        ("a\n1\n2\n", {}, "series"),
        ("text,label\na b c,x\nb c d,y\n", {}, "labelled-text"),
        ("english,german\nGo now.,Geh jetzt.\nHi there.,Hallo du.\n", {}, "parallel-text"),
    ],
)
def test_layouts(tmp_path: Path, text: str, reading: dict, layout: str) -> None:
    assert table_layout(write(tmp_path, text), Reading(**reading)) == layout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n2,3\n", r"--task forecast.*--target COLUMN.*--id COLUMN"),
        ("date,shop,sales\n2020-01-01,a,1\n2020-01-01,b,2\n2020-01-02,a,3\n2020-01-02,b,4\n", r"--id shop"),
        ("subject_id,a,label\n1,2,x\n1,3,x\n2,4,y\n", r"--id subject_id .* --group subject_id"),
    ],
)
def test_what_a_table_may_be_is_asked_not_guessed(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        choose_reading([str(write(tmp_path, text))], DataConfig())


@pytest.mark.parametrize("name", ["t.parquet", "t.jsonl"])
def test_a_list_column_is_several_labels(tmp_path: Path, name: str) -> None:
    kinds = [["news"], [], ["sport", "news"], None]
    frame = pl.DataFrame({"text": ["a b", "c d", "e f", "g h"], "topics": kinds, "codes": [[1], [], [2, 1], [2]]})
    path = tmp_path / name
    frame.write_parquet(path) if name.endswith("parquet") else frame.write_ndjson(path)
    source = read(path, target="topics", inputs=("text",))
    assert [record.values["topics"] for record in source] == [("news",), (), ("sport", "news"), None]
    assert source.field("topics").kind == "categorical"
    assert not source.field("topics").timed
    assert source.labels("topics") == ["news", "", "sport|news", ""]
    coded = read(path, target="codes", inputs=("text",))
    assert [record.values["codes"] for record in coded] == [("1",), (), ("2", "1"), ("2",)]
    alone = tmp_path / f"two_{name}"
    two = frame.select("text", pl.col("topics").alias("label"))
    two.write_parquet(alone) if name.endswith("parquet") else two.write_ndjson(alone)
    assert read(alone).record(2).values["label"] == ("sport", "news")


def test_lists_as_long_as_the_input_are_labels_if_the_task_says_so(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"x": [[1.5, 2.5], [3.5]], "label": [["a", "b"], ["a"]]}).write_parquet(path)
    assert read(path).field("label").timed
    chosen = read(path, wish=wish_of("classify"))
    assert not chosen.field("label").timed
    assert chosen.record(0).values["label"] == ("a", "b")


def test_several_labels_of_rows_and_of_sequences(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b,kind\n1.5,2,1;2\n2.5,3,2\n3.5,4,\n")
    labels = [record.values["kind"] for record in read(path, target="kind", label_separator=";")]
    assert labels == [("1", "2"), ("2",), None]
    path = write(tmp_path, "id,t,v,kind\na,1,1.5,x;y\na,2,2.5,x;y\nb,1,3.5,y\nb,2,0.5,y\n", "long.csv")
    source = read(path, id="id", time="t", target="kind", label_separator=";")
    assert [record.values["kind"] for record in source] == [("x", "y"), ("y",)]


@pytest.mark.parametrize("task", [None, "classify"])
def test_a_table_is_read_once(task: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "a,label\n1.5,x\n\n2.5,y\n")
    read: list[object] = []
    read_csv = pl.read_csv
    monkeypatch.setattr(columns.pl, "read_csv", lambda *args, **more: (read.append(args), read_csv(*args, **more))[1])
    files = Files([path])
    assert {offer.shape for offer in files.offers(Reading(wish=wish_of(task)))} == {"wide", "series"}
    assert [field.name for field in files.choose(Reading()).fields] == ["features", "label"]
    assert len(read) == 1
    opened = open_files([str(path)], DataConfig(), task)
    assert len(opened.sources["train"]) == 2
    assert opened.notes.counts == {"blank rows left out": 1}
    assert len(read) == 2


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_a_cell_may_be_as_long_as_a_gene(tmp_path: Path, suffix: str) -> None:
    separator = {"csv": ",", "tsv": "\t"}[suffix]
    genes = ["ACGT" * 100_000 + "A" * number for number in range(4)]
    rows = [f"{gene}{separator}{'ab'[number % 2]}" for number, gene in enumerate(genes)]
    path = tmp_path / f"genes.{suffix}"
    path.write_text("\n".join([f"sequence{separator}label", *rows]) + "\n")
    source = read_table([path], Reading(), Notes())
    assert [record.values["sequence"] for record in source] == genes
    path.write_text("\n".join([f"sequence{separator}label", *rows, "ACGT"]) + "\n")
    with pytest.raises(UserError, match="line 6 has 1 field, expected 2"):
        read_table([path], Reading(), Notes())


def test_a_quote_that_is_left_open_is_named_by_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unrolled.data.readers.columns.LONGEST_CELL", 5000)
    path = tmp_path / "open.csv"
    path.write_text('text,label\nfirst,a\n"second,b\n' + "more,a\n" * 2000)
    with pytest.raises(UserError, match="line 3 has a cell of more than 5,000 characters; is a quote left open there"):
        read_table([path], Reading(), Notes())
