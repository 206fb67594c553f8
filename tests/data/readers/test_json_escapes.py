"""Escapes in JSON files: whole characters are read, half ones are refused by their line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.readers.columns import open_table
from unrolled.data.readers.json_lines import refuse_half_characters
from unrolled.data.records import Notes
from unrolled.errors import UserError


@pytest.mark.parametrize(
    "half", ["\\ud800", "\\uDBFF", "\\udfff", "\\ud83d\\ud83d\\ude00", "\\\\\\ud800", "\\ud800\\n"]
)
@pytest.mark.parametrize("form", ["{}\n{}\n", "[{},\n{}]"])
def test_half_a_character_is_refused_with_its_line(tmp_path: Path, half: str, form: str) -> None:
    path = tmp_path / ("rows.jsonl" if form.startswith("{") else "rows.json")
    path.write_text(form.format('{"text": "whole", "label": 1}', f'{{"text": "a {half} b", "label": 2}}'))
    with pytest.raises(UserError, match=r"line 2 holds \\u[dD][0-9a-fA-F]{3}, half of a character"):
        open_table(path, Notes())


@pytest.mark.parametrize("whole", ["\\ud83d\\ude00", "\\\\ud800", "\\\\\\ud83d\\ude00", "\\u00e9", "\\ud7ff\\ue000"])
@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json"])
def test_whole_characters_are_read_as_json_reads_them(tmp_path: Path, whole: str, name: str) -> None:
    path, record = tmp_path / name, f'{{"text": "a {whole} b"}}'
    path.write_text(f"{record}\n" if name.endswith("l") else f"[{record}]")
    assert open_table(path, Notes()).frame.lazy().collect()["text"].to_list() == [json.loads(record)["text"]]


@given(st.text(st.characters(exclude_categories=[]) | st.sampled_from("\\ud8\ud800\udc00")))
def test_refused_exactly_where_json_finds_half_a_character(text: str) -> None:
    line = json.dumps({"text": text})
    half = any("\ud800" <= mark <= "\udfff" for mark in json.loads(line)["text"])
    if half:
        with pytest.raises(UserError, match=r"^rows, line 1 holds"):
            refuse_half_characters(Path("rows"), [line.encode()])
    else:
        refuse_half_characters(Path("rows"), [line.encode()])
