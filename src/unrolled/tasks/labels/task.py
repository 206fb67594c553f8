"""The tasks that answer for a record or for each of its steps: classify, regress, tag."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from unrolled.tasks.task import LiveStream, Prepared, Task, Trained

if TYPE_CHECKING:
    from unrolled.data.config import DataConfig
    from unrolled.tasks.labels.dataset import Dataset
    from unrolled.training.progress import Progress
    from unrolled.training.run_training import Beginning


class Files(NamedTuple):
    """Files of records."""

    paths: list[str]
    task: str | None
    """None where their fields are to say it"""


class RecordTask(Task):
    """What the tasks that answer about records have in common. Data in memory comes as a `Dataset`, encoded already."""

    def open(self, files: list[str], data: "DataConfig") -> Files:
        return Files(files, self.name)

    def prepare(self, opened: "Files | Dataset", start: "Beginning", progress: "Progress") -> Prepared:
        from unrolled.tasks.labels.dataset import prepare_records
        from unrolled.tasks.labels.train import PreparedRecords
        from unrolled.tasks.word_vectors import words_wanted

        data = words_wanted(start.data, start.model)
        if isinstance(opened, Files):
            opened = prepare_records(
                opened.paths,
                data,
                task=opened.task,
                seed=start.config.seed,
                progress=lambda label, done, total: progress.work(label, done, total, unit=" records"),
            )
        return PreparedRecords(opened, (data, start.model, start.config))

    def load(self, folder: Path) -> Trained:
        from unrolled.tasks.labels.trained import TrainedRecords

        return TrainedRecords(folder)

    def stream(self, folder: Path, **options: Any) -> LiveStream:
        from unrolled.tasks.labels.load import load_records
        from unrolled.tasks.labels.stream import RecordStream

        loaded = load_records(folder)
        return RecordStream(loaded.model, loaded.recipe.inputs)


class Classify(RecordTask):
    """A label, or several, for each record."""

    name = "classify"
    models = "models that classify"
    title = "A model that can classify"
    estimator = "SequenceClassifier"

    def suggested_by(self, files: list[str], data: "DataConfig") -> Files:
        """Files of which no other task is sure: their fields say which task on records it is."""
        return Files(files, None)


class Regress(RecordTask):
    """A number, or several, for each record."""

    name = "regress"
    models = "models that regress"
    title = "A model that can regress"
    estimator = "SequenceRegressor"


class Tag(RecordTask):
    """A label, a number or an event for each step."""

    name = "tag"
    models = "models that tag"
    title = "A model that can tag"
    estimator = "SequenceTagger"
