"""What all estimators share: settings, the trained model as files, saving and loading."""

import inspect
import tempfile
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from unrolled.data.config import DataConfig
from unrolled.data.given import given_path
from unrolled.errors import UserError
from unrolled.estimators.hub import model_place, upload
from unrolled.estimators.python_words import speaks_python
from unrolled.estimators.settings import require_known, signature
from unrolled.estimators.streams import stream_of
from unrolled.models.config import ModelConfig
from unrolled.models.files import replace_folder
from unrolled.tasks.load import find_model, task_of
from unrolled.training.config import TrainConfig
from unrolled.training.metrics import read_metrics

Estimator = TypeVar("Estimator", bound="TrainedEstimator")


class NotTrained(NotFittedError, UserError):
    """An estimator was asked before `fit`."""


class TrainedEstimator(BaseEstimator):
    """An estimator whose model is a directory of files, kept as bytes: so it can be copied, pickled by others (joblib)
    and saved, and leaves no folder behind.

    Its settings are the options of `unrolled train` that its task has, without their group, beside `run`, a folder to
    keep the run in (by default none is kept), `silent`, which hides the progress, and `random_state`.

    Two fits of the same settings and data give the same model, since `seed` is 0 unless something else is said.
    `random_state`, the word of scikit-learn, takes its place: a whole number is the seed, a generator of NumPy draws
    one at each `fit`, and None leaves it to `seed`.

    `fit` leaves the states of `random`, NumPy and PyTorch as they were. Fits in several threads take turns. Raised are
    `UserError` (a `ValueError`), `UnknownSetting` (a `TypeError` too) and, before `fit`, `NotTrained` (scikit-learn's
    `NotFittedError` too), with a sentence that says what to do.
    """

    _task: ClassVar[str]
    _silent: ClassVar[bool] = True
    """the default of `silent`"""
    _model_files: ClassVar[frozenset[str]] = frozenset(
        ["config.json", "model.safetensors", "encoding.json", "estimator.json", "README.md"]
    )
    """what may lie in a model directory"""
    result_: dict[str, Any]
    """what training gave: scores, times, and where a run is kept the paths"""
    history_: dict[str, np.ndarray]
    """the learning curve: what was measured at which step, see `history_of`"""
    run: str | Path | None
    silent: bool
    random_state: Any

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, method in list(vars(cls).items()):
            if inspect.isfunction(method) and not name.startswith("_"):
                setattr(cls, name, speaks_python(method))
        if "_task" in vars(cls):
            cls.__init__ = _constructor(signature(cls._task, silent=cls._silent))  # type: ignore[method-assign]

    @speaks_python
    def set_params(self: Estimator, **settings: Any) -> Estimator:
        """Change settings, as in scikit-learn. Raises `UnknownSetting` for one that does not exist; then none is
        changed."""
        for name in settings:
            require_known(name.partition("__")[0], self.get_params(deep=False), type(self).__name__)
        return super().set_params(**settings)

    @abstractmethod
    def _load(self, folder: Path) -> Any:
        """The model in a directory."""

    @property
    def _model(self) -> Any:
        """The trained model. Raises `NotTrained` before `fit`."""
        self._require_trained()
        if self.__dict__.get("_loaded") is None:
            with tempfile.TemporaryDirectory() as folder:
                for name, content in self._files.items():
                    (Path(folder) / name).write_bytes(content)
                self._loaded = self._load(Path(folder))
        return self._loaded

    def _require_trained(self) -> None:
        if not self.__sklearn_is_fitted__():
            name = type(self).__name__
            raise NotTrained(f"this {name} is not trained yet; call fit, or {name}.from_pretrained")

    def _train(
        self,
        files: list[str],
        opened: Any,
        data: DataConfig,
        model: ModelConfig,
        train: TrainConfig,
        *,
        beside: Callable[[Path], None] | None = None,
    ) -> None:
        """Train on files, or on what is open, and take in the model, the result and the curve. `beside` writes more
        files into the model directory."""
        from unrolled.tasks.train_files import train_files

        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "run" if self.run is None else given_path(self.run, "run")
            result = train_files(
                files,
                task=self._task,
                run=str(folder),
                data=data,
                model=model,
                train_config=train,
                silent=self.silent,
                opened=opened,
            )
            if beside is not None:
                beside(folder / "best")
            self._take_in(folder)
        self.result_ = result
        if self.run is None:
            self.result_ = {name: result[name] for name in result if name not in ("run", "model", "report")}

    def _take_in(self, run: Path) -> None:
        self._keep(run / "best")
        self.history_ = history_of(run)

    def _keep(self, folder: Path) -> None:
        """Take in the model of a directory."""
        self._files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name in self._model_files}
        self._loaded = None

    @speaks_python
    def save_pretrained(self, folder: str | Path) -> None:
        """Write the model directory: weights, configuration, encoders and card. No pickle.

        A model directory that stands there is replaced. Raises `UserError` for a folder with anything else in it.
        """
        self._require_trained()
        directory = given_path(folder, "folder").absolute()
        if directory.exists() and not (
            directory.is_dir() and {path.name for path in directory.iterdir()} <= self._model_files
        ):
            raise UserError(f"{folder} holds other files than a model's, which would be lost; choose another folder")
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory.parent, prefix=f".{directory.name}.") as beside:
            new = Path(beside) / directory.name
            new.mkdir()
            for name, content in self._files.items():
                (new / name).write_bytes(content)
            replace_folder(new, directory)

    @classmethod
    @speaks_python
    def from_pretrained(cls: type[Estimator], place: str | Path) -> Estimator:
        """A trained model from a run directory, a model directory, or by its name on the Hugging Face Hub.

        Raises `UserError` if there is none, or it is one for another task.
        """
        folder = find_model(model_place(place, cls._model_files))
        if task_of(folder) != cls._task:
            raise UserError(f"{place} is a model for {task_of(folder)}, and {cls.__name__} is for {cls._task}")
        estimator = cls()
        estimator._keep(folder)
        estimator._take(estimator._model)
        return estimator

    @speaks_python
    def push_to_hub(
        self, name: str, *, private: bool | None = None, token: str | None = None, message: str | None = None
    ) -> str:
        """Upload the model directory to the Hugging Face Hub as `owner/name`; the address of the model there.

        A repository that does not exist is made, by default as the account says (`private`). `message` describes the
        upload. `from_pretrained(name)` brings the model back. Raises `UserError` if the Hub refuses, such as without a
        token (`hf auth login` keeps one).
        """
        self._require_trained()
        with tempfile.TemporaryDirectory() as folder:
            self.save_pretrained(Path(folder) / "model")
            return upload(Path(folder) / "model", name, private=private, token=token, message=message)

    @speaks_python
    def stream(self, **options: Any) -> Any:
        """A live stream of the model: `feed` takes one step and gives the answer there, the state is carried on,
        `save` gives it as bytes, and `load` brings those back.

        Raises `UserError` for a model that cannot run one step at a time.
        """
        return stream_of(self._task, self._model, **options)

    def _take(self, model: Any) -> None:
        """Set what is known of a trained model, such as its classes."""

    def __sklearn_is_fitted__(self) -> bool:
        return "_files" in self.__dict__

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_loaded"}


