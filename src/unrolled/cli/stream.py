"""`unrolled stream RUN`: JSON lines in, JSON lines out."""

import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser, Namespace

from unrolled.errors import UserError

if TYPE_CHECKING:
    from unrolled.data.codec import Vocabulary
    from unrolled.inference.stream import LanguageStream, StreamStep


def add_arguments(parser: ArgumentParser) -> None:
    parser.description = (
        "Feed a model one step at a time. Each input line is JSON. For a language model it is a text such as "
        '"ab", or an object {"text": "ab"} or {"reset": true}; each token gives one output line with its loss '
        "(nats) and the likeliest next tokens. For a model that forecasts it is the values of one step, "
        '{"COLUMN": 1.5}, with its "time" where the model knows the calendar and "known": {"COLUMN": [...]} for the '
        "steps ahead where it knows columns ahead; each gives one line with the forecast from there. "
        'A line that cannot be used gives a line with "error" and changes nothing. With --json these '
        "lines go to stderr, and stdout gets one object with the counts at the end."
    )
    parser.add_argument("model", metavar="RUN", help="run directory, or model directory")
    parser.add_argument("--top", type=int, default=5, help="likeliest next tokens to tell")
    parser.add_argument("--load-state", type=str | None, metavar="FILE", help="go on from a saved state")
    parser.add_argument("--save-state", type=str | None, metavar="FILE", help="save the state at the end of the input")


def run(options: Namespace) -> dict[str, Any]:
    if options.top < 1:
        raise UserError(f"--top is {options.top}, which must be at least 1")
    if options.save_state is not None and not Path(options.save_state).absolute().parent.is_dir():
        raise UserError(f"there is no folder for the state {options.save_state}; create it first")
    if sys.stdin is None:
        raise UserError("there is no input; pipe JSON lines into the command")

    from unrolled.inference.loading import load, task_of

    if task_of(options.model) == "forecast":
        from unrolled.inference.forecast_loading import load_forecast
        from unrolled.inference.forecast_stream import ForecastStream

        forecasts = ForecastStream(load_forecast(options.model))
        return _pump(forecasts, options, lambda line: [forecasts.feed(_message(line, '{"COLUMN": 1.5}'))])

    from unrolled.inference.stream import LanguageStream

    loaded = load(options.model)
    names = loaded.vocabulary.tokens
    stream = LanguageStream(loaded.network, top=options.top)

    def answers(line: bytes) -> Iterator[dict[str, Any]]:
        tokens = _tokens(line, stream, loaded.vocabulary)
        return (_result(stream.feed(token), names) for token in tokens)

    return _pump(stream, options, answers)


def _pump(stream: Any, options: Namespace, answers: Callable[[bytes], Iterable[dict[str, Any]]]) -> dict[str, Any]:
    """Answer line by line, each as soon as it comes; how many there were."""
    if options.load_state is not None:
        _load(stream, Path(options.load_state))
    counts = {"lines": 0, "steps": 0, "errors": 0}
    output = sys.stdout
    try:
        for line in sys.stdin.buffer:  # bytes: one line that is not UTF-8 must not end the stream
            counts["lines"] += 1
            if not line.strip():
                continue
            try:
                found = answers(line)
            except UserError as error:
                counts["errors"] += 1
                _write(output, {"error": str(error), "line": counts["lines"]})
                continue
            for message in found:
                counts["steps"] += 1
                _write(output, message)
    finally:
        # Also when the input breaks off: the state so far is what a later stream goes on from.
        if options.save_state is not None:
            _save(stream, Path(options.save_state))
    return counts


def _tokens(line: bytes, stream: "LanguageStream", vocabulary: "Vocabulary") -> list[int]:
    """The tokens of an input line, after the reset if it asks for one. Raises `UserError` before anything changes."""
    message = _message(line, '{"text": "ab"}')
    if isinstance(message, str):
        message = {"text": message}
    if not isinstance(message, dict) or not message.keys() <= {"text", "reset"} or not message:
        raise UserError('expected a text, {"text": "ab"} or {"reset": true}')
    text, reset = message.get("text", ""), message.get("reset", False)
    if not isinstance(text, str) or not isinstance(reset, bool):
        raise UserError('"text" must be a string and "reset" true or false')
    tokens = [int(token) for token in vocabulary.encode(text)]  # an unknown character must not reset anything
    if reset:
        stream.reset()
    return tokens


def _message(line: bytes, example: str) -> Any:
    """The JSON of an input line. Raises `UserError` for anything else."""
    try:
        return json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UserError(
            f"not UTF-8: byte 0x{line[error.start]:02x} at offset {error.start} of the line; send UTF-8"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"not JSON ({error}); write for example {example}") from error


def _result(step: "StreamStep", names: list[str]) -> dict[str, Any]:
    return {
        "step": step.step,
        "token": names[step.token],
        "loss": None if step.loss is None or not math.isfinite(step.loss) else round(step.loss, 6),
        "next": {names[token]: round(probability, 6) for token, probability in step.next},
    }


def _write(output: Any, message: dict[str, Any]) -> None:
    output.write(json.dumps(message, ensure_ascii=False) + "\n")
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
        beside.unlink(missing_ok=True)
        raise UserError(f"cannot write the state to {path}: {error.strerror}") from error
