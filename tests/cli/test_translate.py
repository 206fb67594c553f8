"""`unrolled` for models that translate or describe: training, predict, evaluate and generate, and their errors."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from small_pairs import reversals
from unrolled.cli.main import main

PAIRS = reversals(60)
TINY = ["--model.family", "gru", "--model.width", "8", "--train.max_steps", "6", "--train.precision", "32"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("translate")
    (folder / "pairs.tsv").write_text("source\ttarget\n" + "".join(f"{s}\t{t}\n" for s, t in PAIRS))
    command = ["train", str(folder / "pairs.tsv"), "--run", str(folder / "run"), "--data.test_fraction", "0.1"]
    assert main([*command, *TINY]) == 0
    return folder / "run"


def wrong(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_lines_tables_and_standard_input_give_the_same(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["abc", "", "d", "ab?"]
    (tmp_path / "in.txt").write_text("\n".join(texts) + "\n")
    (tmp_path / "in.csv").write_text("number,source,other\n" + "".join(f"1,{text},x\n" for text in texts))
    for name in ("txt", "csv"):
        capsys.readouterr()
        assert main(["predict", str(run), str(tmp_path / f"in.{name}"), "-o", str(tmp_path / f"{name}.csv")]) == 0
        assert "characters or words the model does not know: 1" in capsys.readouterr().err
    from_lines, from_table = (
        pl.read_csv(tmp_path / f"{name}.csv", schema_overrides={"score": pl.Float64}) for name in ("txt", "csv")
    )
    assert from_lines.columns == ["source", "translation", "score"]
    assert from_lines.equals(from_table)
    assert from_lines["source"].fill_null("").to_list() == texts
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\n".join(texts).encode())))
    capsys.readouterr()
    assert main(["predict", str(run), "-"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["translation"] for row in rows] == from_lines["translation"].fill_null("").to_list()
    assert rows[1] == {"source": "", "translation": "", "score": None}


def test_beams_and_the_length_penalty(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in.txt").write_text("abcd\nabc\n")
    scores = []
    for more in ([], ["--beams", "1"], ["--length-penalty", "0"], ["--length_penalty", "0"]):
        capsys.readouterr()
        assert main(["predict", str(run), str(tmp_path / "in.txt"), *more]) == 0
        scores.append([json.loads(line)["score"] for line in capsys.readouterr().out.splitlines()])
    assert all(score < 0 for run_scores in scores for score in run_scores)
    assert scores[2] == scores[3]
    # Unpenalised, a score is a log probability, and that of one beam is never better than that of several.
    assert main(["predict", str(run), str(tmp_path / "in.txt"), "--length-penalty", "0", "--beams", "1"]) == 0
    greedy = [json.loads(line)["score"] for line in capsys.readouterr().out.splitlines()]
    assert all(score >= other for score, other in zip(scores[2], greedy, strict=True))
    assert "--beams" in wrong(["predict", str(run), str(tmp_path / "in.txt"), "--beams", "many"], capsys)


def test_evaluate_says_the_signature(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["evaluate", str(run), "--json"]) == 0
    own = json.loads(capsys.readouterr().out)
    assert (own["valid"]["count"], own["test"]["count"]) == (6, 6)
    (tmp_path / "other.tsv").write_text("".join(f"{s}\t{t}\n" for s, t in PAIRS[:9]))
    assert main(["evaluate", str(run), str(tmp_path / "other.tsv")]) == 0
    out = capsys.readouterr().out
    assert "9 pairs scored; baseline: the source copied" in out
    assert "bleu: " in out
    assert "version:" in out
    (tmp_path / "a.txt").write_text("ab\ncd\n")
    (tmp_path / "b.txt").write_text("ba\ndc\n")
    assert main(["evaluate", str(run), str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]) == 0
    assert "2 pairs scored" in capsys.readouterr().out
    assert main(["evaluate", str(run), "--part", "train", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["train"]["count"] == 48


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"abc\nd\xff\n", "line 2"),
        (b"", "is empty"),
    ],
)
def test_files_that_cannot_be_translated(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, message: str
) -> None:
    (tmp_path / "in.txt").write_bytes(content)
    assert message in wrong(["predict", str(run), str(tmp_path / "in.txt")], capsys)


def test_what_does_not_fit_is_refused(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in.csv").write_text("one,two,three\na,b,c\n")
    assert "has no column source" in wrong(["predict", str(run), str(tmp_path / "in.csv")], capsys)
    assert "there is no file" in wrong(["predict", str(run), str(tmp_path / "missing.txt")], capsys)
    assert "--horizon is for models that forecast" in wrong(
        ["predict", str(run), str(tmp_path / "in.csv"), "--horizon", "3"], capsys
    )
    assert "--beams is 0" in wrong(["predict", str(run), "-", "--beams", "0"], capsys)
    assert "generate" not in wrong(["generate", str(run)], capsys)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.en": b"one\ntwo\n", "a.de": b"eins\n"}, "has 2 lines and"),
        ({"a.en": b"\n \n", "a.de": b"eins\nzwei\n"}, "no line with text in both"),
        ({"a.en": b"one\n", "a.de": b"eins\n"}, "1 pair is too little"),
        ({"a.en": b"one\nt\xffo\n", "a.de": b"eins\nzwei\n"}, "line 2"),
    ],
)
def test_bad_pairs(tmp_path: Path, capsys: pytest.CaptureFixture[str], files: dict[str, bytes], message: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    command = ["train", *(str(tmp_path / name) for name in files), "--run", str(tmp_path / "run")]
    assert message in wrong([*command, *TINY], capsys)
    assert not (tmp_path / "run").exists()


def test_one_empty_side_and_a_huge_line_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.en").write_text("one\n\nthree\nfour\n" + "x" * 1_000_000 + "\n")
    (tmp_path / "a.de").write_text("eins\nzwei\ndrei\nvier\nlang\n")
    command = ["train", str(tmp_path / "a.en"), str(tmp_path / "a.de"), "--run", str(tmp_path / "run")]
    assert main([*command, *TINY]) == 0
    log = (tmp_path / "run" / "log.txt").read_text()
    assert "pairs left out, since one side is empty: 1" in log
    assert "more than 512 tokens (see --data.context): 1" in log


def test_describe_by_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "sounds.tsv"
    path.write_text("animal\tsound\n" + "cat\tmiau\ndog\twuff\n" * 20)
    command = ["train", str(path), "--task", "describe", "--target", "sound", "--run", str(tmp_path / "run")]
    capsys.readouterr()
    assert main([*command, *TINY, "--json"]) == 0
    told = capsys.readouterr()
    assert "generate" in told.err
    trained = json.loads(told.out)
    generated: list[Any] = []
    for _ in range(2):
        given = ["generate", str(tmp_path / "run"), "--given", "animal=dog", "-n", "3", "--seed", "1", "--json"]
        assert main([*given, "--length", "2"]) == 0
        generated.append(json.loads(capsys.readouterr().out)["sequences"])
    assert generated[0] == generated[1]
    assert len(generated[0]) == 3
    assert max(map(len, generated[0])) <= 2
    assert main(["predict", str(tmp_path / "run"), str(path), "-o", str(tmp_path / "out.csv")]) == 0
    assert pl.read_csv(tmp_path / "out.csv").columns == ["record", "sound"]
    assert main(["evaluate", str(tmp_path / "run"), str(path)]) == 0
    assert "40 records scored; baseline: frequency of each token" in capsys.readouterr().out
    run = str(tmp_path / "run")
    assert "did you mean 'dog'" in wrong(["generate", run, "--given", "animal=dogg"], capsys)
    assert "--prompt is for language models" in wrong(["generate", run, "--prompt", "x"], capsys)
    capsys.readouterr()
    assert main(["evaluate", run, "--json"]) == 0
    own = json.loads(capsys.readouterr().out)
    assert own["valid"]["metrics"] == trained["valid"]["metrics"]
    assert "no test part; it has train, valid" in wrong(["evaluate", run, "--part", "test"], capsys)
    rows = path.read_text().splitlines(keepends=True)
    path.write_text("".join(rows[:-1]))
    assert "have changed since" in wrong(["evaluate", run], capsys)
    path.write_text("".join(rows))
