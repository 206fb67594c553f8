"""The task that writes one text for another."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from unrolled.tasks.task import LiveStream, Prepared, Task, Trained, VerbOption

if TYPE_CHECKING:
    from unrolled.tasks.choose_reading import Opened
    from unrolled.tasks.reads import Reads
    from unrolled.training.progress import Progress
    from unrolled.training.run_training import Beginning


class Translate(Task):
    """A text for a text, token by token."""

    name = "translate"
    models = "models that translate"
    title = "A translation model"
    estimator = "Translator"
    pipeline = "translation"
    noun = "text"
    usage = ("predict . FILE -o translations.csv", "evaluate . FILE")
    example = 'print(model.predict(["..."]))'
    families = ("rnn", "lstm", "gru", "transformer")
    input_kinds = ("text",)
    options: ClassVar[Mapping[str, Sequence[VerbOption]]] = {
        "predict": (
            VerbOption(
                ("--beams",),
                int | None,
                None,
                "how many translations are followed side by side; by default 4",
            ),
            VerbOption(
                ("--length-penalty", "--length_penalty"),
                float | None,
                None,
                "the larger, the longer the translations that are preferred; by default 0.6, and 0 is none",
            ),
        )
    }

    def reads(self) -> "Reads":
        from unrolled.tasks.translate.reads import ReadsPairs

        return ReadsPairs()

    def prepare(self, opened: "Opened", start: "Beginning", progress: "Progress") -> Prepared:
        from unrolled.tasks.translate.data import prepare_pairs
        from unrolled.tasks.translate.train import PreparedPairs

        pairs = prepare_pairs(opened, start.data, seed=start.config.seed)
        return PreparedPairs(pairs, (start.data, start.model, start.config))

    def load(self, folder: Path) -> Trained:
        from unrolled.tasks.translate.trained import TrainedTranslation

        return TrainedTranslation(folder)

    def stream(self, folder: Path, **options: Any) -> LiveStream:
        from unrolled.tasks.translate.load import load_translation
        from unrolled.tasks.translate.stream import write
        from unrolled.tasks.written_stream import WrittenStream

        loaded = load_translation(folder)
        return WrittenStream(loaded.network, lambda request: write(loaded, request), '{"source": "..."}')

    def model_line(self, settings: Any) -> str:
        return f", {settings.attention} attention"
