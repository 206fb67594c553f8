"""What the verbs say and do where the model translates."""

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from unrolled.errors import UserError
from unrolled.visible import say

if TYPE_CHECKING:
    from unrolled.data.records import Notes
    from unrolled.tasks.prediction_tables import Predictions
    from unrolled.tasks.translate.load import LoadedTranslation
    from unrolled.training.progress import Progress


def translation_predictions(options: Namespace, progress: "Progress") -> "tuple[Predictions, int, Notes]":
    """`unrolled predict RUN FILE...`: the translations, of how many texts, and where what was left out is counted."""
    if options.beams is not None and options.beams < 1:
        raise UserError(f"--beams is {options.beams}, which must be at least 1")
    from unrolled.data.records import Notes
    from unrolled.tasks.translate.load import load_translation
    from unrolled.tasks.translate.source_texts import read_source_texts
    from unrolled.tasks.translate.translate import ALPHA, BEAMS, translation_rows

    loaded, notes = load_translation(options.model), Notes()
    if options.files == ["-"]:
        texts = _standard_input()
        count = len(texts)
        sources = iter(texts)
    else:
        count, sources = read_source_texts(options.files, loaded.encoding.source_field, notes)
    found = translation_rows(
        loaded,
        sources,
        beams=BEAMS if options.beams is None else options.beams,
        alpha=ALPHA if options.length_penalty is None else options.length_penalty,
        notes=notes,
        progress=lambda done: progress.work("translating", done, count, unit=" texts"),
    )
    return found, count, notes


def _standard_input() -> list[str]:
    lines = sys.stdin.buffer.read().split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    if not lines:
        raise UserError("standard input is empty; give a text a line")
    texts = []
    for number, line in enumerate(lines, start=1):
        try:
            texts.append(line.decode().strip())
        except UnicodeDecodeError as error:
            raise UserError(
                f"standard input, line {number}: byte 0x{line[error.start]:02x} is not UTF-8; convert it with iconv"
            ) from None
    return texts


def evaluate_translation(options: Namespace) -> dict[str, Any]:
    """`unrolled evaluate RUN [FILE...]`: BLEU and chrF on pairs of texts."""
    from unrolled.cli.train import scores_line
    from unrolled.data.records import Notes
    from unrolled.tasks.translate.load import load_translation
    from unrolled.tasks.translate.translate import judge_translations, translate_texts
    from unrolled.training.progress import Progress

    loaded, notes = load_translation(options.model), Notes()
    result: dict[str, Any] = {"task": "translate", "model": str(loaded.folder)}
    with Progress() as progress:
        for name, shown, pairs in _parts(options, loaded, notes):
            said = []
            for one in translate_texts(loaded, [source for source, _ in pairs], notes=notes):
                said.append(one.text)
                progress.work("translating", len(said), len(pairs), unit=" texts")
            result[name] = judge_translations(pairs, said)
            say(f"{shown}: {scores_line(result[name])}")
            for metric, values in result[name]["metrics"].items():
                say(f"  {metric}: {values['note']}")
            say(f"{len(pairs):,} pairs scored; baseline: {result[name]['baseline']['name']}")
    result["notes"] = notes.lines()
    for line in result["notes"]:
        say(line, file=sys.stderr)
    return result


def _parts(
    options: Namespace, loaded: "LoadedTranslation", notes: "Notes"
) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """What to judge: name in the result, name for people, pairs."""
    encoding = loaded.encoding
    if options.files:
        from unrolled.data.readers.read_like_training import reopen

        source = reopen(options.files, loaded.recipe, notes, labelled=True)
        values = (record.values for record in source)
        pairs = [(one[encoding.source_field], one[encoding.target_field]) for one in values]
        return [("file", ", ".join(options.files), pairs)]
    from unrolled.tasks.run_data import data_of_run, split_of_run
    from unrolled.tasks.translate.data import own_pairs

    run = data_of_run(loaded.folder)
    parts = own_pairs(run.files, run.data, seed=run.seed, split=split_of_run(loaded.folder))
    names = [name for name in parts if name != "train"] if options.part == "auto" else [options.part]
    if not names or names[0] not in parts:
        what = "part held out" if options.part == "auto" else f"{options.part} part"
        raise UserError(f"the run has no {what}; it has {', '.join(parts)}; name files to judge")
    return [(name, f"{name} part", parts[name]) for name in names]
