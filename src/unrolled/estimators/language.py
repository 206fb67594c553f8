"""The language model for Python: fit, score, generate, stream."""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from unrolled.data.given import given_path, given_paths
from unrolled.errors import UserError
from unrolled.estimators.alone import alone
from unrolled.estimators.base import TrainedEstimator
from unrolled.estimators.intake import check_data, require_text, taken_in, whole_number
from unrolled.estimators.settings import configs, require_known
from unrolled.estimators.text_stream import TextStream
from unrolled.tasks.language.evaluate import Evaluation, Policy, evaluate_part
from unrolled.tasks.language.load import Loaded, load
from unrolled.tasks.language.speech import generate_text
from unrolled.tasks.language.text_data import encode_text
from unrolled.tasks.sampling_config import Sampling
from unrolled.untrusted import typed

_TEXT = "give the path of a file or a folder, several of them, or the text itself with a line break in it"


class LanguageModel(TrainedEstimator):
    """A language model on text of one's own: what `unrolled train`, `generate`, `evaluate` and `stream` do.

    X is the path of a file or a folder, several of them, or the text itself, which is told from a path by a line break
    in it. Unlike other estimators it shows its progress unless it is made `silent`, and keeps its run: without `run` in
    a new folder below `runs/`.

    The main settings: `family`, `vocabulary`, `width`, `layers`, `max_time` and `feed`.
    """

    _task = "language"
    _silent = False
    _model_files = frozenset(["config.json", "model.safetensors", "vocabulary.json", "README.md"])

    @alone()
    def fit(self, X: str | Path | Iterable[str | Path], y: Any = None) -> "LanguageModel":
        """Train; y is not used. Raises `UserError` as `unrolled train` does."""
        from unrolled.tasks.train_files import train_files

        data, model, train = configs(self)
        with tempfile.TemporaryDirectory() as beside:
            if _is_text(X):
                paths = [Path(beside) / "text.txt"]
                paths[0].write_bytes(str(X).encode("utf-8", "surrogatepass"))
            else:
                paths = _paths(X)
            result = train_files(
                [str(path) for path in paths],
                task=self._task,
                run=None if self.run is None else str(given_path(self.run, "run")),
                data=data,
                model=model,
                train_config=train,
                silent=self.silent,
            )
        if result:  # with several processes, the first one has it
            self._take_in(Path(result["run"]))
        self.result_ = result
        return self

    def generate(self, prompt: str = "", *, length: int = 500, seed: int | None = None, **sampling: Any) -> str:
        """Text that goes on from the prompt (which is not repeated). `sampling`: the fields of `Sampling`."""
        return "".join(self.generate_stream(prompt, length=length, seed=seed, **sampling))

    def generate_stream(
        self, prompt: str = "", *, length: int = 500, seed: int | None = None, **sampling: Any
    ) -> Iterator[str]:
        """The same piece by piece, as soon as each is known."""
        loaded: Loaded = self._model
        length = whole_number(length, "length", 0)
        require_text(prompt, "the prompt")
        for name in sampling:
            require_known(name, (field.name for field in fields(Sampling)), "LanguageModel", "sampling setting")
        with taken_in("the sampling", "give numbers"):
            settings = typed(Sampling(**sampling))
        if seed is not None:
            seed = whole_number(seed, "seed", 0, 2**64)
        speech = generate_text(loaded, prompt, length=length, sampling=settings, seed=seed)
        return (piece for (piece,) in speech)

    def score(
        self,
        X: str | Path | Iterable[str | Path],
        y: Any = None,
        *,
        policy: Policy = "auto",
        stride: int | None = None,
    ) -> Evaluation:
        """Loss (nats per token), perplexity and bits per byte of a file, files, or a text with a line break in it."""
        loaded: Loaded = self._model
        part = encode_text(str(X) if _is_text(X) else _paths(X), loaded.vocabulary)
        return evaluate_part(loaded.network, part, policy=policy, stride=stride)

    def stream(self, *, top: int = 5) -> TextStream:  # type: ignore[override]
        """A live stream: feed text as it comes, the state is carried. `top`: how many next tokens it tells."""
        stream: TextStream = super().stream(top=top)
        return stream

    def _load(self, folder: Path) -> Loaded:
        return load(folder)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array, tags.target_tags.required = True, False, False
        return tags


def _is_text(text: object) -> bool:
    """Whether a string is the text itself and not the path of a file. Raises `UserError` for one of nothing."""
    if not isinstance(text, str) or "\n" not in text:
        return False
    if not text.strip():
        raise UserError("the text holds nothing but white space; give some text, or the path of a file")
    return True


def _paths(text: str | Path | Iterable[str | Path]) -> list[Path]:
    with taken_in("the text", _TEXT):
        given: Any = [text] if isinstance(text, str | Path) else text
        check_data(given, "the text", _TEXT)
        given = list(given)
    for entry in given:
        if not isinstance(entry, str | Path):
            raise UserError(f"the text holds a {type(entry).__name__}; {_TEXT}")
    paths = given_paths(given, "text")
    for path in paths:
        if not _exists(path):
            shown = str(path) if len(str(path)) <= 80 else f"{str(path)[:80]}..."
            raise UserError(f"there is no file {shown}; a text itself is told from a path by a line break in it")
    return paths


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # longer than any path
        return False
