"""The command line as a person meets it: help, dispatch, results, errors and exit codes."""

import errno
import importlib.util
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from unrolled.cli.errors import Failed
from unrolled.cli.main import VERBS, main
from unrolled.errors import UserError

COMMAND = "import sys; from unrolled.cli.main import main; sys.exit(main())"


def shell(*arguments: str, **settings: Any) -> subprocess.CompletedProcess:
    """The command in a process of its own."""
    return subprocess.run([sys.executable, "-c", COMMAND, *arguments], capture_output=True, text=True, **settings)


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts another function in the place of what a verb does."""

    def install(name: str, run: Callable, add_arguments: Callable = lambda parser: None) -> None:
        module = ModuleType(f"unrolled.cli.{name}")
        module.run, module.add_arguments = run, add_arguments  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)

    return install


def raising(error: BaseException) -> Callable:
    def run(options: Any) -> None:
        raise error

    return run


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_its_module(name: str) -> None:
    assert importlib.util.find_spec(f"unrolled.cli.{name}") is not None


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], *([name, "--help"] for name in VERBS)], ids=" ".join)
def test_help_is_there_at_once_and_does_not_import_torch(arguments: list[str]) -> None:
    script = (
        "import sys\n"
        "from unrolled.cli.main import main\n"
        "try:\n    code = main()\n"
        "except SystemExit as end:\n    code = end.code\n"
        "heavy = {'torch', 'numpy', 'rich', 'tokenizers', 'matplotlib', 'accelerate'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.stderr)\n"
        "sys.exit(code)"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "[]\n"
    assert "unrolled" in done.stdout
    # Processor time: the clock on the wall also measures who else is working here.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5


def test_help_names_every_verb_with_its_purpose(capsys: pytest.CaptureFixture) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert main([]) == 0
    assert capsys.readouterr().out == shown
    for name, purpose in VERBS.items():
        assert any(line.split() == [name, *purpose.split()] for line in shown.splitlines())


def test_only_the_module_of_the_verb_is_loaded() -> None:
    script = (
        "import sys\nfrom unrolled.cli.main import main\n"
        "try:\n    main(['init', '--help'])\nexcept SystemExit:\n    pass\n"
        "print([m for m in sys.modules if m.startswith('unrolled.cli.')], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name.removeprefix("unrolled.cli.") for name in eval(done.stderr)}
    assert loaded & set(VERBS) == {"init"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["trian", "x"], 'unknown verb "trian"; did you mean "train"?'),
        (["xyz"], 'unknown verb "xyz"; the verbs are demo, init, train, evaluate, predict, generate, stream, check'),
        (["poems.txt"], 'unknown verb "poems.txt"; did you mean unrolled train poems.txt?'),
        (["--json", "check"], "unknown option --json before the verb; write unrolled VERB --json"),
    ],
)
def test_an_unknown_verb(
    arguments: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("poems.txt").touch()
    assert main(arguments) == 2
    assert capsys.readouterr() == ("", f"unrolled: {sentence}\n")


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (UserError("poems.txt is empty; give a longer text"), 2, "poems.txt is empty; give a longer text"),
        (UserError("one\n  sentence"), 2, "one sentence"),
        (KeyboardInterrupt(), 130, "stopped"),
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "runs/1/best"),
            2,
            "runs/1/best: no space left on device",
        ),
        (PermissionError(errno.EACCES, os.strerror(errno.EACCES), "a.txt"), 2, "a.txt: permission denied"),
        (RuntimeError("shapes differ"), 1, "RuntimeError: shapes differ; this is a bug; --debug shows where"),
        (
            FileNotFoundError(errno.ENOENT, "No such file", "x"),
            1,
            "FileNotFoundError: [Errno 2] No such file: 'x'; this is a bug; --debug shows where",
        ),
    ],
)
def test_errors_are_one_line_and_have_their_exit_code(
    error: BaseException, code: int, sentence: str, verb: Callable, capsys: pytest.CaptureFixture
) -> None:
    verb("stream", raising(error))
    assert main(["stream"]) == code
    assert capsys.readouterr() == ("", f"unrolled: {sentence}\n")
    assert main(["stream", "--debug"]) == code
    shown = capsys.readouterr().err
    assert shown.startswith("Traceback")
    assert "in run" in shown
    assert shown.endswith(f"unrolled: {sentence}\n")


def test_json_puts_the_result_alone_on_stdout(verb: Callable, capsys: pytest.CaptureFixture) -> None:
    def run(options: Any) -> dict:
        print("working")
        return {"loss": 1.5, "perplexity": float("inf"), "steps": [1, float("nan")], "run": Path("runs/1")}

    verb("evaluate", run)
    assert main(["evaluate", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out, parse_constant=pytest.fail) == {
        "loss": 1.5,
        "perplexity": None,
        "steps": [1, None],
        "run": "runs/1",
    }
    assert err == "working\n"
    assert main(["evaluate"]) == 0
    assert capsys.readouterr() == ("working\n", "")


def test_json_of_a_verb_without_a_result(verb: Callable, capsys: pytest.CaptureFixture) -> None:
    verb("demo", lambda options: None)
    assert main(["demo", "--json"]) == 0
    assert capsys.readouterr().out == "{}\n"


def test_a_result_that_json_cannot_say_is_a_bug(verb: Callable, capsys: pytest.CaptureFixture) -> None:
    verb("demo", lambda options: {"model": object()})
    assert main(["demo", "--json"]) == 1
    assert capsys.readouterr().out == ""


def test_a_failed_check_prints_its_result_and_exits_with_one(verb: Callable, capsys: pytest.CaptureFixture) -> None:
    verb("check", raising(Failed({"ok": False})))
    assert main(["check", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"ok": False}


def test_an_error_under_json_leaves_stdout_empty(verb: Callable, capsys: pytest.CaptureFixture) -> None:
    verb("evaluate", raising(UserError("no run there")))
    assert main(["evaluate", "--json"]) == 2
    assert capsys.readouterr() == ("", "unrolled: no run there\n")


@pytest.fixture
def closed_pipe() -> Iterator[int]:
    """The writing end of a pipe that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


def test_a_closed_pipe_is_quiet(closed_pipe: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "--help"], stdout=closed_pipe, stderr=subprocess.PIPE, text=True
    )
    assert (done.returncode, done.stderr) == (141, "")


def test_the_installed_command() -> None:
    done = subprocess.run([Path(sys.executable).parent / "unrolled", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()[0]) == (0, "unrolled")


def test_exit_codes_reach_the_shell() -> None:
    done = shell("init")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "unrolled: no FILE given; write unrolled init FILE... [options]\n"
