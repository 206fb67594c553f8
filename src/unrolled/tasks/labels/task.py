"""The tasks that answer for a record or for each of its steps: classify, regress, tag."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from unrolled.tasks.task import Delay, LiveStream, Prepared, Task, Trained

if TYPE_CHECKING:
    from unrolled.tasks.choose_reading import Opened
    from unrolled.tasks.labels.dataset import Dataset
    from unrolled.tasks.labels.trained import TrainedRecords
    from unrolled.tasks.reads import Reads
    from unrolled.training.progress import Progress
    from unrolled.training.run_training import Beginning


class RecordTask(Task):
    """What the tasks that answer about records have in common. Data in memory comes as a `Dataset`, encoded already."""

    looks_ahead = True

    def prepare(self, opened: "Opened | Dataset", start: "Beginning", progress: "Progress") -> Prepared:
        from unrolled.tasks.choose_reading import Opened
        from unrolled.tasks.labels.dataset import prepare_opened
        from unrolled.tasks.labels.train import PreparedRecords
        from unrolled.tasks.word_vectors import words_wanted

        data = words_wanted(start.data, start.model)
        if isinstance(opened, Opened):
            opened = prepare_opened(
                opened,
                data,
                seed=start.config.seed,
                progress=lambda label, done, total: progress.work(label, done, total, unit=" records"),
            )
        return PreparedRecords(opened, (data, start.model, start.config))

    def load(self, folder: Path) -> Trained:
        from unrolled.tasks.labels.trained import TrainedRecords

        return TrainedRecords(folder)

    def delay(self, trained: Trained) -> Delay | None:
        from unrolled.errors import UserError
        from unrolled.tasks.labels.stream import RecordStream

        loaded = cast("TrainedRecords", trained).loaded
        try:
            stream = RecordStream(loaded.model, loaded.recipe.inputs)
        except UserError:
            return None
        return Delay(stream.delay_steps(), stream.delay() or None)

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

    def reads(self) -> "Reads":
        from unrolled.tasks.labels.reads import ReadsClasses

        return ReadsClasses()


class Regress(RecordTask):
    """A number, or several, for each record."""

    name = "regress"
    models = "models that regress"
    title = "A model that can regress"
    estimator = "SequenceRegressor"

    def reads(self) -> "Reads":
        from unrolled.tasks.labels.reads import ReadsNumbers

        return ReadsNumbers()


class Tag(RecordTask):
    """A label, a number or an event for each step."""

    name = "tag"
    models = "models that tag"
    title = "A model that can tag"
    estimator = "SequenceTagger"

    def reads(self) -> "Reads":
        from unrolled.tasks.labels.reads import ReadsSteps

        return ReadsSteps()
