"""A trained model with its vocabulary, from a run directory or a model directory."""

from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from unrolled.data.encoders.codec import Vocabulary
from unrolled.data.encoders.vocabulary import load_vocabulary
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.models.files import read_model, size_in, write_model
from unrolled.models.language import LanguageNetwork
from unrolled.tasks.load import model_for


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


def load(path: str | Path) -> Loaded:
    """The model in a run directory (its best one) or in a model directory.

    Raises `UserError` if there is none, it is damaged, or a newer version wrote it.
    """
    folder = model_for(path, "language")
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


def save_model(
    folder: Path,
    network: LanguageNetwork,
    *,
    facts: dict[str, Any],
    files: dict[str, str],
    weights: dict[str, Tensor] | None = None,
) -> None:
    """Write the directory of a language model; see `write_model`."""
    sizes = {"task": "language", "vocabulary_size": network.vocabulary_size, "context": network.context}
    write_model(folder, network, facts=sizes | facts, files=files, weights=weights)


def load_model(folder: Path) -> tuple[LanguageNetwork, dict[str, Any]]:
    """The network (in evaluation mode) and config.json. Raises `UserError` for a directory that is not a model's."""

    def build(config: dict[str, Any], settings: ModelConfig) -> LanguageNetwork:
        return LanguageNetwork(size_in(config, "vocabulary_size"), settings, context=size_in(config, "context", 1024))

    return read_model(folder, build)
