"""Trainings of a moment that write sequences for labels, and ones that have to learn."""

import json
import math
import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_runs import assert_same_run, last_checkpoint, train_until

from unrolled.cli.main import main
from unrolled.data.config import DataConfig
from unrolled.data.readers.read_like_training import reopen
from unrolled.data.records import Notes
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.tasks.choose_reading import open_files
from unrolled.tasks.describe.data import prepare_descriptions
from unrolled.tasks.describe.given import condition_of, known_in_words
from unrolled.tasks.describe.load import load_description
from unrolled.tasks.describe.sequences import DescriptionFeed
from unrolled.tasks.describe.write import describe, description_rows, usual_sampling
from unrolled.tasks.sampling_config import Sampling
from unrolled.tasks.task import task_named
from unrolled.tasks.train_files import train_files
from unrolled.training.config import TrainConfig

SOUNDS = {"cat": "miau", "dog": "wuff", "cow": "muh", "duck": "quak"}
BEST = Sampling(temperature=0.0)


def table(folder: Path, rows: int = 80) -> Path:
    draw = random.Random(0)
    lines = ["animal\ttimes\tsound"]
    for _ in range(rows):
        animal, times = draw.choice(list(SOUNDS)), draw.randint(1, 2)
        lines.append(f"{animal}\t{times}\t{SOUNDS[animal] * times}")
    path = folder / "sounds.tsv"
    path.write_text("\n".join(lines) + "\n")
    return path


def train(path: Path, run: Path, **groups: dict[str, Any]) -> dict[str, Any]:
    return train_files(
        [str(path)],
        task="describe",
        run=str(run),
        data=DataConfig(**{"target": "sound", **groups.get("data", {})}),
        model=ModelConfig(**{"family": "gru", "width": 8, "layers": 1, **groups.get("model", {})}),
        train_config=TrainConfig(**{"batch_size": 8, "max_steps": 10, "precision": "32", **groups.get("train", {})}),
        silent=True,
    )


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], Path]:
    folder = tmp_path_factory.mktemp("describe")
    path = table(folder, 160)
    settings = {"max_steps": 200, "learning_rate": 2e-2, "validate_every": 100}
    result = train(path, folder / "run", model={"width": 32, "dropout": 0.0}, train=settings)
    return folder / "run", result, path


def test_a_word_for_a_label_is_learned(learned: tuple[Path, dict[str, Any], Path]) -> None:
    run, result, _ = learned
    loaded = load_description(run)
    for animal, sound in SOUNDS.items():
        for times in (1, 2):
            condition = condition_of(loaded, [f"animal={animal}", f"times={times}"])
            assert describe(loaded, [condition], sampling=BEST) == [sound * times]
    valid = result["valid"]
    assert valid["metrics"]["loss"]["value"] < 0.1 < 1.5 < valid["baseline"]["loss"]["value"]
    assert valid["metrics"]["perplexity"]["value"] == pytest.approx(math.exp(valid["metrics"]["loss"]["value"]))


def test_the_baseline_is_how_often_tokens_come(learned: tuple[Path, dict[str, Any], Path]) -> None:
    run, result, path = learned
    split = json.loads((run / "split.json").read_text())
    sounds = [line.split("\t")[2] for line in path.read_text().splitlines()[1:]]
    counts = Counter("".join(sounds[n] + "$" for n in split["train"]))
    tokens = len(load_description(run).encoding.written) + 1
    total = sum(counts.values()) + tokens
    held = "".join(sounds[n] + "$" for n in split["valid"])
    expected = -sum(math.log((counts[token] + 1) / total) for token in held) / len(held)
    assert result["valid"]["baseline"]["loss"]["value"] == pytest.approx(expected, rel=1e-6)


def test_a_seed_gives_the_same_sequences(learned: tuple[Path, dict[str, Any], Path]) -> None:
    loaded = load_description(learned[0])
    conditions = [condition_of(loaded, [f"animal={animal}", "times=1.5"]) for animal in SOUNDS] * 30
    hot = Sampling(temperature=2.0)
    sequences = describe(loaded, conditions, sampling=hot, seed=1)
    assert sequences == describe(loaded, conditions, sampling=hot, seed=1)
    assert sequences != describe(loaded, conditions, sampling=hot, seed=2)
    assert max(map(len, sequences)) <= loaded.longest
    assert max(map(len, describe(loaded, conditions, sampling=hot, seed=1, max_length=3))) == 3
    assert describe(loaded, conditions, sampling=Sampling(temperature=2.0, top_k=1)) == describe(
        loaded, conditions, sampling=BEST
    )


