"""The examples run as they stand, offline, in a folder where nothing is."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, folder: Path, *arguments: str) -> str:
    environment = {
        **os.environ,
        "UNROLLED_CACHE": str(folder / "cache"),
        "OMP_NUM_THREADS": "1",
        **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9"),
    }
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_run_here() -> None:
    tested = set(re.findall(r'run\("(\w+\.py)"', Path(__file__).read_text()))
    assert tested == {path.name for path in EXAMPLES.glob("*.py")}


def test_training_takes_less_than_twenty_lines() -> None:
    source = (EXAMPLES / "train_and_generate.py").read_text()
    assert len(source.splitlines()) < 20
    ast.parse(source)


@pytest.mark.slow
def test_train_and_generate(tmp_path: Path) -> None:
    out = run("train_and_generate.py", tmp_path)
    match = re.match(r"(\d\.\d+) nats per token on text it has not seen", out)
    assert match is not None
    assert float(match[1]) < 4, "it has learned something: an even guess costs 4.6 nats"
    assert len(out.split("\n", 1)[1]) >= 300
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["text-gru"]


@pytest.mark.slow
def test_own_layer(tmp_path: Path) -> None:
    out = run("own_layer.py", tmp_path)
    for law in ("chunking", "mask", "reset", "rows", "causality", "state", "precision", "backends", "export"):
        assert re.search(rf"^{law}: [1-9]\d* cases$", out, re.MULTILINE)
    assert int(re.findall(r"right (\d+)%", out)[-1]) >= 95


def test_make_data(tmp_path: Path) -> None:
    out = run("make_data.py", tmp_path, "first")
    run("make_data.py", tmp_path, "again")
    first, again = (sorted(path for path in (tmp_path / name).rglob("*.*")) for name in ("first", "again"))
    assert [path.name for path in first] == [path.name for path in again]
    assert len(out.splitlines()) == len(list((tmp_path / "first").iterdir())) - 2 - 2  # two pairs, a record of three
    for file, other in zip(first, again, strict=True):
        assert file.suffix in (".npz", ".mp4") or file.read_bytes() == other.read_bytes()  # these two hold the time
    assert sum(path.stat().st_size for path in first) < 2_000_000
