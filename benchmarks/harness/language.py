"""What the benchmarks of language models share: the tokens, a silent training, and a loss."""

from pathlib import Path
from typing import Any

from unrolled.data.config import DataConfig
from unrolled.data.store import TextData, prepare_text
from unrolled.inference.evaluate import Evaluation, evaluate_part
from unrolled.inference.loading import load
from unrolled.models.config import ModelConfig
from unrolled.training.config import TrainConfig
from unrolled.training.run import train_language


def run_training(
    text: Path, run: Path, data: DataConfig, model: ModelConfig, train: TrainConfig
) -> tuple[dict[str, Any], Evaluation, TextData]:
    """What `unrolled train` does, its result, and its best model judged as `unrolled evaluate RUN` judges it."""
    result = train_language([str(text)], run=str(run), data=data, model=model, train_config=train, silent=True)
    tokens = prepare_text([text], data)
    if tokens.valid is None:
        raise SystemExit(f"{text} has no validation part; give a longer text")
    return result, evaluate_part(load(run).network, tokens.valid), tokens
