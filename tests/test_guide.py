"""The commands of the guide run, and what it says they print is what they print."""

import contextlib
import importlib.util
import io
import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest

from unrolled.cli.main import main

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "guide"
PATTERNS = (
    *("sequences", "one-to-one", "many-to-one", "many-to-many-aligned", "many-to-many-shifted"),
    *("many-to-many-unaligned", "one-to-many"),
)
NEEDS = {"heart": "wfdb", "sounds": "soundfile", "clips": "av", "phrases": "sacrebleu"}

PROGRESS = re.compile(r".+ \d+% \| ")
"""How a line begins that comes only where something takes long, so that no page promises it."""


class Block(NamedTuple):
    """A block of code of a page."""

    language: str
    title: str
    text: str


class Command(NamedTuple):
    """A command of the guide and what it is said to print."""

    words: list[str]
    shown: list[str]


def blocks(page: str) -> list[Block]:
    matches = re.findall(
        r'^```(\w+)(?: title="(.+?)")?\n(.*?)^```$', (GUIDE / f"{page}.md").read_text(), re.MULTILINE | re.DOTALL
    )
    return [Block(*match) for match in matches]


def commands(page: str) -> list[Command]:
    parsed = []
    for block in blocks(page):
        if block.language == "console":
            for part in block.text.split("$ unrolled ")[1:]:
                line, *shown = part.splitlines()
                parsed.append(Command(shlex.split(line), shown))
    return parsed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the made-up data lies in `data`."""
    spec = importlib.util.spec_from_file_location("make_data", ROOT / "examples" / "make_data.py")
    assert spec is not None
    assert spec.loader is not None
    make_data = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_data)
    folder = tmp_path_factory.mktemp("guide")
    make_data.make(folder / "data", list(make_data.KINDS))
    return folder


@pytest.fixture(autouse=True)
def _there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("UNROLLED_CACHE", str(folder / "cache"))


def run(words: list[str]) -> list[str]:
    """The lines that a command prints."""
    for name, package in NEEDS.items():
        if any(f"data/{name}" in word for word in words):
            pytest.importorskip(package)
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = main(words)
    assert code == 0, out.getvalue()
    return [line for line in out.getvalue().splitlines() if not PROGRESS.match(line)]


@pytest.mark.parametrize("command", commands("data"), ids=lambda command: command.words[1])
def test_what_is_said_of_every_format(command: Command) -> None:
    for block in blocks("data"):
        if block.title:
            Path(block.title).write_text(block.text)
    Path("guessed.yaml").unlink(missing_ok=True)
    assert run([*command.words, "-o", "guessed.yaml"])[:1] == command.shown


def test_every_page_of_a_pattern_has_a_command_and_its_pictures() -> None:
    for page in PATTERNS:
        assert any(command.words[0] == "train" for command in commands(page)), page
        for picture in re.findall(r"!\[[^]]+\]\((\S+)\)", (GUIDE / f"{page}.md").read_text()):
            assert 0 < (GUIDE / picture).stat().st_size < 60_000, picture


def test_lines_of_the_made_up_data_are_as_shown() -> None:
    made = {text.splitlines()[0]: text for text in (path.read_text() for path in Path("data").glob("*.[ct]sv"))}
    shown = [block.text for page in PATTERNS for block in blocks(page) if block.text.splitlines()[0] in made]
    assert len(shown) >= 4
    for text in shown:
        assert made[text.splitlines()[0]].startswith(text)


@pytest.mark.slow
@pytest.mark.parametrize("page", PATTERNS)
def test_the_commands_of_a_page(page: str) -> None:
    headers = {block.text.splitlines()[0] for block in blocks(page) if block.language == "csv"}
    for words, shown in commands(page):
        if words[0] == "train":
            printed = run(_briefly(words))
            assert printed[0] == shown[0]
            models = [[line for line in lines if line.startswith("model: ")] for lines in (printed, shown)]
            assert models[0] == models[1] != []
        elif words[0] == "predict":
            assert run(words)[-1].split(":")[0] == shown[-1].split(":")[0]
            assert Path(words[-1]).read_text().splitlines()[0] in headers
        else:
            assert run(words)


@pytest.mark.slow
@pytest.mark.parametrize("page", PATTERNS)
def test_the_python_of_a_page(page: str) -> None:
    for block in blocks(page):
        if block.language == "python":
            pytest.importorskip("sacrebleu")
            assert len(block.text.splitlines()) <= 8
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(re.sub(r"max_epochs=\d+", "max_steps=3", block.text), {})
            assert out.getvalue()


def _briefly(words: list[str]) -> list[str]:
    """The same training with three updates."""
    if "--train.max_epochs" in words:
        index = words.index("--train.max_epochs")
        words = [*words[:index], *words[index + 2 :]]
    return [*words, "--train.max_steps", "3"]
