"""The task that says what is said: a text for a signal, without knowing when each letter comes."""

from unrolled.tasks.labels.task import RecordTask


class Transcribe(RecordTask):
    """A text for each record, by connectionist temporal classification."""

    name = "transcribe"
    models = "models that transcribe"
    title = "A model that can transcribe"
    estimator = "Transcriber"
