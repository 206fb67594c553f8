"""Small models with random weights, as run directories: what they say does not matter, that it agrees does."""

from pathlib import Path

import torch

from unrolled.data.config import DataConfig
from unrolled.data.encoders.vocabulary import (
    BPEVocabulary,
    ByteVocabulary,
    CharVocabulary,
    Vocabulary,
    WordVocabulary,
)
from unrolled.models.config import ModelConfig
from unrolled.models.language import LanguageNetwork
from unrolled.tasks.language.load import save_model
from unrolled.training.config import TrainConfig
from unrolled.training.folder import write_config

TEXT = (
    "The cat sat on the mat. The dog, who had seen the cat, sat on the cat's hat.\n"
    "A café in Århus… “naïve”, they said; 3.14 is not 22/7!\n"
) * 6

KINDS: dict[str, ModelConfig] = {
    "rnn": ModelConfig(family="rnn", layers=2),
    "lstm": ModelConfig(family="lstm", layers=1),
    "gru": ModelConfig(family="gru", layers=1),
    "transformer": ModelConfig(family="transformer", positions="rotary"),
    "learned": ModelConfig(family="transformer", positions="learned"),
    "sinusoidal": ModelConfig(family="transformer", positions="sinusoidal"),
    "alibi": ModelConfig(family="transformer", positions="alibi"),
    "window": ModelConfig(family="transformer", positions="rotary", window=3),
}
CONTEXT = 6
FOR_EVER = ("rnn", "lstm", "gru", "window")


def vocabulary(kind: str = "char", text: str = TEXT) -> Vocabulary:
    if kind == "bpe":
        return BPEVocabulary.fit([text], vocabulary_size=280)
    return {"char": CharVocabulary, "byte": ByteVocabulary, "word": WordVocabulary}[kind].fit([text])


def network(kind: str, vocabulary_size: int, *, width: int = 16, seed: int = 0) -> LanguageNetwork:
    """A network whose predictions are far from even."""
    config = KINDS[kind]
    config = ModelConfig(**{**vars(config), "width": width, "layers": config.layers or 1, "heads": 2, "kv_heads": 2})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = LanguageNetwork(vocabulary_size, config, context=CONTEXT)
        with torch.no_grad():
            for parameter in made.parameters():
                parameter.add_(0.5 * torch.randn_like(parameter))
    return made.eval()


def write_run(folder: Path, kind: str = "gru", words: Vocabulary | None = None, *, seed: int = 0) -> Path:
    """A run directory with a model, as far as what uses models reads it."""
    words = words or vocabulary()
    made = network(kind, len(words), seed=seed)
    start = [int(token) for token in words.encode("\n")]
    save_model(
        folder / "best",
        made,
        facts={"feed": "streams", "carry": True, "start": start, "step": 1},
        files={"vocabulary.json": words.to_text(), "README.md": "A model.\n"},
    )
    return folder


def write_run_of(folder: Path, text: Path, cache: Path, kind: str = "gru") -> Path:
    """A run directory that says which text it was trained with."""
    run = write_run(folder, kind, vocabulary("char", text.read_text(encoding="utf-8")))
    data = DataConfig(vocabulary="char", context=CONTEXT, feed="streams", cache=str(cache))
    write_config(run, [str(text)], "language", data, KINDS[kind], TrainConfig())
    return run
