"""The command where its output is closed, full or left, and where it is asked to stop."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from small_record_runs import train_small

COMMAND = [sys.executable, "-c", "import sys; from unrolled.cli.main import main; sys.exit(main())"]
MODEL = ["--model.family", "lstm", "--model.width", "8", "--model.layers", "1", "--data.context", "8"]
FULL = Path("/dev/full")


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "text.txt"
    path.write_text("the quick brown fox jumps over the lazy dog.\n" * 40)
    return path


def training(text: Path, run: Path, steps: int, *options: str) -> list[str]:
    cache = ["--data.cache", str(text.parent / "cache"), "--train.batch_size", "4", "--train.validate_every", "5"]
    return ["train", str(text), "--run", str(run), *MODEL, *cache, "--train.max_steps", str(steps), *options]


def steps_kept(run: Path) -> list[int]:
    return sorted(int(path.name.removeprefix("step-")) for path in (run / "checkpoints").glob("step-*"))


def shell(line: str, *arguments: str) -> subprocess.CompletedProcess:
    """A line of a shell in which "$@" is the command with its arguments."""
    return subprocess.run(["bash", "-c", line, "bash", *COMMAND, *arguments], capture_output=True, text=True)


def test_a_reader_that_leaves_does_not_end_a_training(text: Path, tmp_path: Path) -> None:
    done = shell('("$@" 2>&1; echo $? >&2) | head -1', *training(text, tmp_path / "run", 10))
    assert done.stdout.startswith("text: ")
    assert done.stderr == "141\n"
    assert steps_kept(tmp_path / "run") == [10]
    assert (tmp_path / "run/report.html").is_file()
    assert "done; evaluating" in (tmp_path / "run/log.txt").read_text()


def test_closed_streams_do_not_end_a_training(text: Path, tmp_path: Path) -> None:
    done = shell('"$@" <&- >&- 2>&-', *training(text, tmp_path / "run", 10))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert steps_kept(tmp_path / "run") == [10]
    assert (tmp_path / "run/report.html").is_file()
    # Descriptor 2 is taken, so no file of the run became the place of warnings.
    assert (tmp_path / "run/metrics.jsonl").read_text().startswith('{"kind": "')


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_full_streams_do_not_end_a_training(text: Path, tmp_path: Path) -> None:
    done = shell('"$@" 2>/dev/full', *training(text, tmp_path / "run", 10, "--json"))
    assert done.returncode == 0
    assert '"steps": 10' in done.stdout
    done = shell('"$@" >/dev/full', "--help")
    assert (done.returncode, done.stderr) == (2, "unrolled: standard output: no space left on device\n")
    done = shell('"$@" >/dev/full 2>/dev/full', "--help")
    assert (done.returncode, done.stderr) == (2, "")


@pytest.mark.parametrize("option", ["--help", "--nonsense"])
def test_closed_streams_of_any_verb(option: str) -> None:
    done = shell('"$@" <&- >&- 2>&-', "evaluate", option)
    assert (done.returncode, done.stdout, done.stderr) == (2 * (option != "--help"), "", "")


class Process(subprocess.Popen):
    """A command whose standard error is read line by line."""

    def __init__(self, arguments: list[str]) -> None:
        super().__init__([*COMMAND, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def until(self, words: str) -> None:
        """Read up to a line with these words."""
        for line in self.stderr or []:
            if words in line:
                return
        raise AssertionError(f"ended without saying {words!r}")


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    started: list[Process] = []
    yield started
    for process in started:
        process.kill()
        process.wait()


def test_a_polite_kill_leaves_a_checkpoint(text: Path, tmp_path: Path, processes: list[Process]) -> None:
    process = Process(training(text, tmp_path / "run", 1_000_000))
    processes.append(process)
    process.until("validation at step 5:")
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate()
    assert process.returncode == 143
    (step,) = steps_kept(tmp_path / "run")
    assert step >= 5
    assert f"stopped at step {step:,}; go on with the same command" in err
    assert err.endswith("unrolled: stopped\n")


def test_a_terminal_that_closes_leaves_a_checkpoint(text: Path, tmp_path: Path, processes: list[Process]) -> None:
    process = Process(training(text, tmp_path / "run", 1_000_000))
    processes.append(process)
    process.until("validation at step 5:")
    assert process.stderr is not None
    process.stderr.close()
    process.send_signal(signal.SIGHUP)
    assert process.wait() == 129
    assert len(steps_kept(tmp_path / "run")) == 1


def test_an_output_that_knows_few_characters(tmp_path: Path) -> None:
    """What it lacks is escaped: JSON stays JSON of the same meaning."""
    rows = [f"{'dobrý' if n % 2 else 'zlý'} dzień {n % 5},{'tak ł' if n % 2 else 'nié'}" for n in range(40)]
    (tmp_path / "data.csv").write_text("\n".join(["tekst é,etykietä", *rows]) + "\n", encoding="utf-8")
    run = train_small([tmp_path / "data.csv"], tmp_path / "run")
    predictions = []
    for encoding in ("ascii", "latin-1", "utf-8"):
        done = subprocess.run(
            [*COMMAND, "predict", str(run), str(tmp_path / "data.csv")],
            env={**os.environ, "PYTHONIOENCODING": encoding},
            capture_output=True,
            check=True,
        )
        predictions.append([json.loads(line) for line in done.stdout.decode(encoding).splitlines()])
    assert len(predictions[0]) == 40
    assert predictions[0] == predictions[1] == predictions[2]
    assert {"tak ł", "nié"} & {str(value) for row in predictions[0] for value in row.values()}
