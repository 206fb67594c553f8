"""What all estimators that follow scikit-learn share: settings, the trained model as files, saving and loading."""

import difflib
import tempfile
from abc import abstractmethod
from pathlib import Path
from typing import Any, TypeVar

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from unrolled.data.given import given_path
from unrolled.errors import UserError
from unrolled.estimators.hub import model_place
from unrolled.estimators.settings import signature
from unrolled.models.files import replace_folder
from unrolled.tasks.language.load import find_model, task_of

Estimator = TypeVar("Estimator", bound="TrainedEstimator")

_MODEL_FILES = frozenset(["config.json", "model.safetensors", "encoding.json", "estimator.json", "README.md"])


class TrainedEstimator(BaseEstimator):
    """An estimator whose model is a directory of files, kept as bytes: so it can be copied, pickled by others (joblib)
    and saved, and leaves no folder behind.

    Its settings are the options of `unrolled train` without their group, beside `run`, a folder to keep the run in
    (by default none is kept), and `silent`, which hides the progress.

    `fit` leaves the states of `random`, NumPy and PyTorch as they were. Fits in several threads take turns.
    """

    _task: str
    result_: dict[str, Any]
    """what training gave: scores, times, and with `run` the paths"""
    run: str | Path | None
    silent: bool

    def __init__(self, **settings: Any) -> None:
        known = signature().parameters
        for name in settings:
            if name not in known or name == "self":
                close = difflib.get_close_matches(name, known, n=1)
                advice = f"did you mean {close[0]!r}?" if close else "see get_params() of one made without any"
                raise TypeError(f"{type(self).__name__} has no setting {name!r}; {advice}")
        for name, parameter in known.items():
            if name != "self":
                setattr(self, name, settings.get(name, parameter.default))

    __init__.__signature__ = signature()  # type: ignore[attr-defined]

    @abstractmethod
    def _load(self, folder: Path) -> Any:
        """The model in a directory."""

    @property
    def _model(self) -> Any:
        """The trained model. Raises `NotFittedError` before `fit`."""
        check_is_fitted(self)
        if self.__dict__.get("_loaded") is None:
            with tempfile.TemporaryDirectory() as folder:
                for name, content in self._files.items():
                    (Path(folder) / name).write_bytes(content)
                self._loaded = self._load(Path(folder))
        return self._loaded

    def _keep(self, folder: Path) -> None:
        """Take in the model of a directory."""
        self._files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name in _MODEL_FILES}
        self._loaded = None

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the model directory: weights, configuration, encoders and card. No pickle.

        A model directory that stands there is replaced. Raises `UserError` for a folder with anything else in it.
        """
        check_is_fitted(self)
        place = given_path(folder, "folder").absolute()
        if place.exists() and not (place.is_dir() and {path.name for path in place.iterdir()} <= _MODEL_FILES):
            raise UserError(f"{folder} holds other files than a model's, which would be lost; choose another folder")
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.name}.") as beside:
            new = Path(beside) / place.name
            new.mkdir()
            for name, content in self._files.items():
                (new / name).write_bytes(content)
            replace_folder(new, place)

    @classmethod
    def from_pretrained(cls: type[Estimator], place: str | Path) -> Estimator:
        """A trained model from a run directory, a model directory, or by its name on the Hugging Face Hub.

        Raises `UserError` if there is none, or it is one for another task.
        """
        folder = find_model(model_place(place, _MODEL_FILES))
        if task_of(folder) != cls._task:
            raise UserError(f"{place} is a model for {task_of(folder)}, and {cls.__name__} is for {cls._task}")
        estimator = cls()
        estimator._keep(folder)
        estimator._take(estimator._model)
        return estimator

    def _take(self, model: Any) -> None:
        """Set what is known of a trained model, such as its classes."""

    def __sklearn_is_fitted__(self) -> bool:
        return "_files" in self.__dict__

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_loaded"}
