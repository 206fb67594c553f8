"""`unrolled stream RUN`: JSON lines in, JSON lines out."""

import functools
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unrolled.cli.parser import Parser
from unrolled.cli.task_options import add_task_options
from unrolled.data.json_values import excerpt, json_line, strict_json
from unrolled.errors import UserError

if TYPE_CHECKING:
    from unrolled.tasks.task import LiveStream

LONGEST_LINE = 1 << 24
"""bytes"""
LONGEST_ERROR = 600
"""characters"""

DESCRIPTION = """Feed a model one step at a time: JSON lines in, JSON lines out, each as soon as it is certain. \
A line holds

- for a language model a text, "ab" or {"text": "ab"}: each token is answered with its loss (nats) and the likeliest \
next ones
- for a forecast the values of a step, {"COLUMN": 1.5}, with "time" where the model knows the calendar and "known": \
{"COLUMN": [...]} where it knows columns ahead: it is answered with the forecast from there
- for a model of records a step, {"COLUMN": 1.5}, or a piece of any length, {"SIGNAL": [0.1, 0.2]} or {"WORDS": ["a", \
"b"]}: each step is answered with its tag, or with the answer so far; events and letters come once
- for a translation {"source": "..."}, for a description what is known, {"COLUMN": "jig"}: the answer is written token \
by token

{"end": true} or the end of the input ends a record, {"reset": true} forgets everything. A line that cannot be used is \
answered with "error" and changes nothing. With --json all this goes to stderr, and the counts at the end to stdout."""


def add_arguments(parser: Parser) -> None:
    parser.description = DESCRIPTION
    parser.example = """echo '"The moon "' | unrolled stream runs/poems-lstm"""
    parser.add_argument("model", metavar="RUN", help="run directory, or model directory")
    parser.add_argument("--load-state", type=str | None, metavar="FILE", help="go on from a saved state")
    parser.add_argument("--save-state", type=str | None, metavar="FILE", help="save the state at the end of the input")
    add_task_options(parser, "stream")


def run(options: Namespace) -> dict[str, Any]:
    if options.save_state is not None and not Path(options.save_state).absolute().parent.is_dir():
        raise UserError(f"there is no folder for the state {options.save_state}; create it first")
    if sys.stdin is None:
        raise UserError("there is no input; pipe JSON lines into the command")

    from unrolled.tasks.load import open_stream, task_at
    from unrolled.tasks.task import own_options

    own = own_options("stream", task_at(options.model), options.model, vars(options))
    return _pump(open_stream(options.model, **own), options)


def _pump(stream: "LiveStream", options: Namespace) -> dict[str, Any]:
    """Answer line by line, each as soon as it comes; how many there were."""
    if options.load_state is not None:
        _load(stream, Path(options.load_state))
    counts = {"lines": 0, "steps": 0, "errors": 0}
    output = sys.stdout
    try:
        for line in _lines(sys.stdin.buffer):
            counts["lines"] += 1
            if line is None or line.strip():
                _answer(functools.partial(_answers, stream, line), counts, output)
        if options.save_state is None:  # nobody will go on from here
            _answer(stream.end, counts, output)
    finally:
        # Also when the input breaks off, nobody reads the output or a signal stops it: the state so far is what a later
        # stream goes on from.
        if options.save_state is not None:
            _save(stream, Path(options.save_state))
    return counts


def _answers(stream: "LiveStream", line: bytes | None) -> Iterable[dict[str, Any]]:
    if line is None:
        raise UserError(f"the line has more than {LONGEST_LINE:,} bytes; send it in pieces")
    return stream.answers(_message(line, stream.example))


def _answer(answers: Callable[[], Iterable[dict[str, Any]]], counts: dict[str, int], output: Any) -> None:
    """Write answers, each as soon as it is there, or what is wrong."""
    try:
        for answer in answers():
            counts["steps"] += 1
            _write(output, answer)
    except UserError as error:
        counts["errors"] += 1
        _write(output, {"error": excerpt(str(error), LONGEST_ERROR), "line": counts["lines"]})


def _lines(source: Any) -> Iterator[bytes | None]:
    """The lines as bytes, since one that is not UTF-8 must not end the stream; None for one that is too long."""
    while line := source.readline(LONGEST_LINE + 1):
        if len(line) <= LONGEST_LINE or line.endswith(b"\n"):
            yield line
            continue
        while line and not line.endswith(b"\n"):  # what is left of it
            line = source.readline(LONGEST_LINE)
        yield None


def _message(line: bytes, example: str) -> Any:
    """The JSON of an input line. Raises `UserError` for anything else."""
    try:
        return strict_json(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UserError(
            f"not UTF-8: byte 0x{line[error.start]:02x} at offset {error.start} of the line; send UTF-8"
        ) from error
    except ValueError as error:
        raise UserError(f"not JSON ({error}); write for example {example}") from error


def _write(output: Any, message: dict[str, Any]) -> None:
    output.write(json_line(message, output.encoding))
    output.flush()


def _load(stream: Any, path: Path) -> None:
    try:
        stream.load(path.read_bytes())
    except OSError as error:
        raise UserError(f"cannot read the state {path}: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{path} cannot be used with this model: {error}") from error


def _save(stream: Any, path: Path) -> None:
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_bytes(stream.save())
        beside.replace(path)
    except OSError as error:
        raise UserError(f"cannot write the state to {path}: {error.strerror}") from error
    finally:
        beside.unlink(missing_ok=True)
