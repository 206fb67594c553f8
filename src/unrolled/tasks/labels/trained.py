"""A trained model of records: what verbs and estimators need of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from unrolled.data.feeds.examples import Examples
from unrolled.data.readers.read_like_training import reopen
from unrolled.data.records import Notes
from unrolled.models.records import RecordNetwork
from unrolled.plural import counted, rounded
from unrolled.scoring.names import metric_in_words
from unrolled.tasks.labels.dataset import encode_part, own_part
from unrolled.tasks.labels.early import early_chart, early_scores, early_words
from unrolled.tasks.labels.load import load_records
from unrolled.tasks.labels.predict import predictions
from unrolled.tasks.labels.scores import RecordScores
from unrolled.tasks.predictions import Predictions
from unrolled.tasks.run_data import data_of_run, held_out, split_of_run
from unrolled.tasks.task import Figures, Judgement, Part, Prepared, Samples

if TYPE_CHECKING:
    from unrolled.training.progress import Progress


class TrainedRecords:
    """A model that answers for each record or each of its steps; a part's content are its encoded records."""

    def __init__(self, folder: Path) -> None:
        self.loaded, self.folder = load_records(folder), folder

    @property
    def network(self) -> RecordNetwork:
        return self.loaded.model.network

    def own_parts(self, wanted: str, notes: Notes, progress: "Progress") -> list[Part]:
        files, data, seed = data_of_run(self.folder)
        split = split_of_run(self.folder)
        names = held_out(wanted, split, self.folder)
        encoding = self.loaded.model.encoding
        return [
            Part(name, f"{name} part", own_part(files, data, encoding, name, seed=seed, split=split, notes=notes))
            for name in names
        ]

    def read(self, files: list[str], notes: Notes, progress: "Progress", labels: str | None = None) -> Part:
        recipe = self.loaded.recipe
        source = reopen(files, recipe, notes, labelled=True, labels=labels)

        def report(done: int) -> None:
            progress.work("reading", done, len(source), unit=" records")

        everything = range(len(source))
        group = recipe.reading.group
        part = encode_part(source, everything, self.loaded.model.encoding, notes, "the file", report, group=group)
        return Part("file", ", ".join(files), part)

    def score(self, part: Part, notes: Notes, progress: "Progress", **options: Any) -> Judgement:
        examples: Examples = part.content
        model = self.loaded.model
        model.encoding.target.require_known(examples, part.shown)
        answers = model.answers(examples, lambda done, total: progress.work("evaluating", done, total, unit=""))
        scores = model.encoding.target.judge(examples, answers, self.loaded.naive)
        early = early_scores(model, examples, answers)
        remarks = [_remark(scores), *([] if early is None else [early_words(early)])]
        values = scores.to_json() | ({} if early is None else {"early": early})
        return Judgement(values, _tiles(scores), remarks, answers)

    def show(self, prepared: Prepared, judged: list[tuple[Part, Judgement]], seed: int) -> tuple[Samples, Figures]:
        if not judged:
            return [], []
        part, judgement = judged[-1]
        answers: list[np.ndarray] = judgement.evidence
        encoding = self.loaded.model.encoding
        pictures = encoding.target.pictures(part.content, answers, encoding)
        early = judgement.scores.get("early")
        return [], pictures + ([] if early is None else [("Answers while a record comes", early_chart(early))])

    def predict(self, files: list[str], notes: Notes, progress: "Progress", **options: Any) -> tuple[Predictions, int]:
        source = reopen(files, self.loaded.recipe, notes, labelled=False)

        def report(done: int, total: int) -> None:
            progress.work("predicting", done, total, unit=" records")

        return predictions(self.loaded, source, report, notes), len(source)


def _tiles(scores: RecordScores) -> dict[str, str]:
    tiles = {}
    for metric in scores.metrics.values():
        naive = scores.baseline.get(metric.name)
        beside = "" if naive is None else f", baseline {rounded(naive.value)}"
        tiles[metric_in_words(metric.name)] = f"{metric}{beside}"
    if scores.groups is not None:
        tiles["intervals"] = f"over {counted(scores.groups, 'group')}"
    if scores.baseline_name:
        tiles["baseline"] = scores.baseline_name
    return tiles


def _remark(scores: RecordScores) -> str:
    missing = f", {scores.unscored:,} without a known label" if scores.unscored else ""
    groups = "" if scores.groups is None else f"; intervals over {counted(scores.groups, 'group')}"
    baseline = f"; baseline: {scores.baseline_name}" if scores.baseline_name else ""
    return f"{scores.count:,} scored{missing}{groups}{baseline}"
