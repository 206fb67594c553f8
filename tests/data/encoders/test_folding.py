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
from unrolled.data.feeds.examples import NO_TARGET
from unrolled.data.readers.columns import table_of
from unrolled.data.readers.wide_tables import lay_out_wide
from unrolled.data.records import Notes, Reading
from unrolled.estimators.records import SequenceClassifier
from unrolled.tasks.labels.targets.labels import ClassTarget, MultilabelTarget


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
    several = MultilabelTarget("y", ("1", "2", "TRUE"))
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
    _, warning = answers(["maybe,1,3.5,a", "perhaps,2,4.5,b", "TRUE,2,1.5,b"], "strange")
    assert "unknown values of smoker, which training did not see or too rarely: 2" in warning
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
    predictions = []
    for name in ("b.parquet", "b.csv"):
        capsys.readouterr()
        assert main(["predict", run, str(tmp_path / name)]) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        predictions.append([{key: value for key, value in line.items() if key != "record"} for line in lines])
    assert predictions[0] == predictions[1]


@pytest.mark.parametrize("blanks", [False, True])
def test_truth_values_are_categories_where_nothing_else_is_read(
    blanks: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = [None if blanks and n % 6 == 5 else n % 2 == 0 for n in range(60)]
    rows = [f"{'' if flag is None else str(flag).upper()},{'ab'[n % 2]}" for n, flag in enumerate(flags)]
    (tmp_path / "flag.csv").write_text("\n".join(["flag,label", *rows]) + "\n")
    run = str(tmp_path / "run")
    settings = ["--inputs", "flag", "--target", "label", "--run", run, "--model.width", "8"]
    assert main(["train", str(tmp_path / "flag.csv"), *settings, "--train.max_steps", "20"]) == 0
    capsys.readouterr()

    def answers(name: str, content: str | pl.DataFrame) -> tuple[list[dict[str, object]], str]:
        if isinstance(content, str):
            (tmp_path / name).write_text(content)
        else:
            content.write_parquet(tmp_path / name)
        assert main(["predict", run, str(tmp_path / name)]) == 0
        out, err = capsys.readouterr()
        return [{k: v for k, v in json.loads(line).items() if k != "record"} for line in out.splitlines()], err

    same, quiet = answers("same.csv", "flag\nTRUE\nFALSE\n")
    assert same[0] != same[1]
    for name, content in (
        ("other.csv", "flag\nTrue\nfalse\n"),
        ("lines.jsonl", '{"flag": " true "}\n{"flag": "False"}\n'),
        ("typed.parquet", pl.DataFrame({"flag": [True, False]})),
    ):
        assert answers(name, content) == (same, quiet)
    assert "unknown" not in quiet
    _, warning = answers("strange.csv", "flag\nperhaps\nTrue\n")
    assert "unknown values of flag, which training did not see or too rarely: 1" in warning


def test_typed_truth_values_alone_are_known_in_text_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = pl.DataFrame({"flag": [n % 2 == 0 for n in range(60)], "label": ["ab"[n % 2] for n in range(60)]})
    frame.write_parquet(tmp_path / "flag.parquet")
    settings = ["--run", str(tmp_path / "run"), "--model.width", "8", "--train.max_steps", "20"]
    assert main(["train", str(tmp_path / "flag.parquet"), "--target", "label", *settings]) == 0
    answers = []
    pl.DataFrame({"flag": [True, False]}).write_parquet(tmp_path / "new.parquet")
    (tmp_path / "new.csv").write_text("flag\nTrue\nfalse\n")
    for name in ("new.parquet", "new.csv"):
        capsys.readouterr()
        assert main(["predict", str(tmp_path / "run"), str(tmp_path / name)]) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        answers.append([{key: value for key, value in line.items() if key != "record"} for line in lines])
    assert answers[0] == answers[1]
    assert answers[0][0] != answers[0][1]


def test_words_alone_stay_text() -> None:
    source = lay_out_wide(
        table_of("t", pl.DataFrame({"said": ["true", "false", "maybe"] * 4})), Reading(), Notes()
    ).open(Notes())
    assert [field.kind for field in source.fields] == ["text"]
    source = lay_out_wide(
        table_of("t", pl.DataFrame({"said": ["", " ", None] * 4 + ["true"]})), Reading(), Notes()
    ).open(Notes())
    assert [field.kind for field in source.fields] == ["categorical"]


def test_a_frame_with_one_column_of_truth_values() -> None:
    label = ["ab"[n % 2] for n in range(60)]
    for flags, same in ((["TRUE", "FALSE"], ["true", "False"]), ([True, False], [True, False])):
        frame = pl.DataFrame({"flag": [flags[n % 2] for n in range(60)]})
        classifier = SequenceClassifier(max_steps=20, width=8, target="label")
        classifier.fit(frame.with_columns(label=pl.Series(label)))
        shares = classifier.predict_proba(pl.DataFrame({"flag": flags}))
        assert shares[0].tolist() != shares[1].tolist()
        assert classifier.predict_proba(pl.DataFrame({"flag": same})).tolist() == shares.tolist()
