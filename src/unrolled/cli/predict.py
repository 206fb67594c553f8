"""`unrolled predict RUN FILE... -o OUT`"""

import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from unrolled.cli.parser import Parser
from unrolled.cli.task_options import add_task_options
from unrolled.errors import UserError
from unrolled.plural import counted
from unrolled.visible import say


def add_arguments(parser: Parser) -> None:
    parser.example = "unrolled predict runs/phrases-lstm new.tsv -o answers.csv"
    parser.add_argument("model", metavar="RUN", help="run directory, or model directory")
    parser.add_argument("files", nargs="+", metavar="FILE", help="records to predict; they need no labels")
    parser.add_argument(
        "-o",
        "--output",
        type=str | None,
        metavar="OUT",
        help="file to write: .csv, .jsonl or .parquet; null prints JSON lines",
    )
    add_task_options(parser, "predict")


def run(options: Namespace) -> dict[str, Any]:
    from unrolled.data.records import Notes
    from unrolled.tasks.load import load, task_at
    from unrolled.tasks.predictions import check_output, json_lines, write_predictions
    from unrolled.tasks.task import own_options
    from unrolled.training.progress import Progress

    if options.output is not None:
        check_output(Path(options.output))
    elif options.json:
        raise UserError("--json prints the result of the command on stdout; say with --output where predictions go")
    own = own_options("predict", task_at(options.model), options.model, vars(options))
    trained, notes = load(options.model), Notes()
    with Progress() as progress:
        predictions, records = trained.predict(options.files, notes, progress, **own)
        if options.output is not None:
            count = write_predictions(Path(options.output), predictions)
        else:
            count = 0
            for line in json_lines(predictions, sys.stdout.encoding):
                print(line)
                count += 1
    lines = notes.lines()  # only now: records are read as rows are written
    for line in lines:
        say(line, file=sys.stderr)
    if options.output is not None:
        say(f"wrote {options.output}: {counted(count, 'row')} for {counted(records, 'record')}")
    return {
        "output": options.output,
        "records": records,
        "rows": count,
        "columns": list(predictions.columns),
        "notes": lines,
    }
