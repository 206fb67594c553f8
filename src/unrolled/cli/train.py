"""`unrolled train FILE...`"""

from argparse import Namespace
from typing import Any

from unrolled.cli.invocation import command
from unrolled.cli.options import add_train_options
from unrolled.cli.parser import Parser
from unrolled.tasks.task import task_named
from unrolled.tasks.words import PARTS
from unrolled.visible import say


def add_arguments(parser: Parser) -> None:
    parser.example = "unrolled train poems.txt --train.max_time 3m"
    add_train_options(parser)


def run(options: Namespace) -> dict[str, Any]:
    from unrolled.training.ranges import check_ranges

    check_ranges(options.data, options.model, options.train)

    from unrolled.tasks.train_files import train_files

    result = train_files(
        options.files,
        task=None if options.task == "auto" else options.task,
        run=options.run,
        data=options.data,
        model=options.model,
        train_config=options.train,
    )
    if result:  # nothing with several processes, for those that do not speak
        report(result)
    return result


def report(result: dict[str, Any]) -> None:
    """What came of it, and what to do next."""
    task = task_named(result["task"])
    for part in ("valid", "test"):
        if part in result:
            first, *others = task.score_lines(result[part])
            for line in (f"{PARTS[part]}: {first}", *others):
                say(line)
    say(f"report: {result['report']}")
    verb, *rest = task.after_training.split(" RUN")
    say(f"next: {command(verb, result['run'])}{''.join(rest)}")
