"""`unrolled stream` of models of records says what `unrolled predict` says of the same data as files."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from small_record_runs import (
    train_small,
    write_flowers,
    write_heartbeats,
    write_prices,
    write_recordings,
    write_sentences,
)
from unrolled.cli.main import main

Stream = Callable[..., tuple[int, list[dict[str, Any]], str]]


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Stream:
    def feed(run: Path, messages: list[Any], *options: object) -> tuple[int, list[dict[str, Any]], str]:
        class Stdin:
            buffer = io.BytesIO("\n".join(map(json.dumps, messages)).encode())

        monkeypatch.setattr("sys.stdin", Stdin())
        capsys.readouterr()  # what other commands said
        code = main(["stream", str(run), *map(str, options)])
        out, err = capsys.readouterr()
        return code, [json.loads(line) for line in out.splitlines()], err

    return feed


def predicted(run: Path, file: Path) -> list[dict[str, Any]]:
    """The rows of `unrolled predict`."""
    out = run / "predictions.jsonl"
    assert main(["predict", str(run), str(file), "-o", str(out)]) == 0
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_words_are_tagged_as_they_come(tmp_path: Path, stream: Stream) -> None:
    run = train_small([write_sentences(tmp_path / "a.conll", 40)], tmp_path / "run", "tag", live=True, split="random")
    rows = predicted(run, write_sentences(tmp_path / "b.conll", 2, tags=False))
    code, lines, err = stream(
        run, [{"tokens": "Anna"}, {"tokens": ["Lee", "ran"], "end": True}, {"tokens": "they"}, "ran"]
    )
    assert (code, err) == (0, "")
    tags: list[str] = []
    all_tags: list[list[str]] = []
    for line in lines:
        tags += [line["tag"]] if "tag" in line else []
        for change in line.get("revised", ()):
            tags[change["step"] - 1] = change["tag"]
        if line.get("end"):
            all_tags.append(tags)
            tags = []
    assert all_tags == [row["tag"] for row in rows]


def test_heartbeats_come_once_each(tmp_path: Path, stream: Stream) -> None:
    """Sample by sample, with the state in a file in the middle."""
    import wfdb

    folder = write_heartbeats(tmp_path / "hearts", 4)
    run = train_small([folder], tmp_path / "run", "tag", live=True, steps=40, split="random")
    signal = wfdb.rdrecord(str(folder / "r0")).p_signal[:, 0].tolist()
    rows = predicted(run, folder / "r0.hea")
    state = tmp_path / "state"
    parts = [signal[:1111], signal[1111:1113], signal[1113:]]
    _, first, _ = stream(run, [{"II": value} for value in parts[0]], "--save-state", state)
    _, second, _ = stream(run, [{"II": parts[1]}], "--load-state", state, "--save-state", state)
    _, third, _ = stream(run, [{"signal": parts[2]}], "--load-state", state)
    lines = [*first, *second, *third]
    assert lines[-1] == {"seconds": 20.0, "end": True}
    events = [(line["step"], line["seconds"], line["label"]) for line in lines[:-1]]
    assert events == [(row["step"], row["seconds"], row["label"]) for row in rows]
    assert len(rows) > 3


def test_sounds_become_text_in_pieces(tmp_path: Path, stream: Stream) -> None:
    import soundfile

    folder = write_recordings(tmp_path / "sounds", 8)
    run = train_small([folder], tmp_path / "run", "transcribe", live=True, steps=30, split="random")
    sound, _ = soundfile.read(folder / "clip3.wav", dtype="float32")
    row = next(row for row in predicted(run, folder) if "clip3" in row["record"])
    pieces = [part.tolist() for part in np.split(sound, [5, 700, 701])]
    code, lines, err = stream(run, [{"audio": piece} for piece in pieces])
    assert (code, err) == (0, "")
    assert lines[-1]["text"] == row["text"]
    assert lines[-1]["end"]


def test_each_line_of_a_table_is_a_record(tmp_path: Path, stream: Stream) -> None:
    flowers = write_flowers(tmp_path / "flowers.csv")
    run = train_small([flowers], tmp_path / "run", live=True, split="random")
    new = write_flowers(tmp_path / "new.csv", 4, labels=None)
    rows = predicted(run, new)
    cells = [list(map(float, line.split(","))) for line in new.read_text().splitlines()[1:]]
    code, lines, err = stream(run, [{"petal_width": width, "petal_length": length} for length, width in cells])
    assert (code, err) == (0, "")
    assert [line["prediction"] for line in lines] == [row["prediction"] for row in rows]
    for line, row in zip(lines, rows, strict=True):
        assert line["probabilities"]["b"] == pytest.approx(row["p_b"], abs=1e-5)
    table = write_prices(tmp_path / "prices.csv", 40)
    prices = train_small([table], tmp_path / "prices", "regress", live=True, target="price")
    header, *rest = (line.split(",") for line in table.read_text().splitlines())
    messages = [dict(zip(header[:2], map(float, cells[:2]), strict=True)) for cells in rest]
    _, lines, _ = stream(prices, messages)
    wanted = [row["prediction"] for row in predicted(prices, table)]
    assert [line["prediction"] for line in lines] == pytest.approx(wanted, rel=1e-5)


def test_what_is_wrong_is_said_in_its_place(tmp_path: Path, stream: Stream) -> None:
    run = train_small([write_sentences(tmp_path / "a.conll", 40)], tmp_path / "run", "tag", live=True, split="random")
    code, lines, err = stream(run, [{"token": "Anna"}, {"tokens": 3}, {"tokens": "Anna"}, {"end": 1}, [["a"]]])
    assert (code, err) == (0, "")
    assert [line.get("line") for line in lines] == [1, 2, None, 4, 5, None]
    assert lines[0]["error"] == 'the model reads no "token"; did you mean "tokens"?'
    assert lines[2]["step"] == 1
    assert lines[5] == {"step": 1, "end": True} or "revised" in lines[5]


def test_a_model_that_reads_from_both_ends_says_how_to_train_another(tmp_path: Path, stream: Stream) -> None:
    run = train_small([write_sentences(tmp_path / "a.conll", 40)], tmp_path / "run", "tag", split="random")
    code, lines, err = stream(run, [{"tokens": "Anna"}])
    assert (code, lines) == (2, [])
    assert "reads each record from both ends, so it cannot run live; train one that can with --model.causal true" in err
    assert err.count("\n") == 1
