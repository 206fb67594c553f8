"""What the verbs say and do where the model writes sequences for labels and numbers."""

import sys
import time
from typing import TYPE_CHECKING, Any

from jsonargparse import Namespace

from unrolled.errors import UserError
from unrolled.inference.config import Sampling

if TYPE_CHECKING:
    from unrolled.data.records import Notes
    from unrolled.inference.predict import Predictions
    from unrolled.training.progress import Progress


def generate_descriptions(options: Namespace, sampling: Sampling) -> dict[str, Any]:
    """`unrolled generate RUN --given NAME=VALUE`: sequences for what is given."""
    if options.prompt:
        raise UserError("--prompt is for language models; say with --given NAME=VALUE what to write")
    if sampling.repetition_penalty != 1:
        raise UserError("--repetition_penalty is for language models; leave it out")
    from unrolled.inference.describe import describe
    from unrolled.inference.description_given import condition_of
    from unrolled.inference.description_loading import load_description

    loaded = load_description(options.model)
    conditions = [condition_of(loaded, options.given)] * options.samples
    started = time.perf_counter()
    found = describe(loaded, conditions, sampling=sampling, seed=options.seed, max_length=options.length)
    for number, one in enumerate(found, start=1):
        if options.samples > 1:
            print(f"--- {number} ---")
        print(one if isinstance(one, str) else " ".join(map(str, one)))
    return {"given": list(options.given), "sequences": found, "seconds": time.perf_counter() - started}


def description_predictions(options: Namespace, progress: "Progress") -> "tuple[Predictions, int, Notes]":
    """`unrolled predict RUN FILE...`: a sequence for each record, and where what was left out is counted."""
    from unrolled.data.records import Notes
    from unrolled.data.reopening import reopen
    from unrolled.inference.describe import description_rows, usual_sampling
    from unrolled.inference.description_loading import load_description

    loaded, notes = load_description(options.model), Notes()
    source = reopen(options.files, loaded.recipe, notes, labelled=False)

    def report(done: int) -> None:
        progress.work("writing", done, len(source), unit=" records")

    found = description_rows(loaded, source, sampling=usual_sampling(loaded), notes=notes, progress=report)
    return found, len(source), notes


def evaluate_description(options: Namespace) -> dict[str, Any]:
    """`unrolled evaluate RUN FILE...`: how well the model expects the sequences of records."""
    from unrolled.cli.train import scores_line
    from unrolled.data.descriptions import Descriptions
    from unrolled.data.records import Notes
    from unrolled.data.reopening import reopen
    from unrolled.inference.description_loading import load_description
    from unrolled.inference.description_scores import judge_descriptions

    if not options.files:
        raise UserError(
            "the scores of the run's own parts stand in its log.txt and report.html; to judge others name their files"
        )
    loaded, notes = load_description(options.model), Notes()
    part = Descriptions(loaded.encoding, longest=loaded.network.context, notes=notes, part="the file")
    for record in reopen(options.files, loaded.recipe, notes, labelled=True):
        part.append(record)
    if not len(part):
        raise UserError(f"{', '.join(options.files)} has no {loaded.encoding.written.field} to judge")
    scores = judge_descriptions(loaded.network, part, loaded.counts)
    print(f"{', '.join(options.files)}: {scores_line(scores)}")
    print(f"{len(part):,} records scored; baseline: {scores['baseline']['name']}")
    for line in notes.lines():
        print(line, file=sys.stderr)
    return {"task": "describe", "model": str(loaded.folder), "file": scores, "notes": notes.lines()}
