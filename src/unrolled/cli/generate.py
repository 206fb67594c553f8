"""`unrolled generate RUN`: let a trained model write."""

import sys
import time
from argparse import Namespace
from typing import Any

from unrolled.cli.parser import Parser
from unrolled.cli.task_options import add_option, add_task_options
from unrolled.errors import UserError
from unrolled.tasks.task import SAMPLING


def add_arguments(parser: Parser) -> None:
    parser.example = "unrolled generate runs/poems-lstm --prompt 'The moon ' --temperature 0.7"
    parser.add_argument("model", metavar="RUN", help="run directory, or model directory")
    parser.add_argument(
        "--length",
        type=int | None,
        help="tokens to write: of text by default 500, of a sequence that ends by itself at most as many as the "
        "longest of training",
    )
    parser.add_argument("-n", "--samples", type=int, default=1, help="how many to write, as one batch")
    parser.add_argument("--seed", type=int | None, help="makes the result repeatable; null draws anew each time")
    for option in SAMPLING:
        add_option(parser, option)
    add_task_options(parser, "generate")


def run(options: Namespace) -> dict[str, Any]:
    for name in ("length", "samples"):
        if getattr(options, name) is not None and getattr(options, name) < 1:
            raise UserError(f"--{name} is {getattr(options, name)}, which must be at least 1")

    from unrolled.tasks.load import load, task_at
    from unrolled.tasks.task import own_options

    task = task_at(options.model)
    own = own_options("generate", task, options.model, vars(options))
    sampling = {option.name: getattr(options, option.name) for option in SAMPLING}
    writing = task.write(
        load(options.model), length=options.length, samples=options.samples, seed=options.seed, **sampling, **own
    )
    if writing.warning:
        print(writing.warning, file=sys.stderr)
    texts = [writing.beginning] * options.samples
    live = options.samples == 1
    started = time.perf_counter()
    if live:
        _say(writing.beginning)
    for pieces in writing.pieces:
        texts = [text + piece for text, piece in zip(texts, pieces, strict=True)]
        if live:
            _say(pieces[0])
    seconds = time.perf_counter() - started
    if live:
        _say("\n")
    else:
        for number, text in enumerate(texts, start=1):
            print(f"--- {number} ---\n{text}")
    result = writing.result | {"seconds": seconds}
    if writing.tokens is not None:
        result["tokens_per_second"] = writing.tokens / seconds
        print(f"{writing.tokens:,} tokens, {result['tokens_per_second']:,.0f} tokens/s", file=sys.stderr)
    return result


def _say(piece: str) -> None:
    sys.stdout.write(piece)
    sys.stdout.flush()
