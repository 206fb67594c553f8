"""Numbers as people and spreadsheets write them, against Python's own formatting and values worked out by hand."""

import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from unrolled.data.config import DataConfig
from unrolled.data.readers.column_facts import find_facts
from unrolled.data.readers.read_like_training import reopen
from unrolled.data.readers.tables import read_table
from unrolled.data.readers.written_numbers import NumberFormat, is_written_number, parse
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError
from unrolled.tasks.choose_reading import opened_source
from unrolled.tasks.inspect_data import outline


def facts_of(*cells: str | None, **options: object) -> tuple[NumberFormat | None, bool]:
    """The format of a column of these cells, None if it holds no numbers; and whether it is in doubt."""
    frame = pl.DataFrame({"x": pl.Series(cells, dtype=pl.String)})
    facts = find_facts(frame, lambda names: iter([frame.select(names)]), **options)  # type: ignore[arg-type]
    return (facts.columns["x"].format if facts.columns["x"].numeric else None), bool(facts.doubtful)


def read(*cells: str | None, **options: object) -> list[float | None]:
    form, _ = facts_of(*cells, **options)
    assert form is not None
    return parse(pl.Series(cells, dtype=pl.String), form).to_list()


def wide(folder: Path, name: str, cells: list[str], quoted: bool = True) -> Path:
    """A table with a column of numbers, another one and a label."""
    path = folder / name
    rows = [f'"{cell}",{index}.5,{"ab"[index % 2]}' for index, cell in enumerate(cells)]
    path.write_text("amount,other,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def values(path: Path, reading: Reading | None = None) -> np.ndarray:
    source = read_table([path], reading or Reading(), Notes())
    return np.stack([record.values["features"] for record in source])


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["$1,230.50", "$5", "-$7.25", "$-3", "$ 12"], [1230.5, 5, -7.25, -3, 12]),
        (["1.230,49", "5", "-0,5", "1.234.567,8"], [1230.49, 5, -0.5, 1234567.8]),
        (["€ 12", "1.230,5 €", "12 €"], [12, 1230.5, 12]),
        (["12 %", "1,5 %", "0", "-3%"], [12, 1.5, 0, -3]),
        (["%12", "%7.5"], [12, 7.5]),
        (["1 234,5", "1\u00a0234\u00a0567,25", "1\u202f000,5"], [1234.5, 1234567.25, 1000.5]),
        (["1'234.50", "12", "1\u2019000.25"], [1234.5, 12, 1000.25]),
        (["(1,230)", "(0.5)", "17.25"], [-1230, -0.5, 17.25]),
        (["($1,230.50)", "$2"], [-1230.5, 2]),
        (["\u22125.5", "+3", "2e3", ".5", "5."], [-5.5, 3, 2000, 0.5, 5]),
        (["12,34,567.5", "1,00,000"], [1234567.5, 100000]),
        (["CHF 1'200.50", "300 CHF"], [1200.5, 300]),
        (["R$ 1.200,50", "R$ 3"], [1200.5, 3]),
        (["1,230,000", "1,230"], [1230000, 1230]),
        (["1,230", "3.5"], [1230, 3.5]),
        (["1.230", "3,5"], [1230, 3.5]),
        (["0.123", "1.230"], [0.123, 1.23]),
    ],
)
def test_cells_are_read_as_their_column_writes_them(cells: list[str], expected: list[float]) -> None:
    assert read(*cells) == pytest.approx(expected)


@pytest.mark.parametrize("style", ["us", "german", "french", "swiss", "accounting", "per cent"])
def test_what_was_written_is_read_back(style: str) -> None:
    random.seed(1)
    truth = [round(random.uniform(-1e6, 1e6), random.choice([0, 1, 2])) for _ in range(300)]

    def written(value: float) -> str:
        us = f"{abs(value):,.2f}"
        minus = "-" if value < 0 else ""
        if style == "us":
            return f"{minus}${us}"
        if style == "german":
            return minus + us.translate(str.maketrans(",.", ".,")) + " €"
        if style == "french":
            return minus + us.translate(str.maketrans(",.", "\u202f,"))
        if style == "swiss":
            return minus + us.replace(",", "'")
        if style == "accounting":
            return f"({us})" if value < 0 else us
        return f"{value:.2f} %"

    assert read(*map(written, truth)) == pytest.approx(truth)


@pytest.mark.parametrize(
    "cells",
    [
        ["12 kg", "13 kg"],
        ["1,23,4", "5,67,8"],
        ["31.01.2024", "01.02.2024"],
        ["192.168.0.1", "10.0.0.7"],
        ["555-123-4567", "555-123-4568"],
        ["1 2 3", "3 4 5"],
        ["a", "b"],
        ["1.2.3", "1.2.4"],
    ],
)
def test_what_is_no_number_stays_words(cells: list[str]) -> None:
    assert facts_of(*cells)[0] is None
    assert not any(map(is_written_number, cells))


