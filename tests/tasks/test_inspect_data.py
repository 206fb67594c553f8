"""What `init` says of files, and that saying it aloud changes nothing."""

from pathlib import Path

import pytest

from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.tasks.inspect_data import outline


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


TABLE = "a,b,colour,label\n" + "".join(
    f"{n}.5,{n % 3}.25,{('red', 'blue')[n % 2]},{('x', 'y')[n % 2]}\n" for n in range(20)
)
CONLL = "".join(f"{word}\t{tag}\n" for word, tag in (("Anna", "B-PER"), ("sings", "O"))) + "\n"
CASES = [
    ("t.csv", TABLE, {}, "classify: features and colour -> label; 20 records", "label"),
    ("t.csv", TABLE, {"target": "a"}, "regress: features and colour and label -> a; 20 records", "a"),
    ("t.conll", CONLL * 3, {}, "tag: ", None),
    ("t.fa", ">one label=x\nACGT\n>two label=y\nGGT\n", {}, "classify: sequence -> label; 2 records", "label"),
    (
        "t.ts",
        "@univariate true\n@classLabel true 1 2\n@data\n1,2,3:1\n4,5:2\n",
        {},
        "classify: series -> label",
        "label",
    ),
]


@pytest.mark.parametrize(("name", "text", "given", "summary", "target"), CASES)
def test_what_is_said(name: str, text: str, given: dict, summary: str, target: str | None, tmp_path: Path) -> None:
    file = write(tmp_path, name, text)
    plan = outline([file], DataConfig(**given), task=None)
    assert plan.summary.startswith(summary)
    if target is not None:
        assert plan.data.target == target
    assert len(plan.fields) == len(plan.schema.inputs) + 1
    again = outline([file], plan.data, task=plan.schema.task)
    assert again.schema == plan.schema
    assert again.summary == plan.summary


def test_columns_are_named(tmp_path: Path) -> None:
    plan = outline([write(tmp_path, "t.csv", TABLE)], DataConfig(), task=None)
    assert plan.fields == [
        "input features: numeric per record (a, b)",
        "input colour: categorical per record",
        "target label: categorical per record",
    ]


def test_a_file_that_may_be_several_things(tmp_path: Path) -> None:
    numbers = "a,b,c\n" + "".join(f"{n}.5,{n % 3}.25,7.5\n" for n in range(9))
    with pytest.raises(UserError, match=r"--task forecast.*--target COLUMN.*--id COLUMN"):
        outline([write(tmp_path, "t.csv", numbers)], DataConfig(), task=None)


def test_counts_in_a_table_as_of_nixtla_are_forecast(tmp_path: Path) -> None:
    path = tmp_path / "shops.csv"
    path.write_text("unique_id,ds,y\na,2024-01-01,3\na,2024-01-02,5\na,2024-01-03,3\nb,2024-01-01,7\nb,2024-01-02,0\n")
    assert outline([str(path)], DataConfig(), task=None).schema.task == "forecast"


def test_hints_are_part_of_the_line(tmp_path: Path) -> None:
    path = tmp_path / "demand.csv"
    path.write_text("time,demand,rain\n" + "".join(f"2024-01-{n + 1:02d},{n * n % 7}.5,{n % 3}.5\n" for n in range(30)))
    plan = outline([str(path)], DataConfig(target="demand"), task=None)
    assert plan.schema.task == "tag"
    assert plan.summary.endswith("; --task forecast tells it ahead")
    assert "--task" not in outline([str(path)], DataConfig(target="demand"), task="tag").summary
    assert "--task" not in outline([str(path)], DataConfig(), task=None).summary
