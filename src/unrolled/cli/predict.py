"""`unrolled predict RUN FILE... -o OUT`"""

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unrolled.cli.parser import Parser
from unrolled.errors import UserError
from unrolled.plural import counted
from unrolled.visible import say

if TYPE_CHECKING:
    from unrolled.data.records import Notes
    from unrolled.tasks.prediction_tables import Predictions
    from unrolled.training.progress import Progress


_OF_TASK = {"horizon": "forecast", "beams": "translate", "length_penalty": "translate"}
"""Options of one task only."""


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
    parser.add_argument(
        "--beams", type=int | None, help="how many translations are followed side by side; by default 4 (translate)"
    )
    parser.add_argument(
        "--length-penalty",
        "--length_penalty",
        type=float | None,
        help="the larger, the longer the translations that are preferred; by default 0.6, and 0 is none (translate)",
    )
    parser.add_argument(
        "--horizon",
        type=int | None,
        help="steps ahead of the end of each series (forecast); by default as in training, beyond that its own "
        "forecasts are fed back",
    )


def run(options: Namespace) -> dict[str, Any]:
    from unrolled.tasks.prediction_tables import check_output, json_lines, write_predictions
    from unrolled.training.progress import Progress

    if options.horizon is not None and options.horizon < 1:
        raise UserError(f"--horizon is {options.horizon}, which must be at least 1")
    if options.output is not None:
        check_output(Path(options.output))
    elif options.json:
        raise UserError("--json prints the result of the command on stdout; say with --output where predictions go")
    with Progress() as progress:
        found, records, notes = _predictions(options, progress)
        if options.output is not None:
            count = write_predictions(Path(options.output), found)
        else:
            count = 0
            for line in json_lines(found, sys.stdout.encoding):
                print(line)
                count += 1
    lines = notes.lines()  # only now: records are read as rows are written
    for line in lines:
        say(line, file=sys.stderr)
    if options.output is not None:
        say(f"wrote {options.output}: {counted(count, 'row')} for {counted(records, 'record')}")
    return {"output": options.output, "records": records, "rows": count, "columns": list(found.columns), "notes": lines}


def _predictions(options: Namespace, progress: "Progress") -> "tuple[Predictions, int, Notes]":
    """The predictions for the task of the run, of how many records, and where what was left out is counted."""
    from unrolled.data.readers.read_like_training import reopen
    from unrolled.data.records import Notes
    from unrolled.tasks.labels.load import load_records
    from unrolled.tasks.labels.predict import predictions
    from unrolled.tasks.language.load import task_of

    task = task_of(options.model)
    for name, own in _OF_TASK.items():
        if getattr(options, name) is not None and task != own:
            flag = name.replace("_", "-")
            raise UserError(f"--{flag} is for models that {own}, and {options.model} was trained for {task}")
    if task == "translate":
        from unrolled.cli.translations import translation_predictions

        return translation_predictions(options, progress)
    if task == "describe":
        from unrolled.cli.descriptions import description_predictions

        return description_predictions(options, progress)
    if task == "forecast":
        from unrolled.cli.forecasts import forecast_predictions

        return forecast_predictions(options)
    if task == "language":
        raise UserError(
            f"{options.model} is a language model; unrolled generate lets it write, unrolled evaluate judges text by it"
        )
    loaded = load_records(options.model)
    notes = Notes()
    source = reopen(options.files, loaded.recipe, notes, labelled=False)

    def report(done: int, total: int) -> None:
        progress.work("predicting", done, total, unit=" records")

    return predictions(loaded, source, report, notes), len(source), notes
