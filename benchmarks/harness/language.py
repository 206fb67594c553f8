"""What the benchmarks of language models share: the tokens, a silent training, and a loss."""

from pathlib import Path
from typing import Any

from unrolled.data.config import DataConfig
from unrolled.models.config import ModelConfig
from unrolled.tasks.language.evaluate import Evaluation, evaluate_part
from unrolled.tasks.language.load import load
from unrolled.tasks.language.text_data import TextData, prepare_text
from unrolled.tasks.train_files import train_files
from unrolled.training.config import TrainConfig


def run_training(
    text: Path, run: Path, data: DataConfig, model: ModelConfig, train: TrainConfig
) -> tuple[dict[str, Any], Evaluation, TextData]:
    """What `unrolled train` does, its result, and its best model judged as `unrolled evaluate RUN` judges it."""
    result = train_files(
        [str(text)], task="language", run=str(run), data=data, model=model, train_config=train, silent=True
    )
    tokens = prepare_text([text], data)
    if tokens.valid is None:
        raise SystemExit(f"{text} has no validation part; give a longer text")
    return result, evaluate_part(load(run).network, tokens.valid), tokens
