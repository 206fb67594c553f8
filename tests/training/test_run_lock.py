"""Two trainings never write into one run, and a lock ends with its process."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from small_runs import text_file, train

from unrolled.errors import UserError
from unrolled.training import run_training as session
from unrolled.training.folder import claimed_folder
from unrolled.training.run_lock import refuse_live, run_locked

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no flock")

HOLD = """
import sys
from pathlib import Path
from unrolled.training.run_lock import run_locked
with run_locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_loser_is_told_who_writes_and_a_killed_holder_blocks_nobody(tmp_path: Path) -> None:
    process = holder(tmp_path)
    with pytest.raises(UserError, match=f"another training.* is writing into {tmp_path}; wait until"):
        refuse_live(tmp_path)
    if sys.platform.startswith("linux"):
        with pytest.raises(UserError, match=rf"\(process {process.pid}\)"):
            refuse_live(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    refuse_live(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_neither_a_new_run_nor_one_that_goes_on_touches_a_live_one(tmp_path: Path) -> None:
    text_file(tmp_path)
    train(tmp_path, "run", train={"max_steps": 4})
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    process = holder(tmp_path / "run")
    for resume in ("auto", str(tmp_path / "run")):
        with pytest.raises(UserError, match="another training"):
            train(tmp_path, "run", train={"max_steps": 8, "resume": resume})
    process.communicate()
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == before
    train(tmp_path, "run", train={"max_steps": 8, "resume": "auto"})


def test_of_two_that_begin_at_once_one_loses_before_it_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text_file(tmp_path)
    real, inner = session.run_locked, []

    def second_while_the_first_is_at_work(folder: Path):  # type: ignore[no-untyped-def]
        if not inner:
            inner.append("begun")
            train(tmp_path, "run", train={"max_steps": 4})  # the other one, as quick as can be
        return real(folder)

    monkeypatch.setattr(session, "run_locked", second_while_the_first_is_at_work)
    with pytest.raises(UserError, match="was made by another training meanwhile"):
        train(tmp_path, "run", train={"max_steps": 6})
    records = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert max(record["step"] for record in records) == 4, "the winner's"


def test_names_are_claimed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert [claimed_folder(["a.txt"], "gru").name for _ in range(3)] == ["a-gru", "a-gru-2", "a-gru-3"]


def test_where_there_are_no_locks_nothing_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(descriptor: int, operation: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", refused)
    with run_locked(tmp_path), run_locked(tmp_path):
        pass
