"""The task that learns what comes next in text."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from unrolled.tasks.task import LiveStream, Prepared, Task, Trained, VerbOption, Writing

if TYPE_CHECKING:
    from unrolled.data.config import DataConfig
    from unrolled.tasks.language.trained import TrainedLanguage
    from unrolled.tasks.reads import Reads
    from unrolled.training.progress import Progress
    from unrolled.training.run_training import Beginning


class Language(Task):
    """The next token of a text."""

    name = "language"
    models = "language models"
    title = "A language model"
    estimator = "LanguageModel"
    pipeline = "text-generation"
    noun = "text"
    usage = ('generate . --prompt "..."', "evaluate . FILE", "stream .")
    example = 'print(model.generate("..."))'
    remark = "It learned from one text and repeats its errors, its views and pieces of it word for word."
    after_training = "generate RUN"
    families = ("rnn", "lstm", "gru", "transformer", "convolution", "feedforward")
    input_kinds = ("text",)
    options: ClassVar[Mapping[str, Sequence[VerbOption]]] = {
        "generate": (
            VerbOption(("--prompt",), str, "", "text to go on from"),
            VerbOption(("--repetition_penalty",), float, 1.0, "above 1 makes tokens already seen less likely"),
        ),
        "stream": (VerbOption(("--top",), int, 5, "likeliest next tokens to tell"),),
        "evaluate": (
            VerbOption(
                ("--policy",),
                Literal["auto", "carried", "sliding"],
                "auto",
                "how much past a token is given: carried reads the text once with the state carried; sliding moves a "
                "window of the trained context by the stride; auto is carried where the model can run on for ever and "
                "no stride is given",
            ),
            VerbOption(("--stride",), int | None, None, "steps a sliding window moves; by default half of it"),
            VerbOption(
                ("--streams",),
                int,
                1,
                "parallel streams of the carried policy: faster, each begins empty",
            ),
        ),
    }

    def reads(self) -> "Reads":
        from unrolled.tasks.language.reads import ReadsText

        return ReadsText()

    def open(self, files: list[str], data: "DataConfig") -> list[str]:
        return files

    def prepare(self, opened: list[str], start: "Beginning", progress: "Progress") -> Prepared:
        from unrolled.tasks.language.text_data import prepare_text
        from unrolled.tasks.language.train import PreparedText, require_causal
        from unrolled.tasks.word_vectors import read_vectors, words_wanted

        require_causal(start.model)
        data = words_wanted(start.data, start.model)
        text = prepare_text(opened, data, progress.work)
        vectors = read_vectors(start.model, [text.vocabulary.tokens], progress.work)
        return PreparedText(text, (data, start.model, start.config), vectors)

    def load(self, folder: Path) -> Trained:
        from unrolled.tasks.language.trained import TrainedLanguage

        return TrainedLanguage(folder)

    def stream(self, folder: Path, *, top: int = 5, **options: Any) -> LiveStream:
        from unrolled.tasks.language.load import load
        from unrolled.tasks.language.stream import LiveText

        loaded = load(folder)
        return LiveText(loaded.network, loaded.vocabulary, top=top)

    def score_lines(self, scores: dict[str, Any]) -> list[str]:
        bits = "" if scores["bits_per_byte"] is None else f", {scores['bits_per_byte']:.4f} bits per byte"
        return [
            f"{scores['loss']:.4f} nats per token, perplexity {scores['perplexity']:.4g}{bits} ({scores['policy']})"
        ]

    def validation_line(self, scores: Any) -> str:
        return f"{scores.loss:.4f} nats per token, perplexity {scores.perplexity:.4g} ({scores.policy})"

    def as_result(self, part: str, scores: dict[str, Any]) -> dict[str, Any]:
        """Also without the name of the part, with a prefix for that of the test part."""
        prefix = "test_" if part == "test" else ""
        flat = {f"{prefix}{name}": value for name, value in (scores | {"evaluated": scores["policy"]}).items()}
        return {part: scores} | flat

    def write(
        self,
        trained: Trained,
        *,
        length: int | None,
        samples: int,
        seed: int | None,
        prompt: str = "",
        **sampling: Any,
    ) -> Writing:
        """Text that goes on from the prompt, by default 500 tokens of it."""
        from unrolled.tasks.language.speech import generate_text
        from unrolled.tasks.sampling_config import Sampling

        loaded = cast("TrainedLanguage", trained).loaded
        length = 500 if length is None else length
        chosen = Sampling(**{name: value for name, value in sampling.items() if value is not None})
        speech = generate_text(loaded, prompt, length=length, sampling=chosen, samples=samples, seed=seed)
        result: dict[str, Any] = {"prompt": prompt, "texts": [""] * samples}

        def pieces() -> Iterator[list[str]]:
            for step in speech:
                result["texts"] = [text + piece for text, piece in zip(result["texts"], step, strict=True)]
                yield step

        vocabulary = loaded.vocabulary
        unknown = 0 if vocabulary.unknown is None else int((vocabulary.encode(prompt) == vocabulary.unknown).sum())
        words = "1 word" if unknown == 1 else f"{unknown:,} words"
        warning = f"{words} of the prompt are not in the vocabulary and are read as <unk>" if unknown else ""
        return Writing(prompt, pieces(), result, length * samples, warning)