def test_live_it_writes_token_by_token_what_generate_writes(learned: tuple[Path, dict[str, Any], Path]) -> None:
    folder = learned[0] / "best"
    loaded = load_description(folder)
    stream = task_named("describe").stream(folder, seed=3)
    for animal in SOUNDS:
        conditions = [condition_of(loaded, [f"animal={animal}", "times=1.5"])]
        (whole,) = describe(loaded, conditions, sampling=usual_sampling(loaded), seed=3)
        tokens = list(stream.answers({"animal": animal, "times": 1.5, "tokens": 2}))
        state = stream.save()
        stream = task_named("describe").stream(folder, seed=3)
        stream.load(state)
        *others, end = stream.answers({})
        assert end == {"step": len(whole), "sound": whole, "end": True}
        assert "".join(answer["token"] for answer in tokens + others) == whole
    for message, sentence in (
        ({"animal": "cat"}, "the model has to know times too"),
        ({"animal": "catt", "times": 1}, "did you mean 'cat'"),
        ({"animal": ["cat"], "times": 1}, "must be a label or a number"),
        ({"animal": "cat", "times": "two"}, "expected a number"),
    ):
        with pytest.raises(UserError, match=sentence):
            stream.answers(message)


def test_a_row_for_each_record_of_a_file(learned: tuple[Path, dict[str, Any], Path], tmp_path: Path) -> None:
    loaded, notes = load_description(learned[0]), Notes()
    path = tmp_path / "wanted.csv"
    path.write_text("times,animal\n2,cow\n1,duck\n1,unicorn\n")
    source = reopen([str(path)], loaded.recipe, notes, labelled=False)
    predictions = description_rows(loaded, source, sampling=BEST, notes=notes)
    rows = list(predictions.rows)
    assert predictions.columns == {"record": "text", "sound": "text"}
    assert [row["sound"] for row in rows[:2]] == ["muhmuh", "quak"]
    assert notes.counts == {"labels that training did not see, read as unknown": 1}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["animal=cta", "times=1"], "animal=cta: training had no such animal; did you mean 'cat'"),
        (["anmial=cat", "times=1"], "the model reads no anmial; did you mean 'animal'"),
        (["animal=cat"], "has to know times too; add for example --given times=1.5"),
        (["animal=cat", "times=two"], 'times=two: expected a number, found "two"'),
        (["animal=cat", "times=nan"], "expected a finite number"),
        (["animal=cat", "animal=dog", "times=1"], "animal stands there twice"),
        (["cat"], "not of the form name=value"),
    ],
)
def test_what_cannot_be_given(learned: tuple[Path, dict[str, Any], Path], given: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        condition_of(load_description(learned[0]), given)


def test_what_is_known_in_words(learned: tuple[Path, dict[str, Any], Path]) -> None:
    loaded = load_description(learned[0])
    words = known_in_words(loaded, condition_of(loaded, ["times=2", "animal=cow"]))
    assert sorted(words.split(", ")) == ["animal=cow", "times=2"]


def test_the_report(learned: tuple[Path, dict[str, Any], Path]) -> None:
    report = (learned[0] / "report.html").read_text()
    assert "animal=" in report
    scores = learned[1]["valid"]
    value, naive = scores["metrics"]["perplexity"]["value"], scores["baseline"]["perplexity"]["value"]
    assert value < naive
    assert f"<dt>validation perplexity</dt><dd>{value:.4g}<small>baseline {naive:.4g}</small></dd>" in report


def test_cut_off_and_resumed_is_the_same_run(tmp_path: Path) -> None:
    path = table(tmp_path)
    groups: dict[str, dict[str, Any]] = {"model": {"dropout": 0.2}, "train": {"checkpoint_every": 3}}
    train(path, tmp_path / "whole", **groups)
    train_until(7, lambda: train(path, tmp_path / "cut", **groups))
    assert last_checkpoint(tmp_path / "cut")[1]["step"] == 6
    torch.manual_seed(999)
    train(path, tmp_path / "cut", **groups | {"train": {"checkpoint_every": 3, "resume": "auto"}})
    assert_same_run(tmp_path / "whole", tmp_path / "cut")


def test_numbers_over_time_are_written_as_levels(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    lines = ["kind," + ",".join(f"t{n}" for n in range(12))]
    for number in range(60):
        kind = ("rising", "falling")[number % 2]
        values = np.arange(12) * (1 if kind == "rising" else -1) + draw.integers(0, 2)
        lines.append(f"{kind}," + ",".join(map(str, values)))
    path = tmp_path / "waves.csv"
    path.write_text("\n".join(lines) + "\n")
    settings = {"max_steps": 150, "learning_rate": 2e-2, "validate_every": 75}
    train(path, tmp_path / "run", data={"target": None}, model={"width": 24, "dropout": 0.0}, train=settings)
    loaded = load_description(tmp_path / "run")
    up, down = describe(loaded, [condition_of(loaded, [f"kind={k}"]) for k in ("rising", "falling")], sampling=BEST)
    assert (len(up), len(down)) == (12, 12)
    assert np.diff(up).mean() == pytest.approx(1, abs=0.2)
    assert np.diff(down).mean() == pytest.approx(-1, abs=0.2)
    assert "a record of the data" in (tmp_path / "run" / "report.html").read_text()
    # Numbers are drawn as the model says, not sharpened: the likeliest next value is nearly always the same again.
    assert usual_sampling(loaded).temperature == 1
    drawn: list[float] = []

    def sample(logits: torch.Tensor, how: Sampling, **_: Any) -> torch.Tensor:
        drawn.append(how.temperature)
        return logits.argmax(1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unrolled.tasks.describe.write.sample", sample)
        for options in ([], ["--temperature", "0.3"]):
            assert main(["generate", str(tmp_path / "run"), "--given", "kind=rising", "--length", "1", *options]) == 0
    assert drawn == [1.0, 0.3]
    (tmp_path / "wanted.csv").write_text("kind\nfalling\nrising\n")
    for again in (path, tmp_path / "wanted.csv"):
        source = reopen([str(again)], loaded.recipe, Notes(), labelled=False)
        rows = list(description_rows(loaded, source, sampling=BEST).rows)
        assert rows[0]["values"] == (up if again == path else down)


def test_lists_of_words_are_written_as_such(tmp_path: Path) -> None:
    path = tmp_path / "tunes.jsonl"
    rows = [{"key": "CG"[n % 2], "sound": ["do", "re", "mi"][: n % 3 + 1]} for n in range(40)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    train(path, tmp_path / "run")
    loaded = load_description(tmp_path / "run")
    (sequence,) = describe(loaded, [condition_of(loaded, ["key=C"])], sampling=Sampling(), seed=3)
    assert set(sequence) <= {"do", "re", "mi"}
    assert loaded.longest == 4


def test_every_record_once_in_an_epoch(tmp_path: Path) -> None:
    data = DataConfig(target="sound", context=5)
    prepared = prepare_descriptions(open_files([str(table(tmp_path))], data, "describe"), data, seed=0)
    training = prepared.parts["train"]
    assert any(line.startswith("sequences cut to 5 tokens") for line in prepared.notes)
    feeds = [DescriptionFeed(training, batch_size=7, seed=0, rank=rank, world=2) for rank in range(2)]
    rows = []
    for index in range(feeds[0].batches_per_epoch):
        for feed in feeds:
            batch = feed.batch(index)
            assert batch.inputs.shape == batch.targets.shape
            assert batch.scored == int((batch.targets >= 0).sum())
            for inputs, targets in zip(batch.inputs, batch.targets, strict=True):
                kept = targets[targets >= 0]
                assert inputs[0] == 0
                np.testing.assert_array_equal(inputs[1 : len(kept)], kept[:-1])
                assert len(kept) <= 5
                rows += [tuple(kept.tolist())] if len(kept) else []
    assert sorted(rows) == sorted(tuple(training.targets(number).tolist()) for number in range(len(training)))
    ends = [row[-1] == 0 for row in rows]
    assert any(ends)
    assert not all(ends)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"data": {"target": "animal"}}, "sound is a text|there is nothing|has a value"),
        ({"data": {"target": "times"}}, "describe needs a text, words or numbers over time"),
        ({"data": {"target": "sund"}}, "did you mean 'sound'"),
        ({"model": {"family": "inception"}}, "cannot write one"),
        ({"model": {"attention": "additive"}}, "attention additive would have no effect"),
        ({"model": {"bidirectional": True}}, "bidirectional true would have no effect"),
        ({"data": {"valid_fraction": 0.6, "test_fraction": 0.5}}, "leave nothing for training"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, groups: dict[str, Any], message: str) -> None:
    if groups.get("data", {}).get("target") == "animal":
        path = tmp_path / "many.tsv"
        path.write_text("animal\tsound\n" + "".join(f"cat\tsound number {n}\n" for n in range(30)))
    else:
        path = table(tmp_path)
    with pytest.raises(UserError, match=message):
        train(path, tmp_path / "run", **groups)
    assert not (tmp_path / "run").exists()


def test_several_channels_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "two.jsonl"
    path.write_text("".join(json.dumps({"kind": "ab"[n % 2], "v": [[n, 1], [n, 2]]}) + "\n" for n in range(20)))
    with pytest.raises(UserError, match="describe writes one channel, and v has 2"):
        train(path, tmp_path / "run", data={"target": "v"})
