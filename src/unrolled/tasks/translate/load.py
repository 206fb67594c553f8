"""A trained translation model with its vocabularies, from a run directory or a model directory."""

from pathlib import Path
from typing import Any, NamedTuple

from unrolled.data.readers.read_like_training import Recipe
from unrolled.models.config import ModelConfig
from unrolled.models.family_settings import family_settings
from unrolled.models.files import read_model, size_in
from unrolled.tasks.load import ADVICE, model_for
from unrolled.tasks.translate.network import TranslationNetwork
from unrolled.tasks.translate.pairs import LONGEST, PairEncoding
from unrolled.tasks.translate.reads import ReadsPairs
from unrolled.untrusted import read_text, sound, typed

DONE_BY_NETWORK = ("heads", "dropout", "max_length", "causal", "bidirectional")
"""Settings of a family that the translation network gives both its sides itself."""


class LoadedTranslation(NamedTuple):
    network: TranslationNetwork
    encoding: PairEncoding
    config: dict[str, Any]
    """config.json of the model directory"""
    folder: Path

    @property
    def longest(self) -> int:
        """Tokens of a source that are read."""
        return int(self.config.get("context", LONGEST))

    @property
    def growth(self) -> int:
        """A translation is at most so many times as long as its source, and 10 tokens more."""
        return int(self.config.get("growth", 2))

    @property
    def recipe(self) -> Recipe:
        """How files of pairs are read."""
        return Recipe.from_json(self.config["read"], ReadsPairs.wish)


def build_translation_network(
    source_size: int, target_size: int, model: ModelConfig, *, shared: bool, context: int = 1024
) -> TranslationNetwork:
    """The network of a complete configuration. Raises `ValueError` for settings that do not fit together."""
    if model.attention == "auto" or model.layers is None or model.width is None:
        raise ValueError("the configuration is not complete: it needs layers, width and attention")
    settings = {name: value for name, value in family_settings(model, context).items() if name not in DONE_BY_NETWORK}
    network = TranslationNetwork(
        source_size,
        target_size,
        family=model.family,
        layers=model.layers,
        width=model.width,
        embedding_size=model.embedding_size,
        attention=model.attention,
        share_vocabulary=shared,
        tie_weights=bool(model.tie_weights),
        dropout=model.dropout or 0.0,
        heads=model.heads or 4,
        context=context,
        **settings,
    )
    network.config = model
    return network


def load_translation(path: str | Path) -> LoadedTranslation:
    """The model in a run directory (its best one) or in a model directory.

    Raises `UserError` if there is none, it is damaged, or a newer version wrote it.
    """
    folder = model_for(path, "translate")

    def build(config: dict[str, Any], settings: ModelConfig) -> TranslationNetwork:
        source, target = config["sizes"]
        context = size_in(config, "context", LONGEST)
        return build_translation_network(source, target, settings, shared=config["shared"], context=context)

    network, config = read_model(folder, build)
    with sound(f"{folder} holds a damaged encoding.json", ADVICE):
        encoding = typed(PairEncoding.from_text(read_text(folder / "encoding.json")))
    loaded = LoadedTranslation(network, encoding, config, folder)
    with sound(f"{folder} holds a damaged config.json", ADVICE):
        _ = typed(loaded.recipe), size_in(config, "growth", 2)
    return loaded
