"""The language model for Python: fit, score, generate, stream."""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.inference.config import Sampling
from unrolled.inference.evaluate import Evaluation, Policy, evaluate_part
from unrolled.inference.generate import generate_tokens
from unrolled.inference.loading import Loaded, load
from unrolled.inference.stream import LanguageStream, StreamStep
from unrolled.models.config import ModelConfig
from unrolled.training.config import TrainConfig

_GROUPS = {"data": DataConfig, "model": ModelConfig, "train": TrainConfig}


class LanguageModel:
    """A language model on text of one's own: what `unrolled train`, `generate`, `evaluate` and `stream` do.

    Settings are the options of the command line without their group: `LanguageModel(family="gru", max_time="3m")`.
    `run` is the folder to write to (by default a new one below `runs/`). Unknown settings raise `TypeError`.
    """

    def __init__(self, *, run: str | Path | None = None, silent: bool = False, **settings: Any) -> None:
        self.run, self.silent = run, silent
        self._settings: dict[str, Any] = {}
        self.set_params(**settings)
        self.result_: dict[str, Any] | None = None
        """what training gave: losses, times, paths"""
        self._loaded: Loaded | None = None

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The settings given, as in scikit-learn."""
        return {"run": self.run, "silent": self.silent, **self._settings}

    def set_params(self, **settings: Any) -> Self:
        """Change settings, as in scikit-learn."""
        known = {field.name: group for group, config in _GROUPS.items() for field in fields(config)}
        for name, value in settings.items():
            if name in ("run", "silent"):
                setattr(self, name, value)
            elif name in known:
                self._settings[name] = value
            else:
                raise TypeError(f"LanguageModel has no setting {name!r}; it has {', '.join(sorted(known))}")
        return self

    def fit(self, text: str | Path | Iterable[str | Path]) -> Self:
        """Train on a file, a folder or several; a string with a line break is taken as the text itself.

        Raises `UserError` as `unrolled train` does.
        """
        from unrolled.training.run import train_language

        with tempfile.TemporaryDirectory() as beside:
            self.result_ = train_language(
                _as_files(text, Path(beside)),
                run=None if self.run is None else str(self.run),
                data=self._config("data"),
                model=self._config("model"),
                train_config=self._config("train"),
                silent=self.silent,
            )
        self._loaded = load(self.result_["run"])
        return self

    @classmethod
    def from_pretrained(cls, place: str | Path) -> Self:
        """A trained model from a run directory, a model directory, or by its name on the Hugging Face Hub."""
        folder = Path(place)
        if not folder.exists() and str(place).count("/") == 1 and not str(place).startswith((".", "/")):
            from huggingface_hub import snapshot_download

            patterns = ["*.json", "*.safetensors", "README.md"]
            folder = Path(snapshot_download(str(place), allow_patterns=patterns))
        model = cls()
        model._loaded = load(folder)
        return model

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the model directory: weights, configuration, vocabulary and card. No pickle."""
        from unrolled.models.files import save_model

        loaded = self._trained()
        facts = {name: value for name, value in loaded.config.items() if name not in ("format", "task", "model")}
        names = ("vocabulary.json", "README.md")
        texts = {name: (loaded.folder / name).read_text(encoding="utf-8") for name in names}
        save_model(Path(folder), loaded.network, facts=facts, files=texts)

    def generate(self, prompt: str = "", *, length: int = 500, seed: int | None = None, **sampling: Any) -> str:
        """Text that goes on from the prompt (which is not repeated). `sampling`: the fields of `Sampling`."""
        return "".join(self.generate_stream(prompt, length=length, seed=seed, **sampling))

    def generate_stream(
        self, prompt: str = "", *, length: int = 500, seed: int | None = None, **sampling: Any
    ) -> Iterator[str]:
        """The same piece by piece, as soon as each is known."""
        loaded = self._trained()
        tokens = [int(token) for token in loaded.vocabulary.encode(prompt)] or loaded.start
        decoder = loaded.vocabulary.stream_decoder()
        for step in generate_tokens(loaded.network, [tokens], length=length, sampling=Sampling(**sampling), seed=seed):
            yield decoder.feed(step.tolist())
        yield decoder.finish()

    def score(
        self, text: str | Path | Iterable[str | Path], *, policy: Policy = "auto", stride: int | None = None
    ) -> Evaluation:
        """Loss (nats per token), perplexity and bits per byte of a file, files, or a text with a line break in it."""
        from unrolled.data.store import encode_text

        loaded = self._trained()
        if isinstance(text, str) and "\n" in text:
            part = encode_text(text, loaded.vocabulary)
        else:
            paths = [text] if isinstance(text, str | Path) else text
            part = encode_text([Path(path) for path in paths], loaded.vocabulary)
        return evaluate_part(loaded.network, part, policy=policy, stride=stride)

    def stream(self, *, top: int = 5) -> "TextStream":
        """A live stream: feed text as it comes, the state is carried."""
        return TextStream(self._trained(), top=top)

    def _trained(self) -> Loaded:
        if self._loaded is None:
            raise UserError("this model is not trained yet; call fit, or LanguageModel.from_pretrained")
        return self._loaded

    def _config(self, group: str) -> Any:
        names = {field.name for field in fields(_GROUPS[group])}
        return _GROUPS[group](**{name: value for name, value in self._settings.items() if name in names})


class TextStream(LanguageStream):
    """A stream that takes text and gives text."""

    def __init__(self, loaded: Loaded, *, top: int = 5) -> None:
        super().__init__(loaded.network, top=top)
        self.vocabulary = loaded.vocabulary

    def feed_text(self, text: str) -> list[StreamStep]:
        """Consume a text token by token. Raises `UserError` for text outside the vocabulary, and then nothing moved."""
        return [self.feed(int(token)) for token in self.vocabulary.encode(text)]


def _as_files(text: str | Path | Iterable[str | Path], beside: Path) -> list[str]:
    """Paths of files; a text itself (a string with a line break) is put into a file first."""
    if isinstance(text, Path):
        return [str(text)]
    if isinstance(text, str):
        if "\n" not in text:
            return [text]
        (beside / "text.txt").write_text(text, encoding="utf-8")
        return [str(beside / "text.txt")]
    return [str(file) for file in text]
