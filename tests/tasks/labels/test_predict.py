"""Predictions as rows and as files."""

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from small_record_runs import (
    train_small,
    write_flowers,
    write_heartbeats,
    write_prices,
    write_recordings,
    write_sentences,
)
from unrolled.data.readers.read_like_training import Recipe, reopen
from unrolled.data.records import Notes, Source
from unrolled.errors import UserError
from unrolled.tasks.labels import predict as prediction
from unrolled.tasks.labels.answers import RecordModel
from unrolled.tasks.labels.load import LoadedRecords, load_records
from unrolled.tasks.labels.predict import predictions
from unrolled.tasks.predictions import BLOCK, Predictions, check_output, json_lines, write_predictions


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def flowers(folder: Path) -> LoadedRecords:
    return load_records(train_small([write_flowers(folder / "flowers.csv")], folder / "flowers"))


def opened(loaded: LoadedRecords, path: Path) -> Source:
    return reopen([str(path)], loaded.recipe, Notes(), labelled=False)


def rows_of(loaded: LoadedRecords, path: Path) -> list[dict[str, Any]]:
    predicted = predictions(loaded, opened(loaded, path))
    rows = list(predicted.rows)
    assert all(list(row) == list(predicted.columns) for row in rows)
    return rows


def test_a_row_per_record_with_a_probability_per_label(flowers: LoadedRecords, tmp_path: Path) -> None:
    path = write_flowers(tmp_path / "new.csv", 7, labels=None)
    rows = rows_of(flowers, path)
    assert [row["record"] for row in rows] == [f"{path}, row {number}" for number in range(1, 8)]
    for row in rows:
        shares = [row[f"p_{label}"] for label in "abc"]
        assert sum(shares) == pytest.approx(1, abs=1e-5)
        assert row["prediction"] == "abc"[int(np.argmax(shares))]


def test_labels_and_columns_that_the_model_does_not_read_change_nothing(flowers: Any, tmp_path: Path) -> None:
    def shares(path: Path) -> list[list[float]]:
        return [[row[f"p_{label}"] for label in "abc"] for row in rows_of(flowers, path)]

    plain = shares(write_flowers(tmp_path / "plain.csv", 6, labels=None))
    assert shares(write_flowers(tmp_path / "labelled.csv", 6)) == plain
    assert shares(write_flowers(tmp_path / "strange.csv", 6, labels=("x", "y"))) == plain
    assert shares(write_flowers(tmp_path / "more.csv", 6, labels=None, extra="7")) == plain
    table = pl.read_csv(tmp_path / "plain.csv")
    table.select("petal_width", "petal_length").write_parquet(tmp_path / "turned.parquet")
    assert shares(tmp_path / "turned.parquet") == plain


def test_records_are_answered_in_pieces_as_they_are_together(flowers: Any, tmp_path: Path, monkeypatch: Any) -> None:
    path = write_flowers(tmp_path / "new.csv", 10, labels=None)
    whole = rows_of(flowers, path)
    monkeypatch.setattr(prediction, "CHUNK_RECORDS", 3)
    done: list[tuple[int, int]] = []
    predicted = predictions(flowers, opened(flowers, path), lambda *counts: done.append(counts))
    first = next(predicted.rows)
    assert len(done) <= 1  # the rest has not been looked at yet
    pieces = [first, *predicted.rows]
    assert done == [(number, 10) for number in range(1, 11)]
    for row, other in zip(pieces, whole, strict=True):
        assert row["record"] == other["record"]
        assert row["p_a"] == pytest.approx(other["p_a"], abs=1e-6)


def test_several_labels_at_once(folder: Path) -> None:
    path = folder / "several.csv"
    rows = [f"{number % 3}.5,{number},{['red|small', 'red', 'blue|small'][number % 3]}" for number in range(30)]
    path.write_text("\n".join(["x,z,tags", *rows]))
    loaded = load_records(train_small([path], folder / "several", "classify"))
    for row in rows_of(loaded, path):
        assert row["prediction"] == [label for label in ("blue", "red", "small") if row[f"p_{label}"] >= 0.5]


