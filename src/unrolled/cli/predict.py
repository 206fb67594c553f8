"""`unrolled predict RUN FILE... -o OUT`"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser, Namespace

from unrolled.errors import UserError

if TYPE_CHECKING:
    from unrolled.inference.predict import Predictions
    from unrolled.training.progress import Progress


def add_arguments(parser: ArgumentParser) -> None:
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
        "--horizon",
        type=int | None,
        help="steps ahead of the end of each series (forecast); by default as in training, beyond that its own "
        "forecasts are fed back",
    )


def run(options: Namespace) -> dict[str, Any]:
    from unrolled.inference.prediction_tables import check_output, json_lines, write_predictions
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
            for line in json_lines(found):
                print(line)
                count += 1
    for line in notes:
        print(line, file=sys.stderr)
    if options.output is not None:
        print(f"wrote {options.output}: {count:,} rows for {records:,} records")
    return {"output": options.output, "records": records, "rows": count, "columns": list(found.columns), "notes": notes}


def _predictions(options: Namespace, progress: "Progress") -> "tuple[Predictions, int, list[str]]":
    """The predictions for the task of the run, of how many records, and what was left out."""
    from unrolled.data.records import Notes
    from unrolled.data.reopening import reopen
    from unrolled.inference.loading import task_of
    from unrolled.inference.predict import predictions
    from unrolled.inference.record_loading import load_records

    task = task_of(options.model)
    if task == "forecast":
        from unrolled.cli.forecasts import forecast_predictions

        return forecast_predictions(options)
    if options.horizon is not None:
        raise UserError(f"--horizon is for models that forecast, and {options.model} was trained to {task}")
    if task == "language":
        raise UserError(
            f"{options.model} is a language model; unrolled generate lets it write, unrolled evaluate judges text by it"
        )
    loaded = load_records(options.model)
    notes = Notes()
    source = reopen(options.files, loaded.recipe, notes, labelled=False)

    def report(done: int, total: int) -> None:
        progress.work("predicting", done, total, unit=" records")

    return predictions(loaded, source, report), len(source), notes.lines()
