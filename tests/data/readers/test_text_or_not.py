"""Which tables of two columns hold texts: not a series, and a translation only where both columns hold sentences."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from unrolled.data.config import DataConfig
from unrolled.data.readers.registry import open_source
from unrolled.data.readers.tables import read_table, table_layout
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError
from unrolled.tasks.choose_reading import open_files
from unrolled.tasks.forecast.data import prepare_forecast
from unrolled.tasks.forecast.files import reading_by
from unrolled.tasks.inspect_data import outline
from unrolled.tasks.reads import wish_of

DAYS = [date(2022, 1, 1) + timedelta(days=day) for day in range(400)]
COUNTS = np.random.default_rng(0).integers(0, 8, len(DAYS)).tolist()


def write(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([*([header] if header else []), *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "header", "form", "time"),
    [
        ("sales.csv", "date,sales", "{day:%Y-%m-%d},{count}", None),
        ("sales.csv", "date,sales", "{day:%Y-%m-%d},{count}", "date"),
        ("sales.csv", "when,label", "{day:%Y-%m-%d},{count}", None),
        ("sales.tsv", "", "{day:%Y-%m-%d}\t{count}", None),
        ("sales.csv", "date,sales", '{day:%Y-%m-%d},"$1{count},{count}30.50"', None),
        ("sales.csv", "day,sales", "{day:%d.%m.%Y},{count} %", None),
        ("sales.csv", "date;sales", "{day:%Y-%m-%d};1.{count}30,49", None),
        ("sales.tsv", "", "{day:%Y-%m-%d}\t€ 1.{count}30,49", None),
    ],
)
def test_a_series_of_small_counts_is_a_series(tmp_path: Path, name: str, header: str, form: str, time: str) -> None:
    rows = [form.format(day=day, count=count) for day, count in zip(DAYS, COUNTS, strict=True)]
    path = write(tmp_path / name, header, rows)
    outlined = outline([str(path)], DataConfig(time=time), task=None)
    assert outlined.summary.startswith("forecast: 1 channel x 400 daily steps")
    assert len(read_table([path], Reading(time=time), Notes()).record(0).values["values"]) == len(DAYS)


def test_a_column_named_as_the_time_is_no_text(tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv", "when,state", [f"week {n} of many,{'ab'[n % 2]}" for n in range(40)])
    assert table_layout(path, Reading()) == "labelled-text"
    assert table_layout(path, Reading(time="when")) == "series"


def test_a_time_beside_a_label_is_left_out_and_not_read_as_a_text(tmp_path: Path) -> None:
    rows = [f"{day:%Y-%m-%d},{count},{'ab'[count % 2]}" for day, count in zip(DAYS, COUNTS, strict=True)]
    path = write(tmp_path / "days.csv", "day,count,label", rows)
    notes = Notes()
    source = read_table([path], Reading(wish=wish_of("classify")), notes)
    assert [field.name for field in source.fields] == ["features", "label"]
    assert "columns of times, which are not read as words, left out (day): 1" in notes.lines()


@pytest.mark.parametrize("header", ["text\tintent", ""])
def test_many_labels_of_one_word_are_no_translation(tmp_path: Path, header: str) -> None:
    rows = [f"please do number {n} now\tintent_{n % 3000}" for n in range(9000)]
    outlined = outline([str(write(tmp_path / "intents.tsv", header, rows))], DataConfig(), task=None)
    assert outlined.summary == f"classify: text -> {'intent' if header else 'label'}; 9,000 records"


@pytest.mark.parametrize(
    ("form", "column"),
    [
        ("word{n}x,plural{n}s", "plural"),
        ("word{n}x,a plural of {n} words", "lemma"),
        ("a word {n},plural{n}s", "plural"),
    ],
)
def test_single_words_are_no_translation_unless_that_is_said(tmp_path: Path, form: str, column: str) -> None:
    path = write(tmp_path / "words.csv", "lemma,plural", [form.format(n=n) for n in range(100)])
    with pytest.raises(
        UserError, match=f"most of {column} are single words; choose --target {column} if .*--task tran"
    ):
        outline([str(path)], DataConfig(), task=None)
    assert outline([str(path)], DataConfig(), task="translate").summary == "translate: source -> target; 100 records"


def test_single_words_beside_other_columns_are_no_translation(tmp_path: Path) -> None:
    rows = [f"a sentence of number {n},intent{n}x,noted by person {n}" for n in range(100)]
    path = write(tmp_path / "wide.csv", "sentence_text,intent,remark", rows)
    with pytest.raises(UserError, match="most of intent are single words"):
        outline([str(path)], DataConfig(), task=None)


@pytest.mark.parametrize(
    "rows",
    [
        ["the fox sees a bird,lo vulo un pira vidit", "a king loves,un reko lo mara"],
        ["我喜欢读书,i like to read", "今天天气很好,the weather is fine"],
        ["猫が好きです,ฉันชอบแมว", "今日は暑い,วันนี้ร้อน"],
    ],
)
def test_sentences_are_a_translation_whatever_the_script(tmp_path: Path, rows: list[str]) -> None:
    assert table_layout(write(tmp_path / "pairs.csv", "source,target", rows), Reading()) == "parallel-text"
    assert table_layout(write(tmp_path / "pairs.tsv", "", [row.replace(",", "\t") for row in rows]), Reading()) == (
        "parallel-text"
    )


def test_a_forecast_reads_other_files_as_its_own(tmp_path: Path) -> None:
    rows = [f'{day:%Y-%m-%d},"1.{count}30,5"' for day, count in zip(DAYS, COUNTS, strict=True)]
    path = write(tmp_path / "sales.csv", "date,sales", rows)
    opened = open_files([str(path)], DataConfig(), None)
    assert opened.task == "forecast"
    encoding = prepare_forecast(opened, DataConfig()).encoding
    encoding = type(encoding).from_text(encoding.to_text())
    other = write(tmp_path / "next.csv", "date,sales", ['2023-02-05,"1.230"', '2023-02-06,"2.340"'])
    values = open_source([other], reading_by(encoding), Notes()).record(0).values["values"]
    assert values[:, 0].tolist() == [1230, 2340]
    plain = write(tmp_path / "plain.csv", "date,sales", ["2023-02-05,1.230", "2023-02-06,2.340"])
    assert read_table([plain], Reading(), Notes()).record(0).values["values"][0, 0] == pytest.approx(1.23)
