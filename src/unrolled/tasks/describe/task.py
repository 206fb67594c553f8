"""The task that writes a sequence for what is known of it: one to many."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from unrolled.tasks.task import LiveStream, Prepared, Task, Trained, VerbOption, Writing

if TYPE_CHECKING:
    from unrolled.tasks.choose_reading import Opened
    from unrolled.tasks.describe.trained import TrainedDescription
    from unrolled.tasks.reads import Reads
    from unrolled.training.progress import Progress
    from unrolled.training.run_training import Beginning


class Describe(Task):
    """A sequence for labels and numbers."""

    name = "describe"
    models = "models that describe"
    title = "A model that writes sequences for labels and numbers"
    estimator = "SequenceDescriber"
    usage = ("generate . --given NAME=VALUE", "predict . FILE -o sequences.csv")
    after_training = "generate RUN --given NAME=VALUE"
    families = ("rnn", "lstm", "gru", "transformer", "convolution", "feedforward")
    input_kinds = ("numeric", "categorical", "text")
    options: ClassVar[Mapping[str, Sequence[VerbOption]]] = {
        "stream": (VerbOption(("--seed",), int, 0, "of what is drawn; the same seed writes the same"),),
        "generate": (
            VerbOption(
                ("--given",),
                list[str],
                [],
                "what is known of the sequence to write, such as style=jig; once for each field",
                "NAME=VALUE",
            ),
        ),
    }

    def reads(self) -> "Reads":
        from unrolled.tasks.describe.reads import ReadsSequences

        return ReadsSequences()

    def prepare(self, opened: "Opened", start: "Beginning", progress: "Progress") -> Prepared:
        from unrolled.tasks.describe.data import prepare_descriptions
        from unrolled.tasks.describe.train import PreparedDescriptions

        sequences = prepare_descriptions(opened, start.data, seed=start.config.seed)
        return PreparedDescriptions(sequences, (start.data, start.model, start.config))

    def load(self, folder: Path) -> Trained:
        from unrolled.tasks.describe.trained import TrainedDescription

        return TrainedDescription(folder)

    def stream(self, folder: Path, *, seed: int = 0, **options: Any) -> LiveStream:
        from unrolled.tasks.describe.load import load_description
        from unrolled.tasks.describe.stream import write
        from unrolled.tasks.written_stream import WrittenStream

        loaded = load_description(folder)
        names = [name for field in loaded.recipe.inputs for name in (field.channels or (field.name,))]
        example = json.dumps(dict.fromkeys(names, "..."), ensure_ascii=False)
        return WrittenStream(loaded.network, lambda request: write(loaded, request, seed=seed), example)

    def write(
        self,
        trained: Trained,
        *,
        length: int | None,
        samples: int,
        seed: int | None,
        given: Sequence[str] = (),
        **sampling: Any,
    ) -> Writing:
        """Whole sequences, by default as long as the longest of training at most."""
        from unrolled.tasks.describe.given import condition_of
        from unrolled.tasks.describe.write import describe, usual_sampling

        loaded = cast("TrainedDescription", trained).loaded
        usual = usual_sampling(loaded)
        chosen = replace(usual, **{name: value for name, value in sampling.items() if value is not None})
        conditions = [condition_of(loaded, given)] * samples
        result: dict[str, Any] = {"given": list(given)}

        def pieces() -> Iterator[list[str]]:
            result["sequences"] = describe(loaded, conditions, sampling=chosen, seed=seed, max_length=length)
            yield [
                sequence if isinstance(sequence, str) else " ".join(map(str, sequence))
                for sequence in result["sequences"]
            ]

        return Writing("", pieces(), result)
