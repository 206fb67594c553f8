import builtins
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.errors import UserError
from unrolled.training.metrics import MetricsLog, TensorBoardLog, read_metrics


def records(first, last):
    for step in range(first, last + 1):
        yield {"kind": "train", "step": step, "loss": 1 / step}
        if step % 5 == 0:
            yield {"kind": "validation", "step": step, "loss": 2 / step}


def write(path, first, last, **options):
    with MetricsLog(path, **options) as log:
        for record in records(first, last):
            log.write(record)


def test_round_trip_and_flushed_at_once(tmp_path):
    path = tmp_path / "metrics.jsonl"
    log = MetricsLog(path)
    for count, record in enumerate(records(1, 7), start=1):
        log.write(record)
        assert len(read_metrics(path)) == count
    assert read_metrics(path) == list(records(1, 7))
    log.close()


@given(died=st.integers(0, 30), saved=st.integers(0, 30), torn=st.integers(0, 60))
def test_resumed_equals_uninterrupted(tmp_path_factory, died, saved, torn):
    folder = tmp_path_factory.mktemp("metrics")
    whole, cut = folder / "whole.jsonl", folder / "cut.jsonl"
    saved = min(saved, died)
    write(whole, 1, 30)
    write(cut, 1, died)
    with cut.open("ab") as file:
        file.write(json.dumps({"kind": "train", "step": died + 1, "loss": 0.123456789}).encode()[:torn])
    write(cut, saved + 1, 30, resume_step=saved)
    assert cut.read_bytes() == whole.read_bytes()
    assert sorted(p.name for p in folder.iterdir()) == ["cut.jsonl", "whole.jsonl"]


def test_not_finite_is_null(tmp_path):
    with MetricsLog(tmp_path / "m") as log:
        log.write({"kind": "train", "step": 1, "loss": math.nan, "gradient_norm": math.inf})
    assert read_metrics(tmp_path / "m") == [{"kind": "train", "step": 1, "loss": None, "gradient_norm": None}]


@pytest.mark.parametrize("line", ["garbage", "[1]", '{"loss": 1}', "", '{"step": "x"}'])
def test_a_bad_line_is_named(tmp_path, line):
    path = tmp_path / "metrics.jsonl"
    path.write_text(f'{{"step": 1}}\n{line}\n{{"step": 2}}\n')
    with pytest.raises(UserError, match=r"metrics\.jsonl, line 2, is not a JSON object with a step"):
        MetricsLog(path, resume_step=2)
    assert path.read_text().count("\n") == 3


def test_full_disk(tmp_path):
    with MetricsLog(Path("/dev/full")) as log, pytest.raises(UserError, match="could not be written: No space left"):
        log.write({"kind": "train", "step": 1})


def test_folder_missing(tmp_path):
    with pytest.raises(UserError, match="could not be written: No such file"):
        MetricsLog(tmp_path / "no" / "m")


def test_tensorboard_missing(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if "tensorboard" in name:
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r'pip install "unrolled\[tensorboard\]"'):
        TensorBoardLog(tmp_path)


def test_tensorboard(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = TensorBoardLog(tmp_path)
    for record in records(1, 5):
        log.write(record)
    log.write({"kind": "train", "step": 6, "loss": math.nan, "note": "text", "nothing": None})
    log.close()
    events = EventAccumulator(str(tmp_path)).Reload()
    assert set(events.Tags()["scalars"]) == {"train/loss", "validation/loss"}
    assert [event.step for event in events.Scalars("train/loss")] == [1, 2, 3, 4, 5]
    assert events.Scalars("validation/loss")[0].value == pytest.approx(0.4)
