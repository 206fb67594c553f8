"""A trained model that writes sequences for what is known of them: what verbs and estimators need of it."""

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from unrolled.data.readers.read_like_training import reopen
from unrolled.data.records import Notes
from unrolled.errors import UserError
from unrolled.reports.charts import Curve, TickRow, line_chart
from unrolled.tasks.choose_reading import open_files
from unrolled.tasks.describe.data import prepare_descriptions
from unrolled.tasks.describe.given import known_in_words
from unrolled.tasks.describe.load import LoadedDescription, load_description
from unrolled.tasks.describe.network import DescriptionNetwork
from unrolled.tasks.describe.output_sequences import WrittenLevels
from unrolled.tasks.describe.scores import judge_descriptions
from unrolled.tasks.describe.sequences import END, Descriptions
from unrolled.tasks.describe.write import describe, description_rows, usual_sampling
from unrolled.tasks.predictions import Predictions
from unrolled.tasks.run_data import data_of_run, held_out, split_of_run
from unrolled.tasks.task import Figures, Judgement, Part, Prepared, Samples

if TYPE_CHECKING:
    from unrolled.tasks.describe.train import PreparedDescriptions
    from unrolled.training.progress import Progress

SHOWN = 6
"""Kinds of records of which samples are shown."""
SAMPLE_TOKENS = 400


class TrainedDescription:
    """A model that describes; a part's content are `Descriptions`."""

    def __init__(self, folder: Path) -> None:
        self.loaded, self.folder = load_description(folder), folder

    @property
    def network(self) -> DescriptionNetwork:
        return self.loaded.network

    def own_parts(self, wanted: str, notes: Notes, progress: "Progress") -> list[Part]:
        files, data, seed = data_of_run(self.folder)
        sequences = prepare_descriptions(open_files(files, data, "describe"), data, seed=seed)
        changed = sequences.encoding.to_text() != self.loaded.encoding.to_text()
        if changed or sequences.split != split_of_run(self.folder):
            raise UserError(
                f"the records of the run ({', '.join(files)}) have changed since, so its parts are others now; "
                "name the files to judge"
            )
        names = held_out(wanted, sequences.parts, self.folder)
        if names[0] not in sequences.parts:
            raise UserError(f"the run has no {names[0]} part; it has {', '.join(sequences.parts)}")
        return [Part(name, f"{name} part", sequences.parts[name]) for name in names]

    def read(self, files: list[str], notes: Notes, progress: "Progress", labels: str | None = None) -> Part:
        loaded = self.loaded
        part = Descriptions(loaded.encoding, longest=loaded.network.context, notes=notes, part="the file")
        for record in reopen(files, loaded.recipe, notes, labelled=True, labels=labels):
            part.append(record)
        if not len(part):
            raise UserError(f"{', '.join(files)} has no {loaded.encoding.written.field} to judge")
        return Part("file", ", ".join(files), part)

    def score(self, part: Part, notes: Notes, progress: "Progress", **options: Any) -> Judgement:
        scores = judge_descriptions(self.network, part.content, self.loaded.counts)
        tiles = {
            metric: f"{values['value']:.4g}, baseline {scores['baseline'][metric]['value']:.4g}"
            for metric, values in scores["metrics"].items()
        }
        remark = f"{len(part.content):,} records scored; baseline: {scores['baseline']['name']}"
        return Judgement(scores, tiles, [remark])

    def show(self, prepared: Prepared, judged: list[tuple[Part, Judgement]], seed: int) -> tuple[Samples, Figures]:
        parts = cast("PreparedDescriptions", prepared).sequences.parts
        return _samples(self.loaded, list(parts.values())[-1])

    def predict(self, files: list[str], notes: Notes, progress: "Progress", **options: Any) -> tuple[Predictions, int]:
        source = reopen(files, self.loaded.recipe, notes, labelled=False)

        def report(done: int) -> None:
            progress.work("writing", done, len(source), unit=" records")

        sampling = usual_sampling(self.loaded)
        rows = description_rows(self.loaded, source, sampling=sampling, notes=notes, progress=report)
        return rows, len(source)


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
        texts = [" ".join(sequence) if isinstance(sequence, list) else sequence for sequence in written]
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
