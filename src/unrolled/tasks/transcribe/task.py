"""The task that says what is said: a text for a signal, without knowing when each letter comes."""

from typing import TYPE_CHECKING

from unrolled.tasks.labels.task import RecordTask

if TYPE_CHECKING:
    from unrolled.tasks.reads import Reads


class Transcribe(RecordTask):
    """A text for each record, by connectionist temporal classification."""

    name = "transcribe"
    models = "models that transcribe"
    title = "A model that can transcribe"
    estimator = "Transcriber"

    def reads(self) -> "Reads":
        from unrolled.tasks.transcribe.reads import ReadsTranscripts

        return ReadsTranscripts()
