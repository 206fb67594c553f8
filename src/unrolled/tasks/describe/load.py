"""A trained model that describes, with its encoders, from a run directory or a model directory."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from unrolled.data.readers.read_like_training import Recipe
from unrolled.models.config import ModelConfig
from unrolled.models.files import read_model, size_in
from unrolled.models.records import InputSizes
from unrolled.tasks.describe.network import DescriptionNetwork
from unrolled.tasks.describe.reads import ReadsSequences
from unrolled.tasks.describe.sequences import DescriptionEncoding
from unrolled.tasks.load import ADVICE, model_for
from unrolled.untrusted import read_text, sound, typed


class LoadedDescription(NamedTuple):
    network: DescriptionNetwork
    encoding: DescriptionEncoding
    recipe: Recipe
    """how other files are read"""
    counts: np.ndarray
    """int64 `[tokens + 1]`: how often training had each token, for the naive baseline"""
    longest: int
    """tokens of the longest sequence of training"""
    config: dict[str, Any]
    """config.json of the model directory"""
    folder: Path


def load_description(path: str | Path) -> LoadedDescription:
    """The model in a run directory (its best one) or in a model directory.

    Raises `UserError` if there is none, it is damaged, or a newer version wrote it.
    """
    folder = model_for(path, "describe")

    def build(config: dict[str, Any], settings: ModelConfig) -> DescriptionNetwork:
        known = InputSizes(config["known"]["channels"], tuple(config["known"]["tables"]))
        return DescriptionNetwork(typed(known), size_in(config, "tokens"), settings, context=size_in(config, "context"))

    network, config = read_model(folder, build)
    with sound(f"{folder} holds a damaged encoding.json", ADVICE):
        encoding = typed(DescriptionEncoding.from_text(read_text(folder / "encoding.json")))
    with sound(f"{folder} holds a damaged config.json", ADVICE):
        recipe, longest = typed(Recipe.from_json(config["read"], ReadsSequences.wish)), size_in(config, "longest")
        counts = np.array(config["counts"], dtype=np.int64)
    return LoadedDescription(network, encoding, recipe, counts, longest, config, folder)