def _constructor(known: inspect.Signature) -> Callable[..., None]:
    """The `__init__` with this signature: every parameter becomes an attribute as it is."""
    defaults = {name: parameter.default for name, parameter in known.parameters.items() if name != "self"}

    def __init__(self: TrainedEstimator, **settings: Any) -> None:
        for name in settings:
            require_known(name, defaults, type(self).__name__)
        for name, default in defaults.items():
            setattr(self, name, settings.get(name, default))

    __init__.__signature__ = known  # type: ignore[attr-defined]
    return __init__


def history_of(run: Path) -> dict[str, np.ndarray]:
    """Everything measured while a run went on: arrays of one length, a place for each step at which something was.

    `step` counts updates. What was measured on the training data is called as in `metrics.jsonl` (`loss`,
    `learning_rate`, `gradient_norm`, ...), what was on the data held out has `valid_` before its name (`valid_loss`,
    `valid_accuracy`, ...). NaN stands where a measure was not taken.
    """
    rows: dict[int, dict[str, float]] = {}
    for record in read_metrics(run / "metrics.jsonl"):
        prefix = "valid_" if record["kind"] == "validation" else ""
        row = rows.setdefault(record["step"], {})
        for name in record.keys() - {"kind", "step"}:
            value = record[name]
            row[name if name == "seconds" else prefix + name] = value if isinstance(value, int | float) else np.nan
    steps = sorted(rows)
    names = ["loss", "valid_loss", *sorted({name for row in rows.values() for name in row} - {"loss", "valid_loss"})]
    columns = {name: np.array([rows[step].get(name, np.nan) for step in steps]) for name in names}
    return {"step": np.array(steps, dtype=np.int64), **columns}
