"""`unrolled evaluate RUN FILE...` for models of records."""

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from unrolled.cli.train import scores_line
from unrolled.plural import counted
from unrolled.visible import say

if TYPE_CHECKING:
    from unrolled.data.feeds.examples import Examples
    from unrolled.data.records import Notes
    from unrolled.tasks.labels.load import LoadedRecords
    from unrolled.training.progress import Progress


def evaluate_records(options: Namespace) -> dict[str, Any]:
    from unrolled.data.records import Notes
    from unrolled.tasks.labels.evaluate import judge, require_labels, scores_as_json
    from unrolled.tasks.labels.load import load_records
    from unrolled.training.progress import Progress

    loaded = load_records(options.model)
    notes = Notes()
    result: dict[str, Any] = {"task": loaded.model.encoding.task, "model": str(loaded.folder)}
    with Progress() as progress:
        for name, shown, part in _parts(options, loaded, notes, progress):
            require_labels(loaded.model, part, shown)
            scores, _ = judge(
                loaded.model, part, loaded.naive, lambda done, total: progress.work("evaluating", done, total, unit="")
            )
            result[name] = scores_as_json(scores)
            say(f"{shown}: {scores_line(result[name])}")
            _say_baseline(result[name])
    result["notes"] = notes.lines()
    for line in result["notes"]:
        say(line, file=sys.stderr)
    return result


def _say_baseline(scores: dict[str, Any]) -> None:
    missing = f", {scores['unscored']:,} without a known label" if scores["unscored"] else ""
    name = scores["baseline"]["name"]
    groups = "" if scores["groups"] is None else f"; intervals over {counted(scores['groups'], 'group')}"
    say(f"{scores['count']:,} scored{missing}{groups}" + (f"; baseline: {name}" if name else ""))


def _parts(
    options: Namespace, loaded: "LoadedRecords", notes: "Notes", progress: "Progress"
) -> "list[tuple[str, str, Examples]]":
    """What to judge: name in the result, name for people, records."""
    from unrolled.data.readers.read_like_training import reopen
    from unrolled.tasks.labels.dataset import encode_part

    if not options.files:
        return [(name, f"{name} part", part) for name, part in _own_parts(options.part, loaded, notes)]
    source = reopen(options.files, loaded.recipe, notes, labelled=True, labels=options.labels)

    def report(done: int) -> None:
        progress.work("reading", done, len(source), unit=" records")

    group = loaded.recipe.reading.group
    part = encode_part(source, range(len(source)), loaded.model.encoding, notes, "the file", report, group=group)
    return [("file", ", ".join(options.files), part)]


def _own_parts(wanted: str, loaded: "LoadedRecords", notes: "Notes") -> "list[tuple[str, Examples]]":
    """The parts of the data that a run was trained with: the one wanted, or all that were held out."""
    from unrolled.tasks.labels.dataset import own_part
    from unrolled.tasks.run_data import data_of_run, held_out, split_of_run

    files, data, seed = data_of_run(loaded.folder)
    split = split_of_run(loaded.folder)
    names = held_out(wanted, split, loaded.folder)
    encoding = loaded.model.encoding
    return [(name, own_part(files, data, encoding, name, seed=seed, split=split, notes=notes)) for name in names]
