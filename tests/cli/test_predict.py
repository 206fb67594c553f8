"""`unrolled predict`, as a person uses it."""

import json
from pathlib import Path

import polars as pl
import pytest

from small_models import write_run
from small_record_runs import train_small, write_flowers
from unrolled.cli.main import main


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flowers")
    return train_small([write_flowers(folder / "flowers.csv")], folder / "run")


def predict(capsys: pytest.CaptureFixture, *arguments: object) -> tuple[int, str, str]:
    code = main(["predict", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_json_lines_on_stdout(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = write_flowers(tmp_path / "new.csv", 4, labels=None)
    code, out, err = predict(capsys, run, path)
    assert (code, err) == (0, "")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["record"] for row in rows] == [f"{path}, row {number}" for number in range(1, 5)]
    assert list(rows[0]) == ["record", "prediction", "p_a", "p_b", "p_c"]
    assert predict(capsys, run / "best", path) == (0, out, "")


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_file(run: Path, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path, written = write_flowers(tmp_path / "new.csv", 4), tmp_path / f"out.{suffix}"
    code, out, err = predict(capsys, run, path, "-o", written)
    assert (code, out, err) == (0, f"wrote {written}: 4 rows for 4 records\n", "")
    read = {"csv": pl.read_csv, "jsonl": pl.read_ndjson, "parquet": pl.read_parquet}[suffix]
    frame = read(written)
    assert frame.columns == ["record", "prediction", "p_a", "p_b", "p_c"]
    assert frame.height == 4


def test_the_result_as_json(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path, written = write_flowers(tmp_path / "new.csv", 4, extra="7"), tmp_path / "out.csv"
    code, out, err = predict(capsys, run, path, "-o", written, "--json")
    assert code == 0
    result = json.loads(out)
    assert (result["output"], result["records"], result["rows"]) == (str(written), 4, 4)
    assert result["columns"] == ["record", "prediction", "p_a", "p_b", "p_c"]
    assert any("colour" in note for note in result["notes"])
    assert f"wrote {written}" in err
    code, out, err = predict(capsys, run, path, "--json")
    assert (code, out) == (2, "")
    assert err == (
        "unrolled: --json prints the result of the command on stdout; say with --output where predictions go\n"
    )


def test_what_cannot_be(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = write_flowers(tmp_path / "new.csv", 4)
    (tmp_path / "there.csv").write_text("precious")
    (tmp_path / "near.csv").write_text("petal_lenght,petal_width\n1,2\n")
    (tmp_path / "empty.csv").touch()
    language = write_run(tmp_path / "language")
    for arguments, sentence in {
        (run, path, "-o", tmp_path / "there.csv"): "there.csv exists and is never overwritten; choose another name",
        (
            run,
            path,
            "-o",
            tmp_path / "new.xlsx",
        ): "new.xlsx names no format; end it in .csv, .jsonl, .ndjson or .parquet",
        (run, tmp_path / "near.csv"): "no column 'petal_length', which the model reads",
        (run, tmp_path / "empty.csv"): "empty.csv",
        (run, tmp_path / "none.csv"): "there is no file",
        (tmp_path / "no-run", path): "there is no run",
        (language, path): "is a language model; unrolled generate lets it write",
        (run,): "no FILE given",
    }.items():
        code, out, err = predict(capsys, *arguments)
        assert (code, out) == (2, ""), err
        assert sentence in err
        assert err.count("\n") == 1
    assert (tmp_path / "there.csv").read_text() == "precious"
    assert not (tmp_path / "new.xlsx").exists()


def test_a_model_of_records_does_not_generate(run: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["generate", str(run)]) == 2
    assert (
        "is not a language model, but one that was trained to classify; use unrolled predict" in capsys.readouterr().err
    )


def test_a_folder_of_texts(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for label, text in (("good", "lovely soup"), ("bad", "cold soup")):
        (tmp_path / "texts" / label).mkdir(parents=True)
        for number in range(6):
            (tmp_path / "texts" / label / f"{number}.txt").write_text(f"{text} {number}")
    run = train_small([tmp_path / "texts"], tmp_path / "run")
    (tmp_path / "new").mkdir()
    for number in range(2):
        (tmp_path / "new" / f"n{number}.txt").write_text(f"a lovely soup {number}")
    code, out, err = predict(capsys, run, tmp_path / "new")
    assert (code, err) == (0, "unknown values of text, which training did not see or too rarely: 2\n")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["record"] for row in rows] == [str(tmp_path / "new" / f"n{number}.txt") for number in range(2)]
    assert predict(capsys, run, tmp_path / "new" / "n1.txt")[1] == out.splitlines(keepends=True)[1]
    assert predict(capsys, run, tmp_path / "new", "-o", tmp_path / "out.csv")[1].endswith(": 2 rows for 2 records\n")
    single = predict(capsys, run, tmp_path / "new" / "n1.txt", "-o", tmp_path / "one.csv")[1]
    assert single.endswith(": 1 row for 1 record\n")
