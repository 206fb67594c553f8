"""The language model for Python: fit, score, generate, stream."""

import difflib
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from unrolled.data.config import DataConfig
from unrolled.data.given import given_path, given_paths
from unrolled.errors import UserError
from unrolled.estimators.alone import alone
from unrolled.estimators.hub import model_place
from unrolled.estimators.intake import check_data, taken_in, whole_number
from unrolled.models.config import ModelConfig
from unrolled.models.files import save_model
from unrolled.tasks.language.evaluate import Evaluation, Policy, evaluate_part
from unrolled.tasks.language.load import Loaded, load
from unrolled.tasks.language.speech import generate_text
from unrolled.tasks.language.stream import LanguageStream, StreamStep
from unrolled.tasks.language.text_data import encode_text
from unrolled.tasks.sampling_config import Sampling
from unrolled.training.config import TrainConfig
from unrolled.untrusted import typed

_GROUPS = {"data": DataConfig, "model": ModelConfig, "train": TrainConfig}
_TEXT = "give the path of a file or a folder, several of them, or the text itself with a line break in it"
_MODEL_FILES = {"config.json", "model.safetensors", "vocabulary.json", "README.md"}


class LanguageModel:
    """A language model on text of one's own: what `unrolled train`, `generate`, `evaluate` and `stream` do.

    Settings are the options of the command line without their group: `LanguageModel(family="gru", max_time="3m")`.
    `run` is the folder to write to (by default a new one below `runs/`). Unknown settings raise `TypeError`.
    """

    def __init__(self, *, run: str | Path | None = None, silent: bool = False, **settings: Any) -> None:
        self._settings: dict[str, Any] = {"run": run, "silent": silent}
        for config in _GROUPS.values():
            self._settings |= asdict(config())
        self.set_params(**settings)
        self.result_: dict[str, Any] | None = None
        """what training gave: losses, times, paths"""
        self._loaded: Loaded | None = None

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """All settings, as in scikit-learn."""
        return dict(self._settings)

    def set_params(self, **settings: Any) -> "LanguageModel":
        """Change settings, as in scikit-learn. Raises `TypeError` for one that does not exist; then none is changed."""
        for name in settings:
            _require_known(name, self._settings, "setting")
        self._settings |= settings
        return self

    @alone()
    def fit(self, text: str | Path | Iterable[str | Path]) -> "LanguageModel":
        """Train on a file, a folder or several; a string with a line break is taken as the text itself.

        Raises `UserError` as `unrolled train` does.
        """
        from unrolled.tasks.language.train import train_language

        data, model, train = (self._config(group) for group in _GROUPS)
        run = self._settings["run"]
        with tempfile.TemporaryDirectory() as beside:
            if _is_text(text):
                paths = [Path(beside) / "text.txt"]
                paths[0].write_bytes(str(text).encode("utf-8", "surrogatepass"))
            else:
                paths = _paths(text)
            self.result_ = train_language(
                [str(path) for path in paths],
                run=None if run is None else str(given_path(run, "run")),
                data=data,
                model=model,
                train_config=train,
                silent=self._settings["silent"],
            )
        if self.result_:  # with several processes, the first one has it
            self._loaded = load(self.result_["run"])
        return self

    @classmethod
    def from_pretrained(cls, place: str | Path) -> "LanguageModel":
        """A trained model from a run directory, a model directory, or by its name on the Hugging Face Hub.

        Raises `UserError` if there is none.
        """
        model = cls()
        model._loaded = load(model_place(place, _MODEL_FILES))
        return model

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the model directory: weights, configuration, vocabulary and card. No pickle.

        A model directory that stands there is replaced. Raises `UserError` for a folder with anything else in it.
        """
        loaded, folder = self._trained(), given_path(folder, "folder")
        if folder.exists() and not (folder.is_dir() and {path.name for path in folder.iterdir()} <= _MODEL_FILES):
            raise UserError(f"{folder} holds other files than a model's, which would be lost; choose another folder")
        facts = {name: value for name, value in loaded.config.items() if name not in ("format", "task", "model")}
        texts = {"vocabulary.json": loaded.vocabulary.to_text()}
        card = loaded.folder / "README.md"
        if card.is_file():
            texts[card.name] = card.read_text(encoding="utf-8")
        save_model(folder.absolute(), loaded.network, facts=facts, files=texts)

    def generate(self, prompt: str = "", *, length: int = 500, seed: int | None = None, **sampling: Any) -> str:
        """Text that goes on from the prompt (which is not repeated). `sampling`: the fields of `Sampling`."""
        return "".join(self.generate_stream(prompt, length=length, seed=seed, **sampling))

    def generate_stream(
        self, prompt: str = "", *, length: int = 500, seed: int | None = None, **sampling: Any
    ) -> Iterator[str]:
        """The same piece by piece, as soon as each is known."""
        loaded = self._trained()
        length = whole_number(length, "length", 0)
        _require_text(prompt, "the prompt")
        for name in sampling:
            _require_known(name, (field.name for field in fields(Sampling)), "sampling setting")
        with taken_in("the sampling", "give numbers"):
            settings = typed(Sampling(**sampling))
        if seed is not None:
            seed = whole_number(seed, "seed", 0, 2**64)
        speech = generate_text(loaded, prompt, length=length, sampling=settings, seed=seed)
        return (piece for (piece,) in speech)

    def score(
        self, text: str | Path | Iterable[str | Path], *, policy: Policy = "auto", stride: int | None = None
    ) -> Evaluation:
        """Loss (nats per token), perplexity and bits per byte of a file, files, or a text with a line break in it."""
        loaded = self._trained()
        part = encode_text(str(text) if _is_text(text) else _paths(text), loaded.vocabulary)
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
        _require_text(text, "the text")
        return [self.feed(int(token)) for token in self.vocabulary.encode(text)]


def _require_text(text: object, name: str) -> None:
    if not isinstance(text, str):
        raise UserError(f"{name} is a {type(text).__name__}, expected a text")


def _require_known(name: str, known: Iterable[str], noun: str) -> None:
    names = sorted(known)
    if name not in names:
        found = difflib.get_close_matches(name, names, n=1)
        advice = f"did you mean {found[0]!r}?" if found else f"it has {', '.join(names)}"
        raise TypeError(f"LanguageModel has no {noun} {name!r}; {advice}")


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
    for one in given:
        if not isinstance(one, str | Path):
            raise UserError(f"the text holds a {type(one).__name__}; {_TEXT}")
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
