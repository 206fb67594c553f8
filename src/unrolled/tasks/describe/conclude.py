"""The end of a run that describes: the best model judged, and samples for what the records say of themselves."""

from html import escape
from pathlib import Path
from typing import Any

import torch

from unrolled.reports.charts import Curve, TickRow, line_chart
from unrolled.tasks.describe.data import DescriptionData
from unrolled.tasks.describe.given import known_in_words
from unrolled.tasks.describe.load import LoadedDescription, load_description
from unrolled.tasks.describe.output_sequences import WrittenLevels
from unrolled.tasks.describe.scores import judge_descriptions
from unrolled.tasks.describe.sequences import END, Descriptions
from unrolled.tasks.describe.write import describe, usual_sampling
from unrolled.tasks.end_of_run import facts_of_run, report_run
from unrolled.training.loop import Position
from unrolled.training.progress import Progress

SHOWN = 6
"""Kinds of records of which samples are shown."""
SAMPLE_TOKENS = 400


def conclude_description(
    folder: Path,
    found: DescriptionData,
    position: Position,
    settings: dict[str, Any],
    reason: str,
    progress: Progress,
    *,
    device: torch.device,
) -> dict[str, Any]:
    """Judge the best model on the held-out parts, write report.html, and return the result of the run."""
    loaded = load_description(folder / "best")
    loaded.network.to(device)
    progress.message(f"{reason}; evaluating the model of step {position.best_step:,}")
    result = facts_of_run(folder, "describe", position, reason, loaded.network)
    result |= {"tokens": position.tokens}
    summary: dict[str, Any] = {}
    for name, part in found.parts.items():
        if name == "train":
            continue
        result[name] = judge_descriptions(loaded.network, part, loaded.counts)
        shown = "validation" if name == "valid" else name
        for metric, values in result[name]["metrics"].items():
            naive = result[name]["baseline"][metric]["value"]
            summary[f"{shown} {metric}"] = f"{values['value']:.4g}, baseline {naive:.4g}"
    samples, pictures = _samples(loaded, list(found.parts.values())[-1])
    report_run(
        folder,
        found.summary,
        result,
        settings,
        summary,
        samples=samples,
        pictures=pictures,
    )
    return result


def _samples(loaded: LoadedDescription, part: Descriptions) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """For some records that differ in what is known of them: what was written, and for numbers a picture of it."""
    different: dict[str, int] = {}
    for number in range(len(part)):
        different.setdefault(known_in_words(loaded, part.condition(number)), number)
    chosen = dict(list(different.items())[:SHOWN])
    conditions = [part.condition(number) for number in chosen.values()]
    length = min(loaded.longest, SAMPLE_TOKENS)
    written = describe(loaded, conditions, sampling=usual_sampling(loaded), seed=0, max_length=length)
    if not isinstance(loaded.encoding.written, WrittenLevels):
        texts = [" ".join(one) if isinstance(one, list) else one for one in written]
        return [(f"{words}\n", text) for words, text in zip(chosen, texts, strict=True)], []
    pictures = []
    for (words, number), values in zip(chosen.items(), written, strict=True):
        tokens = [token for token in part.targets(number).tolist() if token != END]
        pictures.append((f"Written for {words}", _curves(loaded.encoding.written.decode(tokens), values, words)))
    return [], pictures


def _curves(real: list[float], written: list[float], words: str) -> str:
    curves = [
        Curve("a record of the data", range(len(real)), real, "train"),
        Curve("written", range(len(written)), written, "valid"),
    ]
    keys = '<p><span class="key">a record of the data</span><span class="key valid">written</span></p>'
    rows = [TickRow("step", lambda step: f"{step:,.6g}")]
    return keys + line_chart(curves, title=f"Written for {escape(words)}", rows=rows, height=240)