def test_values_are_in_units_of_the_target(folder: Path, tmp_path: Path) -> None:
    loaded = load_records(
        train_small([write_prices(folder / "prices.csv")], folder / "prices", "regress", target="price")
    )
    rows = rows_of(loaded, folder / "prices.csv")
    assert list(rows[0]) == ["record", "prediction"]
    assert np.mean([row["prediction"] for row in rows]) == pytest.approx(100, abs=20)
    pl.read_csv(folder / "prices.csv").drop("price").write_csv(tmp_path / "new.csv")
    assert [row["prediction"] for row in rows_of(loaded, tmp_path / "new.csv")] == [row["prediction"] for row in rows]


def test_tags_beside_their_tokens(folder: Path, tmp_path: Path) -> None:
    loaded = load_records(train_small([write_sentences(folder / "sentences.conll")], folder / "tags", steps=4))
    path = write_sentences(tmp_path / "plain.conll", 3, tags=False)
    rows = rows_of(loaded, path)
    assert [row["token"] for row in rows] == [["Anna", "Lee", "ran"], ["they", "ran"], ["Anna", "Lee", "ran"]]
    for row in rows:
        assert len(row["tag"]) == len(row["probability"]) == len(row["token"])
        assert all(b != "I-P" or a != "O" for a, b in zip(["O", *row["tag"]], row["tag"], strict=False))
    with_tags = rows_of(loaded, write_sentences(tmp_path / "tagged.conll", 3))
    assert [row["tag"] for row in with_tags] == [row["tag"] for row in rows]

    out = tmp_path / "out.csv"
    assert write_predictions(out, predictions(loaded, opened(loaded, path))) == 8
    table = list(csv.DictReader(out.open(encoding="utf-8")))
    assert list(table[0]) == ["record", "step", "token", "tag", "probability"]
    assert [(line["step"], line["token"]) for line in table[:4]] == [
        ("0", "Anna"), ("1", "Lee"), ("2", "ran"), ("0", "they"),
    ]  # fmt: skip
    out = tmp_path / "out.parquet"
    assert write_predictions(out, predictions(loaded, opened(loaded, path))) == 3
    frame = pl.read_parquet(out)
    assert frame.schema == {"record": pl.String, "token": pl.List(pl.String), "tag": pl.List(pl.String),
                            "probability": pl.List(pl.Float64)}  # fmt: skip
    assert frame["tag"].to_list() == [row["tag"] for row in rows]


class Bumps(RecordModel):
    """In the place of a model of events: it is sure of one at 1 s and half sure of one at 3 s."""

    def answers(self, examples: Any, progress: Any = None) -> list[np.ndarray]:
        target = self.encoding.target
        probabilities = []
        for steps in examples.lengths:
            some = np.zeros(steps)
            for second, share in ((1, 1.0), (3, 0.5)):
                middle = round(second * target.rate)
                some[middle - target.reach : middle + target.reach + 1] = share
            probabilities.append(np.stack([1 - some, some], axis=1).astype(np.float32))
        return probabilities


