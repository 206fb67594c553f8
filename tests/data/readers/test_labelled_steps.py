"""The UCR archive in text: the label first, no header, between spaces, tabs or commas."""

import csv
from pathlib import Path

import numpy as np
import pytest

from unrolled.cli.main import main
from unrolled.data.config import DataConfig
from unrolled.data.readers.registry import find_reader, open_source
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError
from unrolled.tasks.choose_reading import choose_reading

DRAW = np.random.default_rng(0)
SERIES = DRAW.normal(size=(40, 12)).round(4)
LABELS = [1 + n % 3 for n in range(40)]


def write(path: Path, form: str = "{:.7e}", separator: str = "  ", before: str = "  ") -> Path:
    rows = [[form.format(label), *map(form.format, row)] for label, row in zip(LABELS, SERIES, strict=True)]
    path.write_text("\n".join(before + separator.join(row) for row in rows) + "\n")
    return path


@pytest.mark.parametrize(
    ("name", "form", "separator", "before"),
    [
        ("a_TRAIN.txt", "{:.7e}", "  ", "  "),
        ("a_TRAIN", "{:.7e}", "   ", ""),
        ("a_TRAIN.tsv", "{:g}", "\t", ""),
        ("a_TRAIN.csv", "{:g}", ",", ""),
        ("a_TRAIN.csv", "{:g}", " ", ""),
        ("a_TRAIN.txt", "{:g}", ",", ""),
        ("a_TRAIN.txt", "{:g}", "\t", ""),
    ],
)
def test_label_and_steps_are_told_from_the_content(
    name: str, form: str, separator: str, before: str, tmp_path: Path
) -> None:
    path, notes = write(tmp_path / name, form, separator, before), Notes()
    assert find_reader([path], Reading()) == ("tables", "read_table")
    source = open_source([path], Reading(), notes)
    assert [field.name for field in source.fields] == ["t", "label"] or [f.name for f in source.fields] == [
        "values",
        "label",
    ]
    first = source.fields[0].name
    assert [np.asarray(record.values[first])[:, 0] for record in source] == [
        pytest.approx(row, abs=1e-6) for row in SERIES
    ]
    assert [float(str(record.values["label"])) for record in source] == LABELS
    assert any(
        "its first column is taken for the label and the 12 others for the steps" in line for line in notes.lines()
    )


def test_other_tables_without_a_header_stay_as_they_are(tmp_path: Path) -> None:
    whole = "\n".join(",".join(str(int(x * 10)) for x in row) for row in SERIES)
    path = tmp_path / "counts.csv"
    path.write_text(whole + "\n")
    with pytest.raises(UserError, match="choose with --task forecast"):
        choose_reading([str(path)], DataConfig())
    labelled = write(tmp_path / "a.csv", "{:g}", ",", "")
    source = open_source([labelled], Reading(target="column_1", inputs=("column_*",)), Notes())
    assert [field.name for field in source.fields][-1] == "column_1"
    prose = tmp_path / "prose.txt"
    prose.write_text("Numbers such as 1 2 3 4 5 6 7 8 9 10 in a text.\n")
    assert find_reader([prose], Reading()) is None
    ragged = tmp_path / "ragged.txt"
    ragged.write_text("1 0.5 1.5 2.5 3.5 4.5 5.5 6.5 7.5 8.5\n2 0.5 1.5\n" * 3)
    assert find_reader([ragged], Reading()) == ("tables", "read_table")
    with pytest.raises(UserError, match="line 2 has 3 numbers, expected 10"):
        open_source([ragged], Reading(), Notes())


def test_the_model_reads_other_files_of_that_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train, run = write(tmp_path / "a_TRAIN.txt"), str(tmp_path / "run")
    settings = ["--train.max_steps", "3", "--model.family", "gru", "--model.width", "8", "--run", run]
    assert main(["train", str(train), *settings]) == 0
    assert "classify" in capsys.readouterr().err
    single = tmp_path / "one.txt"
    single.write_text(train.read_text().splitlines()[0] + "\n")
    bare = tmp_path / "bare.txt"
    bare.write_text("  ".join(map(str, SERIES[0])) + "\n")
    rows = []
    for path in (train, single, bare):
        output = path.with_suffix(".out.csv")
        assert main(["predict", run, str(path), "-o", str(output)]) == 0
        with output.open(newline="") as file:
            rows.append(next(csv.DictReader(file)))
    assert len({row["prediction"] for row in rows}) == 1
    for row in rows:
        assert {key for key in row if key != "record"} == {"prediction", "p_1", "p_2", "p_3"}
        assert float(row["p_1"]) == pytest.approx(float(rows[0]["p_1"]), abs=1e-5)
    assert main(["evaluate", run, str(train)]) == 0
