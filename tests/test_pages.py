"""The README and the pages beside those of the patterns: their commands and Python run, trainings with few updates."""

import contextlib
import importlib
import importlib.util
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unrolled

ROOT = Path(__file__).parents[1]
PAGES = (
    *("README.md", "docs/index.md", "docs/guide/language-model.md", "docs/guide/streaming.md"),
    "docs/guide/layers.md",
)
ELSEWHERE = ("git clone", "make demo", ". .venv", "unrolled demo", "python examples/make_data.py")
"""How lines begin that set the project up, which is no test of its own; the demo and the data have theirs."""
WRAPPER = """#!{python}
import sys
from unrolled.cli.main import main
words = sys.argv[1:]
sys.exit(main([*words, "--train.max_steps", "3"] if words[0] == "train" else words))
"""
POEMS = "The moon is up, the rain is cold,\nand all that was is growing old.\n" * 60


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the pages suppose to be there, and the command."""
    folder = tmp_path_factory.mktemp("pages")
    spec = importlib.util.spec_from_file_location("make_data", ROOT / "examples" / "make_data.py")
    assert spec is not None
    assert spec.loader is not None
    make_data = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_data)
    make_data.make(folder / "data", list(make_data.KINDS))
    (folder / "poems.txt").write_text(POEMS)
    (folder / "other.txt").write_text(POEMS[:400])
    rows = [f"{n % 7},{n % 5},{'ab'[n % 2]}" for n in range(60)]
    for name in ("sensors.csv", "new.csv"):
        (folder / name).write_text("\n".join(["heat,load,label", *rows]) + "\n")
    for name in ("first.jsonl", "second.jsonl"):
        (folder / name).write_text('"The moon"\n{"text": " is"}\n')
    command = folder / "bin" / "unrolled"
    command.parent.mkdir()
    command.write_text(WRAPPER.format(python=sys.executable))
    command.chmod(0o755)
    run(folder, "unrolled train poems.txt --run runs/poems --model.family gru")
    (folder / "runs" / "poems").rename(folder / "poems-run")
    return folder


def run(folder: Path, script: str) -> str:
    environment = {
        **os.environ,
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "UNROLLED_CACHE": str(folder / "cache"),
        "PYTHONPATH": str(Path(unrolled.__file__).parents[1]),
    }
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page(page: str, folder: Path) -> None:
    pytest.importorskip("sacrebleu")
    run(folder, "rm -rf runs poems.yaml && mkdir runs")
    if "streaming" in page:
        run(folder, "cp -r poems-run runs/poems")
    shell_blocks = blocks(page, "(?:bash|sh)")
    assert bool(shell_blocks) == ("layers" not in page)
    lines = [line for block in shell_blocks for line in block.splitlines() if not line.startswith(ELSEWHERE)]
    run(folder, "\n".join(lines).replace("runs/poems-lstm", "runs/poems-*"))


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if "index" not in page])
def test_the_python_of_a_page(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    run(folder, "rm -rf runs && mkdir runs && cp -r poems-run runs/poems")
    monkeypatch.chdir(folder)
    X, y = np.random.default_rng(0).normal(size=(40, 8, 2)), np.array(["a", "b"] * 20)
    layer = unrolled.GRU(3, 4)
    mask = torch.ones(2, dtype=torch.bool)
    given: dict[str, Any] = {"X": X, "y": y, "X_new": X[:5], "y_new": y[:5]}
    python_blocks = blocks(page, "python")
    assert python_blocks
    for block in python_blocks:
        text = re.sub(r'max_time="\w+"', "max_steps=3", block)
        text = text.replace("SequenceClassifier()", "SequenceClassifier(max_steps=3)")
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            if text.startswith("y, state = layer"):
                for line in text.splitlines():
                    time = () if ".step(" in line else (5,)
                    masked = mask if not time else mask[:, None].expand(2, 5)
                    names = {"layer": layer, "state": None, "mask": masked, "reset": ~masked}
                    exec(line, names | {"x": torch.randn(2, *time, 3)})
            else:
                exec(text, dict(given))


def test_the_page_of_python_has_every_name() -> None:
    text = (ROOT / "docs" / "reference" / "api.md").read_text()
    shown = set(re.findall(r"^::: (\S+)$", text, re.MULTILINE))
    for name in unrolled.__all__:
        made = getattr(unrolled, name)
        assert f"{made.__module__}.{name}" in shown, name
    for name in shown:
        module, _, last = name.rpartition(".")
        assert hasattr(importlib.import_module(module), last), name
