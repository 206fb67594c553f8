"""Files called .json: lists of objects and objects on lines are tables; what they say of other files is not data."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from unrolled.cli.main import main
from unrolled.data.config import DataConfig
from unrolled.data.readers.columns import open_table
from unrolled.data.readers.registry import find_reader, is_plain_text, open_source
from unrolled.data.records import Notes, Reading
from unrolled.data.splits.part_names import find_parts
from unrolled.errors import UserError

ROWS = [{"text": f"row {n} is {'good' if n % 2 else 'bad'}", "label": "yn"[n % 2], "size": n / 4} for n in range(30)]
WRITTEN = {
    "lines": "".join(json.dumps(row) + "\n" for row in ROWS),
    "list": json.dumps(ROWS),
    "indented": "\n" + json.dumps(ROWS, indent=2) + "\n",
    "with a mark": "\ufeff" + json.dumps(ROWS),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_rows(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(WRITTEN[name], encoding="utf-8")
    assert open_table(path, Notes()).frame.lazy().collect().rows(named=True) == ROWS  # type: ignore[union-attr]
    assert not is_plain_text([path])


def test_lists_missing_fields_and_what_pandas_writes(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"x": [1, 2.5, None], "label": "a"}, {"x": [3.0], "label": "b", "more": 1}]))
    source = open_source([path], Reading(), Notes())
    np.testing.assert_array_equal(source.record(0).values["x"][:, 0], np.array([1, 2.5, np.nan], np.float32))
    pd.DataFrame(ROWS).to_json(path, orient="records")
    assert len(open_source([path], Reading(target="label"), Notes())) == 30


BAD = {
    "one object": ('{"a": [1, 2], "b": [3, 4]}', r"holds one object \(a, b\), of which nothing tells the records"),
    "an indented one": ('{\n "data": [\n  {"a": 1}\n ]\n}', r"holds one object \(data\)"),
    "a list of numbers": ("[1, 2, 3]", r"a\.json, item 1 holds a number, not an object with named fields"),
    "a list of texts": ('["a", "b"]', r"item 1 holds a text"),
    "an item of another kind": ('[{"a": 1}, 2]', r"item 2 holds a number"),
    "a field of two types": ('[{"a": [1]}, {"a": [[1]]}]', r"item 2: field 'a' is a list of list.*, but a list of num"),
    "cut short": ('[{"a": 1},\n {"a": 2}', r"line 2 is not JSON from character 10 on"),
    "NaN": ('[{"a": NaN}]', r"cannot be read as a table"),
    "a number": ("12", r"holds a single value"),
    "prose": ("once upon a time", r"line 1 is not JSON from character 1 on"),
    "nothing": ("[]", r"no rows"),
    "a damaged line": ('{"a": 1}\n{"a": 2}\n{"a": \n', r"line 3 is not JSON"),
    "deep": ("[" * 100_000, r"nested too deeply|not JSON"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    text, sentence = BAD[name]
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(UserError, match=sentence):
        open_source([path], Reading(), Notes())


def test_descriptions_beside_data_are_no_data(tmp_path: Path) -> None:
    for folder, names in {
        "sounds": ["a/1.wav", "b/2.wav", "a/1.json", "b/2.json", "info.json"],
        "table": ["data.csv", "dataset_info.json"],
        "texts": ["a.txt", "b.txt", "meta.json"],
        "rows": ["data.json", "README.md"],
    }.items():
        for name in names:
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")
    assert find_reader([tmp_path / "sounds"], Reading()) == ("audio", "read_audio")
    assert find_parts([tmp_path / "table"], DataConfig()).parts == {"train": [tmp_path / "table" / "data.csv"]}
    assert is_plain_text([tmp_path / "texts"])
    assert find_parts([tmp_path / "rows"], DataConfig()).parts == {"train": [tmp_path / "rows" / "data.json"]}


def test_a_folder_with_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    Path("d").mkdir()
    for part in ("train", "test"):
        Path(f"d/{part}.json").write_text(WRITTEN["lines"])
    assert main(["init", "d", "--inputs", "text"]) == 0
    assert capsys.readouterr().out.startswith("classify: text -> label; 30 records; split by file name\n")
