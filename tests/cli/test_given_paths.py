"""Paths that are empty, pipes or devices: refused by every verb at once, with one sentence."""

import importlib
import os
from pathlib import Path

import pytest

from unrolled.cli.main import VERBS, build_parser, main
from unrolled.cli.options import PATHS

EMPTY = [
    ["init", ""],
    ["train", ""],
    ["train", "a.txt", ""],
    ["train", "   "],
    ["train", "a.txt", "--run", ""],
    ["train", "a.txt", "--config", ""],
    ["train", "a.txt", "--data.valid", ""],
    ["train", "a.txt", "--data.test", ""],
    ["train", "a.txt", "--labels", ""],
    ["train", "a.txt", "--data.cache", ""],
    ["train", "a.txt", "--train.resume", ""],
    ["predict", "run", ""],
    ["predict", "", "a.txt"],
    ["predict", "run", "a.txt", "-o", ""],
    ["evaluate", "run", ""],
    ["evaluate", ""],
    ["generate", ""],
    ["stream", ""],
    ["stream", "run", "--save-state", ""],
    ["stream", "run", "--load-state", ""],
    ["demo", "--folder", ""],
]
AT = "PIPE"
SPECIAL = [
    ["init", AT],
    ["init", "a.txt", "-o", AT],
    ["train", AT],
    ["train", "a.txt", AT],
    ["train", "a.txt", "--task", "language", "--data.valid", AT],
    ["train", "a.txt", "--data.test", AT],
    ["train", "a.txt", "--run", AT],
    ["train", "--config", AT],
    ["train", "a.txt", "--labels", AT],
    ["train", "a.txt", "--model.embedding", AT],
    ["predict", AT, "a.txt"],
    ["predict", "run", AT],
    ["predict", "run", "a.txt", "-o", AT],
    ["evaluate", "run", AT],
    ["evaluate", "run", "a.txt", "--labels", AT],
    ["generate", AT],
    ["stream", AT],
    ["stream", "run", "--load-state", AT],
    ["stream", "run", "--save-state", AT],
    ["demo", "--folder", AT],
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a text that would be found if an empty path meant it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNROLLED_CACHE", str(tmp_path / "cache"))
    Path("a.txt").write_text("the cat sat on the mat\n" * 40)
    return tmp_path


def refusal(capsys: pytest.CaptureFixture, arguments: list[str]) -> str:
    before = set(Path().rglob("*"))
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("unrolled: ")
    assert err.count("\n") == 1
    assert set(Path().rglob("*")) == before
    return err


@pytest.mark.parametrize("arguments", EMPTY, ids=" ".join)
def test_an_empty_path_is_not_the_current_folder(arguments: list[str], capsys: pytest.CaptureFixture) -> None:
    sentence = refusal(capsys, arguments)
    assert "is empty" in sentence or "given; write" in sentence


@pytest.mark.parametrize("arguments", SPECIAL, ids=" ".join)
def test_a_pipe_is_refused_at_once(arguments: list[str], capsys: pytest.CaptureFixture) -> None:
    os.mkfifo("queue")  # nobody writes to it: whoever opens it waits for ever
    sentence = refusal(capsys, ["queue" if argument == AT else argument for argument in arguments])
    assert "queue is a pipe" in sentence


@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero"])
def test_a_device_is_refused_at_once(device: str, capsys: pytest.CaptureFixture) -> None:
    assert f"{device} is a device" in refusal(capsys, ["train", device])
    assert f"{device} is a device" in refusal(capsys, ["predict", "run", "a.txt", "-o", device])


def test_what_the_shell_makes_of_brackets(capsys: pytest.CaptureFixture) -> None:
    reading, writing = os.pipe()
    try:
        assert "is a pipe" in refusal(capsys, ["train", f"/dev/fd/{reading}"])
        assert "is a pipe" in refusal(capsys, ["predict", "run", "a.txt", "-o", f"/dev/fd/{writing}"])
    finally:
        os.close(reading)
        os.close(writing)


def test_pipes_in_folders_are_passed_over(capsys: pytest.CaptureFixture) -> None:
    Path("train.csv").write_text("text,label\n" + "".join(f"row {n},{n % 2}\n" for n in range(20)))
    os.mkfifo("test.csv")
    os.mkfifo("valid.txt")
    assert main(["init", "train.csv"]) == 0
    assert capsys.readouterr().out.startswith("classify: text -> label; 20 records\n")


def test_a_file_in_a_config_may_not_be_empty(capsys: pytest.CaptureFixture) -> None:
    Path("c.yaml").write_text("files: ['']\n")
    assert "is empty" in refusal(capsys, ["train", "--config", "c.yaml"])


def test_every_option_that_names_a_file_is_looked_at() -> None:
    """By what stands for its value in the help."""
    for verb in VERBS:
        module = importlib.import_module(f"unrolled.cli.{verb}")
        parser = build_parser(verb, module.add_arguments)
        for option in parser.options:
            named = option.metavar in ("FILE", "DIR", "OUT", "RUN", "WHERE")
            known = option.name in PATHS or option.is_config  # which is looked at before the others
            assert not named or known, f"{verb}: {option.name}"
        places = [option.name for option in parser.options if not option.flags]
        assert set(places) <= set(PATHS)
