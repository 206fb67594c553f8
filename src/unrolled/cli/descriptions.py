"""What the verbs say and do where the model writes sequences for labels and numbers."""

import sys
import time
from argparse import Namespace
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from unrolled.errors import UserError
from unrolled.tasks.sampling_config import Sampling
from unrolled.visible import say

if TYPE_CHECKING:
    from unrolled.data.records import Notes
    from unrolled.tasks.describe.load import LoadedDescription
    from unrolled.tasks.describe.sequences import Descriptions
    from unrolled.tasks.prediction_tables import Predictions
    from unrolled.training.progress import Progress


def generate_descriptions(options: Namespace, sampling: Sampling) -> dict[str, Any]:
    """`unrolled generate RUN --given NAME=VALUE`: sequences for what is given."""
    if options.prompt:
        raise UserError("--prompt is for language models; say with --given NAME=VALUE what to write")
    if sampling.repetition_penalty != 1:
        raise UserError("--repetition_penalty is for language models; leave it out")
    from unrolled.tasks.describe.given import condition_of
    from unrolled.tasks.describe.load import load_description
    from unrolled.tasks.describe.write import describe, usual_sampling

    loaded = load_description(options.model)
    if options.temperature is None:
        sampling = replace(sampling, temperature=usual_sampling(loaded).temperature)
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
    from unrolled.data.readers.read_like_training import reopen
    from unrolled.data.records import Notes
    from unrolled.tasks.describe.load import load_description
    from unrolled.tasks.describe.write import description_rows, usual_sampling

    loaded, notes = load_description(options.model), Notes()
    source = reopen(options.files, loaded.recipe, notes, labelled=False)

    def report(done: int) -> None:
        progress.work("writing", done, len(source), unit=" records")

    found = description_rows(loaded, source, sampling=usual_sampling(loaded), notes=notes, progress=report)
    return found, len(source), notes


def evaluate_description(options: Namespace) -> dict[str, Any]:
    """`unrolled evaluate RUN [FILE...]`: how well the model expects the sequences of records."""
    from unrolled.cli.train import scores_line
    from unrolled.data.records import Notes
    from unrolled.tasks.describe.load import load_description
    from unrolled.tasks.describe.scores import judge_descriptions

    loaded, notes = load_description(options.model), Notes()
    result: dict[str, Any] = {"task": "describe", "model": str(loaded.folder)}
    for name, shown, part in _parts(options, loaded, notes):
        scores = judge_descriptions(loaded.network, part, loaded.counts)
        say(f"{shown}: {scores_line(scores)}")
        say(f"{len(part):,} records scored; baseline: {scores['baseline']['name']}")
        result[name] = scores
    for line in notes.lines():
        say(line, file=sys.stderr)
    return result | {"notes": notes.lines()}


def _parts(options: Namespace, loaded: "LoadedDescription", notes: "Notes") -> "list[tuple[str, str, Descriptions]]":
    """What to judge: name in the result, name for people, records."""
    from unrolled.data.readers.read_like_training import reopen
    from unrolled.tasks.describe.sequences import Descriptions

    if not options.files:
        return _own_parts(options.part, loaded)
    part = Descriptions(loaded.encoding, longest=loaded.network.context, notes=notes, part="the file")
    for record in reopen(options.files, loaded.recipe, notes, labelled=True, labels=options.labels):
        part.append(record)
    if not len(part):
        raise UserError(f"{', '.join(options.files)} has no {loaded.encoding.written.field} to judge")
    return [("file", ", ".join(options.files), part)]


def _own_parts(wanted: str, loaded: "LoadedDescription") -> "list[tuple[str, str, Descriptions]]":
    """The parts of the data that a run was trained with: the one wanted, or all that were held out."""
    from unrolled.tasks.describe.data import prepare_descriptions
    from unrolled.tasks.run_data import data_of_run, held_out, split_of_run

    files, data, seed = data_of_run(loaded.folder)
    split = split_of_run(loaded.folder)
    found = prepare_descriptions(files, data, seed=seed)
    if found.split != split or found.encoding.to_text() != loaded.encoding.to_text():
        raise UserError(
            f"the records of the run ({', '.join(files)}) have changed since, so its parts are others now; "
            "name the files to judge"
        )
    names = held_out(wanted, found.parts, loaded.folder)
    if names[0] not in found.parts:
        raise UserError(f"the run has no {names[0]} part; it has {', '.join(found.parts)}")
    return [(name, f"{name} part", found.parts[name]) for name in names]