def test_events_in_steps_and_seconds_of_the_signal(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("wfdb")
    loaded = load_records(train_small([write_heartbeats(folder / "beats")], folder / "events", "tag"))
    assert loaded.model.encoding.target.rate == 125  # half of the signal's
    path = write_heartbeats(tmp_path / "new", 1, beats=False)
    list(predictions(loaded, opened(loaded, path)).rows)
    sure = loaded._replace(model=Bumps(loaded.model.network, loaded.model.encoding, 64))
    for row, (second, share) in zip(predictions(sure, opened(loaded, path)).rows, ((1, 1.0), (3, 0.5)), strict=True):
        assert row == {
            "record": str(path / "r0.hea"),
            "step": 250 * second,
            "seconds": float(second),
            "label": "event",
            "probability": share,
        }


def test_texts_of_recordings(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("soundfile")
    loaded = load_records(train_small([write_recordings(folder / "clips")], folder / "texts", "transcribe"))
    rows = rows_of(loaded, write_recordings(tmp_path / "new", 2, texts=False))
    assert [Path(row["record"]).name for row in rows] == ["clip0.wav", "clip1.wav"]
    assert all(isinstance(row["text"], str) for row in rows)


def made(count: int) -> Predictions:
    def rows() -> Iterator[dict[str, Any]]:
        for number in range(count):
            yield {"record": f"r{number}", "prediction": ["a", "b"] if number % 2 else [], "p_a": 0.25 * number}

    return Predictions({"record": "text", "prediction": "labels", "p_a": "number"}, rows())


@pytest.mark.parametrize("count", [0, 1, BLOCK + 1, 2 * BLOCK])
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_every_format_holds_all_rows(suffix: str, count: int, tmp_path: Path) -> None:
    out = tmp_path / f"out.{suffix}"
    assert write_predictions(out, made(count)) == count
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    if suffix == "jsonl":
        read = [json.loads(line) for line in out.read_text().splitlines()]
    elif suffix == "csv":
        with out.open(encoding="utf-8") as file:
            read = list(csv.DictReader(file))
        read = [
            row | {"prediction": row["prediction"].split("|") if row["prediction"] else [], "p_a": float(row["p_a"])}
            for row in read
        ]
    else:
        read = pl.read_parquet(out).to_dicts()
        assert pl.read_parquet(out).columns == ["record", "prediction", "p_a"]
    assert read == list(made(count).rows)


def test_what_is_no_number_is_null() -> None:
    lines = json_lines(Predictions({"value": "numbers"}, iter([{"value": [1.0, float("nan"), float("inf")]}])))
    assert list(lines) == ['{"value": [1.0, null, null]}']


def test_nothing_half_written_stays(tmp_path: Path) -> None:
    def broken() -> Iterator[dict[str, Any]]:
        yield {"text": "one"}
        raise UserError("b.wav cannot be decoded")

    for suffix in ("csv", "jsonl", "parquet"):
        with pytest.raises(UserError, match="cannot be decoded"):
            write_predictions(tmp_path / f"out.{suffix}", Predictions({"text": "text"}, broken()))
    assert list(tmp_path.iterdir()) == []


def test_outputs_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "there.csv").touch()
    for name, sentence in {
        "there.csv": "exists and is never overwritten",
        "new.xlsx": r"names no format; end it in .csv, .jsonl, .ndjson or .parquet",
        "new": "names no format",
        "nowhere/new.csv": "there is no folder .*nowhere",
    }.items():
        with pytest.raises(UserError, match=sentence):
            check_output(tmp_path / name)


def test_a_recipe_comes_back_from_json(flowers: LoadedRecords) -> None:
    recipe = flowers.recipe
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe
    assert recipe.reading.target == "species"


def test_a_recipe_of_an_earlier_version_is_one_of_its_task(flowers: LoadedRecords) -> None:
    path = flowers.folder / "config.json"
    config = json.loads(path.read_text())
    del config["read"]["reading"]["wish"]
    config["read"]["reading"]["task"] = "classify"
    old = flowers.folder.parent / "old"
    shutil.copytree(flowers.folder, old)
    (old / "config.json").write_text(json.dumps(config))
    assert load_records(old).recipe == flowers.recipe


def test_data_of_another_kind(flowers: LoadedRecords, tmp_path: Path) -> None:
    (tmp_path / "near.csv").write_text("petal_lenght,petal_width\n1,2\n")
    with pytest.raises(
        UserError, match=r"near.csv has no column 'petal_length', which the model reads; .*'petal_lenght'"
    ):
        opened(flowers, tmp_path / "near.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(UserError, match="empty"):
        opened(flowers, tmp_path / "empty.csv")
    (tmp_path / "header.csv").write_text("petal_length,petal_width\n")
    with pytest.raises(UserError, match=r"header.csv"):
        opened(flowers, tmp_path / "header.csv")
    (tmp_path / "words.csv").write_text("petal_length,petal_width\nlong,wide\nshort,slim\n")
    with pytest.raises(UserError, match=r"words.csv"):
        opened(flowers, tmp_path / "words.csv")
    with pytest.raises(UserError, match="there is no file"):
        opened(flowers, tmp_path / "none.csv")


def test_another_number_of_channels(folder: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    np.savez(folder / "series.npz", X=random.normal(size=(12, 5, 2)), y=np.arange(12) % 2)
    loaded = load_records(train_small([folder / "series.npz"], folder / "series", "classify"))
    np.save(tmp_path / "two.npy", random.normal(size=(4, 9, 2)))
    assert len(rows_of(loaded, tmp_path / "two.npy")) == 4
    np.save(tmp_path / "three.npy", random.normal(size=(4, 5, 3)))
    with pytest.raises(UserError, match="has 3 channels in X, and the model reads 2 channels"):
        opened(loaded, tmp_path / "three.npy")
