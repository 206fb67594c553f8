"""The command `unrolled`: finds the verb, reads its options, prints its result, and turns errors into one sentence."""

import contextlib
import errno
import importlib
import json
import signal
import sys
import tempfile
import traceback
from argparse import Namespace
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

from unrolled.cli import options
from unrolled.cli.errors import Failed, nearest
from unrolled.cli.parser import Parser
from unrolled.cli.standard_streams import STDOUT, discard, settled
from unrolled.data.json_values import finite
from unrolled.errors import UserError
from unrolled.training.interruption import stopped_politely
from unrolled.visible import say

VERBS = {
    "demo": "train a small model on text that every Python brings along, and let it speak",
    "init": "say what is in some data and write a commented config file, to edit and train with",
    "train": "train a model on files of sequences: text, tables, sound, signals, video",
    "evaluate": "how good a trained model is on any text or labelled records",
    "predict": "what a trained model says about records: labels, values, tags, events or texts, as a table",
    "generate": "let a trained model write text",
    "stream": "run a language model or a forecast one step at a time: JSON lines in, JSON lines out",
    "check": "see what this machine offers and whether the layers keep their laws here",
}
"""Every verb and what it does. Verb V lives in the module `unrolled.cli.V`, which has two functions:
`add_arguments(parser)` and `run(options)`, which returns the result for `--json` as a dict (or None).
Only the module of the verb that is asked for is loaded, and at its top it imports nothing heavy."""

PIPE_CLOSED = 141  # what a shell reports for SIGPIPE

OUTSIDE = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO),
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG),
)
"""Troubles of the machine, which a person can mend and no check beforehand can exclude."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Returns the exit code: 0; 1 if a check failed or for a bug; 2 for what the user can mend; 128
    and the number of the signal that stopped it."""
    arguments = sys.argv[1:] if arguments is None else arguments
    with settled(), stopped_politely():
        return _guarded(arguments, "--debug" in arguments)


def _guarded(arguments: list[str], debug: bool) -> int:
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt as stop:
        return _report("stopped", 128 + (stop.args[0] if stop.args else signal.SIGINT), debug)
    except BrokenPipeError:
        # The reader of our output has gone, as in `unrolled ... | head`. Nothing is left to say, also not at exit.
        discard(sys.stdout)
        return PIPE_CLOSED
    except UserError as error:
        return _report(str(error), 2, debug)
    except OSError as error:
        if error.filename == STDOUT:
            discard(sys.stdout)
        if error.errno not in OUTSIDE:
            return _bug(error, debug)
        reason = (error.strerror or str(error)).lower()
        prefix = f"{error.filename}: " if error.filename else ""
        advice = "" if prefix else f"; it was a file in the folder of the output or in {tempfile.gettempdir()}"
        return _report(f"{prefix}{reason}{advice}", 2, debug)
    except Exception as error:
        if _out_of_memory(error):
            sentence = "not enough memory; choose a smaller --model.width, --train.batch_size or --data.context"
            return _report(sentence, 2, debug)
        return _bug(error, debug)


def _dispatch(arguments: list[str]) -> int:
    verb = arguments[0] if arguments else "--help"
    if verb in ("--help", "-h", "help"):
        print(overview())
        return 0
    if verb == "--version":
        print(f"unrolled {version('unrolled')}")
        return 0
    if verb not in VERBS:
        raise UserError(_unknown_verb(verb))
    module = importlib.import_module(f"unrolled.cli.{verb}")
    values = options.parse(build_parser(verb, module.add_arguments), arguments[1:])
    return _run(module, values)


def overview() -> str:
    """What `unrolled --help` prints."""
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {verb:{width}}  {purpose}" for verb, purpose in VERBS.items())
    return (
        "usage: unrolled VERB [options]\n\n"
        "Sequence models that train on all time steps in parallel and run one step at a time.\n\n"
        f"verbs:\n{verbs}\n\n"
        "unrolled VERB --help lists the options of a verb; unrolled --version the version.\n"
        "Begin with: unrolled demo, or unrolled train FILE"
    )


def _unknown_verb(verb: str) -> str:
    if verb.startswith("-"):
        return f"unknown option {verb} before the verb; write unrolled VERB {verb}"
    if Path(verb).exists():
        return f'unknown verb "{verb}"; did you mean unrolled train {verb}?'
    close = nearest(verb, VERBS)
    return f'unknown verb "{verb}"; ' + (f'did you mean "{close}"?' if close else f"the verbs are {', '.join(VERBS)}")


def build_parser(verb: str, add_arguments: Callable[[Parser], None]) -> Parser:
    """The parser of one verb."""
    parser = Parser(f"unrolled {verb}", VERBS[verb][0].upper() + VERBS[verb][1:] + ".")
    add_arguments(parser)
    options.add_common_options(parser)
    return parser


def _run(module: ModuleType, values: Namespace) -> int:
    """Run the verb; with --json its result goes to stdout alone, and what it prints goes to stderr."""
    code = 0
    try:
        with contextlib.redirect_stdout(sys.stderr) if values.json else contextlib.nullcontext():
            result = module.run(values)
    except Failed as failed:
        result, code = failed.result, 1
    if values.json:
        print(json.dumps(finite(result or {}), default=_path))
    return code


def _path(value: Any) -> str:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"a result holds {value!r}, which JSON cannot say")


def _out_of_memory(error: Exception) -> bool:
    """PyTorch says so by a RuntimeError, of a class of its own on a GPU."""
    words = ("not enough memory", "can't allocate memory", "out of memory", "Storage size calculation overflowed")
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(w in str(error) for w in words))


def _bug(error: Exception, debug: bool) -> int:
    return _report(f"{type(error).__name__}: {error}; this is a bug; --debug shows where", 1, debug)


def _report(sentence: str, code: int, debug: bool) -> int:
    """One line on stderr, after the traceback if that was asked for."""
    if debug:
        traceback.print_exc()
    say(f"unrolled: {' '.join(sentence.split())}", file=sys.stderr)
    return code
