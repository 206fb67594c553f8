"""Categories that are written in several ways are one, in training and after it."""

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.cli.main import main
from unrolled.data.encoders.categories import TokenTable
from unrolled.data.encoders.folding import fold, most_usual
from unrolled.data.encoders.targets import NO_TARGET, ClassTarget


@pytest.mark.parametrize(
    "alike",
    [
        ["True", "TRUE", "true", " true "],
        ["1", "1.0", "1.", "+1", "1e0", "1.00"],
        ["-0.5", "-.5", "-0.50", "-5e-1"],
        ["0", "-0", "0.0"],
        ["100", "1e2", "100.0"],
    ],
)
def test_ways_to_write_one_value(alike: list[str]) -> None:
    assert len(set(map(fold, alike))) == 1


def test_other_texts_stay_apart() -> None:
    apart = [
        "True",
        "False",
        "1",
        "2",
        "01",
        "007",
        "7",
        "yes",
        "Yes",
        "YES",
        "",
        "1a",
        "1.2.3",
        "12345678901234567",
        "1e999",
    ]
    assert len(set(map(fold, apart))) == len(apart)


@given(st.floats(allow_nan=False, allow_infinity=False, width=16))
def test_a_number_is_known_in_every_way(value: float) -> None:
    for written in (repr(value), f"{value:.1f}" if value == round(value, 1) else repr(value)):
        assert fold(written) == fold(repr(value))


def test_the_usual_way_is_the_name() -> None:
    assert most_usual({"TRUE": 3, "True": 5, "b": 1}) == {"TRUE": "True", "True": "True", "b": "b"}
    table = TokenTable.fit("smoker", [["TRUE"], ["True"], ["TRUE"], ["false"], ["x"]], folds=True)
    assert table.tokens == ("TRUE", "false", "x")
    assert table.encode(["true", "True", "FALSE", "x", "X"]).tolist() == [1, 1, 2, 3, 0]
    assert TokenTable.from_json(json.loads(json.dumps(table.to_json()))) == table


def test_words_and_older_tables_are_not_folded() -> None:
    words = TokenTable.fit("tokens", [["True", "true", "1", "1.0"]])
    assert len(words.tokens) == 4
    old = TokenTable.from_json({"kind": "tokens", "field": "a", "tokens": ["TRUE"]})
    assert old.encode("True").tolist() == [0]


def test_labels_are_known_in_every_way() -> None:
    target = ClassTarget("y", ("FALSE", "TRUE"))
    assert [int(target.encode(label)) for label in ("True", "true", "false", "no")] == [1, 1, 0, NO_TARGET]
    several = ClassTarget("y", ("1", "2", "TRUE"), many=True)
    assert several.encode(("1.0", "true")).tolist() == [1, 0, 1]


def write(path: Path, rows: list[str]) -> str:
    path.write_text("\n".join(["smoker,kind,size,label", *rows]) + "\n")
    return str(path)


def test_predict_gives_the_same_answers_and_counts_what_it_does_not_know(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"{['TRUE', 'FALSE'][n % 2]},{n % 3},{n}.5,{'ab'[n % 2]}" for n in range(60)]
    run = str(tmp_path / "run")
    settings = [
        "--train.max_steps",
        "20",
        "--model.width",
        "8",
        "--run",
        run,
        "--target",
        "label",
        "--task",
        "classify",
    ]
    assert main(["train", write(tmp_path / "a.csv", rows), *settings]) == 0
    capsys.readouterr()

    def answers(rows: list[str], name: str) -> tuple[list[str], str]:
        output = tmp_path / f"{name}.jsonl"
        assert main(["predict", run, write(tmp_path / f"{name}.csv", rows), "-o", str(output)]) == 0
        lines = [json.loads(line) for line in output.read_text().splitlines()]
        return [json.dumps({k: v for k, v in line.items() if k != "record"}) for line in lines], capsys.readouterr().err

    same, quiet = answers(["TRUE,1,3.5,a", "FALSE,2,4.5,b"], "same")
    other, _ = answers(["True,1,3.5,a", "false,2,4.5,b"], "other")
    assert same == other
    assert "unknown" not in quiet
    _, said = answers(["maybe,1,3.5,a", "perhaps,2,4.5,b", "TRUE,2,1.5,b"], "strange")
    assert "unknown values of smoker, which training did not see or too rarely: 2" in said
    frame = pl.DataFrame({"smoker": [True, False], "kind": [1.0, 2.0], "size": [3.5, 4.5]})
    frame.write_parquet(tmp_path / "typed.parquet")
    output = tmp_path / "typed.jsonl"
    assert main(["predict", run, str(tmp_path / "typed.parquet"), "-o", str(output)]) == 0
    typed = [json.loads(line) for line in output.read_text().splitlines()]
    assert [json.dumps({k: v for k, v in line.items() if k != "record"}) for line in typed] == same


def test_truth_values_of_typed_files_are_numbers_in_text_files_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = pl.DataFrame({"smoker": [n % 2 == 0 for n in range(60)], "size": [n + 0.5 for n in range(60)]})
    frame = frame.with_columns(label=pl.Series(["ab"[n % 2] for n in range(60)]))
    frame.write_parquet(tmp_path / "a.parquet")
    run = str(tmp_path / "run")
    settings = ["--train.max_steps", "20", "--model.width", "8", "--run", run]
    assert main(["train", str(tmp_path / "a.parquet"), *settings]) == 0
    frame.head(4).write_parquet(tmp_path / "b.parquet")
    (tmp_path / "b.csv").write_text("smoker,size\nTrue,0.5\nFalse,1.5\nTRUE,2.5\nfalse,3.5\n")
    found = []
    for name in ("b.parquet", "b.csv"):
        capsys.readouterr()
        assert main(["predict", run, str(tmp_path / name)]) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        found.append([{key: value for key, value in line.items() if key != "record"} for line in lines])
    assert found[0] == found[1]
