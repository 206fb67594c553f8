"""`unrolled demo` in an empty folder: it trains, speaks, and what it says to try next works."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from small_models import TEXT
from unrolled.cli.main import main

BIN = Path(sys.executable).parent


@pytest.mark.slow
def test_it_trains_speaks_and_its_three_commands_work(tmp_path: Path) -> None:
    # No proxy leads anywhere: whoever asks the network for something fails at once.
    environment = {
        **os.environ,
        "UNROLLED_CACHE": str(tmp_path / "cache"),
        "OMP_NUM_THREADS": "1",
        **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9"),
        "PATH": f"/usr/bin:/bin:{os.environ.get('PATH', '')}",
    }
    directory = tmp_path / "a place"
    directory.mkdir()
    done = subprocess.run(
        [BIN / "unrolled", "demo", "--seconds", "0.01"], cwd=directory, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    report = re.search(r"^report: (.*)$", done.stdout, re.MULTILINE)
    assert report is not None
    assert (directory / report[1]).is_file()
    assert "\nThe statement " in done.stdout
    assert re.search(r"loss \d\.\d+ nats per character .* a blind guess costs 4\.\d+", done.stdout)
    commands = done.stdout.split("Try next:\n")[1].splitlines()
    assert len(commands) == 3
    (directory / "mine.txt").write_text(TEXT, encoding="utf-8")
    for command in commands:
        command = command.replace("YOUR_TEXT.txt", "mine.txt").replace("max_time 3m", "max_time 0.01s")
        tried = subprocess.run(command, shell=True, cwd=directory, env=environment, capture_output=True, text=True)
        assert tried.returncode == 0, f"{command}: {tried.stderr}"
        assert tried.stdout
    assert {path.name for path in directory.iterdir()} == {"runs", "mine.txt"}


@pytest.mark.parametrize("seconds", ["0", "-1", ".nan", ".inf"])
def test_no_time(seconds: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--seconds", seconds]) == 2
    shown = float(seconds.removeprefix("."))
    assert capsys.readouterr().err == f"unrolled: --seconds is {shown}; give a number above 0\n"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "file").touch()
    assert main(["demo", "--folder", str(tmp_path / "file")]) == 2
    err = capsys.readouterr().err
    assert "could not be written" in err
    assert err.count("\n") == 1
