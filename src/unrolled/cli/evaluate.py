"""`unrolled evaluate RUN FILE...`"""

import sys
from argparse import Namespace
from typing import Any, Literal

from unrolled.cli.parser import Parser
from unrolled.cli.task_options import add_task_options
from unrolled.visible import say


def add_arguments(parser: Parser) -> None:
    parser.example = "unrolled evaluate runs/poems-lstm other.txt"
    parser.add_argument("model", metavar="RUN", help="run directory, or model directory")
    parser.add_argument(
        "files", nargs="*", default=[], metavar="FILE", help="text or labelled records; without any, the run's own part"
    )
    parser.add_argument(
        "--part",
        type=Literal["auto", "valid", "test", "train"],
        default="auto",
        help="which of the run's own parts, if no file is given; auto: for text valid, for records all held out",
    )
    parser.add_argument(
        "--labels",
        type=str | None,
        metavar="WHERE",
        help="labels of files, where they are not as in training: a CSV file, a pattern, or folders",
    )
    add_task_options(parser, "evaluate")


def run(options: Namespace) -> dict[str, Any]:
    from unrolled.data.records import Notes
    from unrolled.tasks.load import load, task_at
    from unrolled.tasks.task import own_options
    from unrolled.training.progress import Progress

    task = task_at(options.model)
    own = own_options("evaluate", task, options.model, vars(options))
    trained, notes = load(options.model), Notes()
    result: dict[str, Any] = {"task": task.name, "model": str(trained.folder)}
    with Progress() as progress:
        if options.files:
            parts = [trained.read(options.files, notes, progress, options.labels)]
        else:
            parts = trained.own_parts(options.part, notes, progress)
        for part in parts:
            judgement = trained.score(part, notes, progress, **own)
            result |= task.as_result(part.name, judgement.scores)
            first, *others = task.score_lines(judgement.scores)
            for line in (f"{part.shown}: {first}", *others, *judgement.remarks):
                say(line)
    result["notes"] = notes.lines()
    for line in result["notes"]:
        say(line, file=sys.stderr)
    return result
