"""What the end of a run on records says: scores of all parts, the report, and what its curve counts."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from small_record_runs import write_heartbeats, write_prices, write_sentences
from unrolled.data.config import DataConfig
from unrolled.data.encoders.numbers import Scaler
from unrolled.data.encoders.texts import fit_vocabulary
from unrolled.models.config import ModelConfig
from unrolled.plural import rounded
from unrolled.tasks.labels.targets.labels import ClassTarget
from unrolled.tasks.labels.targets.numbers import NumberTarget
from unrolled.tasks.labels.targets.tags import TagTarget
from unrolled.tasks.train_files import train_files
from unrolled.tasks.transcribe.target import TranscriptTarget
from unrolled.training.config import TrainConfig


def run(path: Path, folder: Path, **data: Any) -> tuple[dict[str, Any], str]:
    result = train_files(
        [str(path)],
        run=str(folder),
        data=DataConfig(**data),
        model=ModelConfig(family="gru" if path.suffix == ".conll" else "auto", width=4, layers=1, members=1),
        train_config=TrainConfig(max_steps=12, precision="32"),
        silent=True,
    )
    return result, (folder / "report.html").read_text()


def test_every_held_out_part_is_judged(tmp_path: Path) -> None:
    path = write_prices(tmp_path / "prices.csv", 60)
    result, page = run(path, tmp_path / "run", target="price", test_fraction=0.2, valid_fraction=0.1)
    assert (result["valid"]["count"], result["test"]["count"]) == (6, 12)
    assert (result["task"], result["steps"]) == ("regress", 12)
    assert {"run", "model", "report", "reason", "best_step", "seconds", "parameters"} <= result.keys()
    json.dumps(result)
    for part in ("validation", "test"):
        for name in ("MSE", "MAE", "R2"):
            assert f"<dt>{part} {name}</dt>" in page
        naive = result["valid" if part == "validation" else part]["baseline"]
        for name in ("mse", "mae"):
            tile = re.search(rf"<dt>{part} {name.upper()}</dt><dd>.*?</dd>", page)
            assert tile is not None
            assert f"<small>baseline {rounded(naive[name]['value'])}</small>" in tile[0]
            assert naive[name]["value"] != result["valid" if part == "validation" else part]["metrics"][name]["value"]
        assert f'<dt>{part} baseline</dt><dd class="words">mean of the training part</dd>' in page
    # The picture is of the last part: a dot for each of its twelve records.
    assert page.count('<circle class="mark truth"') == 12
    assert "Loss (squared error in units of the target&#x27;s variance)" in page
    assert ">records</text>" in page


def test_tags_are_counted_as_labels(tmp_path: Path) -> None:
    result, page = run(write_sentences(tmp_path / "words.conll", 30), tmp_path / "run")
    assert result["valid"]["main"] == "span_f1"
    assert ">labels</text>" in page
    assert ">tokens</text>" not in page
    assert "Loss (nats per label)" in page
    assert '<div class="tagged">' in page
    assert ">spans</text>" in page


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (ClassTarget("y", ("a", "b")), "Loss (nats per label)"),
        (TagTarget("y", ("a", "b")), "Loss (nats per label)"),
        (TranscriptTarget("y", fit_vocabulary("char", lambda: iter(["ab"]))), "Loss (nats per text)"),
        (
            NumberTarget("y", ("y",), Scaler.fit(np.array([[0.0], [1.0]]), "standard")),
            "Loss (squared error in units of the target's variance)",
        ),
    ],
)
def test_what_the_loss_is(target: Any, words: str) -> None:
    assert target.loss_in_words == words


def test_how_late_a_live_stream_answers(tmp_path: Path) -> None:
    words = write_sentences(tmp_path / "words.conll", 30)
    _, page = run(words, tmp_path / "both")
    assert "delay of a live stream" not in page
    for folder, settings, shown in (("forwards", {}, "none"), ("waits", {"lookahead": 2}, "2 steps")):
        result = train_files(
            [str(words)],
            run=str(tmp_path / folder),
            model=ModelConfig(family="gru", width=4, layers=1, members=1, bidirectional=False, **settings),
            train_config=TrainConfig(max_steps=1, precision="32"),
            silent=True,
        )
        assert result["delay"] == {"steps": settings.get("lookahead", 0), "seconds": None}
        page = (tmp_path / folder / "report.html").read_text()
        assert re.search(rf"<dt>delay of a live stream</dt><dd[^>]*>{shown}</dd>", page)
    hearts = train_files(
        [str(write_heartbeats(tmp_path / "hearts"))],
        run=str(tmp_path / "beats"),
        model=ModelConfig(family="gru", width=4, layers=1, members=1, bidirectional=False, lookahead=3),
        train_config=TrainConfig(max_steps=1, precision="32"),
        silent=True,
    )
    # 20 samples of 250 a second for the filter; 3 steps of 125 a second to wait, and for an event of 3 on each side 17.
    assert hearts["delay"] == {"steps": 30, "seconds": pytest.approx(0.24)}
    assert re.search(r"<dd[^>]*>30 steps ?<small>.*0\.24 s", (tmp_path / "beats" / "report.html").read_text())