def test_a_mark_that_nothing_explains_is_said_and_can_be_chosen(tmp_path: Path) -> None:
    path = tmp_path / "visits.csv"
    path.write_text("date,visits\n" + "".join(f'2024-01-{day:02d},"{day},230"\n' for day in range(1, 29)))
    outlined = outline([str(path)], DataConfig(), task=None)
    assert "'1,230' in visits is read as 1230; if a comma stands before decimals" in outlined.summary
    assert "--data.decimal comma" in outlined.summary
    source = read_table([path], Reading(), Notes())
    assert source.record(0).values["values"][:3, 0].tolist() == [1230, 2230, 3230]
    told = read_table([path], Reading(decimal="comma"), Notes())
    assert told.record(0).values["values"][:2, 0].tolist() == pytest.approx([1.23, 2.23])
    assert "--data.decimal" not in outline([str(path)], DataConfig(decimal="comma"), task=None).summary


def test_doubt_is_settled_by_the_column_then_by_the_file() -> None:
    assert facts_of("1.230", "2.345") == (NumberFormat("."), True)
    assert facts_of("1.230", "2.5") == (NumberFormat("."), False)
    assert facts_of("1,230", "2,345", semicolons=True) == (NumberFormat(","), True)
    frame = pl.DataFrame({"x": ["1.230", "2.345"], "y": ["2,5", "3,25"]})
    facts = find_facts(frame, lambda names: iter([frame.select(names)]))
    assert (facts.columns["x"].format.decimal, facts.doubtful) == (",", [])
    head = pl.DataFrame({"x": ["1.230", "2.345"]})
    below = pl.DataFrame({"x": ["1.230", "2.345", "0,5"]})
    assert find_facts(head, lambda names: iter([below])).columns["x"].format.decimal == ","


def test_a_cell_in_another_unit_is_named(tmp_path: Path) -> None:
    path = wide(tmp_path, "mixed.csv", ["$5", "$6", "$7", "$8", "€ 9"])
    with pytest.raises(
        UserError, match=r"mixed.csv, row 5: column 'amount' has '€ 9' where numbers in \$ are expected"
    ):
        values(path)
    path = wide(tmp_path, "shares.csv", ["5 %", "6 %", "7 %", "8 %", "0.09"])
    with pytest.raises(UserError, match=r"row 5: column 'amount' has '0.09' where numbers with a per-cent sign"):
        values(path)
    path = wide(tmp_path, "decimals.csv", ["1.5", "2.5", "3.5", "4.5", "5,5"])
    with pytest.raises(UserError, match=r"row 5: column 'amount' has '5,5' where numbers are expected"):
        values(path)


def test_other_files_are_read_as_training_was(tmp_path: Path) -> None:
    train = wide(tmp_path, "train.csv", ["1.230,49", "20,5", "7.000", "3,25"])
    data = DataConfig()
    source = read_table([train], Reading(), Notes())
    recipe = opened_source(source, data, None).recipe
    recipe = type(recipe).from_json(recipe.to_json())
    unclear = wide(tmp_path, "one.csv", ["1.230"])
    assert reopen([str(unclear)], recipe, Notes(), labelled=False).record(0).values["features"].tolist() == [1230, 0.5]
    assert values(unclear)[0].tolist() == pytest.approx([1.23, 0.5])  # alone it would be read so
    plain = wide(tmp_path, "plain.csv", ["1.5"])  # can be read in one way only
    assert reopen([str(plain)], recipe, Notes(), labelled=False).record(0).values["features"].tolist() == [1.5, 0.5]


def test_per_cents_and_numbers_do_not_replace_each_other(tmp_path: Path) -> None:
    train = wide(tmp_path, "train.csv", ["12 %", "20 %", "7 %", "3 %"])
    plain = wide(tmp_path, "plain.csv", ["0.12", "0.2", "0.07", "0.03"])
    for first, other, cell in ((train, plain, "0.12"), (plain, train, "12 %")):
        source = read_table([first], Reading(), Notes())
        recipe = opened_source(source, DataConfig(), None).recipe
        with pytest.raises(UserError, match=f"row 1: column 'amount' has '{cell}'"):
            reopen([str(other)], recipe, Notes(), labelled=False)


def test_targets_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "rents.csv"
    path.write_text("area,rent\n" + "".join(f'{40 + index},"€ 1.{index:03d},50"\n' for index in range(40)), "utf-8")
    source = read_table([path], Reading(target="rent"), Notes())
    assert source.field("rent").kind == "numeric"
    assert source.record(7).values["rent"].tolist() == [1007.5]


def test_a_note_says_that_marks_were_read(tmp_path: Path) -> None:
    notes = Notes()
    read_table([wide(tmp_path, "shares.csv", ["5 %", "6,5 %"])], Reading(), notes)
    assert "columns of numbers with a comma before decimals and with a per-cent sign, which changes nothing: 1" in (
        notes.lines()
    )
