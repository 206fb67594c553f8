"""A trained model with its vocabulary, from a run directory or a model directory."""

from pathlib import Path
from typing import Any, NamedTuple

from unrolled.data.encoders.codec import Vocabulary
from unrolled.data.encoders.vocabulary import load_vocabulary
from unrolled.errors import UserError
from unrolled.models.files import load_model, read_config, recover_folder
from unrolled.models.language import LanguageNetwork

ADVICE = "use another copy or train again"


class Loaded(NamedTuple):
    network: LanguageNetwork
    vocabulary: Vocabulary
    config: dict[str, Any]
    """config.json of the model directory"""
    folder: Path

    @property
    def start(self) -> list[int]:
        """The tokens that stand for "nothing said yet"."""
        return list(self.config["start"])


def load(place: str | Path) -> Loaded:
    """The model in a run directory (its best one) or in a model directory.

    Raises `UserError` if there is none, it is damaged, or a newer version wrote it.
    """
    folder = find_model(Path(place))
    task = read_config(folder).get("task", "language")
    if task != "language":
        raise UserError(f"{place} is not a language model, but one that was trained to {task}; use unrolled predict")
    network, config = load_model(folder)
    vocabulary = load_vocabulary(folder / "vocabulary.json")
    if len(vocabulary) != network.vocabulary_size:
        raise UserError(
            f"{folder} holds a damaged model: vocabulary.json has {len(vocabulary)} tokens, the weights "
            f"{network.vocabulary_size}; use another copy or train again"
        )
    start = config.get("start")
    if not (start and isinstance(start, list) and all(isinstance(t, int) and 0 <= t < len(vocabulary) for t in start)):
        raise UserError(
            f"{folder} holds a damaged model: config.json has start {start}, not a list of tokens; "
            "use another copy or train again"
        )
    return Loaded(network, vocabulary, config, folder)


def task_of(place: str | Path) -> str:
    """The task that the model of a run directory or model directory was trained for. Raises `UserError` as `load`."""
    return str(read_config(find_model(Path(place))).get("task", "language"))


def find_model(place: Path) -> Path:
    """The model directory that a path means."""
    if not place.exists():
        raise UserError(f"there is no run {place}; train one with: unrolled train FILE --run {place}")
    recover_folder(place / "best")
    for folder in (place / "best", place):
        if (folder / "config.json").is_file():
            return folder
    if (place / "checkpoints").is_dir() or (place / "config.yaml").is_file():
        raise UserError(
            f"the run {place} has no model yet: its first validation is still to come; "
            "wait for it, or go on with --train.resume auto"
        )
    raise UserError(f"{place} is not a run: it holds neither best/config.json nor config.json")
